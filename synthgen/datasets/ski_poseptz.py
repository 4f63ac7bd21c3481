"""Ski-PosePTZ: alpine skiers seen by six pan-tilt-zoom cameras; 17 joints measured, cameras known.

`{train,test}/labels.h5`, one row a picture, and `seq_SSS/cam_CC/image_FFFFFF.png` beside it, 256 px. The 2D
joints are parts of the picture, the 3D joints metres in the camera's frame. Order of the joints: Human3.6M's,
right leg first (some evaluations swap the legs: that is the order of an old regressor, not of this file).
"""

from functools import cached_property
from typing import Any

import numpy as np

from synthgen.datasets.entry import Choice, Entry, Origin, make_key
from synthgen.datasets.files import Files
from synthgen.datasets.people import Joints, observe
from synthgen.datasets.views import View
from synthgen.geometry import Array
from synthgen.joints import H36M17
from synthgen.observation import Notes

ORIGIN = Origin(
    "Ski-PosePTZ",
    "https://www.epfl.ch/labs/cvlab/data/ski-poseptz-dataset/",
    "research only, no redistribution; ask EPFL CVLab for the download",
)
SPLITS = ("train", "test")
NUM_TRAIN = 8481  # pictures of the published training set; few-shot experiments take its first 200 or 500
LAYOUT = "labels.h5 of Ski-PosePTZ-CameraDataset-png, with seq, cam, frame, subj, 3D, 2D, cam_intrinsic, …"
SHAPES: dict[str, tuple[int, ...]] = {
    "seq": (), "cam": (), "frame": (), "subj": (), "3D": (51,), "2D": (34,),
    "cam_intrinsic": (3, 3), "cam_position": (3,), "R_cam_2_world": (3, 3),
}  # fmt: skip
BLOCK = 256  # rows read at once


class SkiPosePTZ:
    """Reader of one split; the order is that of the file."""

    origin, splits = ORIGIN, SPLITS

    def __init__(self, choice: Choice) -> None:
        self._split = choice.pick(SPLITS, ORIGIN)
        self._files = Files(ORIGIN, choice.root)
        places = [f"{self._split}/labels.h5", f"Ski-PosePTZ-CameraDataset-png/{self._split}/labels.h5"]
        self._path = self._files.first(places, LAYOUT)
        self._first, self._rows = 0, dict[str, Array]()
        with self._files.reading(self._path, LAYOUT):
            self._count = self._check()

    def __len__(self) -> int:
        return self._count

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        name = "seq_{:03d}/cam_{:02d}/image_{:06d}.png".format(*self._place(index))
        return Entry(
            make_key(f"ski-{self._split}-{name.removesuffix('.png')}", index), self._path.parent / name
        )

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        sequence, camera, frame = self._place(index)
        height, width = image_size
        scale = np.array([width, height], np.float64)
        view = self._view(index, scale)
        joints = Joints(
            H36M17,
            keypoints_2d=self._row("2D", index).reshape(-1, 2) * scale,
            keypoints_3d=self._row("3D", index).reshape(-1, 3),
        )
        return Notes(
            key=self.entry(index).key,
            image_size=image_size,
            camera=view.camera(image_size),
            people=(observe(joints, image_size),),
            body="smpl",
            source=f"ski_poseptz/{self._split}",
            sequence=f"seq{sequence:03d}",
            frame=frame,
            view=f"cam{camera:02d}",
            extrinsics=view.extrinsics,
        )

    def _view(self, index: int, scale: Array) -> View:
        """Return the camera: its matrix is given in parts of the picture, its pose from camera to world."""
        cam_int = self._row("cam_intrinsic", index).copy()
        cam_int[:2] *= scale[:, None]
        cam_int[2] = (0, 0, 1)
        turn = self._row("R_cam_2_world", index).T
        return View(cam_int, np.column_stack([turn, -turn @ self._row("cam_position", index)]))

    def _place(self, index: int) -> tuple[int, int, int]:
        sequence, camera, frame = (int(self._row(name, index)) for name in ("seq", "cam", "frame"))
        return sequence, camera, frame

    def _row(self, name: str, index: int) -> Any:
        """Return one row of a field; rows are read in blocks."""
        if not self._rows or not self._first <= index < self._first + BLOCK:
            self._first = index - index % BLOCK
            rows = slice(self._first, self._first + BLOCK)
            with self._files.reading(self._path, LAYOUT):
                self._rows = {
                    key: np.asarray(self._file[key][rows], np.float64).reshape(-1, *shape)
                    for key, shape in SHAPES.items()
                }
        return self._rows[name][index - self._first]

    @cached_property
    def _file(self) -> Any:
        import h5py

        return h5py.File(self._path, "r")

    def _check(self) -> int:
        """Return the number of rows, which all fields must have."""
        counts = set()
        for name, shape in SHAPES.items():
            field = self._file[name]
            width = int(np.prod(field.shape[1:], dtype=np.int64))
            if width != int(np.prod(shape, dtype=np.int64)) or field.dtype.kind not in "fiu":
                raise ValueError(f"{name} has shape {field.shape} of {field.dtype}, expected (N, {shape})")
            counts.add(len(field))
        if len(counts) != 1:
            raise ValueError(f"its fields have {sorted(counts)} rows, expected as many each")
        return counts.pop()
