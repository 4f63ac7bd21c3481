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
    convolve = nn.Conv2d._conv_forward
    monkeypatch.setattr(nn.Conv2d, "_conv_forward", lambda *a: called.append(1) or convolve(*a))
    answer = mine(picture)
    monkeypatch.undo()
    assert (called == []) == is_product
    got = torch.autograd.grad((answer * seed).sum(), [picture, *mine.parameters()])
    assert torch.allclose(answer, plain(picture), atol=1e-5)
    for one, other in zip(got, want, strict=True):
        assert torch.allclose(one, other, atol=1e-4 * float(other.abs().max()))


def test_a_convolution_of_single_places_is_a_product_where_torch_is_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Conv2d(24, 40, 1))
    picture = torch.randn(2, 24, 6, 5).to(memory_format=torch.channels_last).requires_grad_()
    want = layer(picture)
    seed = torch.randn_like(want)
    slopes = torch.autograd.grad((want * seed).sum(), [picture, *layer.parameters()])
    use_products(layer)
    called = []
    convolve = nn.Conv2d._conv_forward
    monkeypatch.setattr(nn.Conv2d, "_conv_forward", lambda *a: called.append(1) or convolve(*a))
    for threads, calls in ((1, 0), (2, 1)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        answer = layer(picture)
        assert len(called) == calls and answer.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(answer, want, atol=1e-5, rtol=1e-5)
        found = torch.autograd.grad((answer * seed).sum(), [picture, *layer.parameters()])
        for one, other in zip(found, slopes, strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    layer(picture.detach().contiguous())
    assert len(called) == 2, "over other layouts it would have to copy"


def test_only_plain_convolutions_change() -> None:
    model = nn.Sequential(
        nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(4, 4, 3, padding="same"), nn.Conv2d(4, 4, 3, dilation=2)
    )
    use_products(model)
    assert [type(layer) for layer in model] == [nn.Conv2d] * 3
