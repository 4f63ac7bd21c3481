"""CameraHMR's npz: as BEDLAM's, but with SMPL's 72 pose numbers and 44 2D joints; intrinsics are required."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from synthgen.exporters.bedlam import IMAGES, PADDING, posed_people, posed_row
from synthgen.exporters.boxes import PER_SCALE
from synthgen.exporters.checking import Row, problems_of, size_of_picture, spread
from synthgen.exporters.columns import open_npz
from synthgen.exporters.export import Desk
from synthgen.exporters.figures import Entry
from synthgen.exporters.joint_sets import EXTRA19, all_44_2d, pose_of
from synthgen.joints import OPENPOSE25

NUM_JOINTS = 44


@dataclass(frozen=True)
class CameraHMR:
    """Options of CameraHMR's format.

    Attributes:
        padding: factor that the visible box is enlarged by.
    """

    needs_bodies: ClassVar[bool] = True
    padding: float = PADDING

    def problems(self) -> list[str]:
        """Return what is wrong with the options, one message each."""
        return [] if 1 <= self.padding <= 3 else [f"padding must be in [1, 3], got {self.padding}"]

    def write(self, entries: Iterable[Entry], desk: Desk) -> None:
        """Write `<name>.npz`, rows shuffled, and the folder of pictures."""
        table = desk.table()
        for _, path, figures in posed_people(entries, desk):
            for figure in figures:
                row = posed_row(figure, desk, self.padding)
                joints = np.concatenate(all_44_2d(figure))
                table.add({"imgname": path, **row, "pose_cam": pose_of(figure), "gtkps": joints})
        order = np.random.default_rng(desk.task.seed).permutation(table.count)
        table.write_npz(desk.folder / f"{desk.name}.npz", order)
        table.close()

    def check(self, desk: Desk) -> list[str]:
        """Read the npz as DatasetTrain does."""
        found = open_npz(desk.folder / f"{desk.name}.npz")
        for name, width in (("pose_cam", 72), ("shape", 10)):
            if found[name].shape[1] != width:
                return [f"{name} has {found[name].shape[1]} numbers, expected {width}"]
        return problems_of(_rows(found, found["gtkps"][:, :NUM_JOINTS], desk))


def _rows(found: dict[str, Any], joints: Any, desk: Desk) -> Iterator[Row]:
    for index in spread(len(found["imgname"])):
        name = str(found["imgname"][index])
        if found["cam_int"][index].shape != (3, 3) or found["cam_int"][index][0, 0] <= 0:
            raise ValueError(f"row {index}, {name}: cam_int is no camera")
        yield Row(
            where=f"row {index}, {name}",
            image=size_of_picture(desk.folder / IMAGES / name),
            center=found["center"][index],
            size=float(found["scale"][index]) * PER_SCALE,
            joints=EXTRA19,
            keypoints_2d=joints[index, len(OPENPOSE25) :],
            keypoints_3d=None,
            global_orient=found["pose_cam"][index, :3],
        )
