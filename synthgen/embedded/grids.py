"""Pictures side by side, for the samples that training writes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """Convert pictures (B, 3, H, W) in [0, 1] to (B, H, W, 3) uint8."""
    clipped = images.detach().float().clamp(0, 1).cpu().permute(0, 2, 3, 1).numpy()
    return np.rint(clipped * 255).astype(np.uint8)


def columns(*rows: NDArray[np.uint8], wide: int = 8) -> NDArray[np.uint8]:
    """Stack pictures that belong together above each other, `wide` such columns in a line.

    Args:
        rows: each (B, H, W, 3) uint8, all of one height and width.
        wide: columns in a line.
    """
    count = min(len(row) for row in rows)
    blocks = [np.concatenate([row[n] for row in rows]) for n in range(count)]
    empty = np.zeros_like(blocks[0])
    lines = [blocks[start : start + wide] for start in range(0, count, wide)]
    return np.concatenate([np.concatenate(_filled(line, wide, empty), 1) for line in lines])


def _filled(
    line: Sequence[NDArray[np.uint8]], wide: int, empty: NDArray[np.uint8]
) -> list[NDArray[np.uint8]]:
    return [*line, *[empty] * (wide - len(line))]


def dotted(
    images: NDArray[np.uint8], joints: NDArray[np.floating], is_seen: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """Mark joints (B, J, 2) [px] on copies of pictures (B, H, W, 3), each joint in a colour of its own."""
    marked = images.copy()
    height, width = images.shape[1:3]
    for row, joint in zip(*np.nonzero(is_seen), strict=True):
        x, y = np.rint(joints[row, joint]).astype(int)
        if 0 <= x < width and 0 <= y < height:
            hue = 255 * joint // joints.shape[1]
            marked[row, max(0, y - 1) : y + 1, max(0, x - 1) : x + 1] = (255, hue, 255 - hue)
    return marked
