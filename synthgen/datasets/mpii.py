"""MPII Human Pose: 410 activities, 16 joints; with SMPL fits where `fits` names EFT's or NeuralAnnot's file.

`images/` and either the authors' `mpii_human_pose_v1_u12_1.mat` or, as 3DCrowdNet and NeuralAnnot use it,
`annotations/train.json` in COCO's format. NeuralAnnot's fits go by the ids of the latter; EFT's are matched
by where people are.
"""

from pathlib import Path

import numpy as np

from synthgen.datasets.annotated import NOBODY, AnnotatedPictures
from synthgen.datasets.entry import Choice, Entry, Origin, Reader, UnusableError, make_key
from synthgen.datasets.files import Files
from synthgen.datasets.fits import Fits
from synthgen.datasets.joint_orders import MPII16
from synthgen.datasets.mpii_mat import Annotation, read_mat
from synthgen.datasets.people import Joints, Known, box_around, observe
from synthgen.joints import COCO17
from synthgen.observation import Notes
from synthgen.sample import Float

ORIGIN = Origin(
    "MPII Human Pose",
    "http://human-pose.mpi-inf.mpg.de",
    "Simplified BSD for annotations; pictures for research",
)
SPLITS = ("train",)
FILES = (
    "mpii_human_pose_v1_u12_1.mat",
    "mpii_human_pose_v1_u12_2/mpii_human_pose_v1_u12_1.mat",
    "annot/mpii_human_pose_v1_u12_1.mat",
    "annotations/train.json",
)
SOURCE = "mpii/train"


class MPII:
    """Reader of the training set (the test set's labels are not public)."""

    origin, splits = ORIGIN, SPLITS

    def __init__(self, choice: Choice) -> None:
        choice.pick(SPLITS, ORIGIN)
        files = Files(ORIGIN, choice.root)
        path = files.first([choice.annotations] if choice.annotations else list(FILES), "annotations")
        fits = Fits(Path(choice.fits).expanduser()) if choice.fits else None
        folders = (choice.root / "images", choice.root)
        self._reader: Reader
        if path.suffix == ".mat":
            self._reader = _FromMat(files, path, folders[0], fits)
        else:
            self._reader = AnnotatedPictures(files, path, folders, MPII16, SOURCE, fits)

    def __len__(self) -> int:
        return len(self._reader)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        return self._reader.entry(index)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        return self._reader.notes(index, image_size)


class _FromMat:
    def __init__(self, files: Files, path: Path, images: Path, fits: Fits | None) -> None:
        self._rows: list[Annotation] = read_mat(files, path)
        self._images, self._fits = images, fits
        if fits is not None and not fits.is_eft:
            raise files.odd(
                path, "fits go by the ids of annotations/train.json", "annotations=annotations/train.json"
            )

    def __len__(self) -> int:
        return len(self._rows)

    def entry(self, index: int) -> Entry:
        name = self._rows[index].name
        if not name or "/" in name or "\\" in name:
            raise UnusableError("the annotation names no picture")
        return Entry(make_key(f"mpii-{name.rsplit('.', 1)[0]}", index), self._images / name)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        row = self._rows[index]
        joints = [Joints(MPII16, one[:, :2]) for one in row.people]
        boxes = [_box(one, image_size) for one in joints]
        fits = (
            [None] * len(joints) if self._fits is None else self._fits.of_image(row.name, boxes, image_size)
        )
        people = []
        for own, box, fit, rows in zip(joints, boxes, fits, row.people, strict=True):
            if box is not None:
                known = Known(box, fit, "neutral", _visibility(rows), row.family, row.action)
                people.append(observe(own, image_size, known))
        if not people:
            raise UnusableError(NOBODY)
        return Notes(self.entry(index).key, image_size, None, tuple(people), "smpl", SOURCE)


def _box(joints: Joints, image_size: tuple[int, int]) -> Float | None:
    measured = joints.measured()
    try:
        return box_around(measured.keypoints_2d, measured.confidence_2d, image_size)
    except UnusableError:
        return None


def _visibility(rows: Float) -> Float:
    found = np.zeros(len(COCO17), np.float32)
    for row, name in enumerate(MPII16.names):
        if name in COCO17.names and rows[row, 2] > 0:
            found[COCO17.index(name)] = 1
    return found
