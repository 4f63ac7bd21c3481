"""How well labels and an independent look at the picture agree, and from where on they do not. Pure arrays.

PCK, OKS and overlaps are parts in [0, 1]; MPVPE is in millimetres after the pelves are laid onto each other.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synthgen.clues import Clues
from synthgen.joints import COCO17
from synthgen.metrics import longer_side, oks, pck
from synthgen.sample import Float
from synthgen.trust import Trust

OnMismatch = Literal["reject", "retry", "rectify"]
NEAR = 0.1  # of the box's longer side: within this a joint counts as found (PCK@0.1)
VISIBLE = 0.5  # visibility from which on a joint counts
TRUSTED = 0.5  # confidence from which on one detected joint alone can speak against a label
_LIMBS = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
LIMBS = np.array(
    [[COCO17.index(f"{side}_{end}") for end in ends] for side in ("left", "right") for ends in _LIMBS]
)
_FARTHEST = 0.3  # sides of the box; a joint further off is another one, wherever it is
# Limits on single scores where nothing else is said: without a critic, and wider beside one.
_ALONE = {"min_iou": 0.75, "min_pck": 0.5, "min_oks": 0.2, "min_support": 0.5}
_BESIDE_CRITIC = {"min_iou": 0.6, "min_pck": 0.3, "min_oks": 0.05, "min_support": 0.1}
LIMB_POINTS = np.linspace(0.1, 0.9, 9)  # parts of the way from one joint to the next that are looked at


@dataclass(frozen=True)
class JointAgreement:
    """Detected against projected joints of P people.

    Attributes:
        pck: (P,) part of the visible joints found within NEAR of the box.
        oks: (P,) object keypoint similarity over the visible joints.
        worst: (P,) greatest distance of a joint whose detection can be trusted, in sides of the box.
        displacement: (P,) greatest distance of a visible joint, times the confidence of its detection, in
            sides of the box; distances beyond 0.3 count as 0.3.
    """

    pck: Float
    oks: Float
    worst: Float
    displacement: Float


@dataclass(frozen=True)
class Agreement:
    """What was measured of one picture; arrays hold one number for each of P people.

    Attributes:
        people_found: by the segmenter.
        iou: (P,) of visible body and segmented person.
        pck: (P,) see `JointAgreement`.
        oks: (P,)
        worst_joint: (P,) sides of the box.
        mpvpe_mm: (P,) between labelled and newly estimated body.
        limb: (P,) least part of a limb that lies inside a segmented person.
        support: (P,) least support of a visible joint by the keypoint model, in [0, 1].
        clues: what a critic weighs, see `synthgen.clues`.
        trust: (P,) of the critic, in [0, 1]; None without one.
    """

    people_found: int
    iou: Float
    pck: Float
    oks: Float
    worst_joint: Float
    mpvpe_mm: Float
    limb: Float
    support: Float
    clues: Clues = field(default_factory=dict)
    trust: Float | None = None

    def scores(self, person: int) -> dict[str, float]:
        """Return a person's numbers by the names they have in the record."""
        trust = {} if self.trust is None else {"trust": round(float(self.trust[person]), 4)}
        return {
            "mask_iou": round(float(self.iou[person]), 4),
            "pck": round(float(self.pck[person]), 4),
            "oks": round(float(self.oks[person]), 4),
            "worst_joint": round(float(self.worst_joint[person]), 4),
            "mpvpe_mm": round(float(self.mpvpe_mm[person]), 1),
            "limb": round(float(self.limb[person]), 4),
            "support": round(float(self.support[person]), 4),
            **trust,
        }


