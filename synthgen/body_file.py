"""Reads SMPL-family files into plain arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class BodyArrays:
    """The fields of an SMPL file.

    Attributes:
        v_template: (V, 3) [m].
        shapedirs: (V, 3, 10).
        posedirs: (V, 3, 207).
        J_regressor: (24, V).
        weights: (V, 24).
        faces: (F, 3) int32.
        kintree_table: (2, 24) int64.
    """

    v_template: Float32
    shapedirs: Float32
    posedirs: Float32
    J_regressor: Float32
    weights: Float32
    faces: NDArray[np.int32]
    kintree_table: NDArray[np.int64]


def read_body_file(path: Path) -> BodyArrays:
    """Read an .npz file."""
    with np.load(path, allow_pickle=False) as file:
        return BodyArrays(
            v_template=file["v_template"].astype(np.float32),
            shapedirs=file["shapedirs"].astype(np.float32),
            posedirs=file["posedirs"].astype(np.float32),
            J_regressor=file["J_regressor"].astype(np.float32),
            weights=file["weights"].astype(np.float32),
            faces=file["f"].astype(np.int32),
            kintree_table=file["kintree_table"].astype(np.int64),
        )
