"""Boxes as trainers take them: centre and size [px]. What `scale` means differs, so formats divide it."""

import numpy as np

from synthgen.exporters.joint_sets import EXTRA19
from synthgen.sample import Float

PER_SCALE = 200.0  # px of a box side for each unit of `scale`, by the custom of MPII
TORSO_FACTOR, SIDE_FACTOR = 3.0, 1.2  # Diffusion-HPC's box: the larger of 3 torso lengths and 1.2 sides
_TORSO = (("left_shoulder", "left_hip"), ("right_shoulder", "right_hip"))


def box_of(bbox: Float, padding: float) -> tuple[Float, Float]:
    """Return centre (2,) and size (2,), width and height [px], of an xyxy box enlarged by a factor."""
    center, size = (bbox[:2] + bbox[2:]) / 2, (bbox[2:] - bbox[:2]) * padding
    return center.astype(np.float32), size.astype(np.float32)


def keypoint_box(joints: Float, fallback: Float) -> tuple[Float, float]:
    """Return centre (2,) and side [px] of the square box that Diffusion-HPC and DAPA draw around joints.

    Args:
        joints: (19, 3) of EXTRA19: x, y [px], confidence.
        fallback: xyxy box [px] for people with fewer than two known joints.
    """
    known = joints[joints[:, 2] > 0, :2]
    if len(known) < 2 or not np.ptp(known, 0).any():
        center, size = box_of(fallback, SIDE_FACTOR)
        return center, float(size.max())
    low, high = known.min(0), known.max(0)
    torsos = [
        float(np.linalg.norm(joints[top, :2] - joints[bottom, :2]))
        for top, bottom in (tuple(EXTRA19.index(name) for name in pair) for pair in _TORSO)
        if joints[top, 2] > 0 and joints[bottom, 2] > 0
    ]
    torso = float(np.mean(torsos)) if torsos else 0.0
    side = max(TORSO_FACTOR * torso, SIDE_FACTOR * float((high - low).max()))
    return ((low + high) / 2).astype(np.float32), side
