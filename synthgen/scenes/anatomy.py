"""Poses in anatomical angles [deg] and their conversion to SMPL's axis-angle rotations and back.

A pose is a vector of ANGLES: what a physiotherapist would read off (hip flexion, arm elevation, forearm
pronation). They interpolate, take noise and are limited one by one. All are zero in a relaxed upright stance
with hanging arms; signs mean the same on both sides of the body.

Arms are spherical: `arm_raise` from hanging (0) over horizontal (90) to overhead (180), in the vertical plane
`arm_plane` (0 to the side, 90 forward, 130 across the chest, -90 backward), and `arm_roll`, external rotation
about the arm away from where the elbow naturally points. They hold for collar and shoulder together: the
shoulder blade takes its usual share, `collar_*` shrugs on top.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from synthgen.joints import SMPL24

Float64 = NDArray[np.float64]

_MIDLINE = {
    "root": ("pitch", "roll", "yaw"),  # forward, to the left, turning left
    "spine": ("flex", "side", "twist"),  # forward, to the left, turning left
    "head": ("flex", "side", "twist"),
}
_SIDED = {
    "collar": ("up", "forward"),
    "arm": ("raise", "plane", "roll"),
    "elbow": ("flex", "pronation"),
    "wrist": ("flex", "radial"),
    "hand": ("curl",),
    "hip": ("flex", "abduction", "rotation"),  # forward, outward, toes outward
    "knee": ("flex",),
    "ankle": ("flex", "inversion"),  # toes up, sole inward
    "toe": ("flex",),  # up
}
PARTS: dict[str, tuple[str, ...]] = {
    **_MIDLINE,
    **{f"left_{part}": names for part, names in _SIDED.items()},
    **{f"right_{part}": names for part, names in _SIDED.items()},
}
ANGLES = tuple(f"{part}_{name}" for part, names in PARTS.items() for name in names)
ROOT_ANGLES = tuple(f"root_{name}" for name in PARTS["root"])

_SIDE_ANGLES = tuple(f"{part}_{name}" for part, names in _SIDED.items() for name in names)
_IN_SIDE = {name: column for column, name in enumerate(_SIDE_ANGLES)}
_SIDES = ("left", "right")
_SIDE_COLUMNS = np.array([[ANGLES.index(f"{side}_{name}") for name in _SIDE_ANGLES] for side in _SIDES])
_MIRROR_ORDER = np.array(
    [
        ANGLES.index({"left": "right_", "right": "left_"}.get(side, side + "_") + rest)
        for side, rest in (name.split("_", 1) for name in ANGLES)
    ]
)
_MIRROR_SIGN = np.array(
    [
        -1.0 if n.split("_")[0] in _MIDLINE and n.split("_")[1] not in ("flex", "pitch") else 1.0
        for n in ANGLES
    ]
)
_REFLECT = np.outer([-1.0, 1.0, 1.0], [-1.0, 1.0, 1.0])  # of a rotation matrix in the plane x = 0

_SIDE_JOINTS = ("collar", "shoulder", "elbow", "wrist", "hand", "hip", "knee", "ankle", "foot")
_CHAINS = (  # angles that several joints share: part, joints, shares of flex, side and twist
    (
        "spine",
        ("spine1", "spine2", "spine3"),
        np.array([[0.35, 0.3, 0.2], [0.4, 0.35, 0.35], [0.25, 0.35, 0.45]]),
    ),
    ("head", ("neck", "head"), np.array([[0.55, 0.55, 0.5], [0.45, 0.45, 0.5]])),
)
_CHAIN_JOINTS = [SMPL24.index(joint) for _, joints, _ in _CHAINS for joint in joints]
_LEFT_JOINTS = [SMPL24.index(f"left_{joint}") for joint in _SIDE_JOINTS]
_RIGHT_JOINTS = [SMPL24.index(f"right_{joint}") for joint in _SIDE_JOINTS]
_TO_HANGING = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # left arm, from the T-pose
_ELBOW_PRONATION = 0.55  # the forearm twists along its length: this much at its upper end, the rest below
_COLLAR_RISE = 0.22  # [deg per deg of raise] share of the shoulder blade in lifting the arm
_COLLAR_REACH = 14.0  # [deg] protraction with the arm straight forward
_NATURAL_PLANE = (-15.0, 105.0)  # [deg] planes in which the elbow's natural direction follows the formula


def columns(part: str) -> slice:
    """Return where the angles of a part ("left_arm", "spine") lie in a pose vector."""
    start = ANGLES.index(f"{part}_{PARTS[part][0]}")
    return slice(start, start + len(PARTS[part]))


def mirror(angles: Float64) -> Float64:
    """Reflect poses (..., A) [deg] left to right."""
    return angles[..., _MIRROR_ORDER] * _MIRROR_SIGN


def _about(axis: int, angle: Float64) -> Float64:
    """Return rotation vectors (..., 3) about a coordinate axis; angle (...) [rad]."""
    vector = np.zeros((*angle.shape, 3))
    vector[..., axis] = angle
    return vector


def _exp(rotvec: Float64) -> Float64:
    """Return (..., 3, 3) rotations of axis-angle (..., 3) [rad] (Rodrigues)."""
    x, y, z = rotvec[..., 0], rotvec[..., 1], rotvec[..., 2]
    angle = np.sqrt(x * x + y * y + z * z)
    safe = np.maximum(angle, 1e-9)
    cosine, sine = np.cos(angle), np.sin(safe) / safe
    rotmats = (2 * (np.sin(safe / 2) / safe) ** 2)[..., None, None] * (
        rotvec[..., :, None] * rotvec[..., None, :]
    )
    for axis, value in enumerate((x, y, z)):
        rotmats[..., axis, axis] += cosine
        first, second = (axis + 1) % 3, (axis + 2) % 3
        rotmats[..., second, first] += sine * value
        rotmats[..., first, second] -= sine * value
    return rotmats


def _log(rotmats: Float64) -> Float64:
    return Rotation.from_matrix(rotmats.reshape(-1, 3, 3)).as_rotvec().reshape(rotmats.shape[:-1])


def _swing(elevation: Float64, plane: Float64) -> Float64:
    """Return the axis-angle (..., 3) that lifts a hanging left arm by `elevation` in `plane` [rad]."""
    axis = np.stack([-np.sin(plane), np.zeros_like(plane), np.cos(plane)], -1)
    return axis * elevation[..., None]


def _natural_roll(elevation: Float64, plane: Float64) -> Float64:
    """Return external rotation [rad] at which the elbow points where it does when the arm is lifted freely.

    Overhead the crease faces the head, whichever way the arm went up; halfway, half of that.
    """
    turn = np.pi / 4 - np.clip(plane, *np.radians(_NATURAL_PLANE))
    return 2 * turn * np.sin(elevation / 2) ** 2


def _collar_rest(elevation: Float64, plane: Float64) -> Float64:
    """Return (..., 2) [rad]: rise and protraction of the collar that go with an arm's direction."""
    rise = _COLLAR_RISE * (elevation - np.pi / 2)
    reach = np.radians(_COLLAR_REACH) * np.sin(elevation) * np.sin(plane)
    return np.stack([rise, reach], -1)


