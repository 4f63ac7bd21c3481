"""Cutting cloth: which faces of a body a garment covers, how thick it is, and the canvas it is painted on."""

from dataclasses import dataclass, field

import numpy as np

from synthgen.geometry import Array
from synthgen.scenes.body_map import BodyMap, Mask
from synthgen.surface import Material

WAIST = 0.36  # trunk height where tops and trousers meet
_CENTIMETRE = 0.01


@dataclass
class Canvas:
    """A body being dressed: later layers cover earlier ones.

    Attributes:
        body: whose faces are painted.
        materials: used so far.
        face_material: (F,) index into materials.
        thickness: (F,) of what covers each face [m].
    """

    body: BodyMap
    materials: list[Material]
    face_material: Array = field(init=False)
    thickness: Array = field(init=False)

    def __post_init__(self) -> None:
        self.face_material = np.zeros(len(self.body.faces), np.int32)
        self.thickness = np.zeros(len(self.body.faces))

    def paint(self, where: Mask, material: Material, thickness_cm: float = 0.0) -> None:
        """Cover faces with a material; thickness replaces what was there where it is greater."""
        if material not in self.materials:
            self.materials.append(material)
        self.face_material[where] = self.materials.index(material)
        self.thickness[where] = np.maximum(self.thickness[where], thickness_cm * _CENTIMETRE)


def _off_head(body: BodyMap, collar: float) -> Mask:
    """Faces below a neckline at trunk height `collar` in front; it rises a little at the back."""
    ramp = collar + 0.05 * (body.center[:, 2] < body.points["neck"][2])
    return (body.trunk < ramp) & ~body.is_head


def top(body: BodyMap, sleeve: float, collar: float = 0.98, hem: float = WAIST) -> Mask:
    """A shirt, jersey or jacket.

    Args:
        body: to cover.
        sleeve: where sleeves end along the arm: 0 none, 0.6 short, 1.9 to the wrist.
        collar: trunk height of the neckline: 0.85 low, 1.0 crew, 1.1 high.
        hem: trunk height where it ends.
    """
    trunk = (body.arm < 0) & (body.trunk > hem) & _off_head(body, collar)
    return trunk | ((body.arm >= 0) & (body.arm < sleeve))


def straps(body: BodyMap, width: float, depth: float) -> Mask:
    """The front and back of a singlet or swimsuit: straps `width` [m] around x, neckline `depth` of the trunk."""
    across = np.abs(body.center[:, 0])
    shoulder = body.points["left_shoulder"][0]
    is_strap = np.abs(across - 0.55 * shoulder) < width
    return (body.arm < 0) & ~body.is_head & ((body.trunk < depth) | (is_strap & (body.trunk > WAIST)))


def bottom(body: BodyMap, length: float, rise: float = WAIST) -> Mask:
    """Trousers or shorts; `length` along the leg: 0.3 shorts, 1 to the knee, 1.9 to the ankle."""
    hips = (body.arm < 0) & (body.leg < 0) & (body.trunk < rise)
    return hips | ((body.leg >= 0) & (body.leg < length))


def brief(body: BodyMap, cut: float, rise: float = WAIST) -> Mask:
    """Swimming briefs or the lower part of a leotard; `cut` is the slope of the leg line, 0.3 low, 1.2 high."""
    crotch = body.center[:, 1] - body.trunk * (body.points["neck"][1] - _crotch(body))
    line = crotch - 0.005 + cut * np.maximum(np.abs(body.center[:, 0]) - 0.03, 0)
    return (body.arm < 0) & (body.trunk < rise) & (body.center[:, 1] > line)


def _crotch(body: BodyMap) -> float:
    first = int(np.argmax(body.trunk))
    neck, t, y = body.points["neck"][1], body.trunk[first], body.center[first, 1]
    return float((y - t * neck) / (1 - t))


def leg_band(body: BodyMap, start: float, end: float = 4.0) -> Mask:
    """Faces between two places along both legs: socks 1.6 to 2, boots 1.5 to the sole."""
    return (body.leg >= start) & (body.leg <= end)


def arm_band(body: BodyMap, start: float, end: float = 4.0) -> Mask:
    """Faces between two places along both arms: gloves 1.9 to the fingertips."""
    return (body.arm >= start) & (body.arm <= end)


def sole(body: BodyMap, height: float = 0.02) -> Mask:
    """The underside and rim of both feet, up to `height` [m]."""
    return (body.leg > 2) & (body.center[:, 1] < body.vertices[:, 1].min() + height)


def side_stripe(body: BodyMap, width: float = 0.022) -> Mask:
    """Stripes down the outer side of arms and legs."""
    hip = np.abs(body.center[:, 2] - body.points["left_knee"][2]) < width
    outer = (body.leg >= 0) & (body.facing[:, 0] * np.sign(body.center[:, 0]) > 0.3) & hip
    sleeve = np.abs(body.center[:, 2] - body.points["left_elbow"][2]) < width
    return outer | ((body.arm >= 0) & (body.facing[:, 1] > 0.3) & sleeve)


def chest_band(body: BodyMap, low: float = 0.62, high: float = 0.76) -> Mask:
    """A band around the chest."""
    return (body.arm < 0) & (body.trunk > low) & (body.trunk < high)


def bib(body: BodyMap) -> Mask:
    """The rectangle of a race number, on chest and back."""
    across = np.abs(body.center[:, 0]) < 0.105
    return (
        (body.arm < 0) & across & (body.trunk > 0.5) & (body.trunk < 0.78) & (np.abs(body.facing[:, 2]) > 0.3)
    )
