"""COCO-17 keypoints in the order of DPMESH30: as labels, and as the condition that a detector can give.

Numpy, any leading batch dims. What a set does not have gets position 0 and confidence 0.
"""

import numpy as np

from synthgen.geometry import Array
from synthgen.joints import COCO17, DPMESH30

MIDPOINTS = {  # joints that OpenPose's skeleton has beside COCO's; the released evaluation feeds them in
    "pelvis": ("left_hip", "right_hip"),
    "neck": ("left_shoulder", "right_shoulder"),
}
_ROWS = list(COCO17.indices_in(DPMESH30))


def spread_coco(values: Array) -> Array:
    """Return values (..., 17, D) of COCO-17 joints in the order of DPMESH30 (..., 30, D), else 0."""
    found = np.zeros((*values.shape[:-2], len(DPMESH30), values.shape[-1]), values.dtype)
    found[..., _ROWS, :] = values
    return found


def labels_from_coco(keypoints_2d: Array, confidence: Array) -> tuple[Array, Array]:
    """Return labels (..., 30, 2) and confidences (..., 30) of COCO-17 joints: these joints and no others."""
    return spread_coco(keypoints_2d), spread_coco(confidence[..., None])[..., 0]


def condition_from_coco(keypoints_2d: Array, confidence: Array) -> tuple[Array, Array]:
    """Return what a detector's COCO-17 keypoints say to DPMesh.

    Pelvis and neck are the midpoints of hips and of shoulders, with the product of both confidences, as the
    published evaluation takes them (OpenPose's neck is that midpoint).

    Args:
        keypoints_2d: (..., 17, 2) [px].
        confidence: (..., 17) in [0, 1].

    Returns:
        (..., 30, 2) [px] and (..., 30).
    """
    points, weights = labels_from_coco(keypoints_2d, confidence)
    for joint, pair in MIDPOINTS.items():
        one, other = (COCO17.index(name) for name in pair)
        row = DPMESH30.index(joint)
        points[..., row, :] = (keypoints_2d[..., one, :] + keypoints_2d[..., other, :]) / 2
        weights[..., row] = confidence[..., one] * confidence[..., other]
    return points, weights