def _turns(a: Float64) -> tuple[Float64, ...]:
    """Return the elementary rotations of one side as if it were the left, in the order of _TURNS.

    Args:
        a: (..., S) [rad].

    Returns:
        axis-angle (..., 3) each.
    """
    angle = {name: a[..., column] for name, column in _IN_SIDE.items()}
    elevation, plane, pronation = angle["arm_raise"], angle["arm_plane"], angle["elbow_pronation"]
    zero = np.zeros_like(elevation)
    extra = np.stack([angle["collar_up"], angle["collar_forward"]], -1)
    rise, reach = np.moveaxis(_collar_rest(elevation, plane) + extra, -1, 0)
    return (
        np.stack([zero, -reach, rise], -1),
        _swing(elevation, plane),
        _about(0, -(angle["arm_roll"] + _natural_roll(elevation, plane))),
        _about(1, -angle["elbow_flex"]),
        _about(0, _ELBOW_PRONATION * pronation),
        _about(0, (1 - _ELBOW_PRONATION) * pronation),
        np.stack([zero, -angle["wrist_radial"], -angle["wrist_flex"]], -1),
        _about(2, -angle["hand_curl"]),
        _about(0, -angle["hip_flex"]),
        _about(2, angle["hip_abduction"]),
        _about(1, angle["hip_rotation"]),
        _about(0, angle["knee_flex"]),
        np.stack([-angle["ankle_flex"], zero, -angle["ankle_inversion"]], -1),
        _about(0, -angle["toe_flex"]),
    )


def _side_rotmats(turns: Float64) -> Float64:
    """Compose elementary rotations (..., T, 3, 3), in the order of `_turns`, into (..., 9, 3, 3) joints."""
    collar, swing, roll, elbow, pronate, turn, wrist, hand, flex, abduct, rotate, knee, ankle, toe = (
        np.moveaxis(turns, -3, 0)
    )
    shoulder = np.swapaxes(collar, -1, -2) @ swing @ _TO_HANGING @ roll
    hip = flex @ abduct @ rotate
    return np.stack([collar, shoulder, elbow @ pronate, turn @ wrist, hand, hip, knee, ankle, toe], -3)


