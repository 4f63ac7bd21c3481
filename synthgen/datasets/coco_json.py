"""COCO's annotation format: images, and people in them with keypoints; any joint set, any number of pictures.

Nothing but numbers is kept in memory: which annotations belong to which image, and where each is in the file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.datasets.entry import UnusableError
from synthgen.datasets.files import Files, array
from synthgen.datasets.json_rows import Element, Rows, RowsMaker, elements
from synthgen.datasets.people import Joints, Known
from synthgen.geometry import Array
from synthgen.joints import COCO17, JointSet
from synthgen.sample import Float

EXPECTED = "COCO's json: images [{id, file_name}], annotations [{id, image_id, bbox, keypoints}]"
UNLABELLED, HIDDEN, VISIBLE = 0, 1, 2  # COCO's visibility flags


@dataclass(frozen=True)
class Annotated:
    """The people of one image.

    Attributes:
        image: record of the image.
        people: records of its annotations, in the order of the file.
    """

    image: dict[str, Any]
    people: tuple[dict[str, Any], ...]


class CocoFile:
    """A file of annotations; images are numbered in its order, those without people left out.

    Args:
        files: of the data set.
        path: of the file.
    """

    def __init__(self, files: Files, path: Path) -> None:
        self._files, self._path = files, path
        with files.reading(path, EXPECTED):
            self._images, self._people, self._order, self._first = self._index()

    def __len__(self) -> int:
        return len(self._images)

    def read(self, index: int) -> Annotated:
        """Return an image with its people."""
        with self._files.reading(self._path, EXPECTED):
            rows = self._order[self._first[index] : self._first[index + 1]]
            people = tuple(_record(self._people.read(int(row))) for row in rows)
            return Annotated(_record(self._images.read(index)), people)

    def name(self, index: int) -> str:
        """Return the file name of an image."""
        with self._files.reading(self._path, EXPECTED):
            return str(_record(self._images.read(index))["file_name"])

    def _index(self) -> tuple[Rows, Rows, NDArray[np.int64], NDArray[np.int64]]:
        images, people = RowsMaker(self._path), RowsMaker(self._path)
        ids: list[Any] = []
        owners: list[Any] = []
        for element in elements(self._path):
            if element.is_listed and element.member == "images":
                images.add(element)
                ids.append(_identity(element, "id"))
            elif element.is_listed and element.member == "annotations":
                people.add(element)
                owners.append(_identity(element, "image_id"))
        rows = images.rows()
        if not len(rows):
            raise KeyError("images")
        place = {identity: number for number, identity in enumerate(ids)}
        if len(place) != len(ids):
            raise ValueError("two images have one id")
        try:
            of = np.array([place[owner] for owner in owners], np.int64)
        except KeyError as error:
            raise ValueError(
                f"image_id {error.args[0]!r} of an annotation is not among its images"
            ) from error
        order = np.argsort(of, kind="stable").astype(np.int64)
        kept, counts = np.unique(of, return_counts=True)
        first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        whole = Rows(self._path, rows.starts[kept], rows.ends[kept])
        return whole, people.rows(), order, first


def joints_of(record: dict[str, Any], joint_set: JointSet) -> tuple[Joints, Known]:
    """Return joints and box of an annotation.

    A joint's third number is COCO's flag (0 not labelled, 1 hidden, 2 visible) or a confidence below 1.

    Raises:
        UnusableError: its keypoints or box are of another shape.
    """
    try:
        flat = array(record.get("keypoints") or [0] * 3 * len(joint_set), (3 * len(joint_set),))
        box = array(record["bbox"], (4,)) if record.get("bbox") else None
    except ValueError as error:
        raise UnusableError(f"keypoints are not {len(joint_set)} joints, or bbox not 4 numbers") from error
    rows = flat.reshape(-1, 3)
    third = rows[:, 2]
    is_flag = bool(np.isin(third, (UNLABELLED, HIDDEN, VISIBLE)).all())
    confidence = (third > 0).astype(np.float64) if is_flag else np.clip(third, 0, 1)
    visibility = _visibility(third, joint_set) if is_flag and (third == VISIBLE).any() else None
    xyxy = None if box is None else np.concatenate([box[:2], box[:2] + box[2:]])
    return Joints(joint_set, rows[:, :2], confidence), Known(bbox=xyxy, visibility=visibility)


def is_person(record: dict[str, Any]) -> bool:
    """Tell whether an annotation is one person, not a crowd and not somebody nobody labelled."""
    return not record.get("iscrowd") and record.get("category_id", 1) == 1


def _visibility(third: Array, joint_set: JointSet) -> Float:
    found = np.zeros(len(COCO17), np.float32)
    for row, name in enumerate(joint_set.names):
        if name in COCO17.names:
            found[COCO17.index(name)] = third[row] == VISIBLE
    return found


def _identity(element: Element, name: str) -> Any:
    value = element.value[name]
    if not isinstance(value, int | str):
        raise TypeError(f"{name} {value!r:.40} is neither a number nor text")
    return value


def _record(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.40} is no object")
    return value
