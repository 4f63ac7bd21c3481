"""A stick figure of average build: where joints and contact points of a pose lie, without skinning a body.

World frame, metres. Used to settle and check poses; pictures use the body model itself. The bones are those
of the bundled body with zero betas, rounded; a test holds the two together.
"""

import numpy as np
from numpy.typing import NDArray

from synthgen.joints import SMPL24

Float64 = NDArray[np.float64]

_LEFT_BONES = {  # rest offset from the parent joint [m]; the right side is its mirror image
    "hip": (0.089, -0.044, -0.01),
    "knee": (0.021, -0.397, 0.0),
    "ankle": (-0.011, -0.435, -0.038),
    "foot": (-0.005, -0.049, 0.149),
    "collar": (0.082, 0.066, 0.027),
    "shoulder": (0.096, 0.023, 0.021),
    "elbow": (0.264, 0.0, 0.0),
    "wrist": (0.238, 0.0, 0.0),
    "hand": (0.081, 0.0, 0.0),
}
_MIDDLE_BONES = {
    "pelvis": (0.0, 0.0, 0.0),
    "spine1": (0.0, 0.102, 0.007),
    "spine2": (0.0, 0.108, -0.013),
    "spine3": (0.0, 0.122, -0.033),
    "neck": (0.0, 0.185, 0.036),
    "head": (0.0, 0.099, 0.013),
}
_LEFT_POINTS = {  # contact points on the skin: joint they move with, rest offset from it [m]
    "heel": ("ankle", (0.0, -0.077, -0.045)),
    "ball_in": ("foot", (-0.03, -0.027, 0.0)),
    "ball_out": ("foot", (0.045, -0.027, -0.03)),
    "toes": ("foot", (0.0, -0.015, 0.055)),
    "instep": ("foot", (0.0, 0.005, 0.05)),
    "knee": ("knee", (0.0, -0.02, 0.06)),
    "palm": ("wrist", (0.05, -0.026, 0.0)),
    "fingers": ("hand", (0.1, -0.033, -0.005)),
    "grip": ("hand", (0.02, -0.045, 0.0)),
    "elbow": ("elbow", (0.0, 0.0, -0.032)),
    "forearm": ("elbow", (0.177, 0.0, -0.03)),
    "shoulder": ("collar", (0.09, 0.02, -0.065)),
    "seat": ("pelvis", (0.09, -0.115, -0.06)),
    "thigh": ("hip", (0.015, -0.29, 0.1)),
    "inner_thigh": ("hip", (-0.065, -0.27, 0.02)),
    "shin": ("knee", (0.0, -0.24, 0.03)),
    "ankle": ("ankle", (0.045, 0.0, 0.0)),
    "hipside": ("pelvis", (0.17, 0.05, 0.04)),
    "pocket": ("hip", (0.1, -0.05, 0.075)),
    "ribs": ("spine3", (0.18, -0.02, 0.05)),
    "outer_thigh": ("hip", (0.09, -0.2, 0.02)),
    "upperarm": ("shoulder", (0.164, 0.0, 0.04)),
    "ear": ("head", (0.095, 0.03, 0.015)),
}
_MIDDLE_POINTS = {
    "back": ("spine3", (0.0, 0.03, -0.055)),
    "chest": ("spine3", (0.0, 0.03, 0.16)),
    "belly": ("spine1", (0.0, 0.0, 0.12)),
    "loin": ("pelvis", (0.0, 0.06, -0.07)),
    "crown": ("head", (0.0, 0.153, 0.034)),
    "occiput": ("head", (0.0, 0.05, -0.075)),
    "chin": ("head", (0.0, -0.085, 0.125)),
    "mouth": ("head", (0.0, -0.03, 0.155)),
}
_SPACE_POINTS = {  # in front of the body, where hands meet
    "face": ("head", (0.0, 0.01, 0.35)),
}


def _rest_offsets() -> Float64:
    rows = []
    for joint in SMPL24.names:
        side, _, part = joint.partition("_")
        x, y, z = _LEFT_BONES[part] if part else _MIDDLE_BONES[joint]
        rows.append((-x if side == "right" else x, y, z))
    return np.array(rows)


def _contact_points() -> tuple[tuple[str, ...], NDArray[np.intp], Float64]:
    names, joints, offsets = [], [], []
    for name, (joint, offset) in (_MIDDLE_POINTS | _SPACE_POINTS).items():
        names.append(name)
        joints.append(SMPL24.index(joint))
        offsets.append(offset)
    for sign, side in ((1, "left"), (-1, "right")):
        for name, (joint, (x, y, z)) in _LEFT_POINTS.items():
            names.append(f"{side}_{name}")
            joints.append(SMPL24.index(joint if joint in _MIDDLE_BONES else f"{side}_{joint}"))
            offsets.append((sign * x, y, z))
    return tuple(names), np.array(joints), np.array(offsets, np.float64)


REST_OFFSETS = _rest_offsets()  # (24, 3) from the parent
SKIN_POINTS, POINT_JOINTS, POINT_OFFSETS = _contact_points()
IS_SKIN = np.array([name not in _SPACE_POINTS for name in SKIN_POINTS])


def _levels() -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]:
    """Return (joints, their parents) level by level below the root, so that a level is one product."""
    depth = [0] * len(SMPL24)
    for joint, parent in enumerate(SMPL24.parents):
        depth[joint] = 0 if parent < 0 else depth[parent] + 1
    levels = []
    for level in range(1, max(depth) + 1):
        joints = np.array([joint for joint, d in enumerate(depth) if d == level])
        levels.append((joints, np.array([SMPL24.parents[joint] for joint in joints])))
    return tuple(levels)


_LEVELS = _levels()


def forward(rotmats: Float64) -> tuple[Float64, Float64]:
    """Pose the stick figure with its pelvis at the origin.

    Args:
        rotmats: (..., 24, 3, 3) relative to the parent.

    Returns:
        joint positions (..., 24, 3) [m] and joint orientations (..., 24, 3, 3), world frame.
    """
    orientation = np.empty_like(rotmats)
    position = np.zeros((*rotmats.shape[:-2], 3))
    orientation[..., 0, :, :] = rotmats[..., 0, :, :]
    for joints, parents in _LEVELS:
        above = orientation[..., parents, :, :]
        orientation[..., joints, :, :] = above @ rotmats[..., joints, :, :]
        position[..., joints, :] = position[..., parents, :] + (above @ REST_OFFSETS[joints, :, None])[..., 0]
    return position, orientation


def skin_points(position: Float64, orientation: Float64) -> Float64:
    """Return the contact points SKIN_POINTS (..., K, 3) [m] of a posed stick figure."""
    turned = (orientation[..., POINT_JOINTS, :, :] @ POINT_OFFSETS[:, :, None])[..., 0]
    return position[..., POINT_JOINTS, :] + turned
