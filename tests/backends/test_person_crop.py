import numpy as np
from scipy.ndimage import gaussian_filter

from synthgen.backends.person_crop import (
    blurred_window,
    corner_affine,
    square_affine,
    square_around,
    warp,
)

RANDOM = np.random.default_rng(4)
PICTURE = RANDOM.integers(0, 256, (40, 60, 3), dtype=np.uint8)
IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])


def interpolated(x: float, y: float) -> np.ndarray:
    """Look up a colour between four pixels, black outside: the definition of bilinear."""
    total = np.zeros(3)
    for row in (int(np.floor(y)), int(np.floor(y)) + 1):
        for column in (int(np.floor(x)), int(np.floor(x)) + 1):
            if 0 <= row < PICTURE.shape[0] and 0 <= column < PICTURE.shape[1]:
                total += (1 - abs(x - column)) * (1 - abs(y - row)) * PICTURE[row, column]
    return total


def test_warp_is_bilinear_everywhere() -> None:
    assert np.allclose(warp(PICTURE, IDENTITY, (40, 60)).permute(1, 2, 0).numpy(), PICTURE, atol=1e-3)
    for affine in (
        np.array([[1.7, 0, -20.3], [0, 0.6, 11.2]]),
        np.array([[0.5, 0, 40.0], [0, 0.5, 40.0]]),  # only a corner shows
        np.array([[2.0, 0, -300.0], [0, 2.0, 0.0]]),  # nothing shows
    ):
        crop = warp(PICTURE, affine, (30, 25)).permute(1, 2, 0).numpy()
        for row, column in RANDOM.integers(0, (30, 25), (60, 2)):
            x = (column - affine[0, 2]) / affine[0, 0]
            y = (row - affine[1, 2]) / affine[1, 1]
            assert np.allclose(crop[row, column], interpolated(x, y), atol=0.02)


def test_squares_hold_the_box_in_the_networks_proportions() -> None:
    tall, wide = np.array([10.0, 20, 30, 120]), np.array([0.0, 0, 90, 30])
    assert square_around(tall, 0.75)[1] == 100
    center, size = square_around(wide, 0.75)
    assert center.tolist() == [45, 15] and size == 90 / 0.75


def test_affines_put_things_where_networks_look_for_them() -> None:
    center = np.array([30.0, 17.0])
    affine = square_affine(center, 50.0, 256)
    assert np.allclose(affine @ [*center, 1], [128, 128]), "HMR2's camera looks at size / 2"
    assert np.allclose(affine @ [center[0] + 25, center[1], 1], [256, 128])
    affine = corner_affine(center, np.array([30.0, 40.0]), (64, 48))
    assert np.allclose(affine @ [15, -3, 1], [0, 0])
    assert np.allclose(affine @ [45, 37, 1], [47, 63])


def test_blur_comes_only_before_a_strong_reduction() -> None:
    center = np.array([30.0, 20.0])
    window, origin = blurred_window(PICTURE, center, 40.0, 20)
    assert window is PICTURE and not origin.any()
    window, origin = blurred_window(PICTURE, center, 20.0, 4)
    sigma = (20 / 4 / 2 - 1) / 2
    whole = gaussian_filter(PICTURE.astype(float), (sigma, sigma, 0), mode="nearest")
    left, top = origin
    inside = (slice(10 - top, 30 - top), slice(20 - left, 40 - left))
    assert window.shape[0] < 40 and np.abs(window[inside] - whole[10:30, 20:40]).max() < 1e-3
    outside, _ = blurred_window(PICTURE, np.array([-500.0, -500.0]), 100.0, 4)
    assert outside.size > 0
