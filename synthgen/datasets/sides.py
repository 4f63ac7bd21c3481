"""Are left and right where bodies have them? Found out from geometry, whatever the joints are called.

Knees bend forwards, so a bent knee tells where a body faces, and that with "up" tells where its left side is.
A data set read in a wrong joint order fails for most of its people; a single odd pose proves nothing.
"""

from dataclasses import dataclass

import numpy as np

from synthgen.joints import SMPL24
from synthgen.observation import Notes, ObservedPerson
from synthgen.sample import Float

BENT_M = 0.04  # how far a knee lies off the line from hip to ankle before it counts as bent
LEAST = 20  # people, before anything is said
ENOUGH = 0.7  # part of them that must agree


def faces_left(joints: Float) -> float | None:
    """Tell whether the joints called left lie on a body's left: above 0 if so, below 0 if not.

    Args:
        joints: (24, 3) SMPL-24 [m], any right-handed frame.

    Returns:
        None where neither knee is bent enough to tell.
    """
    forward = np.zeros(3)
    for side in ("left", "right"):
        hip, knee, ankle = (_at(joints, f"{side}_{name}") for name in ("hip", "knee", "ankle"))
        leg = ankle - hip
        bend = knee - hip - leg * ((knee - hip) @ leg) / max(float(leg @ leg), 1e-9)
        if np.linalg.norm(bend) > BENT_M:
            forward += bend
    if not forward.any():
        return None
    hips = _at(joints, "left_hip") - _at(joints, "right_hip")
    shoulders = _at(joints, "left_shoulder") - _at(joints, "right_shoulder")
    middle = (_at(joints, "left_hip") + _at(joints, "right_hip")) / 2
    top = (_at(joints, "left_shoulder") + _at(joints, "right_shoulder")) / 2
    return float(np.cross(top - middle, forward) @ (hips + shoulders))


def legs_follow_arms(joints: Float) -> bool:
    """Tell whether the left leg hangs on the side of the left arm, as it does unless a body is twisted."""
    hips = _at(joints, "left_hip") - _at(joints, "right_hip")
    return float(hips @ (_at(joints, "left_shoulder") - _at(joints, "right_shoulder"))) > 0


_NEEDED = [f"{side}_{name}" for side in ("left", "right") for name in ("hip", "knee", "ankle", "shoulder")]
_ROWS = [SMPL24.index(name) for name in _NEEDED]


@dataclass
class Sides:
    """Counts over a data set.

    Attributes:
        facing: people who were asked where their left is.
        is_left: of these, those whose left joints are there.
        whole: people with both hips and both shoulders.
        together: of these, those whose left leg is on the side of their left arm.
    """

    facing: int = 0
    is_left: int = 0
    whole: int = 0
    together: int = 0

    def add(self, notes: Notes) -> None:
        """Look at the people of a picture."""
        for person in notes.people:
            self._look(person)

    def problems(self) -> list[str]:
        """Return what seems wrong, one sentence each."""
        found = []
        if self.facing >= LEAST and self.is_left < ENOUGH * self.facing:
            found.append(
                f"left and right look swapped: of {self.facing} bodies with a bent knee only {self.is_left} "
                "have their left joints on their left"
            )
        if self.whole >= LEAST and self.together < ENOUGH * self.whole:
            found.append(
                f"legs look swapped: of {self.whole} bodies only {self.together} have the left leg on the "
                "side of the left arm"
            )
        return found

    def _look(self, person: ObservedPerson) -> None:
        joints = person.keypoints_3d
        if joints is None or not (person.confidence_3d[_ROWS] > 0).all():
            return
        self.whole += 1
        self.together += legs_follow_arms(joints)
        side = faces_left(joints)
        if side is not None:
            self.facing += 1
            self.is_left += side > 0


def _at(joints: Float, name: str) -> Float:
    return joints[SMPL24.index(name)]
