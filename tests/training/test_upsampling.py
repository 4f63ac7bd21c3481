"""Enlargement by a matrix gives what torch's own gives, gradients included."""

import pytest
import torch
from torch.nn.functional import interpolate

from synthgen.training import upsampling
from synthgen.training.upsampling import MatrixUpsampling


@pytest.fixture
def calls(monkeypatch):
    made = []
    enlarge = upsampling.enlarge
    monkeypatch.setattr(upsampling, "enlarge", lambda *a, **k: made.append(a[1]) or enlarge(*a, **k))
    return made


def maps(height=4, width=3):
    torch.manual_seed(0)
    return torch.randn(2, 5, height, width, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize(
    "options",
    [
        {"scale_factor": 4},
        {"scale_factor": (2.0, 3.0), "align_corners": False},
        {"size": (9, 7), "align_corners": True},
        {"size": 5},
    ],
)
def test_it_is_the_same_function(options, calls):
    mine, own = maps(), maps()
    with MatrixUpsampling():
        found = interpolate(mine, mode="bilinear", **options)
    expected = interpolate(own, mode="bilinear", **options)
    found.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(mine.grad, own.grad, atol=1e-5, rtol=1e-6)
    assert calls == [tuple(expected.shape[-2:])]


@pytest.mark.parametrize(
    "options",
    [
        {"scale_factor": 2, "mode": "nearest"},
        {"scale_factor": 2, "mode": "bicubic"},
        {"scale_factor": 1.5, "mode": "bilinear"},
        {"size": (3, 3), "mode": "bilinear"},
        {"size": (400, 300), "mode": "bilinear"},
        {"size": (8, 6), "mode": "bilinear", "antialias": True},
    ],
)
def test_other_interpolation_is_left_to_torch(options, calls):
    with MatrixUpsampling():
        found = interpolate(maps(), **options)
    assert torch.equal(found, interpolate(maps(), **options))
    assert calls == []


def test_it_computes_in_the_dtype_of_autocast():
    with MatrixUpsampling(), torch.autocast("cpu", torch.bfloat16):
        found = interpolate(maps().float(), scale_factor=2, mode="bilinear")
    assert found.dtype == torch.bfloat16
