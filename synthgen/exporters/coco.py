"""COCO keypoints and masks: one json, pictures beside it.

Keypoints carry v = 2 (visible), 1 (hidden, place known) or 0 (unknown or outside the picture). Masks are run
lengths of what shows of a person; `area` is theirs, or the box's without one. SMPL parameters travel as the
further fields `smpl_param` and `cam_param`, which COCO's tools pass over.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from synthgen.exporters import coco_json, rle
from synthgen.exporters.checking import MAX_ROWS, Row, problems_of, size_of_picture
from synthgen.exporters.export import Desk
from synthgen.exporters.figures import Entry
from synthgen.joints import COCO17

IMAGES = "images"
ANNOTATIONS = "annotations/person_keypoints.json"
NUM_CELLS = 3 * len(COCO17)
Pair = tuple[dict[str, Any], dict[str, Any]]  # annotation, picture


@dataclass(frozen=True)
class COCO:
    """Options of COCO's format.

    Attributes:
        visible_above: part of a joint that the picture has to show for v = 2.
        masks: write masks where the shards have them.
        smpl: write SMPL parameters and cameras as further fields.
    """

    needs_bodies: ClassVar[bool] = False
    visible_above: float = 0.3
    masks: bool = True
    smpl: bool = True

    def problems(self) -> list[str]:
        """Return what is wrong with the options, one message each."""
        ok = 0 <= self.visible_above <= 1
        return [] if ok else [f"visible_above must be in [0, 1], got {self.visible_above}"]

    def write(self, entries: Iterable[Entry], desk: Desk) -> None:
        """Write annotations/person_keypoints.json and the folder of pictures."""
        pictures = desk.pictures(IMAGES)
        document = coco_json.Document(desk.folder / ".json")
        for entry in entries:
            image_id = document.add_image(pictures.add(entry.picture), entry)
            size = entry.picture.notes.image_size
            masks = coco_json.masks_of(entry) if self.masks else {}
            for figure in entry.figures:
                row = coco_json.annotation(figure, size, self.visible_above, masks.get(figure.place))
                fields = coco_json.smpl_fields(figure, desk) if self.smpl else None
                body = {"body": figure.body} if fields else {}
                document.add_annotation(image_id, {**row, **(fields or {}), **body})
            desk.took(entry, entry.figures)
        document.finish(desk.folder / ANNOTATIONS, coco_json.info_of(desk))

    def check(self, desk: Desk) -> list[str]:
        """Read the json as pycocotools does: ids, 51 numbers a person, masks as large as the picture."""
        chosen = coco_json.some(desk.folder / ANNOTATIONS, desk.ledger.people, MAX_ROWS)
        return problems_of(_rows(chosen, desk)) + list(_mask_problems(chosen))


def _rows(chosen: list[Pair], desk: Desk) -> Iterator[Row]:
    for one, image in chosen:
        name = image["file_name"]
        if len(one["keypoints"]) != NUM_CELLS:
            raise ValueError(f"annotation {one['id']}: {len(one['keypoints'])} numbers, expected {NUM_CELLS}")
        joints = np.reshape(one["keypoints"], (-1, 3)).astype(np.float64)
        x, y, width, height = one["bbox"]
        yield Row(
            where=f"annotation {one['id']}, {name}",
            image=size_of_picture(desk.folder / IMAGES / name),
            center=np.array([x + (width - 1) / 2, y + (height - 1) / 2]),
            size=max(width, height) * 1.25,  # as 3DCrowdNet cuts out
            joints=COCO17,
            keypoints_2d=joints * [1, 1, 0.5],
            keypoints_3d=None,
            global_orient=None,
        )


def _mask_problems(chosen: list[Pair]) -> Iterator[str]:
    for one, image in chosen:
        if "segmentation" not in one:
            continue
        mask = rle.decode(one["segmentation"])
        if mask.shape != (image["height"], image["width"]) or mask.sum() != one["area"]:
            yield f"annotation {one['id']}: the mask does not fit its picture or its area"
