"""Convolutions as products: the same numbers and gradients as torch's."""

import pytest
import torch
from torch import nn

from synthgen.dpmesh.products import ProductConv2d, use_products


@pytest.mark.parametrize(
    ("sizes", "side", "count", "is_product"),
    [
        ((3, 1, 1), 8, 1, True),
        ((3, 2, 1), 8, 3, True),
        ((3, 1, 1), 4, 3, True),
        ((1, 1, 0), 8, 2, True),
        ((3, 1, 1), 20, 1, False),
    ],
)
def test_agrees_with_torch(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int, int], side: int, count: int, is_product: bool
) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(512, 528, *sizes)
    mine = nn.Conv2d(512, 528, *sizes)
    mine.load_state_dict(plain.state_dict())
    use_products(mine)
    assert type(mine) is ProductConv2d
    picture = torch.randn(count, 512, side, side, requires_grad=True)
    seed = torch.randn_like(plain(picture))
    want = torch.autograd.grad((plain(picture) * seed).sum(), [picture, *plain.parameters()])
    called = []
    convolve = nn.Conv2d.forward
    monkeypatch.setattr(nn.Conv2d, "forward", lambda *a: called.append(1) or convolve(*a))
    answer = mine(picture)
    assert (called == []) == is_product
    got = torch.autograd.grad((answer * seed).sum(), [picture, *mine.parameters()])
    assert torch.allclose(answer, plain(picture), atol=1e-5)
    for one, other in zip(got, want, strict=True):
        assert torch.allclose(one, other, atol=1e-4 * float(other.abs().max()))


def test_only_plain_convolutions_change() -> None:
    model = nn.Sequential(
        nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(4, 4, 3, padding="same"), nn.Conv2d(4, 4, 3, dilation=2)
    )
    use_products(model)
    assert [type(layer) for layer in model] == [nn.Conv2d] * 3
