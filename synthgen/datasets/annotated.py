"""Readers of pictures with annotations in COCO's format: what COCO, MPII and folders of one's own share."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthgen.datasets.coco_json import CocoFile, is_person, joints_of
from synthgen.datasets.entry import Entry, UnusableError, make_key
from synthgen.datasets.files import Files
from synthgen.datasets.fits import Fits
from synthgen.datasets.people import Joints, Known, box_around, observe
from synthgen.joints import JointSet
from synthgen.observation import Notes, ObservedPerson
from synthgen.sample import Person

NOBODY = "nobody is labelled"
NAMELESS = "the annotations do not say which file the picture is"


class AnnotatedPictures:
    """Pictures of one annotation file.

    Args:
        files: of the data set.
        annotations: the file.
        folders: in which pictures are looked for, in this order.
        joint_set: of its keypoints.
        source: of the observations.
        fits: SMPL fits to its people, or None.
    """

    def __init__(
        self,
        files: Files,
        annotations: Path,
        folders: tuple[Path, ...],
        joint_set: JointSet,
        source: str,
        fits: Fits | None = None,
    ) -> None:
        self._file = CocoFile(files, annotations)
        self._folders, self._joint_set, self._source, self._fits = folders, joint_set, source, fits
        self._last = (-1, self._file.read(0)) if len(self._file) else None

    def __len__(self) -> int:
        return len(self._file)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        record = self._read(index).image
        name = record.get("file_name")
        if not isinstance(name, str) or not name:
            raise UnusableError(NAMELESS)
        path = self._find(name)
        return Entry(
            make_key(name.rsplit(".", 1)[0], index), path, may_turn=True, size=_size(record) or (0, 0)
        )

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        found = self._read(index)
        size = _size(found.image)
        if size is not None and size != image_size:
            raise UnusableError("the picture has another size than its annotations say")
        records = [record for record in found.people if is_person(record)]
        known = [joints_of(record, self._joint_set) for record in records]
        fits = self._fitted(str(found.image["file_name"]), records, known, image_size)
        people = []
        for (joints, own), fit in zip(known, fits, strict=True):
            person = _observed(joints, replace(own, person=fit), image_size)
            if person is not None:
                people.append(person)
        if not people:
            raise UnusableError(NOBODY)
        return Notes(
            key=self.entry(index).key,
            image_size=image_size,
            camera=None,
            people=tuple(people),
            body="smpl",
            source=self._source,
        )

    def _fitted(
        self,
        name: str,
        records: list[dict[str, Any]],
        known: list[tuple[Joints, Known]],
        size: tuple[int, int],
    ) -> list[Person | None]:
        """Return the fit of each person: by annotation, else by where it is in the picture."""
        if self._fits is None:
            return [None] * len(records)
        found = [self._fits.of_annotation(record.get("id"), size) for record in records]
        if self._fits.is_eft and not any(found):
            return self._fits.of_image(name, [_box(joints, own, size) for joints, own in known], size)
        return found

    def _read(self, index: int) -> Any:
        if self._last is None or self._last[0] != index:
            self._last = (index, self._file.read(index))
        return self._last[1]

    def _find(self, name: str) -> Path:
        """Return where a picture is, or should be; names may not lead out of the folders."""
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if not parts or ".." in parts:
            raise UnusableError("the annotation names no picture")
        relative = Path(*parts)
        places = [folder / relative for folder in self._folders]
        places += [folder / relative.name for folder in self._folders]
        return next((place for place in places if os.path.isfile(place)), places[0])


def _size(record: dict[str, Any]) -> tuple[int, int] | None:
    height, width = record.get("height"), record.get("width")
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _observed(joints: Joints, known: Known, image_size: tuple[int, int]) -> ObservedPerson | None:
    """Return a person of whom anything but a box is known; None for others."""
    is_labelled = joints.confidence_2d is not None and bool((joints.confidence_2d > 0).any())
    if not is_labelled and known.person is None:
        return None
    try:
        return observe(joints, image_size, known)
    except UnusableError:
        return None


def _box(joints: Joints, known: Known, image_size: tuple[int, int]) -> Any:
    if known.bbox is not None:
        return known.bbox
    measured = joints.measured()
    try:
        return box_around(measured.keypoints_2d, measured.confidence_2d, image_size)
    except UnusableError:
        return None
