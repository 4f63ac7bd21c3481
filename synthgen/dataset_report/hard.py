"""Which people are hard: by scores, by how rare their pose is, how hidden or small they are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

HARD_IF_SMALL = (
    "mask_iou",
    "pck",
    "oks",
    "limb",
    "support",
    "visible_part",
    "visible_joints",
    "height",
    "known",
)
HARD_IF_LARGE = ("worst_joint", "mpvpe_mm", "prior", "prior_error", "rarity")
SIGNALS = {  # (words, unit)
    "mask_iou": ("mask overlap", ""), "pck": ("joints in place", ""), "oks": ("keypoint similarity", ""),
    "limb": ("worst limb", ""), "support": ("least support", ""), "visible_part": ("visible part", ""),
    "visible_joints": ("visible joints", ""),
    "height": ("height", " px"), "known": ("joints seen", ""), "worst_joint": ("worst joint", ""),
    "mpvpe_mm": ("mesh distance", " mm"), "prior": ("pose prior", ""), "prior_error": ("prior error", "°"),
    "rarity": ("nearest other pose", " mm"),
}  # fmt: skip
LEAST_VALUES = 8  # of a signal, to be ranked by


@dataclass(frozen=True)
class Hard:
    """A hard person.

    Attributes:
        row: of the person.
        hardness: mean of the ranks by all signals, 0 (easiest) to 1.
        causes: (signal, value) by which the person is hardest, the strongest first.
    """

    row: int
    hardness: float
    causes: tuple[tuple[str, float], ...]


def ranks(values: Array, is_small_hard: bool) -> Array:
    """Return the part of the other values (N,) that are easier, ties by half; NaN stays NaN."""
    from scipy.stats import rankdata

    known = np.isfinite(values)
    found = np.full(len(values), np.nan)
    count = int(known.sum())
    if count > 1:
        shown = -values[known] if is_small_hard else values[known]
        found[known] = (rankdata(shown) - 1) / (count - 1)
    return found


def hardest(signals: Mapping[str, Array], most: int, num_causes: int = 3) -> list[Hard]:
    """Return the hardest people, the hardest first.

    Args:
        signals: (N,) values of each signal by name, NaN where nobody knows; names of SIGNALS.
        most: how many people.
        num_causes: how many causes of each.
    """
    used = [name for name in signals if np.isfinite(signals[name]).sum() >= LEAST_VALUES]
    used = [name for name in used if np.nanmin(signals[name]) < np.nanmax(signals[name])]
    if not used:
        return []
    table = np.stack([ranks(signals[name], name in HARD_IF_SMALL) for name in used])
    counts = np.isfinite(table).sum(0)
    mean = np.where(counts > 0, np.nansum(table, 0) / np.maximum(counts, 1), -1)
    order = [int(row) for row in np.argsort(-mean, kind="stable")[:most] if mean[row] >= 0]
    found = []
    for row in order:
        strongest = np.argsort(-np.nan_to_num(table[:, row], nan=-1), kind="stable")[:num_causes]
        causes = [(used[one], float(signals[used[one]][row])) for one in strongest if table[one, row] >= 0]
        found.append(Hard(row, float(mean[row]), tuple(causes)))
    return found
