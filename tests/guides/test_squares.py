import numpy as np
import pytest

from synthgen.geometry import project
from synthgen.guides.squares import square_camera, square_image
from synthgen.sample import Camera

POINT = np.array([[0.3, -0.2, 4.0]])  # [m]


def _picture(height: int, width: int) -> tuple[np.ndarray, Camera]:
    """Return a dark picture with a bright disc around where its camera sees POINT."""
    camera = Camera(
        np.array([[150.0, 0, width / 2 + 7], [0, 160.0, height / 2 - 5], [0, 0, 1]]), (height, width)
    )
    x, y = project(POINT, camera.cam_int)[0]
    rows, columns = np.mgrid[:height, :width]
    disc = (columns - x) ** 2 + (rows - y) ** 2 < 15**2
    return np.where(disc[..., None], 255, 0).astype(np.uint8).repeat(3, -1), camera


@pytest.mark.parametrize("fit", ["crop", "pad"])
@pytest.mark.parametrize("shape", [(150, 211), (211, 150), (128, 128), (301, 300)])
def test_the_camera_follows_the_pixels(shape: tuple[int, int], fit: str) -> None:
    image, camera = _picture(*shape)
    square, seen = square_image(image, 128, fit), square_camera(camera, 128, fit)
    assert square.shape == (128, 128, 3) and seen.image_size == (128, 128)
    weights = square[..., 0].astype(float)
    rows, columns = np.mgrid[:128, :128]
    middle = [(columns * weights).sum() / weights.sum(), (rows * weights).sum() / weights.sum()]
    np.testing.assert_allclose(middle, project(POINT, seen.cam_int)[0], atol=0.25)


def test_cropping_cuts_the_longer_side_and_padding_repeats_the_edge() -> None:
    image = np.zeros((64, 128, 3), np.uint8)
    image[:, :32] = 255  # outside the middle square
    image[:1] = 200
    assert square_image(image, 64, "crop")[8:].max() < 40
    padded = square_image(image, 128, "pad")
    assert (padded[:32, 40:] == padded[32, 40:]).all()
    assert padded[:33, 64:].min() == 200
    assert padded[60, 5, 0] == 255


def test_a_picture_of_the_right_size_stays_as_it_is() -> None:
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    for fit in ("crop", "pad"):
        assert (square_image(image, 64, fit) == image).all()


def test_a_strip_cannot_be_padded() -> None:
    with pytest.raises(ValueError, match="1000x2 px is too narrow"):
        square_image(np.zeros((2, 1000, 3), np.uint8), 64, "pad")
