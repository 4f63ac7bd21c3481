"""Cutting cloth: which part of a body a garment covers, and the canvas that it is painted on.

A cut is a signed field over the vertices (V,), about metres: negative where there is cloth, zero at the hem.
`both` and `either` combine cuts. Hems are straight although faces are coarse: the vertices next to a hem
slide along the skin until they lie on it.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import Array
from synthgen.scenes.body_map import BodyMap
from synthgen.surface import Material

WAIST = 0.36  # trunk height where tops and trousers meet
_CENTIMETRE = 0.01
_ARM, _LEG, _TRUNK = 0.25, 0.40, 0.55  # [m] per unit of the body's coordinates, roughly


@dataclass
class Canvas:
    """A body being dressed: later layers cover earlier ones.

    Attributes:
        body: whose faces are painted.
        materials: used so far.
        face_material: (F,) index into materials.
        thickness: (V,) of what covers the skin [m].
        slide: (V, 3) how far vertices slid along the skin to a hem [m], rest frame.
    """

    body: BodyMap
    materials: list[Material]
    face_material: NDArray[np.int32] = field(init=False)
    thickness: Array = field(init=False)
    slide: Array = field(init=False)

    def __post_init__(self) -> None:
        self.face_material = np.zeros(len(self.body.faces), np.int32)
        self.thickness = np.zeros(len(self.body.vertices))
        self.slide = np.zeros_like(self.body.vertices)

    @property
    def push(self) -> Array:
        """(V, 3) displacement of the vertices from skin to cloth, rest frame [m]."""
        return self.slide + self.thickness[:, None] * self.body.normals

    def paint(self, cut: Array, material: Material, thickness_cm: float = 0.0) -> None:
        """Cover what a cut covers; where two layers meet, the thicker one counts.

        Args:
            cut: (V,) signed field.
            material: of the cloth.
            thickness_cm: how far the cloth stands off the skin; half of it at the hem.
        """
        inside = cut < 0
        settled = self._snap(cut, inside)
        a, b, c = (inside[corner] for corner in self.body.corners)
        covered = a & b & c
        mixed = np.flatnonzero((a | b | c) & ~covered)
        covered[mixed] = settled[self.body.faces[mixed]].sum(1) < 0
        self.paint_faces(covered, material)
        height = thickness_cm * _CENTIMETRE
        self.thickness = np.maximum(
            self.thickness, np.where(settled < 0, height, (settled == 0) * height / 2)
        )

    def melt(self, cut: Array) -> None:
        """Give feet or hands inside a cut the shape of a shoe or mitten."""
        inside = cut < 0
        self.slide[inside] = self.body.rounding[inside]

    def paint_faces(self, faces: NDArray[np.bool_], material: Material) -> None:
        """Colour faces (F,) where true, for details smaller than a hem."""
        if material not in self.materials:
            self.materials.append(material)
        self.face_material[faces] = self.materials.index(material)

    def _snap(self, cut: Array, inside: NDArray[np.bool_]) -> Array:
        """Slide the nearer end of every edge that crosses the hem onto it; returns the cut, 0 where slid."""
        first, second = self.body.ends
        crossing = np.flatnonzero(inside[first] != inside[second])
        settled = np.array(cut)
        if not len(crossing):
            return settled
        a, b = first[crossing], second[crossing]
        part = cut[a] / (cut[a] - cut[b])
        near = part < 0.5
        mover, other = np.where(near, a, b), np.where(near, b, a)
        way = np.where(near, part, 1 - part)
        order = np.argsort(-way, kind="stable")  # the shortest way of each vertex is written last
        mover, other, way = mover[order], other[order], way[order]
        vertices = self.body.vertices
        self.slide[mover] = way[:, None] * (vertices[other] - vertices[mover])
        settled[mover] = 0.0
        return settled


def both(*cuts: Array) -> Array:
    """Return the cut of what all of them cover."""
    return np.maximum.reduce(cuts)


def either(*cuts: Array) -> Array:
    """Return the cut of what any of them covers."""
    return np.minimum.reduce(cuts)


def _neckline(body: BodyMap, collar: float) -> Array:
    """Everything below a neckline that is deepest in the middle; higher at the back."""
    side = np.minimum(body.across / (0.75 * body.points["left_shoulder"][0]), 1.0)
    behind = np.clip((body.points["neck"][2] - body.vertices[:, 2]) / 0.06, 0, 1)
    low = collar + 0.45 * max(1.0 - collar, 0.0) * behind
    return (body.trunk - low - np.maximum(1.12 - low, 0) * side**2) * _TRUNK


def _below(body: BodyMap, height: float) -> Array:
    return (body.trunk - height) * _TRUNK


def top(body: BodyMap, sleeve: float, collar: float = 0.98, hem: float = WAIST) -> Array:
    """A shirt, jersey or jacket.

    Args:
        body: to cover.
        sleeve: where sleeves end along the arm: -0.1 none, 0.6 short, 1.9 to the wrist.
        collar: trunk height of the neckline: 0.85 low, 1.0 crew, 1.1 high.
        hem: trunk height where it ends.
    """
    return both(-_below(body, hem), _neckline(body, collar), (body.arm - sleeve) * _ARM)


def straps(body: BodyMap, width: float, depth: float) -> Array:
    """The upper part of a swimsuit: straps `width` [m] to each side, neckline at `depth` of the trunk."""
    strap = np.abs(body.across - 0.55 * body.points["left_shoulder"][0]) - width
    cloth = either(_below(body, depth), strap)
    return both(cloth, -_below(body, WAIST - 0.04), (body.arm + 0.15) * _ARM, _below(body, 1.1))


def bottom(body: BodyMap, length: float, rise: float = WAIST) -> Array:
    """Trousers or shorts; `length` along the leg: 0.3 shorts, 1 to the knee, 1.9 to the ankle."""
    return both(_below(body, rise), (body.leg - length) * _LEG)


def brief(body: BodyMap, slope: float, rise: float = WAIST) -> Array:
    """Swimming briefs or the lower part of a leotard; `slope` of the leg line: 0.3 low, 1.2 high."""
    line = body.crotch - 0.005 + slope * np.maximum(body.across - 0.03, 0)
    return both(_below(body, rise), line - body.vertices[:, 1])


def leg_band(body: BodyMap, start: float, end: float = 4.0) -> Array:
    """What lies between two places along both legs: socks 1.6 to 2, boots 1.5 to the sole."""
    return np.maximum(start - body.leg, body.leg - end) * _LEG


def arm_band(body: BodyMap, start: float, end: float = 4.0) -> Array:
    """What lies between two places along both arms: gloves 1.9 to the fingertips."""
    return np.maximum(start - body.arm, body.arm - end) * _ARM


def sole(body: BodyMap, height: float) -> Array:
    """The underside and rim of both feet, up to `height` [m]."""
    return body.vertices[:, 1] - body.vertices[:, 1].min() - height


def side_stripe(body: BodyMap, width: float = 0.024) -> Array:
    """Stripes down the outer side of arms and legs."""
    outward = body.normals[:, 0] * np.sign(body.vertices[:, 0])
    leg = both(
        np.abs(body.vertices[:, 2] - body.points["left_knee"][2]) - width, 0.04 * (0.1 - outward), -body.leg
    )
    sleeve = both(
        np.abs(body.vertices[:, 2] - body.points["left_elbow"][2]) - width,
        0.04 * (0.1 - body.normals[:, 1]),
        -body.arm * _ARM,
    )
    return either(leg, sleeve)


def chest_band(body: BodyMap, low: float = 0.62, high: float = 0.76) -> Array:
    """A band around the chest."""
    return both(_below(body, high), -_below(body, low), (body.arm - 0.05) * _ARM)


def front_panel(body: BodyMap, width: float) -> Array:
    """A strip down the middle of the front, `width` [m] to each side."""
    return both(body.across - width, 0.05 * (0.1 - body.normals[:, 2]), -_below(body, 0.3), _below(body, 1.1))


def bib(body: BodyMap) -> Array:
    """The rectangle of a race number, on chest and back."""
    flat = 0.1 * (0.3 - np.abs(body.normals[:, 2]))
    return both(body.across - 0.105, -_below(body, 0.5), _below(body, 0.78), flat)
