"""Settle a pose: level its contacts, close its touches, part its limbs, by small changes of the angles.

Noise and interpolation lift a heel here and sink a hand there. A damped least-squares step on the stick
figure puts that right while it stays as near to the drawn pose as it can.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from synthgen.scenes import anatomy, limits, skeleton
from synthgen.scenes.anatomy import Float64
from synthgen.scenes.collision import CAPSULE_PAIRS, capsule_depths

_STEP = 0.5  # [deg] of the numerical derivative
_LONGEST = 20.0  # [deg] an angle changes in one round
_STIFFNESS = 0.0012  # [m per deg] a change of one degree weighs as much as an error of this size
_GOOD_ENOUGH = 0.004  # [m]
_GRIP = 0.6  # weight of a gap between two points against the same error of a contact
_CLEARANCE = 0.01  # [m] limbs are parted by this much more than they must
_SPREAD: dict[str, float] = {  # willingness of an angle to change, relative to the others
    "root_pitch": 0.4, "root_roll": 0.4, "spine_flex": 0.15, "spine_side": 0.15, "spine_twist": 0.15,
    "arm_raise": 1.0, "arm_plane": 1.2, "arm_roll": 1.2, "elbow_flex": 1.2, "elbow_pronation": 1.0,
    "wrist_flex": 1.5, "wrist_radial": 0.7,
    "hip_flex": 1.0, "hip_abduction": 0.6, "hip_rotation": 0.6, "knee_flex": 1.2,
    "ankle_flex": 2.0, "ankle_inversion": 1.5, "toe_flex": 1.0,
}  # fmt: skip


def _free() -> tuple[NDArray[np.intp], Float64]:
    spread = np.array(
        [_SPREAD.get(n.removeprefix("left_").removeprefix("right_"), 0.0) for n in anatomy.ANGLES]
    )
    moving = np.flatnonzero(spread)
    return moving, spread[moving]


_MOVING, _WILLING = _free()
_IS_ARM = np.array([any(part in anatomy.ANGLES[i] for part in ("arm", "elbow", "wrist")) for i in _MOVING])
_IS_ARM_PAIR = np.array(
    [
        any(limb.endswith(("arm", "hand")) for limb in pair)
        and not any(limb.endswith(("shin", "foot")) for limb in pair)
        for pair in CAPSULE_PAIRS
    ]
)
_LEG_POINTS = ("shin", "ankle", "instep", "heel", "ball_in", "ball_out")


@cache
def _index(points: tuple[str, ...]) -> NDArray[np.intp]:
    return np.array([skeleton.SKIN_POINTS.index(name) for name in points], np.intp)


@dataclass(frozen=True)
class Goal:
    """What a pose is settled to.

    Attributes:
        contacts: names of skin points that lie on one level.
        touches: pairs of skin points that are brought together.
        is_grounded: whether the contacts lie on the ground, below which nothing may sink.
        is_flexible: which limits hold.
    """

    contacts: tuple[str, ...]
    touches: tuple[tuple[str, str], ...]
    is_grounded: bool
    is_flexible: bool


def settle(angles: Float64, goal: Goal, rounds: int = 2, stiffness: float = 1.0) -> tuple[Float64, float]:
    """Bring a pose into contact with the ground, its touches and out of itself.

    Args:
        angles: (A,) [deg].
        goal: what it leans on, touches and may reach.
        rounds: of least squares; two put right noise, more a rough keyframe.
        stiffness: how much the pose resists change.

    Returns:
        angles (A,) [deg] inside the limits, and the deepest self-collision that is left [m].
    """
    start = current = limits.clamp(angles, goal.is_flexible)
    hold = np.diag((stiffness * _STIFFNESS / _WILLING) ** 2)
    best, best_depth, least = current, np.inf, np.inf
    for remaining in range(rounds, -1, -1):
        position, orientation = skeleton.forward(anatomy.to_rotmats(current))
        depths = capsule_depths(position, orientation)
        deep = np.flatnonzero(depths > -_CLEARANCE)
        error = _residual(position, orientation, goal, deep)
        if error @ error < least:
            best, best_depth, least = current, float(depths.max()), float(error @ error)
        if not remaining or not error.size or np.abs(error).max() < _GOOD_ENOUGH:
            break
        moved = np.repeat(current[None], len(_MOVING), 0)
        moved[np.arange(len(_MOVING)), _MOVING] += _STEP
        jacobian = (_residual(*skeleton.forward(anatomy.to_rotmats(moved)), goal, deep) - error).T / _STEP
        if goal.touches:
            jacobian[: 3 * len(goal.touches)][_blocked(goal.touches)] = 0.0
        if deep.size:  # arms give way to trunk and thighs
            jacobian[-deep.size :][_IS_ARM_PAIR[deep][:, None] & ~_IS_ARM] = 0.0
        pull = jacobian.T @ error + hold @ (current - start)[_MOVING]
        change = np.linalg.solve(jacobian.T @ jacobian + hold, -pull)
        current = current.copy()
        current[_MOVING] += np.clip(change, -_LONGEST, _LONGEST)
        current = limits.clamp(current, goal.is_flexible)
    return best, best_depth


def _residual(position: Float64, orientation: Float64, goal: Goal, deep: NDArray[np.intp]) -> Float64:
    """Return (..., R) [m]: gaps of touches, unevenness of contacts, what sinks below them, overlaps."""
    points = skeleton.skin_points(position, orientation)
    parts = []
    if goal.touches:
        first, second = _index(tuple(p[0] for p in goal.touches)), _index(tuple(p[1] for p in goal.touches))
        gap = points[..., first, :] - points[..., second, :]
        parts.append(_GRIP * gap.reshape(*gap.shape[:-2], -1))
    if goal.contacts:
        contacts = _index(goal.contacts)
        height = points[..., 1]
        ground = height[..., contacts].mean(-1, keepdims=True)
        parts.append(height[..., contacts] - ground)
        if goal.is_grounded:
            sunk = np.minimum(height - ground, 0.0) * skeleton.IS_SKIN
            sunk[..., contacts] = 0.0
            parts.append(sunk)
    if deep.size:
        parts.append(np.maximum(capsule_depths(position, orientation, deep) + _CLEARANCE, 0.0))
    return np.concatenate(parts, -1) if parts else np.zeros((*position.shape[:-2], 0))


@cache
def _blocked(touches: tuple[tuple[str, str], ...]) -> NDArray[np.bool_]:
    """Return (3 T, M): which angles must not move to close a touch.

    Hands come to face and trunk by the arms alone; to meet a shin or a foot, all of the body folds.
    """
    by_arm = np.array([not any(point.endswith(_LEG_POINTS) for point in pair) for pair in touches])
    return np.repeat(by_arm, 3)[:, None] & ~_IS_ARM
