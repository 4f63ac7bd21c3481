"""Annotation files of 4D-Humans, ProHMR and ScoreHMR: npz of single pictures, pkl of views and of videos.

`3dpw_test.npz`: imgname, center, scale [px], body_keypoints_2d (N, 25, 3), extra_keypoints_3d (N, 19, 4), …
`h36m_val_multiview.pkl`, `mannequin.pkl`, `3dpw_test_video.pkl`: lists of such dicts, one of each moment or
clip. The 2D joints are OpenPose's detections, the 3D ones those that papers evaluate on, under
the names of Human3.6M. Pictures lie under `root`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.datasets.entry import Choice, Entry, LayoutError, Origin, UnusableError, make_key
from synthgen.datasets.files import Files, array_of, field
from synthgen.datasets.people import Joints, Known, observe
from synthgen.geometry import Array
from synthgen.joints import H36M17, OPENPOSE25, JointSet
from synthgen.observation import Notes
from synthgen.safe_pickle import load_pickle, to_texts

ORIGIN = Origin(
    "ScoreHMR's annotation files",
    "https://github.com/statho/ScoreHMR",
    "its download_data.sh fetches data/datasets; pictures come from Human3.6M (vision.imar.ro, on request) "
    "or Mannequin Challenge (google.github.io/mannequinchallenge), each under its own licence",
)
SPLITS = ("pictures", "views", "video")
LAYOUT = "npz, or pkl of a list of dicts, with imgname, center, scale, body_keypoints_2d, extra_keypoints_3d"

# The 19 joints beside OpenPose's 25 (4D-Humans); what Human3.6M has is named as there.
EXTRA19 = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle",
    "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
    "thorax", "lsp_head_top", "pelvis", "mpii_thorax", "spine", "jaw", "head_top",
)  # fmt: skip
_ONLY_H36M = tuple(name for name in H36M17.names if name not in OPENPOSE25.names)
JOINTS = JointSet(
    "openpose25_h36m17",
    (*OPENPOSE25.names, *_ONLY_H36M),
    blends={"thorax": {"neck": 1.0}, "neck": {"left_shoulder": 0.5, "right_shoulder": 0.5}},
)


class Batched:
    """Reader of one such file; a split says what its groups are."""

    origin, splits = ORIGIN, SPLITS

    def __init__(self, choice: Choice) -> None:
        self._split = choice.pick(SPLITS, ORIGIN)
        self._files = Files(ORIGIN, choice.root)
        self._path = self._files.need(choice.annotations or self._only_one(), LAYOUT)
        with self._files.reading(self._path, LAYOUT):
            self._groups = self._read()
            names = [_texts(group["imgname"]) for group in self._groups]
        places = [(number, row) for number, own in enumerate(names) for row in range(len(own))]
        self._places = places[:: choice.every]
        self._names = names
        if not self._places:
            raise self._files.odd(self._path, "names no picture", LAYOUT)

    def __len__(self) -> int:
        return len(self._places)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        group, row = self._places[index]
        name = self._names[group][row]
        if not name or name.startswith("/") or ".." in name.split("/"):
            raise UnusableError("the record names no picture")
        return Entry(make_key(f"{self._path.stem}-{Path(name).stem}", index), self._files.root / name)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        group, row = self._places[index]
        with self._files.reading(self._path, LAYOUT, f"row {row} of group {group}"):
            record = self._groups[group]
            bbox = _box(record, row)
            flat = _rows(record, "body_keypoints_2d", (25, 3), row)
            space = _rows(record, "extra_keypoints_3d", (19, 4), row)
        person = observe(_joints(flat, space), image_size, Known(bbox=bbox))
        is_clip = self._split == "video"
        return Notes(
            key=self.entry(index).key,
            image_size=image_size,
            camera=None,
            people=(person,),
            body="smpl",
            source=f"scorehmr/{self._split}",
            sequence="" if self._split == "pictures" else f"group{group:06d}",
            frame=row if is_clip else 0,
            view="" if self._split != "views" else f"view{row:02d}",
        )

    def _only_one(self) -> str:
        """Return the name of the file in the root, where there is one."""
        found = sorted(path.name for path in self._files.root.iterdir() if path.suffix in (".npz", ".pkl"))
        if len(found) != 1:
            raise LayoutError(
                f"annotations: say which file to read, h36m_val_multiview.pkl, mannequin.pkl, 3dpw_test.npz, "
                f"…; {self._files.root} has {', '.join(found) or 'none'}; expected {LAYOUT}. {ORIGIN}"
            )
        return found[0]

    def _read(self) -> list[Mapping[str, Any]]:
        if self._path.suffix == ".npz":
            with np.load(self._path, allow_pickle=False) as file:
                wanted = ("imgname", "center", "scale", "body_keypoints_2d", "extra_keypoints_3d")
                return [{name: file[name] for name in wanted if name in file.files}]
        with self._path.open("rb") as file:
            content = load_pickle(file)
        if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
            raise TypeError(f"holds a {type(content).__name__}, no list of dicts")
        return content


def _joints(flat: Array | None, space: Array | None) -> Joints:
    """Return OpenPose's joints in the picture and Human3.6M's in space under one set of names."""
    count = len(JOINTS)
    points_2d, sure_2d = np.zeros((count, 2)), np.zeros(count)
    points_3d, sure_3d = np.zeros((count, 3)), np.zeros(count)
    if flat is not None:
        points_2d[: len(flat)], sure_2d[: len(flat)] = flat[:, :2], np.clip(flat[:, 2], 0, 1)
    if space is not None:
        for name, row in zip(EXTRA19, space, strict=True):
            if name in JOINTS.names:
                points_3d[JOINTS.index(name)], sure_3d[JOINTS.index(name)] = row[:3], row[3] > 0
    return Joints(JOINTS, points_2d, sure_2d, points_3d, sure_3d)


def _box(record: Mapping[str, Any], row: int) -> Array:
    """Return the box xyxy [px]: these files give its middle, and its sides in pixels."""
    center = field(record, "center", (None, 2))[row]
    scale = np.ravel(array_of(record["scale"]).astype(np.float64)[row])
    half = np.broadcast_to(scale, (2,)) / 2
    return np.concatenate([center - half, center + half])


def _rows(record: Mapping[str, Any], name: str, shape: tuple[int, int], row: int) -> Array | None:
    return field(record, name, (None, *shape))[row] if name in record else None


def _texts(value: Any) -> list[str]:
    """Return names, of a list or of an array of text."""
    if not isinstance(value, np.ndarray):
        return to_texts(value)
    return [one.decode() if isinstance(one, bytes) else str(one) for one in value.ravel().tolist()]
