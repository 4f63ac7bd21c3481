"""Where each face of a body lies, in words a tailor understands: along the arm, the leg, the trunk, the head.

Made once per body from its rest pose and skinning weights, so that it works for every body of the SMPL
family. Rest frame: x to the body's left, y up, z forward; metres.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.body import Body
from synthgen.geometry import Array
from synthgen.joints import POINT_NAMES, SMPL24
from synthgen.sample import NUM_BETAS, Person

Mask = NDArray[np.bool_]
_ARM = ("shoulder", "elbow", "wrist", "hand")
_LEG = ("hip", "knee", "ankle", "foot")


@dataclass(frozen=True)
class BodyMap:
    """Features of the faces (F) and vertices (V) of one body at rest.

    Attributes:
        faces: (F, 3) int32.
        vertices: (V, 3) [m].
        weights: (V, 24).
        points: rest position (3,) of every name in POINT_NAMES.
        normals: (V, 3) unit, outwards.
        center: (F, 3) [m].
        facing: (F, 3) unit normal.
        arm: (F,) 0 at the shoulder, 1 elbow, 2 wrist, 3 fingertips; -1 off the arms.
        leg: (F,) 0 at the hip, 1 knee, 2 ankle, 3 sole; -1 off the legs.
        trunk: (F,) height, 0 at the crotch, 1 at the base of the neck.
        is_head: (F,) head and upper neck.
        spread: sparse (V, F) that averages a quantity of faces at the vertices.
    """

    faces: NDArray[np.int32]
    vertices: Array
    weights: Array
    points: Mapping[str, Array]
    normals: Array
    center: Array
    facing: Array
    arm: Array
    leg: Array
    trunk: Array
    is_head: Mask
    spread: Any

    @cached_property
    def head(self) -> "HeadMap":
        """Measures of the head."""
        return _measure_head(self)

    @cached_property
    def soles(self) -> dict[str, NDArray[np.intp]]:
        """Vertices of the soles, by "left" and "right"."""
        low = self.vertices[:, 1] < min(self.points["left_heel"][1], self.points["left_big_toe"][1]) + 0.02
        return {
            "left": np.flatnonzero(low & (self.vertices[:, 0] > 0)),
            "right": np.flatnonzero(low & (self.vertices[:, 0] < 0)),
        }

    def thickness(self, of_faces: Array) -> Array:
        """Return (V,) the mean of what is given per face (F,) around each vertex."""
        return self.spread @ of_faces


@dataclass(frozen=True)
class HeadMap:
    """Heights and depths of a head at rest [m], and the distances of its faces from the features of the face.

    Attributes:
        eye_y: of the pupils.
        ear: (y, z) of the ears.
        top_y: of the crown.
        front_z: of the forehead.
        nape_y: where the hair ends at the back.
        back_z: of the back of the head.
        width: half of it, without ears.
        to_eye: (F,) distance to the nearer eye in the picture plane of a portrait.
        to_ear: (F,) distance to the nearer ear.
        mouth: (2,) y and z of the lips.
    """

    eye_y: float
    ear: tuple[float, float]
    top_y: float
    front_z: float
    nape_y: float
    back_z: float
    width: float
    to_eye: Array
    to_ear: Array
    mouth: tuple[float, float]


def map_body(body: Body) -> BodyMap:
    """Measure a body in its rest pose."""
    rest = Person(np.zeros(3), np.zeros((len(SMPL24) - 1, 3)), np.zeros(NUM_BETAS), np.zeros(3))
    points = dict(zip(POINT_NAMES, body.pose([rest]).points[0].astype(np.float64), strict=True))
    vertices, faces = body.rest_vertices.astype(np.float64), body.faces
    corners = vertices[faces]
    center = corners.mean(1)
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    spread = _spread(faces, len(vertices))
    normals = spread @ area
    weights = body.weights.astype(np.float64)
    of_face = weights[faces].mean(1)

    def share(parts: tuple[str, ...]) -> Array:
        sides = [SMPL24.index(f"{side}_{part}") for side in ("left", "right") for part in parts]
        return of_face[:, sides].sum(1)

    is_head = of_face[:, SMPL24.index("head")] + 0.6 * of_face[:, SMPL24.index("neck")] > 0.5
    crotch = vertices[np.abs(vertices[:, 0]) < 0.012, 1].min()
    return BodyMap(
        faces=faces,
        vertices=vertices,
        weights=weights,
        points=points,
        normals=_unit(normals),
        center=center,
        facing=_unit(area),
        arm=np.where(share(_ARM) > 0.5, _along_arm(center, points, vertices), -1.0),
        leg=np.where(share(_LEG) > 0.5, _along_leg(center, points, vertices), -1.0),
        trunk=(center[:, 1] - crotch) / (points["neck"][1] - crotch),
        is_head=is_head,
        spread=spread,
    )


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _spread(faces: NDArray[np.int32], count: int) -> Any:
    from scipy.sparse import csr_matrix

    columns = np.repeat(np.arange(len(faces)), 3)
    valence = np.bincount(faces.ravel(), minlength=count)
    values = 1.0 / valence[faces.ravel()]
    return csr_matrix((values, (faces.ravel(), columns)), shape=(count, len(faces)))


def _along_arm(center: Array, points: Mapping[str, Array], vertices: Array) -> Array:
    stops = [points[f"left_{joint}"][0] for joint in ("shoulder", "elbow", "wrist")]
    return np.interp(np.abs(center[:, 0]), [*stops, vertices[:, 0].max()], [0, 1, 2, 3])


def _along_leg(center: Array, points: Mapping[str, Array], vertices: Array) -> Array:
    stops = [-points[f"left_{joint}"][1] for joint in ("hip", "knee", "ankle")]
    return np.interp(-center[:, 1], [*stops, -vertices[:, 1].min()], [0, 1, 2, 3])


def _measure_head(body: BodyMap) -> HeadMap:
    points, center = body.points, body.center
    eye, ear, top = points["left_eye"], points["left_ear"], points["head_top"]
    skull = body.vertices[(body.vertices[:, 1] > eye[1]) & (np.abs(body.vertices[:, 0]) < abs(ear[0]))]
    folded = np.stack([np.abs(center[:, 0]), center[:, 1], center[:, 2]], -1)
    to_eye = np.hypot(folded[:, 0] - eye[0], folded[:, 1] - eye[1])
    nose = points["nose"]
    scale = top[1] - nose[1]
    return HeadMap(
        eye_y=float(eye[1]),
        ear=(float(ear[1]), float(ear[2])),
        top_y=float(top[1]),
        front_z=float(skull[skull[:, 1] > eye[1] + 0.4 * (top[1] - eye[1]), 2].max()),
        nape_y=float(ear[1] - 0.42 * scale),
        back_z=float(skull[:, 2].min()),
        width=float(np.abs(skull[:, 0]).max()),
        to_eye=np.where(center[:, 2] > ear[2] + 0.03, to_eye, np.inf),
        to_ear=np.linalg.norm(folded - np.array([ear[0], ear[1], ear[2]]), axis=1),
        mouth=(float(nose[1] - 0.235 * scale), float(nose[2] - 0.02)),
    )
