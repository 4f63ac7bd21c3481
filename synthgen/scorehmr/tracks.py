"""Who is who from frame to frame: people whose boxes overlap are the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.sample import Float

SAME_IOU = 0.2  # overlap of boxes from one frame to the next of the same person


@dataclass(frozen=True)
class Appearance:
    """Somebody in a frame.

    Attributes:
        clip: name of the sequence and of the camera that sees it.
        frame: number within the clip.
        bbox: (4,) xyxy [px].
    """

    clip: str
    frame: int
    bbox: Float


def tracks(appearances: Sequence[Appearance]) -> list[str]:
    """Name the track of each appearance; a track has at most one appearance in each frame."""
    names: list[str] = [""] * len(appearances)
    last: dict[str, list[tuple[int, Float, str]]] = {}  # of each clip: frame, box, name
    for number in sorted(range(len(appearances)), key=lambda one: appearances[one].frame):
        seen = appearances[number]
        known = last.setdefault(seen.clip, [])
        ends = [entry for entry in known if entry[0] < seen.frame]
        best = max(ends, key=lambda entry: overlap(entry[1], seen.bbox), default=None)
        if best is not None and overlap(best[1], seen.bbox) >= SAME_IOU:
            known[:] = [entry for entry in known if entry is not best]
            name = best[2]
        else:
            name = f"{seen.clip}|{number}"
        known.append((seen.frame, seen.bbox, name))
        names[number] = name
    return names


def overlap(first: Float, second: Float) -> float:
    """Return the intersection of two boxes (4,) xyxy over their union."""
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    areas = float(np.prod(first[2:] - first[:2])) + float(np.prod(second[2:] - second[:2]))
    return shared / max(areas - shared, 1e-9)
