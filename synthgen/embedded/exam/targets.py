"""What is to be reached, and in which words and units figures are shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from synthgen.embedded.exam.ledger import Entry

AT_LEAST, AT_MOST = "≥", "≤"


@dataclass(frozen=True)
class Row:
    """A figure of the table.

    Attributes:
        part: that measures it.
        key: of the figure.
        words: what it is.
        unit: as shown.
        scale: shown over measured value.
        digits: after the point.
        target: as shown; None where a figure is only reported.
        sign: on which side of the target is good.
    """

    part: str
    key: str
    words: str
    unit: str = ""
    scale: float = 1.0
    digits: int = 2
    target: float | None = None
    sign: str = AT_LEAST

    def measured(self, entries: Mapping[str, Entry]) -> float | None:
        """Return the figure as shown, None where it is not known."""
        value = entries[self.part].figures.get(self.key) if self.part in entries else None
        return None if value is None else value * self.scale

    def text(self, value: float) -> str:
        """Return a value as shown."""
        return f"{value:.{self.digits}f}{f' {self.unit}' if self.unit else ''}"

    def is_reached(self, value: float) -> bool | None:
        """Return whether a value is good enough; None without a target."""
        if self.target is None:
            return None
        return value >= self.target if self.sign == AT_LEAST else value <= self.target


def _share(part: str, key: str, words: str, target: float | None = None) -> Row:
    return Row(part, key, words, "%", 100.0, 1, target)


ROWS = (
    Row("vae", "psnr", "VAE: PSNR of reconstructed renders, mean over pictures", "dB", 1, 2, 27),
    _share("draft", "one_person", "draft: segmenter finds one person covering 3–60 % of the picture", 95),
    _share("draft", "render_one_person", "… the same of the renders whose captions were drawn"),
    _share("draft", "probe", "draft: probe tells ski, gymnastics and diving apart", 90),
    _share("draft", "probe_renders", "… the same of the renders whose captions were drawn"),
    Row("redraw", "iou", "redraw: person mask against body mask, median IoU", "", 1, 3, 0.80),
    Row("redraw", "noise_iou", "… with strength 1 (from pure noise)", "", 1, 3),
    Row("redraw", "render_iou", "… of the true renders (clothes and things in front included)", "", 1, 3),
    _share("redraw", "pck", "redraw: PCK@0.1 against projected joints", 80),
    _share("redraw", "pck_lowest", "redraw: PCK@0.1, family with the lowest", 80),
    _share("redraw", "noise_pck", "… PCK@0.1 with strength 1"),
    _share("redraw", "render_pck", "… PCK@0.1 of the true renders"),
    Row("segmenter", "person", "segmenter: person IoU on renders", "", 1, 3, 0.92),
    Row("segmenter", "object", "segmenter: object IoU on renders", "", 1, 3, 0.70),
    _share("keypoints", "pck", "keypoints: PCK@0.1 on renders, visible joints", 92),
    _share("keypoints", "pck_over_joints", "… mean over the 17 joints"),
    Row("mesh", "pa_mpjpe/everyday", "mesh: PA-MPJPE on everyday renders", "mm", 1, 1, 55, AT_MOST),
    Row("mesh", "pa_mpjpe_sports", "… on sports, which it was never shown", "mm", 1, 1),
    Row("prior", "degrees", "prior: mean reconstruction error of a joint", "°", 1, 2, 4, AT_MOST),
    Row("prior", "auc_norm", "prior: area under the ROC curve, squared code norm", "", 1, 4, 0.98),
    Row("prior", "auc_error", "… reconstruction error", "", 1, 4),
    Row(
        "prior", "sports_over_everyday", "prior: mean squared code norm, sports over everyday", "×", 1, 2, 1.2
    ),
    Row("files", "largest", "largest weights file", "MB", 1e-6, 1, 16, AT_MOST),
    Row("files", "total", "all weights files", "MB", 1e-6, 1, 60, AT_MOST),
    Row("speed", "seconds", "draft + estimate + redraw + checks of one picture", "s", 1, 2, 4, AT_MOST),
)

# Figures that are known for each pose family.
BY_FAMILY = (
    Row("vae", "psnr", "VAE: PSNR", "dB", 1, 1),
    _share("draft", "one_person", "draft: one person"),
    _share("draft", "render_one_person", "renders of the same captions: one person"),
    Row("redraw", "iou", "redraw: median IoU"),
    _share("redraw", "pck", "redraw: PCK@0.1"),
    Row("redraw", "noise_iou", "redraw, strength 1: median IoU"),
    _share("redraw", "noise_pck", "redraw, strength 1: PCK@0.1"),
    Row("redraw", "render_iou", "true renders: median IoU"),
    _share("redraw", "render_pck", "true renders: PCK@0.1"),
    Row("segmenter", "person_mean", "segmenter: person IoU, mean over pictures"),
    _share("keypoints", "pck", "keypoints: PCK@0.1"),
    Row("mesh", "pa_mpjpe", "mesh: PA-MPJPE", "mm", 1, 0),
    Row("mesh", "mpjpe", "mesh: MPJPE", "mm", 1, 0),
    Row("prior", "degrees", "prior: reconstruction", "°", 1, 2),
    Row("prior", "norm", "prior: squared code norm", "", 1, 1),
)


def table(entries: Mapping[str, Entry]) -> list[tuple[str, str, str, str]]:
    """Return what, measured, target and verdict of every row; "–" where nothing is known or asked."""
    lines = []
    for row in ROWS:
        value = row.measured(entries)
        target = (
            "–" if row.target is None else f"{row.sign} {row.target:g}{f' {row.unit}' if row.unit else ''}"
        )
        if value is None:
            lines.append((row.words, "not measured", target, "–"))
            continue
        verdict = {True: "yes", False: "**no**", None: "–"}[row.is_reached(value)]
        lines.append((row.words, row.text(value), target, verdict))
    return lines
