"""Measures: overlap of masks, joints found, people found, errors of bodies. Pure functions of arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.protocols import Segments
from synthgen.geometry import Array, procrustes
from synthgen.scenes.poses import FAMILIES

NEAR = 0.1  # of the box's longer side: within this a joint counts as found (PCK@0.1)
VISIBLE = 0.5  # visibility from which on a joint counts
SPECK_OF_PICTURE, SPECK_OF_LARGEST = 0.003, 0.05  # connected pieces below either are no people
COVER = (0.03, 0.60)  # part of the picture that one person of a good draft covers
MM_PER_M = 1000.0


def joints_found(found: Array, truth: Array, bbox: Array) -> NDArray[np.bool_]:
    """Return which joints (J,) lie within NEAR of the box's longer side of their true place.

    Args:
        found: (J, 2) [px].
        truth: (J, 2) [px].
        bbox: (4,) xyxy [px] of the person.
    """
    side = float((bbox[2:] - bbox[:2]).max())
    return np.linalg.norm(found - truth, axis=-1) <= NEAR * side


def people_in(segments: Segments) -> list[NDArray[np.bool_]]:
    """Return the masks (H, W) of the people that a segmenter found, without specks.

    A person cut in two by something in front stays one where the segmenter says so.
    """
    from scipy import ndimage

    kept = []
    least = SPECK_OF_PICTURE * segments.person.size
    pieces = [ndimage.label(mask, np.ones((3, 3))) for mask in segments.people]
    areas = [np.bincount(numbered.ravel(), minlength=count + 1)[1:] for numbered, count in pieces]
    largest = max((int(area.max()) for area in areas if len(area)), default=0)
    for (numbered, _), area in zip(pieces, areas, strict=True):
        large = np.flatnonzero(area >= max(least, SPECK_OF_LARGEST * largest)) + 1
        if len(large):
            kept.append(np.isin(numbered, large))
    return kept


def is_one_person(segments: Segments) -> bool:
    """Return whether a picture shows exactly one person, neither lost in it nor filling it."""
    people = people_in(segments)
    return len(people) == 1 and COVER[0] <= float(people[0].mean()) <= COVER[1]


def joint_errors(found: Array, truth: Array, root: int) -> tuple[float, float]:
    """Return PA-MPJPE and MPJPE [mm] of one person.

    Args:
        found: (J, 3) [m].
        truth: (J, 3) [m].
        root: joint that MPJPE lays onto each other.
    """
    aligned = procrustes(found, truth)
    shifted = found - found[root] + truth[root]
    mm = [float(np.linalg.norm(one - truth, axis=-1).mean() * MM_PER_M) for one in (aligned, shifted)]
    return mm[0], mm[1]


def by_family(name: str, values: Sequence[float], families: Sequence[str]) -> dict[str, float]:
    """Return the mean of values for each family that has any, as figures "name/family"."""
    grouped = {
        family: [v for v, own in zip(values, families, strict=True) if own == family] for family in FAMILIES
    }
    return {f"{name}/{family}": float(np.mean(own)) for family, own in grouped.items() if own}


def lowest(figures: Mapping[str, float], name: str) -> float:
    """Return the lowest of the figures "name/family"."""
    return min(value for key, value in figures.items() if key.startswith(f"{name}/"))
