"""Anatomical limits of the joints [deg]: which poses a body can take.

Everyday limits are rounded means plus about two standard deviations of published active ranges of motion
(American Academy of Orthopaedic Surgeons, 1965; Boone and Azen, J. Bone Joint Surg. 1979; Roaas and
Andersson, Acta Orthop. Scand. 1982). Spine and head are sums over their joints. Athletes who train
flexibility (gymnasts, divers, dancers, yoga practitioners) pass them in hips, spine, shoulders and ankles;
the limits of FLEXIBLE_FAMILIES allow for that.
"""

import numpy as np

from synthgen.scenes.anatomy import ANGLES, Float64

_EVERYDAY: dict[str, tuple[float, float]] = {
    "root_pitch": (-720, 720), "root_roll": (-720, 720), "root_yaw": (-720, 720),  # not joints
    "spine_flex": (-40, 80), "spine_side": (-40, 40), "spine_twist": (-50, 50),
    "head_flex": (-60, 55), "head_side": (-45, 45), "head_twist": (-80, 80),
    "collar_up": (-12, 22), "collar_forward": (-16, 18),
    "arm_raise": (2, 178), "arm_plane": (-100, 150), "arm_roll": (-85, 75),
    "elbow_flex": (0, 150), "elbow_pronation": (-90, 85),
    "wrist_flex": (-75, 80), "wrist_radial": (-36, 24), "hand_curl": (-10, 70),
    "hip_flex": (-25, 130), "hip_abduction": (-28, 50), "hip_rotation": (-45, 55),
    "knee_flex": (0, 150), "ankle_flex": (-55, 30), "ankle_inversion": (-22, 32), "toe_flex": (-40, 75),
}  # fmt: skip
_STRETCH: dict[str, tuple[float, float]] = {
    "spine_flex": (-85, 95), "spine_side": (-50, 50), "spine_twist": (-60, 60), "head_flex": (-75, 65),
    "collar_up": (-12, 28), "arm_roll": (-95, 90), "wrist_flex": (-92, 85),
    "hip_flex": (-80, 165), "hip_abduction": (-30, 84), "hip_rotation": (-50, 102),
    "knee_flex": (0, 158), "ankle_flex": (-70, 38), "ankle_inversion": (-25, 38),
}  # fmt: skip
FLEXIBLE_FAMILIES = ("gymnastics", "diving", "yoga", "athletics")

# Highest arm_raise by plane: little behind the back, all of it to the side and in front, less across.
_PLANES = (-180.0, -90.0, -50.0, -15.0, 135.0, 150.0, 180.0)
_RAISES = (60.0, 62.0, 85.0, 180.0, 180.0, 115.0, 60.0)
_RAISE_STRETCH = 25.0  # [deg] more behind the back for the flexible
_STRAIGHT_LEG_FLEX = (
    105.0,
    165.0,
)  # [deg] hip flexion with a straight knee: hamstrings, everyday and flexible
_HAMSTRING_SLACK = 0.6  # [deg hip per deg knee]
TOLERANCE = 0.5  # [deg] by which numbers may pass a limit and still count as within


def _side_columns(name: str) -> list[int]:
    return [ANGLES.index(f"{side}_{name}") for side in ("left", "right")]


_RAISE, _PLANE, _HIP, _KNEE = (_side_columns(n) for n in ("arm_raise", "arm_plane", "hip_flex", "knee_flex"))


def _box(table: dict[str, tuple[float, float]]) -> tuple[Float64, Float64]:
    rows = np.array([table[n.removeprefix("left_").removeprefix("right_")] for n in ANGLES], np.float64)
    return rows[:, 0], rows[:, 1]


_BOXES = {False: _box(_EVERYDAY), True: _box({**_EVERYDAY, **_STRETCH})}


def is_flexible(family: str) -> bool:
    """Return whether people of a pose family pass the everyday limits."""
    return family in FLEXIBLE_FAMILIES


def _highest_raise(plane: Float64, flexible: bool) -> Float64:
    return np.minimum(np.interp(plane, _PLANES, _RAISES) + _RAISE_STRETCH * flexible, 180.0)


def clamp(angles: Float64, flexible: bool = False) -> Float64:
    """Bring poses into the limits, angle by angle; what depends on another angle last.

    Args:
        angles: (..., A) [deg], in the order of `anatomy.ANGLES`.
        flexible: take the wider limits of trained people.

    Returns:
        (..., A) [deg].
    """
    low, high = _BOXES[flexible]
    inside = np.clip(angles, low, high)
    inside[..., _RAISE] = np.minimum(inside[..., _RAISE], _highest_raise(inside[..., _PLANE], flexible))
    most = _STRAIGHT_LEG_FLEX[flexible] + _HAMSTRING_SLACK * inside[..., _KNEE]
    inside[..., _HIP] = np.minimum(inside[..., _HIP], most)
    return inside


def violations(angles: Float64, flexible: bool = False) -> dict[str, float]:
    """Name the angles of one pose that pass their limits, with the excess [deg].

    Args:
        angles: (A,) [deg], for example from `anatomy.from_body_pose`.
        flexible: take the wider limits of trained people.
    """
    excess = np.abs(angles - clamp(angles, flexible))
    return {ANGLES[i]: float(excess[i]) for i in np.flatnonzero(excess > TOLERANCE)}
