"""The three conventions of resizing, each held against a plain version of its definition."""

import numpy as np
import pytest
import torch
from fid_inception import picture
from PIL import Image

from synthgen.image_metrics.preparing import CONVENTIONS, WORDS, prepare

SIDE = 299


def corner_bilinear(values: np.ndarray) -> np.ndarray:
    """TensorFlow 1's bilinear resizing, pixel by pixel."""
    height, width = values.shape
    result = np.zeros((SIDE, SIDE))
    for row in range(SIDE):
        for column in range(SIDE):
            y, x = row * height / SIDE, column * width / SIDE
            top, left = int(y), int(x)
            below, right = min(top + 1, height - 1), min(left + 1, width - 1)
            upper = values[top, left] + (values[top, right] - values[top, left]) * (x - left)
            lower = values[below, left] + (values[below, right] - values[below, left]) * (x - left)
            result[row, column] = upper + (lower - upper) * (y - top)
    return result


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_pictures_of_the_networks_size_are_only_scaled(convention):
    shown = picture()
    values = shown.astype(np.float32).transpose(2, 0, 1)
    expected = 2 * (values / 255) - 1 if convention == "pytorch" else (values - 128) / 128
    np.testing.assert_allclose(prepare(shown, convention).numpy(), expected, atol=1e-6)
    assert convention in WORDS


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("size", [(1, 1), (40, 61), (600, 333)])
def test_any_size_becomes_the_networks(convention, size):
    prepared = prepare(picture(size=size), convention)
    assert prepared.shape == (3, SIDE, SIDE) and prepared.dtype == torch.float32
    assert prepared.abs().max() < 1 + 1e-6


def test_clean_is_pillows_bicubic_without_rounding():
    shown = np.zeros((20, 30, 3), np.uint8)
    shown[:, 15:] = 255
    prepared = prepare(shown, "clean")
    channel = Image.fromarray(shown[..., 0].astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    overshoot = np.asarray(channel)
    assert overshoot.min() < 0 and overshoot.max() > 255, "the filter leaves the range, which is clipped"
    np.testing.assert_array_equal(prepared[0].numpy(), (overshoot.clip(0, 255) - 128) / 128)
    assert len(torch.unique(prepared * 128 % 1)) > 2, "values between the 256 levels are kept"


def test_clean_averages_when_it_makes_smaller_the_others_do_not():
    stripes = np.zeros((SIDE, 4 * SIDE, 3), np.uint8)
    stripes[:, ::2] = 254
    assert prepare(stripes, "clean").abs().max() < 0.1
    assert prepare(stripes, "tensorflow").abs().max() > 0.9


def test_tensorflow_aligns_corners_at_the_top_left_only():
    shown = picture(size=(31, 47))
    expected = (corner_bilinear(shown[..., 1].astype(np.float64)) - 128) / 128
    np.testing.assert_allclose(prepare(shown, "tensorflow")[1].numpy(), expected, atol=1e-5)


def test_pytorch_aligns_centres():
    ramp = np.repeat(np.arange(100, dtype=np.uint8)[None, :, None], 3, 2).repeat(10, 0)
    prepared = prepare(ramp, "pytorch")[0, 0].numpy()
    centres = np.clip((np.arange(SIDE) + 0.5) * 100 / SIDE - 0.5, 0, 99)
    np.testing.assert_allclose(prepared, 2 * centres / 255 - 1, atol=1e-5)
