"""Keyframes and actions: how the pose library is written down.

A keyframe names parts of the body in anatomical angles (see `synthgen.scenes.anatomy`), for example
`key(left_hip=(90, 10), knees=80, arms=(60, 90))`. A plural sets both sides, a single side wins over it, a
tuple may stop early, and what is not named keeps the relaxed stance (or the keyframe passed first).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from synthgen.scenes import anatomy
from synthgen.scenes.skeleton import SKIN_POINTS

Support = Literal["ground", "hang", "air", "apparatus"]
Apparatus = Literal[
    "", "skis", "snowboard", "beam", "bar", "rings", "vault", "mat", "springboard", "hurdle", "pole",
    "high_bar", "javelin", "shot", "discus", "hammer", "blocks", "chair", "box", "step", "phone", "ball",
    "pit",
]  # fmt: skip
Value = float | tuple[float, ...]

_RELAXED: Mapping[str, Value] = {
    "arms": (12, 35, 0), "elbows": (18, 10), "hands": 15, "hips": (2, 2, 8), "knees": 3, "ankles": 0,
}  # fmt: skip

FEET = ("left_heel", "left_ball_in", "left_ball_out", "right_heel", "right_ball_in", "right_ball_out")
_CONTACT_GROUPS = {
    "feet": FEET,
    "left_foot": FEET[:3],
    "right_foot": FEET[3:],
    "toes": ("left_ball_in", "left_ball_out", "right_ball_in", "right_ball_out"),
    "left_toes": ("left_ball_in", "left_ball_out"),
    "right_toes": ("right_ball_in", "right_ball_out"),
    "hands": ("left_palm", "left_fingers", "right_palm", "right_fingers"),
    "left_hand": ("left_palm", "left_fingers"),
    "right_hand": ("right_palm", "right_fingers"),
    **{
        name: (f"left_{point}", f"right_{point}")
        for name, point in {
            "seat": "seat", "knees": "knee", "insteps": "instep", "heels": "heel",
            "elbows": "elbow", "thighs": "thigh",
            "shoulders": "shoulder", "forearms": "forearm",
        }.items()
    },
}  # fmt: skip


@dataclass(frozen=True)
class Keyframe:
    """A pose and what it leans on.

    Attributes:
        angles: one per `anatomy.ANGLES` [deg].
        contacts: skin points that lie on one level, mostly the ground.
        touches: pairs of skin points that are brought together.
    """

    angles: tuple[float, ...]
    contacts: tuple[str, ...]
    touches: tuple[tuple[str, str], ...]

    def mirrored(self) -> "Keyframe":
        """Return the keyframe with left and right exchanged."""
        angles = tuple(anatomy.mirror(np.array(self.angles)).tolist())
        touches = tuple((_other(first), _other(second)) for first, second in self.touches)
        return Keyframe(angles, tuple(_other(point) for point in self.contacts), touches)


@dataclass(frozen=True)
class Action:
    """Something people do, as keyframes in time.

    Attributes:
        name: snake_case, unique in its family.
        verb: for captions, as in "a photo of a person {verb}".
        keys: keyframes in the order they pass.
        motion: "path" runs from the first keyframe to the last, "cycle" returns to the first, "stride" runs
            on into its own mirror image and then returns, "variants" are ways of holding the same pose.
        support: what carries the body.
        lift: range of the lowest point's height above the ground [m]; 0 on the ground.
        apparatus: the props that the action needs.
        noise: scale of the joint noise; below 1 for poses that need precision.
    """

    name: str
    verb: str
    keys: tuple[Keyframe, ...]
    motion: Literal["path", "cycle", "stride", "variants"] = "path"
    support: Support = "ground"
    lift: tuple[float, float] = (0.0, 0.0)
    apparatus: Apparatus = ""
    noise: float = 1.0


def _other(point: str) -> str:
    return {"left": "right_", "right": "left_"}.get(point.split("_")[0], "") + (
        point.split("_", 1)[1] if point.startswith(("left_", "right_")) else point
    )


def _write(angles: np.ndarray, part: str, value: Value) -> None:
    values = value if isinstance(value, tuple) else (value,)
    where = anatomy.columns(part)
    if len(values) > where.stop - where.start:
        raise ValueError(f"keyframe part {part!r} has angles {anatomy.PARTS[part]}, got {value}")
    angles[where.start : where.start + len(values)] = values


def _fill(angles: np.ndarray, parts: Mapping[str, Value]) -> None:
    singles = {}
    for name, value in parts.items():
        if name in anatomy.PARTS:
            singles[name] = value
            continue
        pair = (f"left_{name[:-1]}", f"right_{name[:-1]}")
        if not name.endswith("s") or pair[0] not in anatomy.PARTS:
            raise ValueError(f"unknown keyframe part {name!r}; known: {', '.join(anatomy.PARTS)} and plurals")
        for part in pair:
            _write(angles, part, value)
    for name, value in singles.items():
        _write(angles, name, value)


def _points(names: str) -> tuple[str, ...]:
    points: list[str] = []
    for name in names.split():
        group = _CONTACT_GROUPS.get(name, (name,))
        for point in group:
            if point not in SKIN_POINTS:
                raise ValueError(
                    f"unknown contact {point!r}; known: {', '.join((*_CONTACT_GROUPS, *SKIN_POINTS))}"
                )
        points.extend(point for point in group if point not in points)
    return tuple(points)


def key(
    base: Keyframe | None = None, /, on: str | None = None, touch: str | None = None, **parts: Value
) -> Keyframe:
    """Write a keyframe.

    Args:
        base: keyframe to start from; the relaxed stance if none.
        on: contacts, separated by blanks ("feet", "left_hand knees"); those of `base` if none.
        touch: pairs "left_palm=right_thigh", separated by blanks; those of `base` if none.
        parts: angles [deg] of body parts, single sides winning over plurals.

    Raises:
        ValueError: unknown part or contact, or too many angles.
    """
    angles = np.zeros(len(anatomy.ANGLES))
    if base is None:
        _fill(angles, _RELAXED)
    else:
        angles[:] = base.angles
    _fill(angles, parts)
    contacts = _points(on) if on is not None else base.contacts if base else ()
    touches = base.touches if base else ()
    if touch is not None:
        touches = tuple((first, second) for first, second in (pair.split("=") for pair in touch.split()))
        _points(" ".join(point for pair in touches for point in pair))
    return Keyframe(tuple(angles.tolist()), contacts, touches)
