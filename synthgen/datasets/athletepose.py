"""AthletePose3D: figure skating, athletics and running with markers, in videos of calibrated cameras.

`data/{train,valid,test}_set/S#/<clip>.{mp4,json}` with `<clip>_coco.npy` and `<clip>_h36m.npy` (17 joints
each), and `cam_param.json`. Camera positions are millimetres and so are joints, except in clips whose joints
are metres (running); which they are shows in the size of the body. The cameras' y and z axes point up and
backwards and are turned here. Clips that are stored turned (`rotation_ccw_90`) keep their pixels; their
camera is turned instead. 2D joints are projected without distortion, as the authors do.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.datasets.clips import Clips
from synthgen.datasets.entry import SPLIT_ALL, Choice, Entry, Origin, UnusableError, make_key
from synthgen.datasets.files import Files, field
from synthgen.datasets.people import Joints, Known, observe
from synthgen.datasets.sequences import Recent
from synthgen.datasets.video import frame_of
from synthgen.datasets.views import View
from synthgen.geometry import Array
from synthgen.joints import COCO17, H36M17, JointSet
from synthgen.observation import Notes

ORIGIN = Origin(
    "AthletePose3D",
    "https://github.com/calvinyeungck/AthletePose3D/tree/main/license",
    "non-commercial research; accept the licence there",
)
FOLDERS = {"train": "train_set", "valid": "valid_set", "test": "test_set"}
SPLITS = (*FOLDERS, SPLIT_ALL)
CLIP = "AthletePose3D's clip: .mp4, .json, _coco.npy and _h36m.npy"
CAMERAS = "cameras by name: affine_intrinsics_matrix, extrinsic_matrix, xyz"
MM = 1000.0
LARGEST_M = 20.0  # a body that is larger is given in millimetres
_ONLY_H36M = tuple(name for name in H36M17.names if name not in COCO17.names)
JOINTS = JointSet(
    "athletepose3d",
    (*COCO17.names, *_ONLY_H36M),
    blends={name: H36M17.blends[name] for name in _ONLY_H36M if name in H36M17.blends},
)
_H36M_ROWS = [H36M17.index(name) for name in _ONLY_H36M]
_FLIP = np.array([[1.0], [-1], [-1]])  # y up and z backwards to y down and z forwards


@dataclass(frozen=True)
class Clip:
    """A video with its joints.

    Attributes:
        joints: (T, 22, 3) [m], world; order of JOINTS.
        view: camera, for pictures as it took them.
        turns: quarter turns clockwise that the stored pictures are turned by.
        kind: of the movement.
        camera: its name.
        scene: name of the movement that several cameras may have taken.
    """

    joints: Array
    view: View
    turns: int
    kind: str
    camera: str
    scene: str


class AthletePose3D:
    """Reader of a split; the order is subject, clip, frame."""

    origin, splits = ORIGIN, SPLITS

    def __init__(self, choice: Choice) -> None:
        self._split = choice.pick(SPLITS, ORIGIN)
        self._files = Files(ORIGIN, choice.root)
        self._paths: list[Path] = []
        for split, folder in FOLDERS.items():
            if self._split == split or (
                self._split == SPLIT_ALL and (choice.root / "data" / folder).is_dir()
            ):
                whole = self._files.need(f"data/{folder}", "the subjects' folders S1, S2, …")
                self._paths += sorted(whole.glob("*/*_h36m.npy"))
        if not self._paths:
            where = choice.root / "data"
            raise self._files.odd(where, f"no clip of {self._split} (S*/*_h36m.npy) there", CLIP)
        self._clips = Clips([len(self._joints(path)) for path in self._paths], choice.every)
        self._cameras = self._files.json("cam_param.json", CAMERAS)
        self._clip = Recent(self._read)

    def __len__(self) -> int:
        return len(self._clips)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        number, frame = self._clips.locate(index)
        video = self._base(number).with_suffix(".mp4")
        name = f"athletepose-{video.parent.name}-{video.stem}-{frame:05d}"
        return Entry(make_key(name, index), frame_of(video, frame))

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        number, frame = self._clips.locate(index)
        clip, subject = self._clip(number), self._base(number).parent.name
        view = clip.view.turned(clip.turns, image_size)
        points = view.to_camera(clip.joints[frame])
        if not np.isfinite(points).all(1).any():
            raise UnusableError("nobody is labelled")
        known = Known(family=clip.kind, action=clip.kind)
        return Notes(
            key=self.entry(index).key,
            image_size=image_size,
            camera=view.camera(image_size),
            people=(observe(Joints(JOINTS, view.project(points), None, points), image_size, known),),
            body="smpl",
            source=f"athletepose3d/{self._split}",
            sequence=f"{subject}-{clip.scene}",
            frame=frame,
            view=clip.camera,
            extrinsics=view.extrinsics,
        )

    def _base(self, number: int) -> Path:
        path = self._paths[number]
        return path.with_name(path.name.removesuffix("_h36m.npy"))

    def _joints(self, path: Path) -> Any:
        joints = self._files.npy(path, CLIP)
        if joints.ndim != 3 or joints.shape[1:] != (len(H36M17), 3):
            raise self._files.odd(path, f"has shape {joints.shape}", f"(T, {len(H36M17)}, 3)")
        return joints

    def _read(self, number: int) -> Clip:
        base = self._base(number)
        h36m = np.asarray(self._joints(self._paths[number]), np.float64)
        path = base.with_name(f"{base.name}_coco.npy")
        coco = np.asarray(self._files.npy(path, CLIP), np.float64)
        if coco.shape != (len(h36m), len(COCO17), 3):
            raise self._files.odd(path, f"has shape {coco.shape}", f"{(len(h36m), len(COCO17), 3)}")
        joints = np.concatenate([coco, h36m[:, _H36M_ROWS]], 1)
        path = base.with_name(f"{base.name}.json")
        about = self._files.json(path, CLIP)
        with self._files.reading(path, CLIP):
            camera, kind = str(about["cam"]), str(about.get("type", "unknown"))
            is_turned = bool(about.get("rotation_ccw_90", False))
        with self._files.reading(self._files.root / "cam_param.json", CAMERAS):
            view = _view(self._cameras[camera])
        scene = base.name.removesuffix(f"_{camera}")
        scene = scene[: scene.rindex("_cam")] if "_cam" in scene else scene
        return Clip(_metres(joints), view, 3 if is_turned else 0, kind, camera, scene)


def _view(record: dict[str, Any]) -> View:
    """Return a camera; its matrix [px], axes y up, position [mm]."""
    turn = _FLIP * field(record, "extrinsic_matrix", (3, 3))
    position = field(record, "xyz", (3,)) / MM
    cam_int = field(record, "affine_intrinsics_matrix", (3, 3)).copy()
    cam_int[0, 1], cam_int[2] = 0.0, (0, 0, 1)  # the authors' projection knows no skew
    return View(cam_int, np.column_stack([turn, -turn @ position]))


def _metres(joints: Array) -> Array:
    """Return joints (T, J, 3) in metres, whichever unit they are in."""
    is_known = np.isfinite(joints)
    extent = np.where(is_known, joints, -np.inf).max(1) - np.where(is_known, joints, np.inf).min(1)
    known = extent[np.isfinite(extent).all(1)]
    size = float(np.median(np.linalg.norm(known, axis=1))) if len(known) else 0.0
    return joints / MM if size > LARGEST_M else joints
