"""BEDLAM's npz: one row a person with SMPL parameters, 2D joints and a known camera; pictures beside it.

`scale` is the larger side of the box, enlarged by 1.2, / 200. `gtkps` are SMPL's 24 joints [px], confidence.
`pose_cam` has SMPL-X's 165 numbers, of which the loader uses 66: root and 21 body joints, which turn as
SMPL's do; jaw, eyes and hands are 0. The world is the camera frame, so `cam_ext` is the identity. BEDLAM
trains on the first 80 % of the rows and keeps the rest for validation, so rows are shuffled. Betas of SMPL-X
are yet others than SMPL's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from synthgen.exporters.boxes import PER_SCALE, box_of
from synthgen.exporters.checking import Row, problems_of, size_of_picture, spread
from synthgen.exporters.columns import open_npz
from synthgen.exporters.export import Desk
from synthgen.exporters.figures import Entry, Figure
from synthgen.exporters.joint_sets import joints_2d, pose_of
from synthgen.joints import SMPL24

IMAGES = "images"
PADDING = 1.2
POSE_NUMBERS, USED_NUMBERS = 165, 66  # of SMPL-X: all, and what the loader takes
GENDERS = {"male": "m", "female": "f", "neutral": "neutral"}
NO_SMPL = "person without SMPL parameters"
NO_CAMERA = "person in a picture whose camera is unknown"
NO_2D = "person without 2D joints"


@dataclass(frozen=True)
class BEDLAM:
    """Options of BEDLAM's format.

    Attributes:
        padding: factor that the visible box is enlarged by.
    """

    needs_bodies: ClassVar[bool] = True
    padding: float = PADDING

    def problems(self) -> list[str]:
        """Return what is wrong with the options, one message each."""
        return [] if 1 <= self.padding <= 3 else [f"padding must be in [1, 3], got {self.padding}"]

    def write(self, entries: Iterable[Entry], desk: Desk) -> None:
        """Write `<name>.npz` and the folder of pictures, the loader's DATASET_FOLDERS entry."""
        table = desk.table()
        for entry, path, figures in posed_people(entries, desk):
            for figure in figures:
                pose = pose_of(figure)
                long_pose = np.zeros(POSE_NUMBERS, np.float32)
                long_pose[:USED_NUMBERS] = pose[:USED_NUMBERS]
                row = posed_row(figure, desk, self.padding)
                transl = row["trans_cam"]
                table.add(
                    {
                        "imgname": path,
                        **row,
                        "pose_cam": long_pose,
                        "pose_world": long_pose,
                        "trans_world": transl,
                        "gtkps": joints_2d(figure, SMPL24),
                        "sub": entry.picture.notes.sequence or entry.picture.notes.key,
                    }
                )
        order = np.random.default_rng(desk.task.seed).permutation(table.count)
        table.write_npz(desk.folder / f"{desk.name}.npz", order)
        table.close()

    def check(self, desk: Desk) -> list[str]:
        """Read the npz as DatasetHMR does."""
        found = open_npz(desk.folder / f"{desk.name}.npz")
        if found["shape"].shape[1] != 10:
            return [f"shape has {found['shape'].shape[1]} numbers, expected 10, which the loader pads to 11"]
        poses = found["pose_cam"][:, :USED_NUMBERS]
        return problems_of(_rows(found, poses, found["gtkps"][:, : len(SMPL24)], desk))


def posed_people(entries: Iterable[Entry], desk: Desk) -> Iterator[tuple[Entry, str, list[Figure]]]:
    """Write pictures and yield each with its path and those people of whom pose, camera and 2D are known."""
    pictures = desk.pictures(IMAGES)
    for entry in entries:
        chosen = []
        for figure in entry.figures:
            if reason := _what_is_missing(figure):
                desk.ledger.leave_out(entry.picture.notes.key, reason)
            else:
                chosen.append(figure)
        if chosen:
            path = pictures.add(entry.picture)
            yield entry, path, chosen
            desk.took(entry, chosen)


def posed_row(figure: Figure, desk: Desk, padding: float) -> dict[str, Any]:
    """Return what BEDLAM's and CameraHMR's rows have in common."""
    person, camera = figure.observed.person, figure.camera
    assert person is not None and camera is not None  # posed_people chose them so
    center, size = box_of(figure.observed.bbox, padding)
    betas, _ = desk.shape_of(figure)
    return {
        "center": center,
        "scale": np.float32(size.max() / PER_SCALE),
        "shape": betas,
        "trans_cam": person.transl.astype(np.float32),
        "cam_int": np.asarray(camera.cam_int, np.float32),
        "cam_ext": np.eye(4, dtype=np.float32),
        "gender": GENDERS[figure.observed.gender],
        "body": figure.body,
    }


def _what_is_missing(figure: Figure) -> str:
    if figure.observed.person is None:
        return NO_SMPL
    if figure.camera is None:
        return NO_CAMERA
    return "" if figure.observed.confidence_2d.any() else NO_2D


def _rows(found: dict[str, Any], poses: Any, joints: Any, desk: Desk) -> Iterator[Row]:
    for index in spread(len(found["imgname"])):
        name = str(found["imgname"][index])
        place = found["cam_ext"][index][:3, 3] + found["trans_cam"][index]
        if place[2] <= 0:
            raise ValueError(f"row {index}, {name}: the body lies behind the camera")
        yield Row(
            where=f"row {index}, {name}",
            image=size_of_picture(desk.folder / IMAGES / name),
            center=found["center"][index],
            size=float(found["scale"][index]) * PER_SCALE,
            joints=SMPL24,
            keypoints_2d=joints[index],
            keypoints_3d=None,
            global_orient=poses[index, :3],
        )
