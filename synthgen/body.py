"""A body model: the bundled open body or an official SMPL file, posed by smplx's own skinning.

`load_body("open")` needs nothing but this package; `load_body("path/to/SMPL_NEUTRAL.pkl")` reads a file that
the user has. Both give the same 24 joints, 12 landmarks and joint sets. Frame of vertices and joints: the one
that the people's parameters are in; metres.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.body_file import BodyArrays, read_body_file
from synthgen.joints import LANDMARK_NAMES, POINT_NAMES, SMPL24, JointSet
from synthgen.sample import Person

Float32 = NDArray[np.float32]

OPEN = "open"
SMPL = "smpl"
OPEN_FILE = Path(__file__).parent / "assets" / "open_body.npz"

_BLOCK = 4  # people skinned together; a batch of another size rounds differently

# Vertices of SMPL's template; smplx and OpenPose tools read the same ones. The open body's vertices are
# numbered so that these are the right ones there as well.
LANDMARK_VERTICES = {
    "nose": 332, "left_eye": 2800, "right_eye": 6260, "left_ear": 583, "right_ear": 4071, "head_top": 411,
    "left_big_toe": 3216, "left_small_toe": 3226, "left_heel": 3387,
    "right_big_toe": 6617, "right_small_toe": 6624, "right_heel": 6787,
}  # fmt: skip


@dataclass(frozen=True)
class Posed:
    """Posed bodies.

    Attributes:
        vertices: (N, V, 3) float32 [m], frame of the parameters.
        points: (N, len(POINT_NAMES), 3) float32 [m], order of `joints.POINT_NAMES`.
    """

    vertices: Float32
    points: Float32


class Body:
    """A body model that turns parameters into vertices and points; made by `load_body`.

    Attributes:
        name: "open" or "smpl".
        revision: first 16 hex digits of the sha256 of the file.
        faces: (F, 3) int32.
        weights: (V, 24) float32 skinning weights.
        rest_vertices: (V, 3) float32 [m], T-pose with zero betas.
    """

    def __init__(self, name: str, revision: str, arrays: BodyArrays) -> None:
        self.name = name
        self.revision = revision
        self.faces = arrays.faces
        self.weights = arrays.weights
        self.rest_vertices = arrays.v_template
        self._landmarks = [LANDMARK_VERTICES[landmark] for landmark in LANDMARK_NAMES]
        pelvis = arrays.J_regressor[0].astype(np.float64)
        self._pelvis = pelvis @ arrays.v_template.astype(np.float64)
        self._pelvis_dirs = np.einsum("v,vab->ab", pelvis, arrays.shapedirs.astype(np.float64))
        self._layer = _smplx_layer(arrays)

    def rest_pelvis(self, betas: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the pelvis (..., 3) [m] of shapes betas (..., 10) in the rest pose: the root's pivot."""
        return self._pelvis + np.asarray(betas, np.float64) @ self._pelvis_dirs.T

    def pose(self, people: Sequence[Person]) -> Posed:
        """Pose people.

        They are skinned in blocks of a fixed size, so that one's result does not depend on the company.
        """
        vertices = np.empty((len(people), *self.rest_vertices.shape), np.float32)
        points = np.empty((len(people), len(POINT_NAMES), 3), np.float32)
        for start in range(0, len(people), _BLOCK):
            block = people[start : start + _BLOCK]
            rows = slice(start, start + len(block))
            vertices[rows], points[rows, : len(SMPL24)] = self._skin(block)
        points[:, len(SMPL24) :] = vertices[:, self._landmarks]
        return Posed(vertices, points)

    def joints(self, points: Float32, joint_set: JointSet) -> Float32:
        """Blend points (..., len(POINT_NAMES), 3) into the joints (..., J, 3) of a set."""
        return joint_set.point_weights() @ points

    def _skin(self, people: Sequence[Person]) -> tuple[Float32, Float32]:
        """Return vertices (N, V, 3) and joints (N, 24, 3) of at most _BLOCK people."""
        import torch

        def rows(values: list[NDArray[np.floating]]) -> torch.Tensor:
            filled = np.zeros((_BLOCK, values[0].size), np.float32)
            filled[: len(values)] = np.reshape(values, (len(values), -1))
            return torch.from_numpy(filled)

        with torch.inference_mode():
            out = self._layer(
                betas=rows([person.betas for person in people]),
                global_orient=rows([person.global_orient for person in people]),
                body_pose=rows([person.body_pose for person in people]),
                transl=rows([person.transl for person in people]),
            )
        return out.vertices.numpy()[: len(people)], out.joints.numpy()[: len(people), : len(SMPL24)]


def load_body(which: str) -> Body:
    """Load the open body or an official SMPL file.

    Args:
        which: "open", or the path of SMPL_NEUTRAL.pkl, basicModel_neutral_lbs_10_207_0_v1.0.0.pkl or an .npz
            with the same fields.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not an SMPL body, or holds anything but arrays.
    """
    return _open_body() if which == OPEN else _read(Path(which).expanduser())


@cache
def _open_body() -> Body:
    """Return the package's own body, read once for all who pose it in this process."""
    return _read(OPEN_FILE)


def _read(path: Path) -> Body:
    arrays = read_body_file(path)
    with path.open("rb") as file:
        revision = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    return Body(OPEN if arrays.is_open else SMPL, revision, arrays)


def _smplx_layer(arrays: BodyArrays) -> Any:
    import contextlib
    import io

    import smplx

    with contextlib.redirect_stdout(io.StringIO()):  # smplx warns that there are ten betas; there always are
        return smplx.SMPL(
            "smpl",
            data_struct=smplx.utils.Struct(
                v_template=arrays.v_template,
                shapedirs=arrays.shapedirs,
                posedirs=arrays.posedirs,
                J_regressor=arrays.J_regressor,
                weights=arrays.weights,
                f=arrays.faces,
                kintree_table=np.array([SMPL24.parents, range(len(SMPL24))]),
            ),
        )
