"""Settle a pose: level its contacts, close its touches, part its limbs, by small changes of the angles.

Noise and interpolation lift a heel here and sink a hand there. A damped least-squares step on the stick
figure puts that right while it stays as near to the drawn pose as it can.
"""

import numpy as np
from numpy.typing import NDArray

from synthgen.scenes import anatomy, limits, skeleton
from synthgen.scenes.action import Keyframe
from synthgen.scenes.anatomy import Float64
from synthgen.scenes.collision import SOFT, capsule_depths

_STEP = 0.5  # [deg] of the numerical derivative
_ROUNDS = 2
_STIFFNESS = 0.0015  # [m per deg] a change of one degree weighs as much as an error of this size
_SPREAD: dict[str, float] = {  # willingness of an angle to change, relative to the others
    "root_pitch": 1.0, "root_roll": 0.7, "spine_flex": 0.4, "spine_side": 0.4, "spine_twist": 0.3,
    "arm_raise": 1.0, "arm_plane": 1.2, "arm_roll": 1.2, "elbow_flex": 1.2, "elbow_pronation": 1.0,
    "wrist_flex": 1.5, "wrist_radial": 0.7,
    "hip_flex": 1.0, "hip_abduction": 0.6, "hip_rotation": 0.6, "knee_flex": 1.2,
    "ankle_flex": 2.0, "ankle_inversion": 2.0,
}  # fmt: skip


def _free() -> tuple[NDArray[np.intp], Float64]:
    spread = np.array(
        [_SPREAD.get(n.removeprefix("left_").removeprefix("right_"), 0.0) for n in anatomy.ANGLES]
    )
    moving = np.flatnonzero(spread)
    return moving, spread[moving]


_MOVING, _WILLING = _free()


def _index(points: tuple[str, ...]) -> NDArray[np.intp]:
    return np.array([skeleton.SKIN_POINTS.index(name) for name in points], np.intp)


def settle(
    angles: Float64, keyframe: Keyframe, flexible: bool, grounded: bool = True
) -> tuple[Float64, float]:
    """Bring a pose into contact with the ground, its touches and out of itself.

    Args:
        angles: (A,) [deg].
        keyframe: names the contacts and touches.
        flexible: which limits hold.
        grounded: whether the contacts lie on the ground, below which nothing may sink.

    Returns:
        angles (A,) [deg] inside the limits, and the deepest self-collision that is left [m].
    """
    contacts = _index(keyframe.contacts)
    first = _index(tuple(pair[0] for pair in keyframe.touches))
    second = _index(tuple(pair[1] for pair in keyframe.touches))
    current = limits.clamp(angles, flexible)
    start = current
    for _ in range(_ROUNDS):
        batch = np.repeat(current[None], len(_MOVING) + 1, 0)
        batch[np.arange(len(_MOVING)), _MOVING] += _STEP
        position, orientation = skeleton.forward(anatomy.to_rotmats(batch))
        points = skeleton.skin_points(position, orientation)
        deep = np.flatnonzero(capsule_depths(position[-1], orientation[-1]) > SOFT)
        residual = _residual(points, contacts, (first, second), grounded)
        if deep.size:
            overlap = capsule_depths(position, orientation, deep) - SOFT
            residual = np.concatenate([residual, overlap], -1)
        if not residual.shape[-1] or np.abs(residual[-1]).max() < 0.004:
            break
        jacobian = (residual[:-1] - residual[-1]).T / _STEP
        stiffness = np.diag((_STIFFNESS / _WILLING) ** 2)
        pull = jacobian.T @ residual[-1] + stiffness @ (current - start)[_MOVING]
        change = np.linalg.solve(jacobian.T @ jacobian + stiffness, -pull)
        current = current.copy()
        current[_MOVING] += change
        current = limits.clamp(current, flexible)
    position, orientation = skeleton.forward(anatomy.to_rotmats(current))
    return current, float(capsule_depths(position, orientation).max())


def _residual(
    points: Float64,
    contacts: NDArray[np.intp],
    touches: tuple[NDArray[np.intp], NDArray[np.intp]],
    grounded: bool,
) -> Float64:
    """Return (B, R) [m]: unevenness of the contacts, what sinks below them, gaps of the touches."""
    gaps = (points[:, touches[0]] - points[:, touches[1]]).reshape(len(points), -1)
    if not contacts.size:
        return gaps
    height = points[..., 1]
    ground = height[:, contacts].mean(-1, keepdims=True)
    sunk = np.minimum(height - ground, 0.0) * grounded
    sunk[:, contacts] = 0.0
    return np.concatenate([height[:, contacts] - ground, sunk, gaps], -1)
