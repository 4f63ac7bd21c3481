"""The arithmetic that turns a rigged, phenotype-driven mesh into an SMPL-compatible body.

Pure numpy functions of arrays; the rig itself is read by `pipelines/build_open_body.py`. Frame: SMPL's rest
frame (x to the body's left, y up, z forward), metres.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from synthgen.joints import ROOT, SMPL24, mirrored

Float64 = NDArray[np.float64]
Int = NDArray[np.int64]

REST_PELVIS = np.array([0.0, -0.223, 0.028])  # where SMPL's own template has it [m]
_MIRROR = np.array([-1.0, 1.0, 1.0])
_DOWN, _LEFT, _FORWARD = np.array([0.0, -1, 0]), np.array([1.0, 0, 0]), np.array([0.0, 0, 1])


def mirror_vertices(vertices: Float64) -> Int:
    """Return (V,) indices: the vertex that is each one's mirror image in the plane x = 0.

    Raises:
        ValueError: the mesh is not symmetric to 0.1 mm.
    """
    distance, index = cKDTree(vertices).query(vertices * _MIRROR)
    if distance.max() > 1e-4 or (index[index] != np.arange(len(index))).any():
        raise ValueError(f"mesh is not symmetric: a mirrored vertex is {distance.max():.2e} m from any other")
    return index.astype(np.int64)


def symmetric(values: Float64, mirror: Int, is_position: bool) -> Float64:
    """Average values (V, ...) with their mirror image: positions (V, 3), or weights (V, 24) of SMPL's joints."""
    other = values[mirror]
    other = other * _MIRROR if is_position else other[:, SMPL24.flip_permutation()]
    return (values + other) / 2


def symmetric_joints(joints: Float64) -> Float64:
    """Average joints (..., 24, 3) with their mirror image."""
    return (joints + joints[..., SMPL24.flip_permutation(), :] * _MIRROR) / 2


def _frame(along: Float64, across: Float64) -> Float64:
    """Return a rotation whose first column is `along` and whose second lies in the plane of the two."""
    x = along / np.linalg.norm(along)
    y = across - (across @ x) * x
    y = y / np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], axis=1)


def t_pose(joints: Mapping[str, Float64], knuckles: Mapping[str, Float64]) -> dict[str, Float64]:
    """Return for each joint the world rotation (3, 3) that brings a relaxed standing body to SMPL's rest pose.

    Arms lie along x with the elbow's hinge vertical, palms face down; the line from hip to ankle is vertical;
    feet keep their direction. Joints not named keep the identity.

    Args:
        joints: position (3,) of every SMPL joint.
        knuckles: first joint (3,) of "left_index", "left_middle", "left_pinky" and of the same on the right.
    """
    turns = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder, elbow, wrist = (joints[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist"))
        hinge = np.cross(elbow - shoulder, wrist - elbow)
        target = _frame(sign * _LEFT, sign * _DOWN)
        turns[f"{side}_shoulder"] = target @ _frame(elbow - shoulder, hinge).T
        turns[f"{side}_elbow"] = target @ _frame(wrist - elbow, hinge).T
        index, middle, pinky = (knuckles[f"{side}_{name}"] for name in ("index", "middle", "pinky"))
        target = _frame(sign * _LEFT, _FORWARD)
        turns[f"{side}_wrist"] = target @ _frame(middle - wrist, index - pinky).T
        turns[f"{side}_hand"] = turns[f"{side}_wrist"]
        hip, ankle = joints[f"{side}_hip"], joints[f"{side}_ankle"]
        turns[f"{side}_hip"] = _shortest_turn(ankle - hip, _DOWN)
        turns[f"{side}_knee"] = turns[f"{side}_hip"]
    return {name: turns.get(name, np.eye(3)) for name in SMPL24.names}


def _shortest_turn(source: Float64, target: Float64) -> Float64:
    axis = np.cross(source, target)
    angle = np.arctan2(np.linalg.norm(axis), source @ target)
    return Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle).as_matrix()


def chain_transforms(joints: Float64, turns: Float64) -> Float64:
    """Return (24, 4, 4) transforms that turn each joint's part in the world and keep the joints connected.

    Args:
        joints: (24, 3) before.
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
    """Move vertices (V, 3) by the weighted mean of transforms (24, 4, 4)."""
    blended = np.einsum("vj,jab->vab", weights, transforms)
    return np.einsum("vab,vb->va", blended[:, :3, :3], vertices) + blended[:, :3, 3]


def principal_shapes(bodies: Float64, count: int) -> tuple[Float64, Float64]:
    """Return the mean (P, 3) and the (P, 3, count) directions whose coefficients have unit variance.

    Args:
        bodies: (N, P, 3), N bodies.
        count: how many directions, largest variance first; each one's sign makes the body taller at +1.
    """
    mean = bodies.mean(0)
    flat = (bodies - mean).reshape(len(bodies), -1)
    eigenvalues, eigenvectors = np.linalg.eigh(flat @ flat.T)
    order = np.argsort(eigenvalues)[::-1][:count]
    directions = (flat.T @ eigenvectors[:, order]) / np.sqrt(len(bodies))
    directions = directions.reshape(*mean.shape, count)
    top, bottom = mean[:, 1].argmax(), mean[:, 1].argmin()
    growth = directions[top, 1] - directions[bottom, 1]
    return mean, directions * np.where(growth < 0, -1.0, 1.0)


def fit_regressor(joint: Float64, vertices: Float64, candidates: Int, anchor: float = 10.0) -> Float64:
    """Fit sparse non-negative weights (V,) summing to 1 that blend vertices into a joint, for every shape.

    Args:
        joint: (3, K): mean position, then how each shape direction moves it.
        vertices: (V, 3, K): the same of every vertex.
        candidates: indices of vertices that may take part.
        anchor: how much more the mean position and the sum count than a shape direction.
    """
    importance = np.ones(joint.shape[1])
    importance[0] = anchor
    rows = (vertices[candidates] * importance).reshape(len(candidates), -1).T
    target = (joint * importance).ravel()
    rows = np.vstack([rows, np.full((1, len(candidates)), anchor)])
    solution, _ = nnls(rows, np.append(target, anchor), maxiter=30 * len(candidates))
    weights = np.zeros(len(vertices))
    weights[candidates] = solution / solution.sum()
    return weights


def fit_regressors(joints: Float64, vertices: Float64, weights: Float64, mirror: Int) -> Float64:
    """Fit `J_regressor` (24, V), symmetric, each joint from vertices of the parts that meet there.

    Args:
        joints: (24, 3, K) mean and shape directions.
        vertices: (V, 3, K) likewise.
        weights: (V, 24) skinning.
        mirror: (V,) from `mirror_vertices`.
    """
    flip = SMPL24.flip_permutation()
    regressor = np.zeros((len(SMPL24), len(vertices)))
    for index, name in enumerate(SMPL24.names):
        if name.startswith("right_"):
            continue
        parts = [index, *(child for child, parent in enumerate(SMPL24.parents) if parent == index)]
        parts += [SMPL24.parents[index]] if SMPL24.parents[index] != ROOT else []
        distance = np.linalg.norm(vertices[:, :, 0] - joints[index, :, 0], axis=1)
        near = np.flatnonzero((weights[:, parts].sum(1) > 0.5) & (distance < 0.25))
        row = fit_regressor(joints[index], vertices, near)
        if mirrored(name) == name:
            row = (row + row[mirror]) / 2
        regressor[index] = row
        regressor[flip[index]] = row[mirror]
    return regressor
