"""Masks of one picture: boxes, specks, overlap, and who is who. Pure functions of arrays."""

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import Array

Mask = NDArray[np.bool_]


def box_of_mask(mask: Mask) -> Array:
    """Return the xyxy box (4,) [px] around the true pixels, at least one, of a mask (H, W)."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([columns[0], rows[0], columns[-1], rows[-1]], np.float64)


def without_specks(mask: Mask, least: float) -> Mask:
    """Drop connected pieces of a mask (H, W) that are smaller than a part of its largest piece."""
    from scipy import ndimage

    numbered, count = ndimage.label(mask, np.ones((3, 3)))
    if count < 2:
        return mask
    areas = np.bincount(numbered.ravel())
    areas[0] = 0
    return (areas >= least * areas.max())[numbered] & mask


def iou(one: Mask, other: Mask) -> float:
    """Return the intersection over union of two masks of one shape; 1 where both are empty."""
    union = int((one | other).sum())
    return int((one & other).sum()) / union if union else 1.0


def matched(wanted: Mask, found: Mask) -> Array:
    """Give each wanted silhouette at most one found mask, so that all overlaps together are greatest.

    Args:
        wanted: (P, H, W).
        found: (N, H, W).

    Returns:
        (P,) intersection over union of each pair; 0 for those that get none.
    """
    from scipy.optimize import linear_sum_assignment

    overlaps = np.array([[iou(one, other) for other in found] for one in wanted]).reshape(len(wanted), -1)
    best = np.zeros(len(wanted))
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    best[rows] = overlaps[rows, columns]
    return best
