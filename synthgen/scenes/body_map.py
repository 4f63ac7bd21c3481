"""Where every point of a body lies, as a tailor would say: along arm and leg, up the trunk, on the head.

Made once per body from its rest pose, so that it works for every body of the SMPL family. Rest frame, a
T-pose: x to the body's left, y up, z forward; metres.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synthgen.body import Body
from synthgen.geometry import Array
from synthgen.joints import POINT_NAMES, SMPL24
from synthgen.sample import NUM_BETAS, Person

_ROUNDS = 8  # of smoothing from toes to a shoe
_SOLE = 0.02  # [m] height of what counts as the underside of a foot


@dataclass(frozen=True)
class BodyMap:
    """Features of the vertices (V), edges (E) and faces (F) of one body at rest.

    Attributes:
        faces: (F, 3) int32.
        corners: first, second and third vertex of every face, (F,) each.
        ends: first and second vertex of every edge, (E,) each.
        vertices: (V, 3) [m].
        weights: (V, 24).
        points: rest position (3,) of every name in POINT_NAMES.
        normals: (V, 3) unit, outwards.
        center: (F, 3) middle of each face [m].
        arm: (V,) 0 at the shoulder, 1 elbow, 2 wrist, 3 fingertips, negative towards the middle of the body.
        leg: (V,) 0 at the hip, 1 knee, 2 ankle, 3 sole, negative above.
        trunk: (V,) height, 0 at the crotch, 1 at the base of the neck.
        crotch: its height [m].
    """

    faces: NDArray[np.int32]
    corners: tuple[NDArray[np.intp], ...]
    ends: tuple[NDArray[np.intp], ...]
    vertices: Array
    weights: Array
    points: Mapping[str, Array]
    normals: Array
    center: Array
    arm: Array
    leg: Array
    trunk: Array
    crotch: float

    @property
    def across(self) -> Array:
        """(V,) distance from the midline [m]."""
        return np.abs(self.vertices[:, 0])

    @cached_property
    def head(self) -> "HeadMap":
        """Measures of the head."""
        return _measure_head(self)

    @cached_property
    def rounding(self) -> Array:
        """(V, 3) displacement that melts toes and fingers into a shoe or mitten; 0 elsewhere [m]."""
        share = np.clip(np.maximum(self.leg - 2.0, self.arm - 2.1) / 0.15, 0, 1)[:, None]
        first, second = self.ends
        degree = np.bincount(np.concatenate([first, second]), minlength=len(share))[:, None]
        shape = np.array(self.vertices)
        for _ in range(_ROUNDS):
            total = np.zeros_like(shape)
            np.add.at(total, first, shape[second])
            np.add.at(total, second, shape[first])
            shape += 0.6 * share * (total / np.maximum(degree, 1) - shape)
        return shape - self.vertices

    @cached_property
    def soles(self) -> dict[str, NDArray[np.intp]]:
        """Vertices of the soles, by "left" and "right"."""
        low = self.vertices[:, 1] < self.vertices[:, 1].min() + _SOLE
        return {
            "left": np.flatnonzero(low & (self.vertices[:, 0] > 0)),
            "right": np.flatnonzero(low & (self.vertices[:, 0] < 0)),
        }


@dataclass(frozen=True)
class HeadMap:
    """Heights and depths of a head at rest [m], and who belongs to it.

    Attributes:
        eye_y: of the pupils.
        ear: (y, z) of the ears.
        top_y: of the crown.
        front_z: of the forehead.
        nape_y: where the hair ends at the back.
        back_z: of the back of the head.
        width: half of it, without ears.
        above_chin: (V,) distance below the line from chin to nape, negative on the head.
        to_ear: (V,) distance to the nearer ear.
        in_front: (F,) bool: faces of the face.
        mouth_y: of the lips.
    """

    eye_y: float
    ear: tuple[float, float]
    top_y: float
    front_z: float
    nape_y: float
    back_z: float
    width: float
    above_chin: Array
    to_ear: Array
    in_front: NDArray[np.bool_]
    mouth_y: float


def map_body(body: Body) -> BodyMap:
    """Measure a body in its rest pose."""
    rest = Person(np.zeros(3), np.zeros((len(SMPL24) - 1, 3)), np.zeros(NUM_BETAS), np.zeros(3))
    points = dict(zip(POINT_NAMES, body.pose([rest]).points[0].astype(np.float64), strict=True))
    vertices, faces = body.rest_vertices.astype(np.float64), body.faces
    corners = vertices[faces]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], area)
    sides = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    crotch = float(vertices[np.abs(vertices[:, 0]) < 0.012, 1].min())
    across, up = np.abs(vertices[:, 0]), vertices[:, 1]
    arm = [points[f"left_{joint}"][0] for joint in ("shoulder", "elbow", "wrist")]
    leg = [-points[f"left_{joint}"][1] for joint in ("hip", "knee", "ankle")]
    upper = leg[1] - leg[0]
    return BodyMap(
        faces=faces,
        corners=tuple(np.ascontiguousarray(faces[:, corner], np.intp) for corner in range(3)),
        ends=tuple(np.ascontiguousarray(end, np.intp) for end in np.unique(sides, axis=0).T),
        vertices=vertices,
        weights=body.weights.astype(np.float64),
        points=points,
        normals=normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12),
        center=corners.mean(1),
        arm=np.interp(across, [0, *arm, across.max()], [-arm[0] / (arm[1] - arm[0]), 0, 1, 2, 3]),
        leg=np.interp(-up, [leg[0] - 2 * upper, *leg, -up.min()], [-2, 0, 1, 2, 3]),
        trunk=(up - crotch) / (points["neck"][1] - crotch),
        crotch=crotch,
    )


def _measure_head(body: BodyMap) -> HeadMap:
    points, vertices = body.points, body.vertices
    eye, ear, top, nose = points["left_eye"], points["left_ear"], points["head_top"], points["nose"]
    skull = vertices[(vertices[:, 1] > eye[1]) & (np.abs(vertices[:, 0]) < abs(ear[0]))]
    scale = float(top[1] - nose[1])
    nape_y, chin_y = float(ear[1] - 0.42 * scale), float(nose[1] - 0.62 * scale)
    back, front = float(skull[:, 2].min()), float(nose[2])
    line = np.interp(vertices[:, 2], [back, front], [nape_y, chin_y])
    folded = np.stack([np.abs(vertices[:, 0]), vertices[:, 1], vertices[:, 2]], -1)
    return HeadMap(
        eye_y=float(eye[1]),
        ear=(float(ear[1]), float(ear[2])),
        top_y=float(top[1]),
        front_z=float(skull[skull[:, 1] > eye[1] + 0.4 * (top[1] - eye[1]), 2].max()),
        nape_y=nape_y,
        back_z=back,
        width=float(np.quantile(np.abs(skull[:, 0]), 0.97)),
        above_chin=np.maximum(line - vertices[:, 1], body.across - 2.0 * ear[0]),
        to_ear=np.linalg.norm(folded - ear, axis=1),
        in_front=(body.center[:, 2] > ear[2] + 0.05) & (body.center[:, 1] > chin_y),
        mouth_y=float(nose[1] - 0.235 * scale),
    )
