"""Any picture and its camera, made square: cropped in the middle, or padded with its own edges."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import crop_affine
from synthgen.sample import Camera

Fit = Literal["crop", "pad"]
Image8 = NDArray[np.uint8]


def square_image(image: Image8, size: int, fit: Fit) -> Image8:
    """Return a picture (H, W, 3) as a square one (size, size, 3); `square_camera` tells what it shows.

    Raises:
        ValueError: the picture is too narrow to be padded.
    """
    from PIL import Image

    side = _side(image.shape[:2], fit)
    width, height = (_shown(length, side, size) for length in (image.shape[1], image.shape[0]))
    if min(width, height) < 2:
        raise ValueError(f"{image.shape[1]}x{image.shape[0]} px is too narrow for a square of {size} px")
    half = np.array([width, height]) * side / size / 2
    middle = np.array([image.shape[1], image.shape[0]]) / 2
    box = (*np.maximum(middle - half, 0).tolist(), *np.minimum(middle + half, 2 * middle).tolist())
    inner = Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS, box)
    rows, columns = (size - height) // 2, (size - width) // 2
    return np.pad(np.array(inner), ((rows, rows), (columns, columns), (0, 0)), mode="edge")


def square_camera(camera: Camera, size: int, fit: Fit) -> Camera:
    """Return the camera of the picture that `square_image` makes of what `camera` took."""
    height, width = camera.image_size
    middle = np.array([width - 1, height - 1]) / 2
    affine = crop_affine(middle, np.array(float(_side(camera.image_size, fit))), size)
    cam_int = np.vstack([affine, [0.0, 0.0, 1.0]]) @ np.asarray(camera.cam_int, np.float64)
    return Camera(cam_int, (size, size))


def _side(image_size: tuple[int, ...], fit: Fit) -> int:
    """Return the side of the square that is looked at [px of the picture]."""
    return min(image_size) if fit == "crop" else max(image_size)


def _shown(length: int, side: int, size: int) -> int:
    """Return how many pixels of the square a side of the picture fills; even, so that it stays centred."""
    return size if length >= side else length * size // side // 2 * 2
