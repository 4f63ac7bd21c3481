"""Crops around people for training, with random changes; what these do to labels is in `crop_moves`.

Pixels have their origin at the centre of the top-left pixel. As for ViTPose and HMR2, the
box, widened to 3:4 (w:h), fills the crop's height.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthgen.crop_moves import View, lay, swap_sides
from synthgen.geometry import Array
from synthgen.joints import COCO17

ASPECT = 4 / 3  # height over width that boxes are widened to
VISIBLE = 0.5  # visibility from which on a joint counts as seen


@dataclass(frozen=True)
class Jitter:
    """Random changes of a crop.

    Attributes:
        scale: most that the side may grow or shrink by, as a part of it.
        shift: most that the middle may move by, as a part of the side.
        rotation: greatest turn [rad], of the half of all crops that turn.
        flip: probability of a mirror image.
        color: most that brightness, contrast and each channel may change by.
        soften: probability that a batch's later half loses detail, as drawn pictures lack it.
    """

    scale: float = 0.2
    shift: float = 0.08
    rotation: float = 0.5
    flip: float = 0.5
    color: float = 0.15
    soften: float = 0.7


STILL = Jitter(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
SOFTEST = 2.5  # how much coarser the pixels of a softened picture are, at most


@dataclass(frozen=True)
class Frame:
    """What a model's crops look like.

    Attributes:
        size: (H, W) [px].
        padding: height of the crop over that of the widened box.
        middle: (x, y) where the middle of the box comes to lie [px].
    """

    size: tuple[int, int]
    padding: float
    middle: tuple[float, float]


def place(bbox: Array, frame: Frame, jitter: Jitter, rng: np.random.Generator) -> View:
    """Draw where the crops around boxes (B, 4) xyxy [px] lie."""
    count = len(bbox)
    draws = rng.uniform(-1, 1, (4, count))
    is_flipped = rng.random(count) < jitter.flip
    turns = rng.random(count) < 0.5
    extent = np.maximum(bbox[:, 2:] - bbox[:, :2], 1)
    height = frame.padding * np.maximum(extent[:, 1], extent[:, 0] * ASPECT) * (1 + jitter.scale * draws[0])
    center = (bbox[:, :2] + bbox[:, 2:]) / 2 + jitter.shift * height[:, None] * draws[1:3].T
    angle = np.where(turns, jitter.rotation * draws[3], 0.0)
    scale = frame.size[0] / height
    return lay(center, scale, angle, is_flipped, frame.middle)


def sample(images: NDArray[np.uint8], view: View, size: tuple[int, int]) -> Tensor:
    """Cut crops of square pictures (B, S, S, 3), bilinear, black outside: (B, 3, H, W) float32 in [0, 1]."""
    whole = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    inverse = np.linalg.inv(view.affine[..., :2])
    y, x = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij")
    pixels = np.stack([x, y], -1)[None] - view.affine[:, None, None, :, 2]
    grid = pixels @ inverse[:, None].swapaxes(-1, -2) * 2 / (images.shape[1] - 1) - 1
    return torch.nn.functional.grid_sample(
        whole, torch.from_numpy(grid.astype(np.float32)), align_corners=True, padding_mode="zeros"
    )


def recolor(images: Tensor, jitter: Jitter, rng: np.random.Generator) -> Tensor:
    """Change brightness, contrast and channels of pictures (B, 3, H, W) in [0, 1]."""
    draws = torch.from_numpy(1 + jitter.color * rng.uniform(-1, 1, (len(images), 5)).astype(np.float32))
    contrast, brightness, channels = draws[:, :1], draws[:, 1:2], draws[:, 2:]
    middle = images.mean((1, 2, 3))[:, None, None, None]
    images = (images - middle) * contrast[..., None, None] + middle * brightness[..., None, None]
    return (images * channels[..., None, None]).clamp(0, 1)


def soften(images: Tensor, jitter: Jitter, rng: np.random.Generator) -> Tensor:
    """Make the later half of pictures (B, 3, H, W) coarser and smooth again, by one random factor."""
    factor, is_left_alone = rng.uniform(1.2, SOFTEST), rng.random() >= jitter.soften
    if is_left_alone or len(images) < 2:
        return images
    half = len(images) - len(images) // 2
    sharp, soft = images[:half], images[half:]
    size = sharp.shape[-2:]
    coarse = [max(1, round(side / factor)) for side in size]
    small = torch.nn.functional.interpolate(soft, coarse, mode="bilinear", antialias=True)
    return torch.cat([sharp, torch.nn.functional.interpolate(small, size, mode="bicubic").clamp(0, 1)])


def seen(points: Array, visibility: Array, view: View, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return (B, 17) 1 for COCO joints that the crop shows, 0 else; `points` as `move_2d` gives them."""
    is_inside = ((points >= -0.5) & (points < np.array([size[1], size[0]]) - 0.5)).all(-1)
    return (is_inside & (swap_sides(visibility, view, COCO17) >= VISIBLE)).astype(np.float32)