@dataclass(frozen=True)
class Verification:
    """Limits that a redrawn picture must keep, and what happens to one that does not.

    Those left open (null) are 0.75 (IoU), 0.5 (PCK), 0.2 (OKS) and 0.5 (support); beside a critic, who judges
    by all scores together, 0.6, 0.3, 0.05 and 0.1.

    Attributes:
        min_iou: least overlap of each visible body with its segmented person, [0, 1].
        min_pck: least part of a person's visible joints that are found in place, [0, 1].
        min_oks: least object keypoint similarity, [0, 1].
        max_worst_joint: greatest distance of a trusted joint, in sides of the person's box.
        max_mpvpe_mm: greatest distance of the newly estimated body [mm].
        min_limb: least part of each visible limb that must lie inside a segmented person, [0, 1]; 0 for
            no limit.
        min_support: least support of each visible joint by the keypoint model, [0, 1]: 1 less what its
            heatmap rises above its value at the labelled place.
        min_trust: least trust of the critic (models.critic), where there is one, [0, 1]; it weighs outlines
            and joints together, which sees more than limits on each.
        same_people: as many people must be found as are labelled.
        on_mismatch: reject; retry: draw again from other noise, then reject; rectify: let the mesh refiner
            (models.refiner) fit the bodies to the picture, then look again.
        retries: how often retry draws again.
        rectified: further limits of bodies that rectify fitted.
        renders: verify rendered scenes as well, which are exact by construction.
    """

    min_iou: float | None = None
    min_pck: float | None = None
    min_oks: float | None = None
    max_worst_joint: float = 1.0
    max_mpvpe_mm: float = 1500.0
    min_limb: float = 0.0
    min_support: float | None = None
    min_trust: float = 0.5
    same_people: bool = True
    on_mismatch: OnMismatch = "retry"
    retries: int = 2
    renders: bool = False
    rectified: Trust = field(default_factory=Trust)

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [
            f"{name} must be in [0, 1], got {getattr(self, name)}"
            for name in ("min_iou", "min_pck", "min_oks", "min_limb", "min_support", "min_trust")
            if (value := getattr(self, name)) is not None and not 0 <= value <= 1
        ]
        found += [
            f"{name} must be above 0, got {getattr(self, name)}"
            for name in ("max_worst_joint", "max_mpvpe_mm")
            if not getattr(self, name) > 0
        ]
        found += [f"rectified.{problem}" for problem in self.rectified.problems()]
        return found if self.retries >= 0 else [*found, f"retries must be at least 0, got {self.retries}"]

    def resolved(self, has_critic: bool) -> "Verification":
        """Return these options with the limits filled in that were left open."""
        filled: dict[str, Any] = {name: self._limit(name, has_critic) for name in _ALONE}
        return replace(self, **filled)

    def _limit(self, name: str, has_critic: bool) -> float:
        given: float | None = getattr(self, name)
        return (_BESIDE_CRITIC if has_critic else _ALONE)[name] if given is None else given

    def reason(self, agreement: Agreement) -> str | None:
        """Return why labels and picture do not agree, or None where they do."""
        has_critic = agreement.trust is not None
        min_iou, min_pck, min_oks, min_support = (self._limit(name, has_critic) for name in _ALONE)
        checks = (
            (
                self.same_people and agreement.people_found != len(agreement.iou),
                "another number of people in the picture",
            ),
            ((agreement.iou < min_iou).any(), "body and picture overlap too little"),
            ((agreement.limb < self.min_limb).any(), "a limb where the picture shows none"),
            ((agreement.pck < min_pck).any(), "too few joints in place"),
            ((agreement.oks < min_oks).any(), "keypoints too far off"),
            ((agreement.worst_joint > self.max_worst_joint).any(), "a joint far out of place"),
            ((agreement.support < min_support).any(), "a joint where the picture speaks against it"),
            ((agreement.mpvpe_mm > self.max_mpvpe_mm).any(), "the body in the picture is another one"),
            (
                agreement.trust is not None and bool((agreement.trust < self.min_trust).any()),
                "outline and joints together speak against the label",
            ),
        )
        return next((reason for failed, reason in checks if failed), None)


def keypoint_agreement(
    found: Float, confidence: Float, labelled: Float, visibility: Float, boxes: Float, areas: Float
) -> JointAgreement:
    """Compare joints of P people.

    Args:
        found: (P, 17, 2) detected COCO-17 joints [px].
        confidence: (P, 17) of the detections.
        labelled: (P, 17, 2) projected joints [px].
        visibility: (P, 17) how far each shows, in [0, 1].
        boxes: (P, 4) xyxy [px] of the visible bodies.
        areas: (P,) of the visible bodies [px²].

    Returns:
        All 1 (and a distance of 0) for people without a visible joint.
    """
    is_seen = (visibility >= VISIBLE).astype(np.float64)
    sides = longer_side(boxes)
    is_near = pck(found, labelled, sides, NEAR, is_seen)
    similarity = oks(found, labelled, areas, is_seen)
    nobody = ~is_seen.any(-1)
    trusted = (is_seen > 0) & (confidence >= TRUSTED)
    relative = np.linalg.norm(found - labelled, axis=-1) / sides[:, None]
    worst = np.where(trusted, relative, 0.0).max(-1)
    displacement = (is_seen * confidence * np.minimum(relative, _FARTHEST)).max(-1)
    return JointAgreement(
        np.where(nobody, 1.0, is_near), np.where(nobody, 1.0, similarity), worst, displacement
    )


def least_support(support: Float | None, visibility: Float) -> Float:
    """Return the least support (P,) of the visible joints of P people.

    Args:
        support: (P, 17) of the labelled joints by the keypoint model, in [0, 1]; None where it has none to
            give, which speaks against nobody.
        visibility: (P, 17) how far each shows, in [0, 1].
    """
    if support is None:
        return np.ones(len(visibility))
    return np.where(visibility >= VISIBLE, support, 1.0).min(-1)


def limb_cover(
    labelled: Float, visibility: Float, shown: NDArray[np.bool_], found: NDArray[np.bool_]
) -> Float:
    """Measure how much of each limb lies where the picture shows somebody; the worst limb of each person.

    A wrong limb changes the overlap of whole silhouettes little, but most of it lies beside the person.

    Args:
        labelled: (P, 17, 2) projected COCO-17 joints [px].
        visibility: (P, 17) how far each shows, in [0, 1].
        shown: (P, H, W) visible silhouettes of the labelled bodies.
        found: (H, W) where people are segmented.

    Returns:
        (P,) least part of the points along a limb that are inside; points that the label itself does not
        show, and limbs with a hidden end, do not count. 1 where no limb is left.
    """
    starts, ends = labelled[:, LIMBS[:, 0], None], labelled[:, LIMBS[:, 1], None]
    points = starts + LIMB_POINTS[:, None] * (ends - starts)  # (P, limbs, points, 2)
    limit = np.array(found.shape[::-1]) - 1
    column, row = np.moveaxis(np.clip(np.rint(points), 0, limit).astype(np.intp), -1, 0)
    person = np.arange(len(labelled))[:, None, None]
    is_visible = np.logical_and.reduce(visibility[:, LIMBS] >= VISIBLE, axis=-1)
    counts = shown[person, row, column] & is_visible[..., None]
    inside = (counts & found[row, column]).sum(-1)
    total = counts.sum(-1)
    cover = np.where(total * 2 >= len(LIMB_POINTS), inside / np.maximum(total, 1), 1.0)
    return cover.min(-1)
