"""Convolutions by fewer multiplications: the same numbers as torch's, where they are taken."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from synthgen.dpmesh import winograd
from synthgen.dpmesh.products import use_products


def parts(
    channels: int = 128, made: int = 160, size: tuple[int, int] = (36, 32), dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    weight = torch.randn(made, channels, 3, 3, dtype=dtype) * (9 * channels) ** -0.5
    return torch.randn(2, channels, *size, dtype=dtype), weight, torch.randn(made, dtype=dtype)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(36, 32), (4, 4), (64, 8)])
@pytest.mark.parametrize("strip", [1, 1 << 20])
def test_in_float64_it_is_the_same_function(
    monkeypatch: pytest.MonkeyPatch, layout: torch.memory_format, size: tuple[int, int], strip: int
) -> None:
    monkeypatch.setattr(winograd, "_STRIP", strip)
    monkeypatch.setattr(winograd, "_FEWEST_TILES", 1)
    images, weight, bias = parts(5, 7, size, torch.float64)
    images, weight = images.to(memory_format=layout), weight.to(memory_format=layout)
    found = winograd.convolve(images, weight, bias)
    assert found.is_contiguous(memory_format=layout)
    torch.testing.assert_close(found, conv2d(images, weight, bias, padding=1), atol=1e-12, rtol=0)
    torch.testing.assert_close(
        winograd.convolve(images, weight, None), conv2d(images, weight, padding=1), atol=1e-12, rtol=0
    )


def test_float32_loses_little() -> None:
    images, weight, bias = parts(512, 128)
    exact = conv2d(images.double(), weight.double(), bias.double(), padding=1)
    error = (winograd.convolve(images, weight, bias) - exact).square().mean().sqrt()
    assert error < 3e-6, "answers have the size 1; with the points 0, 1, -1, 2, -2 it would be twice as much"


def test_a_picture_is_the_same_in_any_batch() -> None:
    images, weight, bias = parts()
    alone = torch.cat([winograd.convolve(one[None], weight, bias) for one in images])
    assert torch.equal(winograd.convolve(images, weight, bias), alone)


def test_frozen_convolutions_over_many_places_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    images, weight, bias = parts(256, 272)
    layer = nn.Conv2d(256, 272, 3, padding=1)
    layer.load_state_dict({"weight": weight, "bias": bias})
    model = nn.Sequential(layer)
    want = model(images).detach()
    use_products(model)
    calls, convolve = [], winograd.convolve
    monkeypatch.setattr(winograd, "convolve", lambda *a: calls.append(1) or convolve(*a))
    model(images)
    assert not calls, "its weights learn"
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            torch.testing.assert_close(model(images), want, atol=3e-5, rtol=0)
    assert len(calls) == 2
    model.requires_grad_(False)
    torch.testing.assert_close(model(images), want, atol=3e-5, rtol=0)
    assert len(calls) == 3
    model(images.requires_grad_())
    assert len(calls) == 3, "what comes before it learns"


@pytest.mark.parametrize(
    ("sizes", "options", "shape", "dtype"),
    [
        ((128, 128, 3), {}, (36, 32), torch.float32),
        ((128, 128, 3), {"padding": 1, "stride": 2}, (36, 32), torch.float32),
        ((128, 128, 1), {}, (36, 32), torch.float32),
        ((128, 128, 3), {"padding": 1}, (34, 32), torch.float32),
        ((128, 128, 3), {"padding": 1}, (32, 30), torch.float32),
        ((128, 128, 3), {"padding": 1}, (16, 16), torch.float32),
        ((96, 128, 3), {"padding": 1}, (36, 32), torch.float32),
        ((128, 96, 3), {"padding": 1}, (36, 32), torch.float32),
        ((128, 128, 3), {"padding": 1}, (36, 32), torch.bfloat16),
    ],
)
def test_others_are_left_alone(sizes, options, shape, dtype) -> None:
    layer = nn.Conv2d(*sizes, **options).requires_grad_(False).to(dtype)
    images = torch.zeros(1, sizes[0], *shape, dtype=dtype).to(memory_format=torch.channels_last)
    assert not winograd.pays(layer, images, layer.weight)


@pytest.mark.parametrize(
    ("channels", "layout", "answer"),
    [
        (128, torch.channels_last, True),
        (128, torch.contiguous_format, False),
        (256, torch.contiguous_format, True),
    ],
)
def test_pictures_that_must_be_turned_need_more_channels(
    channels: int, layout: torch.memory_format, answer: bool
) -> None:
    layer = nn.Conv2d(channels, 256, 3, padding=1).requires_grad_(False)
    images = torch.zeros(1, channels, 36, 32).to(memory_format=layout)
    assert winograd.pays(layer, images, layer.weight) == answer


def test_it_needs_the_processor() -> None:
    layer = nn.Conv2d(256, 256, 3, padding=1, device="meta").requires_grad_(False)
    assert not winograd.pays(layer, torch.zeros(1, 256, 36, 32, device="meta"), layer.weight)
