"""SportsPose: five sports movements, 3D joints from seven cameras; COCO-17 order, metres.

`data/{indoors,outdoors}/S##/calib.pkl` and `<activity>/<activity>####.npy` with `…_timing.pkl` beside it, and
`videos/<video_path>/CAM<n>.avi`. A camera that was mounted on its side has `numtimesrot90clockwise`: here the
picture is turned upright, and its camera, axes and all, is turned with it.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from synthgen.datasets.clips import Clips
from synthgen.datasets.entry import SPLIT_ALL, Choice, Entry, Origin, make_key
from synthgen.datasets.files import Files, array, array_of, field
from synthgen.datasets.people import Joints, Known, observe
from synthgen.datasets.sequences import Recent
from synthgen.datasets.video import frame_of, is_there
from synthgen.datasets.views import View, turn_points
from synthgen.geometry import Array, rotvec_to_rotmat
from synthgen.joints import COCO17
from synthgen.observation import DISTORTIONS, Notes

ORIGIN = Origin(
    "SportsPose", "https://christianingwersen.github.io/SportsPose", "non-commercial research; ask there"
)
FOLDERS = {"indoors": ("indoors", "indoor"), "outdoors": ("outdoors", "outdoor")}
SPLITS = (SPLIT_ALL, *FOLDERS)
CALIBRATION = "a pickle with calibration (a list of {f, c, k, T, R, tpr}) and numtimesrot90clockwise"
TIMING = "a pickle with video_path, video_index and times_ms"


@dataclass(frozen=True)
class Shot:
    """One movement seen by one camera.

    Attributes:
        joints: file of its 3D joints.
        camera: number of the camera.
        video: of that camera.
    """

    joints: Path
    camera: int
    video: Path


@dataclass(frozen=True)
class Clip:
    """What belongs to a shot.

    Attributes:
        joints: (T, 17, 3) [m], world.
        frames: (T,) of the video.
        view: camera as it was mounted.
        turns: quarter turns clockwise that make its pictures upright.
    """

    joints: Array
    frames: Array
    view: View
    turns: int


class SportsPose:
    """Reader of all cameras whose videos are there; the order is movement, camera, frame."""

    origin, splits = ORIGIN, SPLITS

    def __init__(self, choice: Choice) -> None:
        self._split = choice.pick(SPLITS, ORIGIN)
        self._files = Files(ORIGIN, choice.root)
        self._videos = choice.root / (choice.annotations or "videos")
        self._shots: list[Shot] = []
        counts: list[int] = []
        expected = self._videos / "…" / "CAM0.avi"
        for path in self._list():
            count = len(self._joints(path))
            folder, cameras = self._timed(path)
            expected = folder / "CAM0.avi"
            shots = [Shot(path, camera, folder / f"CAM{camera}.avi") for camera in range(cameras)]
            there = [shot for shot in shots if is_there(shot.video)]
            self._shots += there
            counts += [count] * len(there)
        if not self._shots:
            raise self._files.odd(
                expected, "no such video, nor any other", "videos, or folders of their frames"
            )
        self._clips = Clips(counts, choice.every)
        self._clip = Recent(self._read)

    def __len__(self) -> int:
        return len(self._clips)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        number, moment = self._clips.locate(index)
        shot, clip = self._shots[number], self._clip(number)
        name = f"sportspose-{self._name(shot)}-cam{shot.camera}-{moment:05d}"
        picture = frame_of(shot.video, int(clip.frames[moment]))
        return Entry(make_key(name, index), picture, clip.turns)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        number, moment = self._clips.locate(index)
        shot, clip = self._shots[number], self._clip(number)
        joints = clip.joints[moment]
        pixels = turn_points(clip.view.project(clip.view.to_camera(joints)), clip.turns, image_size)
        view = clip.view.turned(clip.turns, image_size)
        known = Known(family=shot.joints.parent.name, action=shot.joints.parent.name)
        return Notes(
            key=self.entry(index).key,
            image_size=image_size,
            camera=view.camera(image_size),
            people=(observe(Joints(COCO17, pixels, None, view.to_camera(joints)), image_size, known),),
            body="smpl",
            source=f"sportspose/{self._split}",
            sequence=self._name(shot),
            frame=moment,
            view=f"cam{shot.camera}",
            extrinsics=view.extrinsics,
            distortion=view.distortion,
        )

    def _name(self, shot: Shot) -> str:
        return "-".join(shot.joints.relative_to(self._files.root / "data").with_suffix("").parts)

    def _list(self) -> list[Path]:
        data = self._files.need("data", "the folders indoors and outdoors")
        wanted = [name for split in FOLDERS for name in FOLDERS[split] if self._split in (SPLIT_ALL, split)]
        found = [path for name in wanted for path in sorted((data / name).glob("S*/*/*.npy"))]
        if not found:
            raise self._files.odd(data, f"no S##/<activity>/*.npy in {' or '.join(wanted)}", "3D joints")
        return found

    def _joints(self, path: Path) -> Any:
        expected = f"3D joints (T, {len(COCO17)}, 3) in metres"
        joints = self._files.npy(path, expected)
        if joints.ndim != 3 or joints.shape[1] != len(COCO17) or joints.shape[2] < 3:
            raise self._files.odd(path, f"has shape {joints.shape}", expected)
        return joints

    def _timed(self, path: Path) -> tuple[Path, int]:
        """Return the folder of a movement's videos and how many cameras there were."""
        timing = path.with_name(f"{path.stem}_timing.pkl")
        content = self._files.pickled(timing, TIMING)
        with self._files.reading(timing, TIMING):
            parts = content["video_path"]
            if not isinstance(parts, list | tuple):
                raise TypeError(f"video_path is a {type(parts).__name__}, expected a list of folders")
            parts = [str(part) for part in parts]
            if not parts or any(
                part in ("", "..", ".") or PurePosixPath(part).is_absolute() for part in parts
            ):
                raise ValueError(f"video_path is {parts}, expected the names of folders")
            return self._videos.joinpath(*parts), len(content["video_index"])

    def _read(self, number: int) -> Clip:
        shot = self._shots[number]
        timing = shot.joints.with_name(f"{shot.joints.stem}_timing.pkl")
        joints = np.asarray(self._joints(shot.joints)[..., :3], np.float64)
        content = self._files.pickled(timing, TIMING)
        with self._files.reading(timing, TIMING):
            frames = array(content["video_index"][shot.camera], (len(joints),))
        path = shot.joints.parents[1] / "calib.pkl"
        content = self._files.pickled(path, CALIBRATION)
        with self._files.reading(path, CALIBRATION):
            view = _view(content["calibration"][shot.camera])
            turns = list(array_of(content["numtimesrot90clockwise"]))
            return Clip(joints, frames, view, int(turns[shot.camera]) % 4)


def _view(record: dict[str, Any]) -> View:
    """Return a camera; its rotation vector `tpr` counts, as in the authors' projection."""
    f, c = field(record, "f", (2,)), field(record, "c", (2,))
    turn = rotvec_to_rotmat(array(np.ravel(array_of(record["tpr"])), (3,)))
    shift = np.ravel(array_of(record["T"]))
    k = np.ravel(array_of(record["k"]))
    k = k if len(k) in DISTORTIONS else np.concatenate([k, np.zeros(max(5 - len(k), 0))])
    cam_int = np.array([[f[0], 0, c[0]], [0, f[1], c[1]], [0, 0, 1]])
    return View(cam_int, np.column_stack([turn, array(shift, (3,))]), array(k, (len(k),)))