def to_rotmats(angles: Float64) -> Float64:
    """Convert poses to the rotations of SMPL's 24 joints, the first of them the root in the world.

    Args:
        angles: (..., A) [deg], in the order of ANGLES.

    Returns:
        (..., 24, 3, 3) relative to the parent.
    """
    a = np.radians(np.asarray(angles, np.float64))
    batch = a.shape[:-1]
    pitch, roll, yaw = np.moveaxis(a[..., columns("root")], -1, 0)
    middle = np.concatenate([a[..., None, columns(part)] * share for part, _, share in _CHAINS], -2)
    turns = np.stack(_turns(a[..., _SIDE_COLUMNS]), -2)  # (..., 2 sides, T, 3)
    rotations = _exp(
        np.concatenate(
            [
                np.stack([_about(1, yaw), _about(0, pitch), _about(2, -roll)], -2),
                np.stack([middle[..., 0], middle[..., 2], -middle[..., 1]], -1),
                turns.reshape(*batch, -1, 3),
            ],
            -2,
        )
    )
    count = 3 + len(_CHAIN_JOINTS)
    sides = _side_rotmats(rotations[..., count:, :, :].reshape(*turns.shape, 3))
    rotmats = np.empty((*batch, len(SMPL24), 3, 3))
    rotmats[..., 0, :, :] = rotations[..., 0, :, :] @ rotations[..., 1, :, :] @ rotations[..., 2, :, :]
    rotmats[..., _CHAIN_JOINTS, :, :] = rotations[..., 3:count, :, :]
    rotmats[..., _LEFT_JOINTS, :, :] = sides[..., 0, :, :, :]
    rotmats[..., _RIGHT_JOINTS, :, :] = sides[..., 1, :, :, :] * _REFLECT
    return rotmats


def to_axis_angle(angles: Float64) -> tuple[Float64, Float64]:
    """Convert poses (..., A) [deg] to global_orient (..., 3) and body_pose (..., 23, 3) [rad]."""
    rotvec = _log(to_rotmats(angles))
    return rotvec[..., 0, :], rotvec[..., 1:, :]


def _side_angles(rotmats: dict[str, Float64]) -> Float64:
    """Invert `_side_rotmats` and `_turns`: rotations by joint to (..., S) [rad]."""
    arm = rotmats["collar"] @ rotmats["shoulder"]
    direction = arm[..., :, 0]
    elevation = np.arccos(np.clip(-direction[..., 1], -1, 1))
    plane = np.arctan2(direction[..., 2], direction[..., 0])
    twist = np.swapaxes(_exp(_swing(elevation, plane)) @ _TO_HANGING, -1, -2) @ arm
    collar = _log(rotmats["collar"])
    extra = np.stack([collar[..., 2], -collar[..., 1]], -1) - _collar_rest(elevation, plane)
    upper = np.arctan2(-rotmats["elbow"][..., 1, 2], rotmats["elbow"][..., 1, 1])  # Ry(-flex) Rx(share)
    pronation = upper / _ELBOW_PRONATION
    wrist = _log(_exp(_about(0, -(1 - _ELBOW_PRONATION) * pronation)) @ rotmats["wrist"])
    ankle = _log(rotmats["ankle"])
    hip = rotmats["hip"]  # Rx(-flex) Rz(abduction) Ry(rotation)
    values = {
        "collar_up": extra[..., 0],
        "collar_forward": extra[..., 1],
        "arm_raise": elevation,
        "arm_plane": plane,
        "arm_roll": _wrap(np.arctan2(twist[..., 1, 2], twist[..., 1, 1]) - _natural_roll(elevation, plane)),
        "elbow_flex": np.arctan2(rotmats["elbow"][..., 2, 0], rotmats["elbow"][..., 0, 0]),
        "elbow_pronation": pronation,
        "wrist_flex": -wrist[..., 2],
        "wrist_radial": -wrist[..., 1],
        "hand_curl": -_log(rotmats["hand"])[..., 2],
        "hip_flex": -np.arctan2(hip[..., 2, 1], hip[..., 1, 1]),
        "hip_abduction": np.arcsin(np.clip(-hip[..., 0, 1], -1, 1)),
        "hip_rotation": np.arctan2(hip[..., 0, 2], hip[..., 0, 0]),
        "knee_flex": _log(rotmats["knee"])[..., 0],
        "ankle_flex": -ankle[..., 0],
        "ankle_inversion": -ankle[..., 2],
        "toe_flex": -_log(rotmats["foot"])[..., 0],
    }
    return np.stack([values[name] for name in _SIDE_ANGLES], -1)


def _wrap(angle: Float64) -> Float64:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def from_body_pose(body_pose: Float64) -> Float64:
    """Read anatomical angles off an SMPL body pose; the root angles are zero.

    Args:
        body_pose: (..., 23, 3) axis-angle [rad].

    Returns:
        (..., A) [deg]; exact for poses made by `to_axis_angle`, the nearest reading for others (a knee has
        only flexion here).
    """
    rotvec = np.asarray(body_pose, np.float64)
    rotmats = _exp(rotvec)
    angles = np.zeros((*rotvec.shape[:-2], len(ANGLES)))
    for part, joints, _ in _CHAINS:
        total = rotvec[..., [SMPL24.index(name) - 1 for name in joints], :].sum(-2)
        angles[..., columns(part)] = np.stack([total[..., 0], -total[..., 2], total[..., 1]], -1)
    for side, where in zip(_SIDES, _SIDE_COLUMNS, strict=True):
        flip = 1.0 if side == "left" else _REFLECT
        parts = {name: rotmats[..., SMPL24.index(f"{side}_{name}") - 1, :, :] * flip for name in _SIDE_JOINTS}
        angles[..., where] = _side_angles(parts)
    return np.degrees(angles)
