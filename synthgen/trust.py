"""When a label that was fitted to its picture may be trusted. Pure arrays.

A label that was there before its picture is asked whether the picture speaks against it. One that was fitted
goes wherever the keypoint model sees joints, and where that sees little it lies anywhere: nothing speaks
against it afterwards, right or wrong. So the picture has to speak for it, joint by joint; for those that the
fit left where they were, the first question is enough.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Evidence:
    """What the keypoint model says for the labels of P people.

    Attributes:
        visible: (P,) of the moved joints that the label shows, the least value of the heatmap in its place,
            in [0, 1]; 1 for who shows none.
        hidden: (P,) of the moved joints that the label hides, the least support in its place (1 less what
            the heatmap rises above its value there), in [0, 1]; 1 for who hides none.
    """

    visible: NDArray[np.float64]
    hidden: NDArray[np.float64]

    def scores(self, person: int) -> dict[str, float]:
        """Return a person's numbers by the names they have in the record."""
        return {
            "evidence": round(float(self.visible[person]), 4),
            "hidden_support": round(float(self.hidden[person]), 4),
        }


@dataclass(frozen=True)
class Trust:
    """Limits that fitted labels must keep beside those of all labels.

    Attributes:
        min_evidence: least value of the keypoint model's heatmap in the place of each visible joint that the
            fit moved, [0, 1].
        min_hidden_support: least support of each moved joint that the label hides, [0, 1]: it must not be
            seen elsewhere.
    """

    min_evidence: float = 0.4
    min_hidden_support: float = 0.7

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        return [
            f"{name} must be in [0, 1], got {value}"
            for name, value in vars(self).items()
            if not 0 <= value <= 1
        ]

    def reason(self, evidence: Evidence) -> str | None:
        """Return why fitted labels cannot be trusted, or None where they can."""
        if (evidence.visible < self.min_evidence).any():
            return "a fitted joint where the picture shows none for certain"
        if (evidence.hidden < self.min_hidden_support).any():
            return "a fitted joint is hidden that the picture shows elsewhere"
        return None


def evidence_of(
    confidence: NDArray[np.floating],
    support: NDArray[np.floating] | None,
    is_near: NDArray[np.bool_],
    is_visible: NDArray[np.bool_],
    is_moved: NDArray[np.bool_],
) -> Evidence:
    """Return what the keypoint model says for labels.

    Args:
        confidence: (P, J) of the joints that it found, in [0, 1]: the heatmaps' peaks.
        support: (P, J) of the labelled joints, in [0, 1]; None of a model that has none to give: then only
            joints found in place have a value there, their confidence.
        is_near: (P, J) which joints were found in their labelled place.
        is_visible: (P, J) which joints the label shows.
        is_moved: (P, J) which joints the fit moved.
    """
    if support is None:
        support = np.where(is_near, 1.0, 1.0 - confidence)
    value = np.clip(confidence - (1.0 - support), 0.0, 1.0)
    return Evidence(
        visible=np.where(is_moved & is_visible, value, 1.0).min(-1),
        hidden=np.where(is_moved & ~is_visible, support, 1.0).min(-1),
    )
