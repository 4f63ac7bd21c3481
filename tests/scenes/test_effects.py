import numpy as np
import pytest

from synthgen.scenes.effects import develop, motion_blur, subject_blur, vignette


def dot(size: int = 41) -> np.ndarray:
    picture = np.zeros((size, size, 3), np.float32)
    picture[size // 2, size // 2] = 1
    return picture


@pytest.mark.parametrize(("angle", "axis"), [(0.0, 1), (np.pi / 2, 0)])
def test_motion_blur_smears_along_its_direction_and_keeps_the_light(angle, axis):
    blurred = motion_blur(dot(), 8, angle)[..., 0]
    assert blurred.sum() == pytest.approx(1, abs=1e-5)
    lit = np.argwhere(blurred > 0)
    assert np.ptp(lit[:, axis]) == 8
    assert np.ptp(lit[:, 1 - axis]) == 0


def test_short_motion_changes_nothing():
    assert motion_blur(dot(), 1.0, 0.3) is not None
    np.testing.assert_array_equal(motion_blur(dot(), 1.0, 0.3), dot())


def test_subject_blur_leaves_the_background_sharp():
    rng = np.random.default_rng(0)
    picture = rng.uniform(0, 1, (64, 64, 3)).astype(np.float32)
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40, 20:40] = 1
    mask[5:10, 5:10] = 255
    blurred = subject_blur(picture, mask, 6, 0.0)
    np.testing.assert_allclose(blurred[:, :14], picture[:, :14], atol=1e-6)
    assert np.abs(blurred[20:40, 24:36] - picture[20:40, 24:36]).mean() > 0.1


def test_vignette_darkens_corners_only():
    gain = vignette((9, 9), 0.3)[..., 0]
    assert gain[4, 4] == 1
    np.testing.assert_allclose(gain[[0, 0, -1, -1], [0, -1, 0, -1]], 0.7, atol=1e-6)


def test_noise_has_the_wanted_strength_and_none_is_none():
    grey = np.full((128, 128, 3), 115, np.uint8)
    mask = np.zeros((128, 128), np.uint8)

    def grain(noise: float, seed: int) -> float:
        picture = develop(grey, mask, 0.0, noise, np.random.default_rng(seed)).astype(float)
        return float(np.std(np.diff(picture[40:80, 40:80], axis=1)) / np.sqrt(2) / 255)

    assert max(grain(0.0, seed) for seed in range(4)) < 0.004
    drawn = [grain(0.05, seed) for seed in range(12)]
    assert 0.02 < max(drawn) < 0.065
    assert min(drawn) < 0.6 * max(drawn)


def test_developing_repeats_itself():
    image = np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    mask = np.ones((64, 64), np.uint8)
    first, second = (develop(image, mask, 0.1, 0.03, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.uint8
