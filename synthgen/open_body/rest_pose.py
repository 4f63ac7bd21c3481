"""Brings a rigged, symmetric standing mesh into SMPL's rest pose; used to build the open body.

Frame: SMPL's rest frame (x to the body's left, y up, z forward), metres. Every function is pure.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from synthgen.joints import ROOT, SMPL24

Float64 = NDArray[np.float64]
Int = NDArray[np.int64]

_MIRROR = np.array([-1.0, 1.0, 1.0])
_LEFT, _UP, _FORWARD = np.eye(3)
_TOLERANCE = 1e-4  # how far a mirrored vertex may be from its twin [m]

# Legs of SMPL's rest pose: thighs spread a little, knees unlocked so that the shins lean back.
_THIGH_OUT, _SHIN_IN, _SHIN_BACK = np.radians([3.0, 1.5, 5.0])


def mirror_vertices(vertices: Float64) -> Int:
    """Return (V,) indices: the vertex that is each one's mirror image in the plane x = 0.

    Raises:
        ValueError: the mesh is not symmetric.
    """
    distance, index = cKDTree(vertices).query(vertices * _MIRROR)
    if distance.max() > _TOLERANCE or (index[index] != np.arange(len(index))).any():
        raise ValueError(f"mesh is not symmetric: a mirrored vertex is {distance.max():.2e} m from any other")
    return index.astype(np.int64)


def symmetric_vertices(vertices: Float64, mirror: Int) -> Float64:
    """Average vertices (..., V, 3) with their mirror image."""
    return (vertices + vertices[..., mirror, :] * _MIRROR) / 2


def symmetric_weights(weights: Float64, mirror: Int) -> Float64:
    """Average skinning weights (V, 24) with their mirror image."""
    return (weights + weights[mirror][:, SMPL24.flip_permutation()]) / 2


def symmetric_joints(joints: Float64) -> Float64:
    """Average SMPL joints (..., 24, 3) with their mirror image."""
    return (joints + joints[..., SMPL24.flip_permutation(), :] * _MIRROR) / 2


def _frame(along: Float64, across: Float64) -> Float64:
    """Return a rotation whose first column is `along` and whose second lies in the plane of the two."""
    x = along / np.linalg.norm(along)
    y = across - (across @ x) * x
    y = y / np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], axis=1)


def _shortest_turn(source: Float64, target: Float64) -> Float64:
    axis = np.cross(source, target)
    angle = np.arctan2(np.linalg.norm(axis), source @ target)
    return Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle).as_matrix()


def t_pose_turns(joints: Float64, knuckles: Mapping[str, Float64]) -> Float64:
    """Return the world rotation (24, 3, 3) of each joint's part from a relaxed stand to SMPL's rest pose.

    Arms lie along x with the elbow's hinge vertical, palms face down, legs go straight down a bit apart, feet
    keep their direction. Collars, spine and head stay as they are.

    Args:
        joints: (24, 3) [m], facing +z; elbows must be bent a little, to show their hinge.
        knuckles: first joint (3,) of "left_index", "left_middle", "left_pinky" and of the same on the right.
    """
    turns = np.tile(np.eye(3), (len(SMPL24), 1, 1))
    at = dict(zip(SMPL24.names, joints, strict=True))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder, elbow, wrist = (at[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist"))
        hinge = np.cross(elbow - shoulder, wrist - elbow)
        straight = _frame(sign * _LEFT, -sign * _UP)
        index, middle, pinky = (knuckles[f"{side}_{name}"] for name in ("index", "middle", "pinky"))
        palm = _frame(sign * _LEFT, _FORWARD) @ _frame(middle - wrist, index - pinky).T
        hip, knee, ankle = (at[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
        thigh = np.array([sign * np.tan(_THIGH_OUT), -1.0, 0.0])
        shin = np.array([-sign * np.tan(_SHIN_IN), -1.0, -np.tan(_SHIN_BACK)])
        parts = {
            "shoulder": straight @ _frame(elbow - shoulder, hinge).T,
            "elbow": straight @ _frame(wrist - elbow, hinge).T,
            "wrist": palm,
            "hand": palm,
            "hip": _shortest_turn(knee - hip, thigh),
            "knee": _shortest_turn(ankle - knee, shin),
        }
        for name, turn in parts.items():
            turns[SMPL24.index(f"{side}_{name}")] = turn
    return turns


def chain_transforms(joints: Float64, turns: Float64) -> Float64:
    """Return (24, 4, 4) transforms that turn each joint's part in the world and keep the joints connected.

    Args:
        joints: (24, 3) before [m].
        turns: (24, 3, 3) world rotation of each joint's part.
    """
    transforms = np.tile(np.eye(4), (len(SMPL24), 1, 1))
    for child, parent in enumerate(SMPL24.parents):
        moved = joints[child]
        if parent != ROOT:
            moved = transforms[parent, :3, :3] @ joints[child] + transforms[parent, :3, 3]
        transforms[child, :3, :3] = turns[child]
        transforms[child, :3, 3] = moved - turns[child] @ joints[child]
    return transforms


def skin(vertices: Float64, weights: Float64, transforms: Float64) -> Float64:
    """Move vertices (V, 3) by the weighted (V, 24) mean of transforms (24, 4, 4)."""
    blended = (weights @ transforms.reshape(len(transforms), 16)).reshape(-1, 4, 4)
    return np.einsum("vab,vb->va", blended[:, :3, :3], vertices) + blended[:, :3, 3]


def move_joints(joints: Float64, transforms: Float64) -> Float64:
    """Move each joint (24, 3) by its own transform (24, 4, 4)."""
    return np.einsum("jab,jb->ja", transforms[:, :3, :3], joints) + transforms[:, :3, 3]
