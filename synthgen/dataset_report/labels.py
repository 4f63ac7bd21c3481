"""Which labels samples have: counts by label and by joint. Pure functions."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synthgen.joints import COCO17, SMPL24
from synthgen.observation import Notes

PERSON_LABELS = (
    "SMPL parameters", "2D joints", "3D joints", "joint visibility", "pose family", "own joints",
)  # fmt: skip
PICTURE_LABELS = ("camera", "extrinsics", "lens distortion", "caption", "sequence", "found by models")
UNKNOWN = "unknown"


@dataclass
class LabelCounts:
    """What is known of the people and pictures of a data set.

    Attributes:
        pictures: number of them.
        people: number of them.
        of_people: people that have each of PERSON_LABELS.
        of_pictures: pictures that have each of PICTURE_LABELS.
        joints_2d: (17,) people whose COCO-17 joint is known.
        joints_3d: (24,) people whose SMPL-24 joint is known.
        bodies: people with SMPL parameters, by body and gender.
        sources: pictures by data set.
    """

    pictures: int = 0
    people: int = 0
    of_people: Counter[str] = field(default_factory=Counter)
    of_pictures: Counter[str] = field(default_factory=Counter)
    joints_2d: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(COCO17), np.int64))
    joints_3d: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(SMPL24), np.int64))
    bodies: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)


def count_labels(pictures: Iterable[Notes]) -> LabelCounts:
    """Count the labels of pictures."""
    found = LabelCounts()
    for notes in pictures:
        found.pictures += 1
        found.sources[notes.source] += 1
        has = (notes.camera, notes.extrinsics, notes.distortion)
        texts = (notes.caption, notes.sequence, notes.labelled_by)
        values = [*(one is not None for one in has), *map(bool, texts)]
        found.of_pictures.update(dict(zip(PICTURE_LABELS, map(int, values), strict=True)))
        for person in notes.people:
            found.people += 1
            seen = person.confidence_2d > 0
            known = (
                person.person is not None,
                bool(seen.any()),
                bool((person.confidence_3d > 0).any()),
                person.visibility is not None,
                person.family != UNKNOWN,
                person.joints is not None,
            )
            found.of_people.update(dict(zip(PERSON_LABELS, map(int, known), strict=True)))
            found.joints_2d += seen
            found.joints_3d += person.confidence_3d > 0
            if person.person is not None:
                name = notes.body if person.gender == "neutral" else f"{notes.body}, {person.gender}"
                found.bodies[name] += 1
    return found
