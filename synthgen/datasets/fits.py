"""SMPL fits to the people of MPII and COCO: EFT's and NeuralAnnot's files, found by annotation or by image.

EFT (`MPII_ver01.json`, `COCO2014-All-ver01.json`, …): {ver, data: [...]}, a weak-perspective camera for a
crop. NeuralAnnot (`MSCOCO_train_SMPL_NeuralAnnot.json`, …): {annotation id: {smpl_param, cam_param}}. Both
are of the neutral body, and neither knows the true camera: see `smpl_fits.assumed_camera`.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from synthgen.datasets.entry import Origin
from synthgen.datasets.files import Files, field
from synthgen.datasets.json_rows import Rows, RowsMaker, elements
from synthgen.datasets.smpl_fits import from_eft, from_own_camera
from synthgen.geometry import Array
from synthgen.sample import NUM_BETAS, Person

ORIGIN = Origin(
    "the SMPL fits",
    "https://github.com/facebookresearch/eft (EFT, CC BY-NC 4.0) or "
    "https://github.com/mks0601/NeuralAnnot_RELEASE (NeuralAnnot, CC BY-NC 4.0)",
    "non-commercial",
)
EXPECTED = "EFT's {ver, data: [...]} or NeuralAnnot's {annotation id: {smpl_param, cam_param}}"
CROP = 200.0  # [px] of EFT's bbox_scale
NEAR = 0.5  # sides of a fit's crop that its middle may lie from a person's


class Fits:
    """Fits of one file.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._files = Files(ORIGIN, path.parent)
        self._path = self._files.need(path.absolute(), EXPECTED)
        self._by_annotation: dict[int, int] = {}
        self._by_image: dict[str, list[int]] = defaultdict(list)
        with self._files.reading(self._path, EXPECTED):
            self._rows, self.is_eft = self._index()

    def of_annotation(self, identity: object, image_size: tuple[int, int]) -> Person | None:
        """Return the fit to an annotation, or None where there is none.

        Args:
            identity: id of the annotation.
            image_size: (H, W) of its picture.
        """
        row = self._by_annotation.get(identity) if isinstance(identity, int) else None
        return None if row is None else self._person(self._read(row), image_size, f"annotation {identity}")

    def of_image(
        self, name: str, boxes: Sequence[Array | None], image_size: tuple[int, int]
    ) -> list[Person | None]:
        """Return the fits to the people of a picture, by where they are; None for those without.

        Args:
            name: of the picture's file.
            boxes: xyxy [px] of the people; None for somebody without.
            image_size: (H, W) of the picture.
        """
        found: list[Person | None] = [None] * len(boxes)
        records = [self._read(row) for row in self._by_image.get(PurePosixPath(name).name, [])]
        with self._files.reading(self._path, EXPECTED, f"fit of image {name!r:.200}"):
            pairs = sorted(
                (apart, place, number)
                for number, record in enumerate(records)
                for place, box in enumerate(boxes)
                if box is not None and (apart := _apart(record, box)) < NEAR
            )
        taken: set[int] = set()
        for _, place, number in pairs:
            if found[place] is None and number not in taken:
                found[place] = self._person(records[number], image_size, f"image {name!r:.200}")
                taken.add(number)
        return found

    def _index(self) -> tuple[Rows, bool]:
        rows, is_eft, count = RowsMaker(self._path), False, 0
        for element in elements(self._path):
            if element.is_listed and element.member == "data":
                is_eft = True
                if isinstance(element.value.get("annotId"), int):
                    self._by_annotation[element.value["annotId"]] = count
                self._by_image[PurePosixPath(str(element.value["imageName"])).name].append(count)
            elif not element.is_listed and element.member.isdigit():
                self._by_annotation[int(element.member)] = count
            else:
                continue
            rows.add(element)
            count += 1
        if not count:
            raise ValueError("holds no fit")
        return rows.rows(), is_eft

    def _read(self, row: int) -> dict[str, Any]:
        with self._files.reading(self._path, EXPECTED):
            return dict(self._rows.read(row))

    def _person(self, record: dict[str, Any], image_size: tuple[int, int], which: str) -> Person:
        with self._files.reading(self._path, EXPECTED, f"fit of {which}"):
            return (
                from_eft(_eft(record), image_size)
                if self.is_eft
                else from_own_camera(_neural(record), image_size)
            )


def _eft(record: dict[str, Any]) -> dict[str, Array]:
    return {
        "parm_pose": field(record, "parm_pose", (24, 3, 3)),
        "parm_shape": field(record, "parm_shape", (NUM_BETAS,)),
        "parm_cam": field(record, "parm_cam", (3,)),
        "bbox_scale": np.array([float(record["bbox_scale"])]),
        "bbox_center": field(record, "bbox_center", (2,)),
    }


def _neural(record: dict[str, Any]) -> dict[str, Array]:
    smpl, camera = record["smpl_param"], record["cam_param"]
    shapes = {"pose": (72,), "shape": (NUM_BETAS,), "trans": (3,)}
    found = {
        name: field({name: np.ravel(smpl[name]).tolist()}, name, shape) for name, shape in shapes.items()
    }
    return found | {name: field(camera, name, (2,)) for name in ("focal", "princpt")}


def _apart(record: dict[str, Any], box: Array) -> float:
    """Return how far the middles of a fit's crop and of a box are from each other, in sides of the crop."""
    middle, side = field(record, "bbox_center", (2,)), CROP * float(record["bbox_scale"])
    return float(np.linalg.norm((box[:2] + box[2:]) / 2 - middle) / max(side, 1e-6))
