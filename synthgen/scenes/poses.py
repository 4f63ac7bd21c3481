"""Draw plausible, varied poses of people: everyday and by sport.

World frame: x to the body's left at rest, y up, z forward; metres and radians. A draw picks an action and a
moment between its keyframes, adds noise, settles contacts and clears self-collision; all from one generator.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from synthgen.scenes import anatomy, limits
from synthgen.scenes.action import Action, Apparatus, Keyframe, Support
from synthgen.scenes.anatomy import Float64
from synthgen.scenes.keyframes import LIBRARY
from synthgen.scenes.settle import Goal, settle

FAMILIES = tuple(LIBRARY)
SPORTS = tuple(family for family in FAMILIES if family != "everyday")
MAX_DEPTH = 0.008  # [m] deepest self-collision that a draw may keep, beyond what flesh gives way

_ATTEMPTS = 5
_KEY_ROUNDS = 12  # keyframes are written by hand: settled thoroughly, once
_KEY_STIFFNESS = 0.3
_CALMER = 0.6  # noise of the next attempt relative to the last
_LARGEST = 2.0  # [standard deviations] of a draw of noise
_SHARED = 0.6  # part of the noise's variance that both sides of the body share
_NOISE: dict[str, float] = {  # standard deviation [deg]
    "root_pitch": 3, "root_roll": 3, "root_yaw": 0,
    "spine_flex": 6, "spine_side": 5, "spine_twist": 6, "head_flex": 9, "head_side": 6, "head_twist": 13,
    "collar_up": 3, "collar_forward": 3, "arm_raise": 5, "arm_plane": 9, "arm_roll": 7,
    "elbow_flex": 9, "elbow_pronation": 14, "wrist_flex": 9, "wrist_radial": 6, "hand_curl": 10,
    "hip_flex": 5, "hip_abduction": 3, "hip_rotation": 5, "knee_flex": 6, "ankle_flex": 4,
    "ankle_inversion": 3, "toe_flex": 4,
}  # fmt: skip


@dataclass(frozen=True)
class Variety:
    """How far draws stray from the library's keyframes.

    Attributes:
        noise: scale of the joint noise.
        overshoot: how far a moment may lie before the first or past the second of its two keyframes, in
            steps between them.
    """

    noise: float = 1.0
    overshoot: float = 0.0


USUAL = Variety()


@dataclass(frozen=True)
class DrawnPose:
    """A pose as drawn from the library.

    Attributes:
        family: one of FAMILIES.
        action: snake_case name within the family ("slalom_turn").
        body_pose: (23, 3) axis-angle [rad].
        global_orient: (3,) axis-angle [rad], world frame; zero is upright and facing +z. Holds the
            action's own tilt (a handstand's half turn) and no random heading.
        support: "ground" (the lowest point lies on y=0), "hang" (the hands hold something above), "air" (free
            flight) or "apparatus" (stands or sits on beam, board, chair).
        lift: height of the lowest point of the body above y=0 [m], 0 on the ground.
        verb: phrase for captions ("carving a turn").
        apparatus: props that the action needs, "" for none; see `action.Apparatus`.
    """

    family: str
    action: str
    body_pose: Float64
    global_orient: Float64
    support: Support
    lift: float
    verb: str
    apparatus: Apparatus


def actions(family: str) -> tuple[str, ...]:
    """Return the names of a family's actions.

    Raises:
        ValueError: no such family; the message lists those there are.
    """
    return tuple(action.name for action in _family(family))


def draw_pose(family: str, rng: np.random.Generator, variety: Variety = USUAL) -> DrawnPose:
    """Draw a pose of a family; the same generator state gives the same pose.

    Raises:
        ValueError: no such family.
    """
    choices = _family(family)
    return _draw(family, choices[int(rng.integers(len(choices)))], rng, variety)


def draw_action(family: str, action: str, rng: np.random.Generator, variety: Variety = USUAL) -> DrawnPose:
    """Draw a pose of one action of a family.

    Raises:
        ValueError: no such family, or no such action in it.
    """
    for choice in _family(family):
        if choice.name == action:
            return _draw(family, choice, rng, variety)
    raise ValueError(f"unknown action {action!r} in {family}; known: {', '.join(actions(family))}")


def _family(family: str) -> tuple[Action, ...]:
    if family not in LIBRARY:
        raise ValueError(f"unknown pose family {family!r}; known: {', '.join(FAMILIES)}")
    return LIBRARY[family]


def _draw(family: str, action: Action, rng: np.random.Generator, variety: Variety) -> DrawnPose:
    moment, goal = _moment(family, action, rng, variety)
    if rng.random() < 0.5:
        moment = moment.mirrored()
        goal = _goal(family, action, moment)
    noise = _noise(rng) * action.noise * variety.noise
    scale = 1.0
    for _ in range(_ATTEMPTS):
        angles, depth = settle(np.array(moment.angles) + scale * noise, goal)
        if depth <= MAX_DEPTH:
            break
        scale *= _CALMER
    global_orient, body_pose = anatomy.to_axis_angle(angles)
    return DrawnPose(
        family=family,
        action=action.name,
        body_pose=body_pose,
        global_orient=global_orient,
        support=action.support,
        lift=float(rng.uniform(*action.lift)),
        verb=action.verb,
        apparatus=action.apparatus,
    )


def _goal(family: str, action: Action, frame: Keyframe) -> Goal:
    is_grounded = action.support == "ground"
    return Goal(frame.contacts, frame.touches, is_grounded, limits.is_flexible(family))


@cache
def _settled(family: str, action: Action) -> tuple[Keyframe, ...]:
    """Return an action's keyframes in time, settled; a stride with its mirror image."""
    settled = []
    for frame in action.keys:
        angles, _ = settle(np.array(frame.angles), _goal(family, action, frame), _KEY_ROUNDS, _KEY_STIFFNESS)
        settled.append(replace(frame, angles=tuple(angles.tolist())))
    if action.motion == "stride":
        settled += [frame.mirrored() for frame in settled]
    if action.motion in ("stride", "cycle"):
        settled.append(settled[0])
    return tuple(settled)


def _moment(family: str, action: Action, rng: np.random.Generator, variety: Variety) -> tuple[Keyframe, Goal]:
    """Pick a moment of an action: between two neighbouring keyframes, with the contacts of the nearer one."""
    keys = _settled(family, action)
    if action.motion == "variants" or len(keys) == 1:
        frame = keys[int(rng.integers(len(keys)))]
        return frame, _goal(family, action, frame)
    start = int(rng.integers(len(keys) - 1))
    part = (1 + 2 * variety.overshoot) * float(rng.random()) - variety.overshoot
    first, second = keys[start], keys[start + 1]
    angles = (1 - part) * np.array(first.angles) + part * np.array(second.angles)
    nearer = replace(first if part < 0.5 else second, angles=tuple(angles.tolist()))
    return nearer, _goal(family, action, nearer)


def _noise(rng: np.random.Generator) -> Float64:
    """Draw noise (A,) [deg], correlated between the sides."""
    own, shared = np.clip(rng.standard_normal((2, len(anatomy.ANGLES))), -_LARGEST, _LARGEST)
    mixed = np.sqrt(1 - _SHARED) * own + np.sqrt(_SHARED) * (shared + anatomy.mirror(shared)) / np.sqrt(2)
    return np.where(_IS_MIDLINE, own, mixed) * _SIGMA


_SIGMA = np.array([_NOISE[name.removeprefix("left_").removeprefix("right_")] for name in anatomy.ANGLES])
_IS_MIDLINE = np.array([not name.startswith(("left_", "right_")) for name in anatomy.ANGLES])
