"""The evaluation npz of 4D-Humans, ProHMR and ScoreHMR: one row a person, pictures beside it.

`scale` is width and height of the box in pixels; the loaders divide by 200 themselves. 44 joints are split in
`body_…` (OpenPose's 25) and `extra_…` (19); the loaders drop confidences of the former's 3D joints 1 to 14
and measure at the latter's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from synthgen.exporters.boxes import box_of
from synthgen.exporters.checking import Row, problems_of, size_of_picture, spread
from synthgen.exporters.columns import open_npz
from synthgen.exporters.export import Desk
from synthgen.exporters.figures import Entry, Figure
from synthgen.exporters.joint_sets import EXTRA19, all_44_2d, all_44_3d, pose_of

IMAGES = "images"
PADDING = 1.2  # as the boxes of the published evaluation files
NOTHING = "person without 2D joints, 3D joints and SMPL parameters"


@dataclass(frozen=True)
class HMR2Evaluation:
    """Options of the evaluation npz.

    Attributes:
        padding: factor that the visible box is enlarged by.
    """

    needs_bodies: ClassVar[bool] = True
    padding: float = PADDING

    def problems(self) -> list[str]:
        """Return what is wrong with the options, one message each."""
        return [] if 1 <= self.padding <= 3 else [f"padding must be in [1, 3], got {self.padding}"]

    def write(self, entries: Iterable[Entry], desk: Desk) -> None:
        """Write `<name>.npz`, the pictures (`IMG_DIR`), and the entry for datasets_eval.yaml."""
        pictures, table = desk.pictures(IMAGES), desk.table()
        for entry in entries:
            chosen = [one for one in entry.figures if is_known(one)]
            for _ in range(len(entry.figures) - len(chosen)):
                desk.ledger.leave_out(entry.picture.notes.key, NOTHING)
            if chosen:
                path = pictures.add(entry.picture)
                for figure in chosen:
                    table.add({"imgname": path, **person_row(figure, desk, self.padding)})
                desk.took(entry, chosen)
        table.write_npz(desk.folder / f"{desk.name}.npz")
        table.close()
        place = desk.task.output.rstrip("/")
        (desk.folder / f"datasets_eval_{desk.name}.yaml").write_text(
            f"# Entry for hmr2/configs/datasets_eval.yaml; KEYPOINT_LIST: 14 joints of published numbers.\n"
            f"{desk.name.upper()}:\n    TYPE: ImageDataset\n    DATASET_FILE: {place}/{desk.name}.npz\n"
            f"    IMG_DIR: {place}/{IMAGES}/\n"
            f"    KEYPOINT_LIST: {[*range(25, 38), 43]}\n    USE_HIPS: False\n"
        )

    def check(self, desk: Desk) -> list[str]:
        """Read the npz as both ImageDatasets do: scale / 200 and back, 3D of OpenPose's body dropped."""
        found = open_npz(desk.folder / f"{desk.name}.npz")
        scale = found["scale"].reshape(len(found["center"]), -1) / 200.0
        return problems_of(_rows(found, scale, desk))


def is_known(figure: Figure) -> bool:
    """Tell whether there is anything that could be evaluated."""
    person = figure.observed
    return bool(person.confidence_2d.any() or person.confidence_3d.any() or person.person is not None)


def person_row(figure: Figure, desk: Desk, padding: float) -> dict[str, Any]:
    """Return the row of a person, without the picture's name."""
    center, size = box_of(figure.observed.bbox, padding)
    betas, has_betas = desk.shape_of(figure)
    body_2d, extra_2d = all_44_2d(figure)
    body_3d, extra_3d = all_44_3d(figure)
    return {
        "center": center,
        "scale": size,
        "body_pose": pose_of(figure),
        "has_body_pose": np.float32(figure.observed.person is not None),
        "betas": betas,
        "has_betas": np.float32(has_betas),
        "body_keypoints_2d": body_2d,
        "extra_keypoints_2d": extra_2d,
        "body_keypoints_3d": body_3d,
        "extra_keypoints_3d": extra_3d,
        "personid": np.int32(figure.place),
        "body": figure.body,
    }


def _rows(found: dict[str, Any], scale: Any, desk: Desk) -> Iterator[Row]:
    for index in spread(len(found["imgname"])):
        name = str(found["imgname"][index])
        yield Row(
            where=f"row {index}, {name}",
            image=size_of_picture(desk.folder / IMAGES / name),
            center=found["center"][index],
            size=float(scale[index].max() * 200),
            joints=EXTRA19,
            keypoints_2d=found["extra_keypoints_2d"][index],
            keypoints_3d=found["extra_keypoints_3d"][index],
            global_orient=found["body_pose"][index, :3] if found["has_body_pose"][index] else None,
        )
