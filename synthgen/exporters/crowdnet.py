"""3DCrowdNet's and DPMesh's data/MSCOCO: COCO json, NeuralAnnot json, pictures.

`MSCOCO_train_SMPL_NeuralAnnot.json` gives by annotation id SMPL's pose (72), shape (10) and translation [m],
and the camera. Training compares the fit with the keypoints and drops it where they differ by more than 3 px
of a 64 px heat map, and betas beyond 3 are replaced by 0.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from synthgen.exporters import coco_json
from synthgen.exporters.checking import MAX_ROWS, Row, problems_of, size_of_picture
from synthgen.exporters.export import Desk
from synthgen.exporters.figures import Entry
from synthgen.joints import COCO17

IMAGES = "images/train2017"
ANNOTATIONS = "annotations/person_keypoints_train2017.json"
FITS = "annotations/MSCOCO_train_SMPL_NeuralAnnot.json"
NO_2D = "person without 2D joints, whom 3DCrowdNet drops"
SIZES = {"pose": 72, "shape": 10, "trans": 3}


@dataclass(frozen=True)
class CrowdNet:
    """Options of 3DCrowdNet's format.

    Attributes:
        visible_above: part of a joint that the picture has to show for v = 2; the loader takes 1 as well.
    """

    needs_bodies: ClassVar[bool] = False
    visible_above: float = 0.3

    def problems(self) -> list[str]:
        """Return what is wrong with the options, one message each."""
        ok = 0 <= self.visible_above <= 1
        return [] if ok else [f"visible_above must be in [0, 1], got {self.visible_above}"]

    def write(self, entries: Iterable[Entry], desk: Desk) -> None:
        """Write both json files and the folder of pictures."""
        pictures = desk.pictures(IMAGES)
        document = coco_json.Document(desk.folder / ".json")
        fits = coco_json.Objects(desk.folder / FITS)
        for entry in entries:
            notes = entry.picture.notes
            chosen = coco_json.counted(desk.ledger, notes.key, entry.figures, NO_2D)
            if not chosen:
                continue
            image_id = document.add_image(pictures.add(entry.picture), entry)
            for figure in chosen:
                row = coco_json.annotation(figure, notes.image_size, self.visible_above)
                number = document.add_annotation(image_id, {**row, "body": figure.body})
                if (fit := coco_json.smpl_fields(figure, desk)) is not None:
                    fits.add(str(number), fit)
            desk.took(entry, chosen)
        fits.close()
        document.finish(desk.folder / ANNOTATIONS, coco_json.info_of(desk))

    def check(self, desk: Desk) -> list[str]:
        """Read both files as MSCOCO.load_data does."""
        chosen = coco_json.some(desk.folder / ANNOTATIONS, desk.ledger.people, MAX_ROWS)
        wanted = {str(one["id"]) for one, _ in chosen}
        problems, fits = [], {}
        for number, fit in _fits(desk.folder / FITS):
            if not 1 <= int(number) <= desk.ledger.people:
                problems.append(f"fit {number} belongs to no annotation")
            if number in wanted:
                fits[number] = fit
        return problems + problems_of(_rows(chosen, fits, desk))


def _fits(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in coco_json.read_lines(path):
        if line.startswith('"'):
            yield from json.loads("{" + line.rstrip(",\n") + "}").items()


def _rows(
    chosen: list[tuple[dict[str, Any], dict[str, Any]]], fits: dict[str, Any], desk: Desk
) -> Iterator[Row]:
    for one, image in chosen:
        joints = np.array(one["keypoints"], np.float32).reshape(-1, 3)
        x, y, width, height = one["bbox"]
        fit = fits.get(str(one["id"]))
        for name, length in SIZES.items():
            if fit is not None and len(fit["smpl_param"][name]) != length:
                raise ValueError(f"fit {one['id']}: {name} has another length than {length}")
        x0, y0 = max(0.0, x), max(0.0, y)  # as process_bbox clips and squares the box
        x1 = min(image["width"] - 1, x0 + max(0.0, width - 1))
        y1 = min(image["height"] - 1, y0 + max(0.0, height - 1))
        if not (width * height > 0 and x1 >= x0 and y1 >= y0):
            raise ValueError(f"annotation {one['id']}: the loader drops this box, {one['bbox']}")
        yield Row(
            where=f"annotation {one['id']}, {image['file_name']}",
            image=size_of_picture(desk.folder / IMAGES / image["file_name"]),
            center=np.array([(x0 + x1) / 2, (y0 + y1) / 2]),
            size=1.25 * max(x1 - x0, y1 - y0),
            joints=COCO17,
            keypoints_2d=np.column_stack([joints[:, :2], joints[:, 2] > 0]),
            keypoints_3d=None,
            global_orient=None if fit is None else np.array(fit["smpl_param"]["pose"][:3]),
        )
