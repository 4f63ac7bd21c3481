"""Scores that the method writes into records: what each is, in which range, and which limits it has to keep.

A score that is not among them is summed up like all others, but gets no histogram, as its range is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthgen.report.histogram import Histogram


@dataclass(frozen=True)
class Measure:
    """One score.

    Attributes:
        title: name of its chart.
        axis: what is counted over, with its unit in brackets.
        high: values from 0 to here are told apart; those beyond fall into the last bin.
        bins: of the histogram.
        limits: keys of the run's config that it is held against ("verify.min_iou").
        counted: whom it is measured of.
        is_count: values are whole numbers.
        unit: written behind a value.
    """

    title: str
    axis: str
    high: float
    bins: int
    limits: tuple[str, ...] = ()
    counted: str = "people"
    is_count: bool = False
    unit: str = ""

    def histogram(self) -> Histogram:
        """Return an empty histogram over its range."""
        return Histogram(0, self.high, self.bins)

    def set_limits(self, settings: Mapping[str, Any]) -> list[tuple[str, float]]:
        """Return (key, value) of the limits that a parsed config sets, as far as they are in range."""
        found = []
        for key in self.limits:
            value: Any = settings
            for name in key.split("."):
                value = value.get(name) if isinstance(value, Mapping) else None
            if isinstance(value, float | int) and not isinstance(value, bool) and 0 <= value <= self.high:
                found.append((key, float(value)))
        return found


MEASURES: Mapping[str, Measure] = {
    "mask_iou": Measure(
        "Mask overlap", "labelled body and person found: IoU [0 to 1]", 1, 200,
        ("verify.min_iou",),
    ),
    "pck": Measure(
        "Joints in place", "joints found within 10 % of the box: PCK@0.1 [0 to 1]", 1, 200,
        ("verify.min_pck",),
    ),
    "oks": Measure(
        "Keypoint similarity", "OKS of found and labelled joints [0 to 1]", 1, 200, ("verify.min_oks",)
    ),
    "worst_joint": Measure(
        "Worst joint", "furthest joint found for certain [sides of the box]", 4, 800,
        ("verify.max_worst_joint",),
    ),
    "limb": Measure(
        "Worst limb", "part of a limb inside the person found [0 to 1]", 1, 200, ("verify.min_limb",)
    ),
    "support": Measure(
        "Least support", "of a labelled joint by the keypoint model's heatmaps [0 to 1]", 1, 200,
        ("verify.min_support",),
    ),
    "trust": Measure(
        "Trust in labels", "of the critic, by outline and joints [0 to 1]", 1, 200, ("verify.min_trust",)
    ),
    "evidence": Measure(
        "Evidence for fitted joints", "least heatmap in the place of a fitted body's visible joint [0 to 1]",
        1, 200, ("verify.rectified.min_evidence",),
    ),
    "hidden_support": Measure(
        "Support of hidden joints", "of a fitted body's hidden joint by the heatmaps, the least [0 to 1]",
        1, 200, ("verify.rectified.min_hidden_support",),
    ),
    "mpvpe_mm": Measure(
        "Mesh distance", "labelled and newly estimated body: MPVPE [mm]", 2000, 1000,
        ("verify.max_mpvpe_mm",), unit=" mm",
    ),
    "prior": Measure(
        "Pose prior", "squared norm of the pose's code [no unit]; larger is rarer", 400, 800,
        ("prior.hard_from", "prior.plausible_to"),
    ),
    "prior_error": Measure(
        "Decoding error of the prior", "mean angle of a joint to its decoded one [°]", 180, 720,
        ("prior.max_error_deg",), unit="°",
    ),
    "visible_part": Measure(
        "Visible part", "silhouette in the picture that nothing hides [0 to 1]", 1, 200,
        ("quality.min_visible_part", "quality.min_visible_part_others"),
    ),
    "visible_joints": Measure(
        "Visible joints", "of 17 COCO joints [joints]", 18, 18, ("quality.min_visible_joints",), is_count=True
    ),
    "coverage": Measure(
        "Coverage", "part of the picture that a body covers [0 to 1]", 1, 2000,
        ("quality.min_coverage", "quality.max_coverage"),
    ),
    "occluded": Measure("Occlusion", "part of the picture where something hides a body [0 to 1]", 1, 4000,
                        counted="pictures"),
}  # fmt: skip
