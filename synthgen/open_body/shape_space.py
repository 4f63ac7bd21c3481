"""The statistics and numbering that make a set of rest-posed bodies an SMPL-compatible model.

Used by `pipelines/build_open_body.py` to build the open body. Frame: SMPL's rest frame (x to the body's left,
y up, z forward), metres. K counts the mean and then the shape directions. Every function is pure.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from synthgen.joints import ROOT, SMPL24, mirrored

Float64 = NDArray[np.float64]
Int = NDArray[np.int64]

REST_PELVIS = np.array([0.0, -0.223, 0.028])  # near where SMPL's own template has it, below the chest [m]
_REACH = 0.35  # how far a vertex that a joint is regressed from may be [m]


def principal_shapes(bodies: Float64, count: int) -> Float64:
    """Return the mean body and the principal directions of shape, (P, 3, 1 + count).

    Args:
        bodies: (N, P, 3) points of N bodies.
        count: how many directions, largest variance first. Their coefficients have unit variance; +1 makes
            the body taller.
    """
    mean = bodies.mean(0)
    flat = (bodies - mean).reshape(len(bodies), -1)
    _, eigenvectors = np.linalg.eigh(flat @ flat.T)
    coefficients = eigenvectors[:, ::-1][:, :count] * np.sqrt(len(bodies))
    directions = (flat.T @ coefficients / len(bodies)).reshape(*mean.shape, count)
    growth = directions[mean[:, 1].argmax(), 1] - directions[mean[:, 1].argmin(), 1]
    return np.concatenate([mean[..., None], directions * np.where(growth < 0, -1.0, 1.0)], axis=-1)


def fit_regressor(joint: Float64, vertices: Float64, anchor: float = 20.0) -> Float64:
    """Fit sparse, non-negative weights (C,) summing to 1 that blend vertices into a joint, for every shape.

    Args:
        joint: (3, K).
        vertices: (C, 3, K) those that may take part.
        anchor: how much more the mean position and the sum count than a shape direction.
    """
    importance = np.ones(joint.shape[1])
    importance[0] = anchor
    rows = ((vertices - joint) * importance).reshape(len(vertices), -1).T
    rows = np.vstack([rows, np.full((1, len(vertices)), anchor)])
    target = np.zeros(len(rows))
    target[-1] = anchor
    solution, _ = nnls(rows, target, maxiter=30 * len(vertices))
    return solution / solution.sum()


def fit_regressors(joints: Float64, vertices: Float64, weights: Float64, mirror: Int) -> Float64:
    """Fit `J_regressor` (24, V), symmetric, each joint from nearby vertices of the parts that meet there.

    Args:
        joints: (24, 3, K).
        vertices: (V, 3, K).
        weights: (V, 24) skinning.
        mirror: (V,) each vertex's mirror image.
    """
    regressor = np.zeros((len(SMPL24), len(vertices)))
    for index, name in enumerate(SMPL24.names):
        if name.startswith("right_"):
            continue
        relatives = [child for child, parent in enumerate(SMPL24.parents) if parent == index]
        relatives += [index] + [SMPL24.parents[index]] * (SMPL24.parents[index] != ROOT)
        distance = np.linalg.norm(vertices[:, :, 0] - joints[index, :, 0], axis=1)
        near = np.flatnonzero((weights[:, relatives].sum(1) > 0.3) & (distance < _REACH))
        row = np.zeros(len(vertices))
        row[near] = fit_regressor(joints[index], vertices[near])
        regressor[index] = (row + row[mirror]) / 2 if mirrored(name) == name else row
        if mirrored(name) != name:
            regressor[SMPL24.index(mirrored(name))] = row[mirror]
    return regressor


def farthest(vertices: Float64, among: NDArray[np.bool_], direction: tuple[float, float, float]) -> int:
    """Return the index of the vertex farthest in a direction, among those marked.

    Raises:
        ValueError: none is marked.
    """
    marked = np.flatnonzero(among)
    if not len(marked):
        raise ValueError(f"no vertex to look for towards {direction}")
    return int(marked[(vertices[marked] @ np.array(direction)).argmax()])


def numbering(count: int, places: Mapping[int, int]) -> Int:
    """Return the order (count,) of old vertex indices in which chosen vertices have given new indices.

    Args:
        count: how many vertices there are.
        places: old index: new index.

    Raises:
        ValueError: two vertices want the same place, or a place lies beyond the last vertex.
    """
    if len(set(places.values())) < len(places) or max(places.values()) >= count:
        raise ValueError(f"places must be distinct and below {count}, got {sorted(places.values())}")
    order = np.full(count, -1, np.int64)
    for old, new in places.items():
        order[new] = old
    order[order < 0] = np.setdiff1d(np.arange(count), list(places))
    return order
