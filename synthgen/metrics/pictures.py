"""Errors in pixels: PCK by box, head or torso, and object keypoint similarity. Parts in [0, 1].

`weight` says how much each joint counts; 0 leaves it out. Where no joint is left the figure is NaN.
"""

from collections.abc import Mapping

import numpy as np

from synthgen.geometry import Array
from synthgen.joints import COCO17, JointSet
from synthgen.metrics.bodies import mean_error

# Deviation of annotators per joint, relative to the root of a person's area (COCO keypoint evaluation).
_COCO_SIGMA: Mapping[str, float] = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062,
    "hip": 0.107, "knee": 0.087, "ankle": 0.089,
}  # fmt: skip
SIGMAS = np.array([_COCO_SIGMA[n.removeprefix("left_").removeprefix("right_")] for n in COCO17.names])
TORSO = (
    "left_shoulder",
    "right_hip",
)  # PCK of the torso (Yang and Ramanan, 2013)
CROP_TORSOS, CROP_BOXES = 3.0, 1.2  # side of SPIN's crop, in torsos or in sides of the box around joints
HEAD = ("head_top", "neck")  # PCKh (Andriluka et al., 2014) measures the head's own box: close to this


def pck(found: Array, true: Array, reference: Array, threshold: float, weight: Array | None = None) -> Array:
    """Return the part of joints that lie within a part of a person's own length.

    Args:
        found: (..., J, 2) [px].
        true: (..., J, 2) [px].
        reference: (...) length of each person [px]: side of the box, head, torso.
        threshold: part of the reference, 0.1 for PCK@0.1.
        weight: (..., J) at least 0; None for 1 each.

    Returns:
        (...) in [0, 1]; NaN where no joint counts, or the reference has no length.
    """
    distance = np.linalg.norm(found - true, axis=-1)
    is_near = (distance <= threshold * reference[..., None]).astype(np.float64)
    return np.where(reference > 0, mean_error(is_near, weight), np.nan)


def longer_side(boxes: Array) -> Array:
    """Return the longer side [px] (...) of xyxy boxes (..., 4), at least one pixel."""
    return np.maximum((boxes[..., 2:] - boxes[..., :2]).max(-1), 1.0)


def segment_length(points: Array, joint_set: JointSet, ends: tuple[str, str] = TORSO) -> Array:
    """Return the distance (...) between two joints of points (..., J, D), in the unit of the points."""
    first, second = (points[..., joint_set.index(end), :] for end in ends)
    return np.linalg.norm(first - second, axis=-1)


def crop_side(points: Array, weight: Array, joint_set: JointSet) -> Array:
    """Return the side [px] of the crop that SPIN's evaluation cuts out around a person.

    Three torsos (mean of shoulder to hip, left and right), or 1.2 times the longer side of the box around the
    joints, whichever is longer.

    Args:
        points: (..., J, 2) [px].
        weight: (..., J); joints of 0 are unknown.
        joint_set: that the joints are of.

    Returns:
        (...) [px]; NaN where neither torso is known.
    """
    known = weight > 0
    torsos = []
    for side in ("left", "right"):
        ends = (f"{side}_shoulder", f"{side}_hip")
        has = known[..., [joint_set.index(end) for end in ends]].all(-1)
        torsos.append(np.where(has, segment_length(points, joint_set, ends), np.nan))
    both = np.stack(torsos)
    count = (~np.isnan(both)).sum(0)
    torso = np.where(count > 0, np.nansum(both, 0) / np.maximum(count, 1), np.nan)
    high = np.where(known[..., None], points, -np.inf).max(-2)
    low = np.where(known[..., None], points, np.inf).min(-2)
    longer = np.where(known.any(-1), (high - low).max(-1), 0.0)
    return np.maximum(CROP_TORSOS * torso, CROP_BOXES * longer)


def oks(
    found: Array, true: Array, areas: Array, weight: Array | None = None, sigmas: Array = SIGMAS
) -> Array:
    """Return object keypoint similarity as COCO's evaluation defines it.

    Args:
        found: (..., J, 2) [px].
        true: (..., J, 2) [px].
        areas: (...) of the people [px²].
        weight: (..., J) at least 0; COCO gives every labelled joint 1. None for 1 each.
        sigmas: (J,) deviation of annotators; those of COCO-17.

    Returns:
        (...) in [0, 1], mean of exp(-d² / (2 area (2 sigma)²)); NaN where no joint counts.
    """
    squared = ((found - true) ** 2).sum(-1)
    spread = 2 * np.maximum(areas, 1.0)[..., None] * (2 * sigmas) ** 2
    return mean_error(np.exp(-squared / spread), weight)
