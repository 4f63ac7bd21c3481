"""The matrix with which papers blend Human3.6M's joints from SMPL's vertices; a file that the user has."""

from pathlib import Path

import numpy as np

from synthgen.body import Body
from synthgen.joints import H36M17
from synthgen.sample import Float

SOURCE = (
    "it comes with SPIN and 3DCrowdNet (J_regressor_h36m_correct.npy), and may be used where SMPL may be used"
)


def read_regressor(path: str, body: Body) -> Float:
    """Read the (17, V) matrix for a body and make sure that its sides are right.

    Two files are in use that differ in which leg comes first; joints of the wrong side would be compared.

    Raises:
        ValueError: it is something else, or its left leg comes first.
    """
    try:
        loaded = np.load(Path(path).expanduser(), allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ValueError(f"h36m_regressor: {path} cannot be read ({error}); {SOURCE}") from error
    matrix = loaded[loaded.files[0]] if isinstance(loaded, np.lib.npyio.NpzFile) else loaded
    shape = (len(H36M17), len(body.rest_vertices))
    if matrix.shape != shape or not np.isfinite(matrix).all():
        raise ValueError(f"h36m_regressor: {path} must hold finite {shape}, got {matrix.shape}; {SOURCE}")
    joints = matrix @ body.rest_vertices
    for name, place in zip(H36M17.names, joints, strict=True):
        if name.startswith(("left_", "right_")) and (place[0] > 0) != name.startswith("left_"):
            raise ValueError(
                f"h36m_regressor: {path} puts {name} on the other side of the body; "
                "J_regressor_h36m_correct.npy has the right leg first"
            )
    return np.asarray(matrix, np.float64)
