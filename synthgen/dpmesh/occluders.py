"""Synthetic occluders: blobs, boxes and bars with a texture of their own, or cut out of the same crop."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

SMALLEST, GREATEST = 0.12, 0.4  # sides of an occluder [sides of the crop]
SPREAD = 0.3  # how far from the middle of the crop its middle may lie, likewise
_GRAIN = 16  # side of the smallest texture [px], stretched over the occluder
_CORNERS = 24  # of a blob


def occlude(crop: "Image.Image", count: int, seed: int) -> None:
    """Draw occluders into an RGB crop.

    Args:
        crop: changed in place.
        count: how many.
        seed: of all chance.
    """
    from PIL import Image, ImageDraw

    rng = np.random.default_rng(seed)
    side = crop.width
    for _ in range(count):
        size = np.maximum(4, rng.uniform(SMALLEST, GREATEST, 2) * side).astype(int)
        corner = (side / 2 + rng.uniform(-SPREAD, SPREAD, 2) * side - size / 2).astype(int)
        mask = Image.new("L", (int(size[0]), int(size[1])))
        ImageDraw.Draw(mask).polygon([(x, y) for x, y in _outline(size, rng).tolist()], fill=255)
        crop.paste(_texture(crop, size, rng), (int(corner[0]), int(corner[1])), mask)


def _outline(size: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.floating]:
    """Return the corners (N, 2) [px] of a blob or of a turned box within (W, H)."""
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    if rng.random() < 0.5:  # a blob: a circle with waves
        waves = rng.uniform(-0.15, 0.15, 3)
        phases = rng.uniform(0, 2 * np.pi, 3)
        radius = 0.85 + sum(wave * np.sin((n + 2) * angles + phases[n]) for n, wave in enumerate(waves))
    else:
        angles = np.pi / 4 * np.array([1, 3, 5, 7]) + rng.uniform(0, np.pi / 2)
        radius = np.ones(4)
    circle = np.stack([np.cos(angles), np.sin(angles)], -1) * np.asarray(radius)[:, None]
    return (circle + 1) / 2 * (size - 1)


def _texture(crop: "Image.Image", size: NDArray[np.int64], rng: np.random.Generator) -> "Image.Image":
    """Return a picture (W, H): noise of one hue, stripes, or another part of the crop upside down."""
    from PIL import Image

    kind = rng.integers(3)
    shape = (int(size[0]), int(size[1]))
    if kind == 0:
        corner = (rng.random(2) * (crop.width - size)).astype(int)
        box = (int(corner[0]), int(corner[1]), int(corner[0] + size[0]), int(corner[1] + size[1]))
        return crop.crop(box).transpose(Image.Transpose.ROTATE_180)
    color, contrast = rng.uniform(20, 235, 3), rng.uniform(5, 50)
    if kind == 1:
        grain = rng.normal(0, contrast, (_GRAIN, _GRAIN, 1))
    else:
        x, y = np.meshgrid(np.arange(_GRAIN), np.arange(_GRAIN))
        fx, fy = rng.uniform(-1.2, 1.2, 2)
        grain = contrast * np.sin(fx * x + fy * y)[..., None]
    pixels = np.clip(color + grain, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).resize(shape, Image.Resampling.BICUBIC)
