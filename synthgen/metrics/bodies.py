"""Errors in space: joints, meshes, movement. Metres in, millimetres out.

`weight` says how much each joint counts; 0 leaves it out, whatever its coordinates are. Where no joint is
left the figure is NaN, never 0.
"""

import numpy as np

from synthgen.geometry import Array, procrustes

MM_PER_M = 1000.0
PCK_3D_MM = 150.0  # of MPI-INF-3DHP (Mehta et al., 2017): about half the size of a head
AUC_STEP_MM = 5.0
MIN_ALIGNED = 3  # joints that a rotation and a scale can be told from


def mpjpe(found: Array, true: Array, root: int | None = 0, weight: Array | None = None) -> Array:
    """Return the mean distance of joints after both bodies' roots are put together.

    Args:
        found: (..., J, 3) [m].
        true: (..., J, 3) [m], same frame.
        root: joint that is put at the origin; None leaves both where they are.
        weight: (..., J) at least 0; None for 1 each.

    Returns:
        (...) [mm], NaN where all weights are 0.
    """
    return mean_error(joint_errors(found, true, root), weight)


def pa_mpjpe(found: Array, true: Array, weight: Array | None = None) -> Array:
    """Return the mean distance of joints (..., J, 3) [m] after the best similarity transform.

    Args:
        found: (..., J, 3) [m].
        true: (..., J, 3) [m], in any frame.
        weight: (..., J) at least 0, for the transform and for the mean; None for 1 each.

    Returns:
        (...) [mm], NaN where fewer than three joints count.
    """
    if weight is None:
        return mean_error(joint_errors(procrustes(found, true), true))
    return mean_error(aligned_errors(found, true, weight), weight)


def mpvpe(found: Array, found_root: Array, true: Array, true_root: Array) -> Array:
    """Return the mean distance of vertices after the roots are laid onto each other.

    Args:
        found: (..., V, 3) [m].
        found_root: (..., 3) [m], the pelvis.
        true: (..., V, 3) [m].
        true_root: (..., 3) [m].

    Returns:
        (...) [mm].
    """
    return mean_error(joint_errors(found - found_root[..., None, :], true - true_root[..., None, :]))


def joint_errors(found: Array, true: Array, root: int | None = None) -> Array:
    """Return the distance of each joint (..., J) [mm], after `root` is put at the origin in both."""
    if root is not None:
        found, true = found - found[..., root, None, :], true - true[..., root, None, :]
    return MM_PER_M * np.linalg.norm(found - true, axis=-1)


def aligned_errors(found: Array, true: Array, weight: Array) -> Array:
    """Return the distance of each joint after the best similarity transform of the joints that count.

    Args:
        found: (..., J, 3) [m].
        true: (..., J, 3) [m].
        weight: (..., J) at least 0.

    Returns:
        (..., J) [mm], all NaN where fewer than three joints count.
    """
    counts = weight > 0
    is_enough = counts.sum(-1) >= MIN_ALIGNED
    safe = np.where(is_enough[..., None], weight, 1.0)
    known = (counts | ~is_enough[..., None])[..., None]
    source, target = np.where(known, found, 0.0), np.where(known, true, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):  # bodies that have shrunk to a point: NaN
        errors = joint_errors(procrustes(source, target, safe), target)
    return np.where(is_enough[..., None], errors, np.nan)


def mean_error(errors: Array, weight: Array | None = None) -> Array:
    """Return the weighted mean of errors (..., J) along their last axis, NaN where nothing counts."""
    if weight is None:
        return errors.mean(-1)
    counts = weight > 0
    total = np.where(counts, weight, 0.0).sum(-1)
    summed = (np.where(counts, errors, 0.0) * np.where(counts, weight, 0.0)).sum(-1)
    return np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)


def pck_3d(errors: Array, weight: Array | None = None, threshold_mm: float = PCK_3D_MM) -> Array:
    """Return the part of joints within a distance, from errors (..., J) [mm]: (...) in [0, 1]."""
    return mean_error((errors <= threshold_mm).astype(np.float64), weight)


def pck_3d_auc(errors: Array, weight: Array | None = None, most_mm: float = PCK_3D_MM) -> Array:
    """Return the area under 3D-PCK over thresholds 0, 5, … `most_mm` [mm]: (...) in [0, 1].

    As Mehta et al. (2017) have it: the mean over the thresholds.
    """
    thresholds = np.arange(0.0, most_mm + AUC_STEP_MM / 2, AUC_STEP_MM)
    return np.mean([pck_3d(errors, weight, step) for step in thresholds], axis=0)


def acceleration_error(
    found: Array, true: Array, fps: float | None = None, weight: Array | None = None
) -> Array:
    """Return how much joints of a clip are accelerated otherwise than they should be.

    Args:
        found: (..., T, J, 3) [m] in consecutive frames.
        true: (..., T, J, 3) [m].
        fps: frames a second; None for the unit of papers, millimetres per frame squared.
        weight: (..., T, J) at least 0; a second difference counts as its least certain frame.

    Returns:
        (..., T - 2) mean over joints [mm per frame², or mm/s² with `fps`]; NaN where no joint counts.

    Raises:
        ValueError: fewer than three frames.
    """
    if found.shape[-3] < 3:
        raise ValueError(f"acceleration needs at least 3 frames, got {found.shape[-3]}")
    difference = found - true
    second = difference[..., :-2, :, :] - 2 * difference[..., 1:-1, :, :] + difference[..., 2:, :, :]
    errors = MM_PER_M * np.linalg.norm(second, axis=-1) * (1.0 if fps is None else fps**2)
    if weight is None:
        return mean_error(errors)
    least = np.minimum(np.minimum(weight[..., :-2, :], weight[..., 1:-1, :]), weight[..., 2:, :])
    return mean_error(errors, least)
