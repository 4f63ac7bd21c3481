"""Depth of bodies as the maps that depth-conditioned image models take: larger is nearer, no body is 0."""

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import Array

FARTHEST = 0.3  # nearness of the farthest body point, so that it stands out from the background
LEAST_RELIEF = 0.1  # part of the nearest disparity over which a flat body is not stretched further


def nearness(depth: Array) -> NDArray[np.float32]:
    """Convert depth to nearness, from the inverse depth as monocular depth models give it.

    Args:
        depth: (..., H, W) [m], 0 where there is no body.

    Returns:
        (..., H, W) float32: 0 without a body, else from FARTHEST to 1 over the bodies of each picture. Relief
        is stretched to that range, unless it is shallower than LEAST_RELIEF.
    """
    is_body = depth > 0
    disparity = np.where(is_body, 1 / np.where(is_body, depth, 1), 0.0)
    nearest = disparity.max((-2, -1), keepdims=True)
    farthest = np.where(is_body, disparity, np.inf).min((-2, -1), keepdims=True)
    relief = np.maximum(nearest - np.where(np.isfinite(farthest), farthest, nearest), LEAST_RELIEF * nearest)
    scaled = 1 - (1 - FARTHEST) * (nearest - disparity) / np.where(relief > 0, relief, 1)
    return np.where(is_body, scaled, 0).astype(np.float32)
