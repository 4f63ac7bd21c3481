"""Pictures without labels: people and joints are found by models, and the observations say so."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.datasets.annotated import NOBODY
from synthgen.datasets.entry import Reader, UnusableError, make_key
from synthgen.datasets.people import Joints, Known, observe
from synthgen.datasets.pictures import Image, Loaded, load
from synthgen.datasets.video import Videos
from synthgen.joints import COCO17
from synthgen.observation import Notes, Observation, ObservedPerson
from synthgen.sample import Float, Rejection
from synthgen.shards.observation_records import StoredPicture

Item = StoredPicture | Observation | Rejection
NOBODY_FOUND = "no person was found"


@dataclass(frozen=True)
class Found:
    """The people that models found in a picture.

    Attributes:
        boxes: (P, 4) xyxy [px].
        keypoints_2d: (P, 17, 2) COCO-17 [px].
        confidence: (P, 17) in [0, 1].
    """

    boxes: Float
    keypoints_2d: Float
    confidence: Float


Find = Callable[[Sequence[NDArray[np.uint8]]], Sequence[Found]]


@dataclass(frozen=True)
class Finder:
    """How people are found.

    Attributes:
        find: the models.
        labelled_by: their names, for the record.
        source: of the observations.
        min_confidence: joints that models are less sure of are unknown.
        batch_size: pictures given to the models at once.
    """

    find: Find
    labelled_by: str
    source: str
    min_confidence: float = 0.3
    batch_size: int = 8


def find_people(reader: Reader, first: int, count: int, finder: Finder) -> Iterator[Item]:
    """Yield pictures of a data set without labels, with the people that models find in them."""
    videos = Videos()
    for start in range(first, first + count, finder.batch_size):
        indices = range(start, min(start + finder.batch_size, first + count))
        loaded = [_load(reader, index, videos) for index in indices]
        images = [one[1] for one in loaded if not isinstance(one, Rejection)]
        found = iter(finder.find(images) if images else [])
        for index, one in zip(indices, loaded, strict=True):
            if isinstance(one, Rejection):
                yield one
            else:
                yield _with_people(reader, index, one[0], next(found), finder)


def _load(reader: Reader, index: int, videos: Videos) -> tuple[Loaded, Image] | Rejection:
    key = make_key("", index)
    try:
        entry = reader.entry(index)
        key = entry.key
        loaded = load(entry, videos)
        return loaded, loaded.pixels()
    except UnusableError as error:
        return Rejection(key, "read", str(error))


def _with_people(reader: Reader, index: int, loaded: Loaded, found: Found, finder: Finder) -> Item:
    key = reader.entry(index).key
    people = []
    for box, points, confidence in zip(found.boxes, found.keypoints_2d, found.confidence, strict=True):
        sure = np.where(confidence >= finder.min_confidence, confidence, 0)
        person = _person(Joints(COCO17, points, sure), Known(bbox=box), loaded.size)
        if person is not None:
            people.append(person)
    if not people:
        return Rejection(key, "read", NOBODY if len(found.boxes) else NOBODY_FOUND)
    notes = Notes(
        key=key,
        image_size=loaded.size,
        camera=None,
        people=tuple(people),
        body="smpl",
        source=finder.source,
        labelled_by=finder.labelled_by,
    )
    return loaded.with_notes(notes)


def _person(joints: Joints, known: Known, image_size: tuple[int, int]) -> ObservedPerson | None:
    try:
        person = observe(joints, image_size, known)
    except UnusableError:
        return None
    return person if person.confidence_2d.any() else None
