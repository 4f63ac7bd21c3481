"""Layers with packed weights: the same numbers as torch's, also for inputs of another size later on."""

import pytest
import torch
from torch import nn

from synthgen.dpmesh.packing import PackedConv2d, PackedLinear, pack


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_packed_model_says_the_same(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.Conv2d(32, 64, 3, 2, 1, bias=False),
        nn.Flatten(2),
        nn.Linear(16, 8),
    ).to(dtype)
    pictures = [torch.randn(count, 3, 8, 8).to(dtype) for count in (2, 1, 5)]
    with torch.no_grad():
        wanted = [model(picture) for picture in pictures]
    pack(model)
    convolution = nn.Conv2d if dtype == torch.float32 else PackedConv2d
    assert [type(layer) for layer in model] == [convolution, convolution, nn.Flatten, PackedLinear]
    with torch.inference_mode():
        for picture, want in zip(pictures, wanted, strict=True):
            torch.testing.assert_close(
                model(picture), want, atol=1e-5 if dtype == torch.float32 else 0.02, rtol=0
            )
    assert all(one.weight.is_mkldnn for one in model if isinstance(one, PackedConv2d | PackedLinear))


def test_only_what_can_be_is_packed() -> None:
    model = nn.Sequential(
        nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(4, 4, 3, padding="same"), nn.GroupNorm(2, 4)
    )
    before = list(model)
    pack(model)
    assert list(model) == before
