"""SPIN's and DAPA's npz: one row a person, pictures beside it.

`scale` is the box side / 200, the box that of Diffusion-HPC around the joints. `part` and `S` are SPIN's 24
joints, `openpose` OpenPose's 25, each with confidence. `has_smpl` tells which rows of `pose` and `shape`
count. A column `gender` makes the loader take everybody who is not "m" for a woman, so it is an option.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from synthgen.exporters.bedlam import GENDERS
from synthgen.exporters.boxes import PER_SCALE, keypoint_box
from synthgen.exporters.checking import Row, problems_of, size_of_picture, spread
from synthgen.exporters.columns import open_npz
from synthgen.exporters.export import Desk
from synthgen.exporters.figures import Entry, Figure
from synthgen.exporters.joint_sets import EXTRA19, SPIN24, joints_2d, joints_3d, pose_of
from synthgen.joints import OPENPOSE25
from synthgen.sample import NUM_BETAS

NO_2D = "person without 2D joints"
NEUTRAL = "person whose body is not gendered (gender=true)"
IMAGES = "images"


@dataclass(frozen=True)
class SPIN:
    """Options of SPIN's format.

    Attributes:
        gender: write "m" or "f" and the betas of that body, as 3DPW is evaluated; others are left out.
    """

    needs_bodies: ClassVar[bool] = True
    gender: bool = False

    def problems(self) -> list[str]:
        """Return what is wrong with the options: nothing can be."""
        return []

    def write(self, entries: Iterable[Entry], desk: Desk) -> None:
        """Write `<name>.npz` and the folder of pictures, which is the loader's `img_dir`."""
        pictures, table = desk.pictures(IMAGES), desk.table()
        for entry in entries:
            chosen = []
            for figure in entry.figures:
                reason = "" if figure.observed.confidence_2d.any() else NO_2D
                if self.gender and figure.observed.gender == "neutral":
                    reason = NEUTRAL
                if reason:
                    desk.ledger.leave_out(entry.picture.notes.key, reason)
                else:
                    chosen.append(figure)
            if chosen:
                path = pictures.add(entry.picture)
                for figure in chosen:
                    table.add(
                        {"imgname": path, **_row(figure, desk), **(_gendered(figure) if self.gender else {})}
                    )
                desk.took(entry, chosen)
        table.write_npz(desk.folder / f"{desk.name}.npz")
        table.close()

    def check(self, desk: Desk) -> list[str]:
        """Read the npz as SPIN's BaseDataset does: plain arrays, side = 200 x scale, OpenPose before part."""
        found = open_npz(desk.folder / f"{desk.name}.npz")
        return problems_of(_rows(found, desk))


def _row(figure: Figure, desk: Desk) -> dict[str, np.ndarray | str | float]:
    center, side = keypoint_box(joints_2d(figure, EXTRA19), figure.observed.bbox)
    betas, _ = desk.shape_of(figure)
    return {
        "center": center,
        "scale": side / PER_SCALE,
        "part": joints_2d(figure, SPIN24),
        "openpose": joints_2d(figure, OPENPOSE25),
        "S": joints_3d(figure, SPIN24),
        "pose": pose_of(figure),
        "shape": betas,
        "has_smpl": float(figure.observed.person is not None),
        "body": figure.body,
    }


def _gendered(figure: Figure) -> dict[str, np.ndarray | str]:
    person = figure.observed.person
    betas = np.zeros(NUM_BETAS) if person is None else person.betas
    return {"gender": GENDERS[figure.observed.gender], "shape": betas.astype(np.float32)}


def _rows(found: dict[str, np.ndarray], desk: Desk) -> Iterator[Row]:
    for index in spread(len(found["imgname"])):
        name = str(found["imgname"][index])
        yield Row(
            where=f"row {index}, {name}",
            image=size_of_picture(desk.folder / IMAGES / name),
            center=found["center"][index],
            size=float(found["scale"][index]) * PER_SCALE,
            joints=SPIN24,
            keypoints_2d=np.concatenate([found["openpose"][index], found["part"][index]])[len(OPENPOSE25) :],
            keypoints_3d=found["S"][index],
            global_orient=found["pose"][index, :3] if found["has_smpl"][index] else None,
        )
