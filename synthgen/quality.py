"""The gate at the end of the line: is this picture worth learning from?

Numbers are measured elsewhere and come in as a `Measurement` per person; here they meet their limits. Reasons
are short and countable, the same words for the same cause, because reports count them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.joints import COCO17


@dataclass(frozen=True)
class Measurement:
    """What is measured of one person in a picture.

    Attributes:
        visible_joints: number of COCO-17 joints that the picture shows.
        visible_part: part of the own silhouette inside the picture that nothing hides, [0, 1].
        coverage: part of the picture that the visible body covers, [0, 1].
    """

    visible_joints: int
    visible_part: float
    coverage: float

    def scores(self) -> dict[str, float]:
        """Return the numbers by the names they have in the record."""
        return {
            "visible_joints": float(self.visible_joints),
            "visible_part": round(self.visible_part, 4),
            "coverage": round(self.coverage, 4),
        }


@dataclass(frozen=True)
class Gate:
    """Limits that a picture must keep. The first person is its subject; others may be hidden further.

    Attributes:
        joint_visible_above: a joint counts as visible when it shows by more than this, [0, 1].
        min_visible_joints: of the subject's 17 COCO joints.
        min_visible_part: of the subject's own silhouette inside the picture, not hidden, [0, 1].
        min_visible_part_others: the same for every other person, [0, 1].
        min_coverage: smallest part of the picture that the subject may cover, [0, 1].
        max_coverage: largest part, [0, 1].
    """

    joint_visible_above: float = 0.3
    min_visible_joints: int = 6
    min_visible_part: float = 0.5
    min_visible_part_others: float = 0.15
    min_coverage: float = 0.01
    max_coverage: float = 0.8

    def problems(self) -> list[str]:
        """Return what is wrong with these limits, one message each; empty when all is well."""
        parts = (
            "joint_visible_above",
            "min_visible_part",
            "min_visible_part_others",
            "min_coverage",
            "max_coverage",
        )
        found = [
            f"{name} must be in [0, 1], got {getattr(self, name)}"
            for name in parts
            if not 0 <= getattr(self, name) <= 1
        ]
        if not 0 <= self.min_visible_joints <= len(COCO17):
            found.append(f"min_visible_joints must be in [0, {len(COCO17)}], got {self.min_visible_joints}")
        if self.min_coverage >= self.max_coverage:
            found.append(
                f"min_coverage {self.min_coverage} must be less than max_coverage {self.max_coverage}"
            )
        return found

    def visible_joints(self, visibility: NDArray[np.floating]) -> int:
        """Count the joints that show, given the visibility of each in [0, 1]: (J,)."""
        return int((visibility > self.joint_visible_above).sum())

    def reason(self, people: Sequence[Measurement]) -> str | None:
        """Return why the picture is not good enough, or None when it is.

        Args:
            people: one or more, the subject first.
        """
        subject = people[0]
        checks = (
            (any(person.coverage == 0 for person in people), "a person does not show at all"),
            (subject.visible_part < self.min_visible_part, "too much of the body hidden"),
            (subject.visible_joints < self.min_visible_joints, "too few joints visible"),
            (subject.coverage < self.min_coverage, "body too small in the picture"),
            (subject.coverage > self.max_coverage, "body too large in the picture"),
            (
                any(other.visible_part < self.min_visible_part_others for other in people[1:]),
                "another person almost hidden",
            ),
        )
        return next((reason for failed, reason in checks if failed), None)
