"""Errors of estimated bodies and joints. Lengths go in as metres and come out as millimetres.

Every function keeps the batch: one figure for each body, to be averaged as the caller likes.
"""

import numpy as np

from synthgen.geometry import Array, procrustes

MM_PER_M = 1000.0


def mpjpe(found: Array, true: Array, root: int | None = 0) -> Array:
    """Return the mean distance of joints after both bodies' roots are put together.

    Args:
        found: (..., J, 3) [m].
        true: (..., J, 3) [m], same frame.
        root: joint that is put at the origin; None leaves both where they are.

    Returns:
        (...) [mm].
    """
    if root is not None:
        found, true = found - found[..., root, None, :], true - true[..., root, None, :]
    return MM_PER_M * np.linalg.norm(found - true, axis=-1).mean(-1)


def pa_mpjpe(found: Array, true: Array) -> Array:
    """Return the mean distance of joints (..., J, 3) [m] after the best similarity transform: (...) [mm]."""
    return mpjpe(procrustes(found, true), true, None)
