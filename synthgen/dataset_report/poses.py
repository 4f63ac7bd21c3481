"""Poses that can be compared: twelve joints in the person's own frame and of one size. Pure functions.

The frame: origin between the hips, x to the person's left, y to the middle of the shoulders, z to the front.
Where people have SMPL parameters, the joints are those of the open body's skeleton in that pose, so shape
plays no part; otherwise the measured 3D joints, scaled to the same length of limbs.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from synthgen.body import OPEN_FILE
from synthgen.body_file import read_body_file
from synthgen.geometry import rotvec_to_rotmat
from synthgen.joints import SMPL24
from synthgen.observation import ObservedPerson
from synthgen.sample import Person

JOINTS = (
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
BONES = (
    ("left_hip", "left_knee"), ("left_knee", "left_ankle"), ("right_hip", "right_knee"),
    ("right_knee", "right_ankle"), ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
)  # fmt: skip
TRUNK = (
    ("left_hip", "right_hip"), ("left_shoulder", "right_shoulder"), ("left_hip", "left_shoulder"),
    ("right_hip", "right_shoulder"),
)  # fmt: skip
ANGLES = {  # joint: the joints beside it
    "knee": ("hip", "knee", "ankle"), "elbow": ("shoulder", "elbow", "wrist"),
    "hip": ("shoulder", "hip", "knee"), "shoulder": ("hip", "shoulder", "elbow"),
}  # fmt: skip
LEAST_LENGTH = 1e-3  # [m] of hips and trunk, to have a direction

Array = NDArray[np.floating]
_ROWS = [SMPL24.index(name) for name in JOINTS]


def joint(name: str) -> int:
    """Return the row of a joint in JOINTS."""
    return JOINTS.index(name)


def of_camera(person: ObservedPerson) -> Array | None:
    """Return JOINTS (12, 3) [m] of a person in the camera's frame, or None where nobody knows them."""
    if person.keypoints_3d is not None and (person.confidence_3d[_ROWS] > 0).all():
        return np.asarray(person.keypoints_3d[_ROWS], np.float64)
    return None if person.person is None else skeleton(person.person)


def pose_of(person: ObservedPerson) -> Array | None:
    """Return a person's pose: JOINTS (12, 3) [m] in their own frame and of one size, or None if unknown."""
    joints = skeleton(person.person) if person.person is not None else of_camera(person)
    return None if joints is None else normalized(joints)


def normalized(joints: Array) -> Array | None:
    """Return JOINTS (12, 3) in the person's own frame, with the open body's limbs; None if they have none."""
    axes, limbs = frame_of(joints), limb_length(joints)
    if axes is None or limbs < LEAST_LENGTH:
        return None
    return (joints - _middle(joints, "hip")) @ axes.T * (_standard_limbs() / limbs)


def frame_of(joints: Array) -> Array | None:
    """Return the person's axes (3, 3), rows: left, up, front; None where hips or trunk have no direction."""
    up = _middle(joints, "shoulder") - _middle(joints, "hip")
    left = joints[joint("left_hip")] - joints[joint("right_hip")]
    if np.linalg.norm(up) < LEAST_LENGTH:
        return None
    up = up / np.linalg.norm(up)
    left = left - (left @ up) * up
    if np.linalg.norm(left) < LEAST_LENGTH:
        return None
    left = left / np.linalg.norm(left)
    return np.stack([left, up, np.cross(left, up)])


def limb_length(joints: Array) -> float:
    """Return the length of arms and legs together [m]."""
    return float(sum(np.linalg.norm(joints[joint(a)] - joints[joint(b)]) for a, b in BONES))


def bend_angles(poses: Array) -> dict[str, Array]:
    """Return the inner angles (N,) [deg] of knees, elbows, hips, shoulders of poses (N, 12, 3), by joint."""
    found = {}
    for name, chain in ANGLES.items():
        for side in ("left", "right"):
            first, middle, last = (poses[:, joint(f"{side}_{part}")] for part in chain)
            found[f"{side}_{name}"] = _between(first - middle, last - middle)
    return found


def skeleton(person: Person) -> Array:
    """Return JOINTS (12, 3) [m] of the open body's mean skeleton with a person's pose and place."""
    rest = _rest_joints()
    turns = rotvec_to_rotmat(np.concatenate([person.global_orient[None], person.body_pose]))
    places = [rest[0] + np.asarray(person.transl, np.float64)]
    world = [turns[0]]
    for child, parent in list(enumerate(SMPL24.parents))[1:]:
        places.append(places[parent] + world[parent] @ (rest[child] - rest[parent]))
        world.append(world[parent] @ turns[child])
    return np.stack(places)[_ROWS]


@cache
def _rest_joints() -> Array:
    arrays = read_body_file(OPEN_FILE)
    return arrays.J_regressor.astype(np.float64) @ arrays.v_template.astype(np.float64)


@cache
def _standard_limbs() -> float:
    return limb_length(_rest_joints()[_ROWS])


def _middle(joints: Array, part: str) -> Array:
    return (joints[joint(f"left_{part}")] + joints[joint(f"right_{part}")]) / 2


def _between(first: Array, second: Array) -> Array:
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    cosine = (first * second).sum(-1) / np.maximum(lengths, 1e-12)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))
