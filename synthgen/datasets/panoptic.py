"""CMU Panoptic: groups of people in a dome; the four sequences and two cameras that meshes are evaluated on.

As its toolbox extracts it: `<sequence>/calibration_<sequence>.json`, `hdPose3d_stage1_coco19/` with
`body3DScene_NNNNNNNN.json` (19 joints, cm), `hdImgs/00_16/00_16_NNNNNNNN.png`. Or as papers evaluate on it,
what Jiang et al. (2020) make of it: `processed/annotations/<sequence>.pkl`, a list of {filename, width,
height, bboxes, kpts2d, kpts3d} with 24 joints [m, camera frame], and smaller pictures.
`test_sequences/<sequence>.txt` names the frames of their test.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.datasets.entry import SPLIT_ALL, Choice, Entry, Origin, UnusableError, make_key
from synthgen.datasets.files import Files, array, array_of, field
from synthgen.datasets.people import Joints, Known, observe
from synthgen.datasets.views import View
from synthgen.joints import H36M17, JointSet
from synthgen.observation import Notes, ObservedPerson
from synthgen.safe_pickle import load_pickle

ORIGIN = Origin(
    "CMU Panoptic",
    "http://domedb.perception.cs.cmu.edu",
    "non-commercial research; panoptic-toolbox downloads it, github.com/JiangWenPL/multiperson prepares it",
)
SEQUENCES = {
    "haggling": "160422_haggling1",
    "mafia": "160422_mafia2",
    "ultimatum": "160422_ultimatum1",
    "pizza": "160906_pizza1",
}
SPLITS = (SPLIT_ALL, *SEQUENCES)
CAMERAS = ("00_16", "00_30")
CM_PER_M = 100.0
SURE = 0.1  # confidence above which a joint is taken to be known
SKELETONS = "hdPose3d_stage1_coco19"
PROCESSED = "a list of {filename, width, height, bboxes, kpts2d (N, 24, 3), kpts3d (N, 24, 4)}"
SCENE = "{bodies: [{joints19: 19 × x, y, z, confidence in cm}]}"
NOBODY = "nobody is in the picture"
CALIBRATION = "{cameras: [{name, K, distCoef, R, t}]}"

_LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COCO19 = JointSet(
    "panoptic19",
    (
        "thorax", "nose", "mid_hip",
        *(f"left_{name}" for name in _LIMBS), *(f"right_{name}" for name in _LIMBS),
        "left_eye", "left_ear", "right_eye", "right_ear",
    ),
    blends={"thorax": {"neck": 1.0}, "mid_hip": {"left_hip": 0.5, "right_hip": 0.5}},
)  # fmt: skip
# Rows of the 24 joints of processed files that Human3.6M's 17 joints are in, in the order of H36M17.
_ROWS = (14, 2, 1, 0, 3, 4, 5, 16, 12, 17, 18, 9, 10, 11, 8, 7, 6)


class Panoptic:
    """Reader of one activity, or of all, in whichever layout is there."""

    origin, splits = ORIGIN, SPLITS

    def __new__(cls, choice: Choice) -> Any:
        """Return the reader of the layout that is there."""
        split = choice.pick(SPLITS, ORIGIN)
        sequences = [SEQUENCES[split]] if split in SEQUENCES else list(SEQUENCES.values())
        if (choice.root / "processed" / "annotations").is_dir():
            return PanopticProcessed(choice, split, sequences)
        return PanopticRaw(choice, split, sequences)


class PanopticProcessed:
    """Reader of processed files."""

    def __init__(self, choice: Choice, split: str, sequences: list[str]) -> None:
        self._split, self._files = split, Files(ORIGIN, choice.root)
        self._pictures: list[tuple[Path, dict[str, Any]]] = []
        for sequence in sequences:
            path = self._files.need(f"processed/annotations/{sequence}.pkl", PROCESSED)
            with self._files.reading(path, PROCESSED), path.open("rb") as file:
                content = load_pickle(file)
                if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
                    raise TypeError(f"holds a {type(content).__name__}, no list of records")
            self._pictures += [(path, record) for record in content[:: choice.every]]

    def __len__(self) -> int:
        return len(self._pictures)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        path, record = self._pictures[index]
        name = str(record.get("filename", ""))
        if not name or name.startswith("/") or ".." in name.split("/"):
            raise UnusableError("the record names no picture")
        return Entry(make_key(f"panoptic-{path.stem}-{Path(name).stem}", index), self._files.root / name)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        path, record = self._pictures[index]
        with self._files.reading(path, PROCESSED, f"record of {str(record.get('filename'))!r:.200}"):
            if not array_of(record["bboxes"]).size:
                raise UnusableError(NOBODY)
            boxes = field(record, "bboxes", (None, 4))
            seen, space = (
                field(record, "kpts2d", (len(boxes), 24, 3)),
                field(record, "kpts3d", (len(boxes), 24, 4)),
            )
        people = []
        for box, flat, points in zip(boxes, seen[:, _ROWS], space[:, _ROWS], strict=True):
            sure_2d, sure_3d = (one[:, -1] > SURE for one in (flat, points))
            joints = Joints(H36M17, flat[:, :2], sure_2d.astype(float), points[:, :3], sure_3d.astype(float))
            people += _observed(joints, image_size, Known(bbox=box))
        name = Path(str(record["filename"]))
        return _notes(
            self.entry(index).key,
            image_size,
            people,
            self._split,
            (path.stem, name.parent.name, _frame(name)),
        )


class PanopticRaw:
    """Reader of sequences as the toolbox extracts them."""

    def __init__(self, choice: Choice, split: str, sequences: list[str]) -> None:
        self._split, self._files = split, Files(ORIGIN, choice.root)
        self._shots: list[tuple[str, str, int]] = []
        self._views: dict[tuple[str, str], View] = {}
        for sequence in sequences:
            folder = self._files.need(
                f"{sequence}/{SKELETONS}", "the skeletons of this sequence, body3DScene_*.json"
            )
            frames = self._frames(sequence, folder)[:: choice.every]
            if not frames:
                raise self._files.odd(folder, "holds no body3DScene_*.json", SCENE)
            calibration = self._files.json(f"{sequence}/calibration_{sequence}.json", CALIBRATION)
            with self._files.reading(
                self._files.root / f"{sequence}/calibration_{sequence}.json", CALIBRATION
            ):
                found = {str(one["name"]): one for one in calibration["cameras"]}
                for name in CAMERAS:
                    self._views[sequence, name] = _view(found[name])
            self._shots += [(sequence, name, frame) for name in CAMERAS for frame in frames]

    def __len__(self) -> int:
        return len(self._shots)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        sequence, name, frame = self._shots[index]
        folder = self._files.root / sequence / "hdImgs" / name
        png, jpg = (folder / f"{name}_{frame:08d}.{ending}" for ending in ("png", "jpg"))
        key = make_key(f"panoptic-{sequence}-{name}-{frame:08d}", index)
        return Entry(key, jpg if os.path.isfile(jpg) and not os.path.isfile(png) else png)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        sequence, name, frame = self._shots[index]
        path = f"{sequence}/{SKELETONS}/body3DScene_{frame:08d}.json"
        scene, view = self._files.json(path, SCENE), self._views[sequence, name]
        people = []
        with self._files.reading(self._files.root / path, SCENE):
            rows = [field(one, "joints19", (4 * len(COCO19),)).reshape(-1, 4) for one in scene["bodies"]]
        for row in rows:
            sure = (row[:, 3] > SURE).astype(float)
            points = view.to_camera(row[:, :3] / CM_PER_M)
            joints = Joints(COCO19, view.project(points), sure, points, sure)
            own = tuple("pelvis" if joint == "mid_hip" else joint for joint in COCO19.names)
            measured = Joints(JointSet("panoptic19_h36m", own), None, None, points, sure)
            people += _observed(joints, image_size, Known(own=measured))
        notes = _notes(self.entry(index).key, image_size, people, self._split, (sequence, name, frame))
        return _seen_by(notes, view, image_size)

    def _frames(self, sequence: str, folder: Path) -> list[int]:
        chosen = self._files.root / "test_sequences" / f"{sequence}.txt"
        if chosen.is_file():
            with self._files.reading(chosen, "numbers of frames, one a line"):
                return [
                    int(float(line)) for line in self._files.lines(chosen, "numbers of frames, one a line")
                ]
        return sorted(_frame(path) for path in folder.glob("body3DScene_*.json") if path.stem[-1].isdigit())


def _view(camera: dict[str, Any]) -> View:
    shift = array(np.ravel(camera["t"]).tolist(), (3,)) / CM_PER_M
    return View(
        field(camera, "K", (3, 3)),
        np.column_stack([field(camera, "R", (3, 3)), shift]),
        array(np.ravel(camera["distCoef"]).tolist(), (5,)),
    )


def _observed(joints: Joints, image_size: tuple[int, int], known: Known) -> list[ObservedPerson]:
    """Return somebody as a list of one; empty who is not in the picture."""
    try:
        return [observe(joints, image_size, known)]
    except UnusableError:
        return []


def _notes(
    key: str,
    image_size: tuple[int, int],
    people: list[ObservedPerson],
    split: str,
    place: tuple[str, str, int],
) -> Notes:
    if not people:
        raise UnusableError(NOBODY)
    sequence, view, frame = place
    return Notes(
        key=key, image_size=image_size, camera=None, people=tuple(people), body="smpl",
        source=f"cmu_panoptic/{split}", sequence=sequence, frame=frame, view=view,
    )  # fmt: skip


def _seen_by(notes: Notes, view: View, image_size: tuple[int, int]) -> Notes:
    return replace(
        notes, camera=view.camera(image_size), extrinsics=view.extrinsics, distortion=view.distortion
    )


def _frame(path: Path) -> int:
    digits = path.stem.rpartition("_")[2]
    if not digits.isdigit():
        raise UnusableError("the name of the picture has no number")
    return int(digits)
