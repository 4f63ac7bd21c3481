"""AIST++: dancers seen by nine calibrated cameras; 3D joints, and SMPL of the male body.

`cameras/{mapping.txt,<setting>.json}`, `motions/`, `keypoints3d/`, `keypoints2d/` (`<sequence>.pkl`),
`splits/`, `ignore_list.txt`; videos apart, in `videos/` or wherever `annotations=` says, one for each camera:
the sequence's name with `cAll` replaced by the camera's. Lengths of the files are centimetres of a body that
is `smpl_scaling` times SMPL's; here they are divided by it, so they are SMPL's metres.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthgen.datasets.clips import Clips
from synthgen.datasets.entry import SPLIT_ALL, Choice, Entry, Origin, make_key
from synthgen.datasets.files import Files, field
from synthgen.datasets.people import Joints, Known, observe
from synthgen.datasets.sequences import Recent
from synthgen.datasets.smpl_fits import RestPelvis, moved, person_of
from synthgen.datasets.video import frame_of, is_there
from synthgen.datasets.views import View
from synthgen.geometry import Array, rotvec_to_rotmat
from synthgen.joints import COCO17
from synthgen.observation import Notes

ORIGIN = Origin(
    "AIST++",
    "https://google.github.io/aistplusplus_dataset, its videos from https://aistdancedb.ongaaccel.jp",
    "annotations CC BY 4.0; videos by the AIST Dance Video Database's terms",
)
SPLITS = (SPLIT_ALL, "pose_train", "pose_val", "pose_test")
VIEWS = tuple(f"c{number:02d}" for number in range(1, 10))
ALL_VIEWS = "cAll"
SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".gif")
MOTION, POINTS = "a pickle with smpl_poses, smpl_scaling, smpl_trans", "a pickle with keypoints3d_optim"
DETECTED = "a pickle with keypoints2d, nine views of COCO-17"


@dataclass(frozen=True)
class Dance:
    """A sequence.

    Attributes:
        poses: (T, 72) axis-angle [rad], world.
        trans: (T, 3) [SMPL's m], world.
        points: (T, 17, 3) COCO-17 [SMPL's m], world; NaN where unknown.
        detected: (9, T, 17, 3) COCO-17 x, y [px], confidence.
        views: cameras by name.
    """

    poses: Array
    trans: Array
    points: Array
    detected: Array
    views: dict[str, View]


class AIST:
    """Reader of all cameras whose videos are there; the order is sequence, camera, frame."""

    origin, splits = ORIGIN, SPLITS

    def __init__(self, choice: Choice) -> None:
        self._split = choice.pick(SPLITS, ORIGIN)
        self._files = Files(ORIGIN, choice.root)
        self._pelvis = RestPelvis(choice.smpl)
        self._videos = choice.root / (choice.annotations or "videos")
        rows = self._files.lines("cameras/mapping.txt", "lines of sequence and setting")
        self._settings = dict(row.split()[:2] for row in rows if len(row.split()) >= 2)
        self._names = self._list()
        self._dance = Recent(self._read)
        self._shots: list[tuple[int, str, Path]] = []
        counts = []
        for number, name in enumerate(self._names):
            found = [(view, path) for view in VIEWS if (path := self._video(name, view)) is not None]
            self._shots += [(number, view, path) for view, path in found]
            if found:
                counts += [self._count(name)] * len(found)
        if not self._shots:
            first = self._videos / f"{self._names[0].replace(ALL_VIEWS, VIEWS[0])}.mp4"
            raise self._files.odd(first, "no such video, nor any other", "videos, or folders of their frames")
        self._clips = Clips(counts, choice.every)

    def __len__(self) -> int:
        return len(self._clips)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        shot, frame = self._clips.locate(index)
        _, _, video = self._shots[shot]
        return Entry(make_key(f"aist-{video.stem}-{frame:05d}", index), frame_of(video, frame))

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        shot, frame = self._clips.locate(index)
        number, view_name, _ = self._shots[shot]
        dance = self._dance(number)
        view = dance.views[view_name]
        points = view.to_camera(dance.points[frame])
        person, pelvis = None, self._pelvis("male", np.zeros(10))
        if pelvis is not None:
            own = person_of(dance.poses[frame], np.zeros(10), dance.trans[frame])
            person = moved(own, view.extrinsics, pelvis)
        seen = dance.detected[VIEWS.index(view_name), frame]
        known = Known(
            person=person,
            gender="male",
            family="dance",
            action=self._names[number].split("_")[0],
            own=Joints(COCO17, seen[:, :2], seen[:, 2], points),
        )
        return Notes(
            key=self.entry(index).key,
            image_size=image_size,
            camera=view.camera(image_size),
            people=(observe(Joints(COCO17, view.project(points), None, points), image_size, known),),
            body="smpl",
            source=f"aist/{self._split}",
            sequence=self._names[number],
            frame=frame,
            view=view_name,
            extrinsics=view.extrinsics,
            distortion=view.distortion,
        )

    def _list(self) -> list[str]:
        """Return the sequences of the split that are not to be ignored."""
        if self._split == SPLIT_ALL:
            folder = self._files.need("keypoints3d", "<sequence>.pkl")
            names = sorted(path.stem for path in folder.glob("*.pkl"))
        else:
            names = self._files.lines(f"splits/{self._split}.txt", "names of sequences")
        ignored = self._files.root / "ignore_list.txt"
        skip = set(self._files.lines(ignored, "names of sequences")) if ignored.exists() else set()
        kept = [name for name in names if name not in skip]
        if not kept:
            raise self._files.odd(
                self._files.root, f"no sequence of {self._split}", "keypoints3d/<sequence>.pkl"
            )
        return kept

    def _video(self, name: str, view: str) -> Path | None:
        base = self._videos / name.replace(ALL_VIEWS, view)
        paths = [base.with_name(base.name + suffix) for suffix in SUFFIXES]
        return next((path for path in paths if is_there(path)), None)

    def _count(self, name: str) -> int:
        path = self._files.need(f"keypoints3d/{name}.pkl", POINTS)
        content = self._files.pickled(path, POINTS)
        with self._files.reading(path, POINTS):
            return len(field(content, "keypoints3d_optim", (None, len(COCO17), 3)))

    def _read(self, number: int) -> Dance:
        name = self._names[number]
        path = self._files.need(f"keypoints3d/{name}.pkl", POINTS)
        content = self._files.pickled(path, POINTS)
        with self._files.reading(path, POINTS):
            points = field(content, "keypoints3d_optim", (None, len(COCO17), 3))
        count = len(points)
        path = self._files.need(f"motions/{name}.pkl", MOTION)
        content = self._files.pickled(path, MOTION)
        with self._files.reading(path, MOTION):
            poses = field(content, "smpl_poses", (count, 72))
            scaling = float(field(content, "smpl_scaling", (1,))[0])
            trans = field(content, "smpl_trans", (count, 3))
            if not scaling > 0:
                raise ValueError(f"smpl_scaling is {scaling}, expected a positive number")
        path = self._files.need(f"keypoints2d/{name}.pkl", DETECTED)
        content = self._files.pickled(path, DETECTED)
        with self._files.reading(path, DETECTED):
            detected = field(content, "keypoints2d", (len(VIEWS), count, len(COCO17), 3))
        views = self._views(name, scaling)
        return Dance(poses, trans / scaling, points / scaling, detected, views)

    def _views(self, name: str, scaling: float) -> dict[str, View]:
        mapping = self._files.root / "cameras" / "mapping.txt"
        if name not in self._settings:
            raise self._files.odd(mapping, f"lacks the sequence {name}", "a line for each sequence")
        path = f"cameras/{self._settings[name]}.json"
        expected = "a list of cameras {name, size, matrix, rotation, translation, distortions}"
        cameras = self._files.json(path, expected)
        with self._files.reading(self._files.root / path, expected):
            views = {str(one["name"]): _view(one, scaling) for one in cameras}
            if missing := [view for view in VIEWS if view not in views]:
                raise ValueError(f"lacks the cameras {', '.join(missing)}")
            return views


def _view(record: dict[str, object], scaling: float) -> View:
    turn = rotvec_to_rotmat(field(record, "rotation", (3,)))
    shift = field(record, "translation", (3,)) / scaling
    distortion = field(record, "distortions", (None,))
    return View(field(record, "matrix", (3, 3)), np.column_stack([turn, shift]), distortion)
