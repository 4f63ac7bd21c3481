"""SportsCap SMART: videos of divers, gymnasts, vaulters, jumpers; OpenPose-25 joints in the picture.

`annotations/Table_VideoInfo_*.json` (lists of videos with frames) and `images/`. A joint's third number is 0
where it is visible and something else where it is not. Joints from the 16th on (eyes, ears, feet) can be
trusted for diving only. Few-shot splits are those published with Diffusion-HPC: the first few videos of each
action; of pole vault and high jump without the last five, blurred, frames of a clip; of diving each 10th.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.datasets.entry import SPLIT_ALL, Choice, Entry, Origin, UnusableError, make_key
from synthgen.datasets.files import Files, array
from synthgen.datasets.people import Joints, Known, observe
from synthgen.joints import COCO17, OPENPOSE25
from synthgen.observation import Notes

ORIGIN = Origin(
    "SportsCap SMART v1",
    "https://github.com/ChenFengYe/SportsCap",
    "CC BY-NC-SA 4.0; two Google Drive archives, about 17 GB",
)
GYM, DIVING, FIELD = (
    f"Table_VideoInfo_{name}.json" for name in ("gym", "diving", "polevalut_highjump_badminton")
)  # the spelling is theirs
LAYOUT = "a list of videos {VideoName, action_labels, frames: [{img_name, joints, bbox}]}"
VISIBLE = 0  # of a joint's third number
LABELLED = 15  # joints that are reliable outside of diving, from the first on


@dataclass(frozen=True)
class Action:
    """One of the sports.

    Attributes:
        file: that its videos are in.
        codes: `action_labels` of its videos, or how they begin; empty for all videos of the file.
        is_prefix: whether codes are beginnings.
        num_train: videos of the few-shot training split; 0 where none was published.
        drop: frames left out at the end of a clip.
        every: every n-th frame of a clip is used.
    """

    file: str
    codes: tuple[str, ...]
    is_prefix: bool
    num_train: int
    drop: int = 0
    every: int = 1

    def has(self, labels: str) -> bool:
        """Tell whether a video is of this sport, by its `action_labels`: codes joined by ";"."""
        found = [code.strip() for code in labels.split(";") if code.strip()]
        if not self.codes:
            return True
        if self.is_prefix:
            return any(code.startswith(self.codes) for code in found)
        return bool(found) and set(found) <= set(self.codes)


ACTIONS = {
    "balance_beam": Action(GYM, ("184", "204"), False, 5),
    "vault": Action(GYM, ("vt",), False, 4),
    "uneven_bars": Action(GYM, ("271",), False, 3),
    "pole_vault": Action(FIELD, ("cgt",), True, 2, drop=5),
    "high_jump": Action(FIELD, ("tg",), True, 2, drop=5),
    "badminton": Action(FIELD, ("ymq",), True, 0),
    "diving": Action(DIVING, (), False, 15, every=10),
}
FAMILIES = {"balance_beam": "gymnastics", "vault": "gymnastics", "uneven_bars": "gymnastics"}
SPLITS = (
    SPLIT_ALL,
    *(f"{name}/{part}" for name in ACTIONS for part in (SPLIT_ALL, "train", "test")),
    *("train", "test"),
)


@dataclass(frozen=True)
class Shot:
    """A frame of a video.

    Attributes:
        action: name of the sport.
        video: its name.
        number: of the frame in the video.
        record: as the file has it.
    """

    action: str
    video: str
    number: int
    record: dict[str, Any]


class Smart:
    """Reader of a sport's split ("vault/train"), of one sport ("vault/all"), or of all of them."""

    origin, splits = ORIGIN, SPLITS

    def __init__(self, choice: Choice) -> None:
        self._split = choice.pick(SPLITS, ORIGIN)
        self._files = Files(ORIGIN, choice.root)
        name, _, part = self._split.partition("/")
        actions = {name: ACTIONS[name]} if part else ACTIONS
        self._shots: list[Shot] = []
        for action, rule in actions.items():
            self._shots += self._read(action, rule, part or name)
        self._every = choice.every
        if choice.every > 1:
            self._shots = [shot for shot in self._shots if shot.number % choice.every == 0]
        if not self._shots:
            raise self._files.odd(choice.root, f"holds no frame of {self._split}", "videos of that sport")

    def __len__(self) -> int:
        return len(self._shots)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        shot = self._shots[index]
        name = str(shot.record.get("img_name", ""))
        if not name or name.startswith("/") or ".." in name.split("/"):
            raise UnusableError("the frame names no picture")
        return Entry(make_key(f"smart-{shot.action}-{name.rsplit('.', 1)[0]}", index), self._images / name)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        shot = self._shots[index]
        if not shot.record.get("joints"):
            raise UnusableError("nobody is labelled")
        try:
            rows = array(shot.record["joints"], (len(OPENPOSE25), 3))
            bbox = array(shot.record["bbox"], (4,)) if shot.record.get("bbox") else None
        except ValueError as error:
            raise UnusableError("joints or bbox have another shape") from error
        is_visible = (rows[:, 2] == VISIBLE).astype(np.float64)
        if shot.action != "diving":
            is_visible[LABELLED:] = 0
        coco = [OPENPOSE25.index(name) for name in COCO17.names]
        known = Known(
            bbox=None if bbox is None else np.concatenate([bbox[:2], bbox[:2] + bbox[2:]]),
            visibility=is_visible[coco].astype(np.float32),
            family=FAMILIES.get(shot.action, shot.action),
            action=shot.action,
        )
        person = observe(Joints(OPENPOSE25, rows[:, :2], is_visible), image_size, known)
        return Notes(
            key=self.entry(index).key,
            image_size=image_size,
            camera=None,
            people=(person,),
            body="smpl",
            source=f"smart/{self._split}",
            sequence=shot.video,
            frame=shot.number,
        )

    @property
    def _images(self) -> Any:
        return self._files.root / "images"

    def _read(self, action: str, rule: Action, part: str) -> list[Shot]:
        """Return the frames of a sport that belong to a part: all, train or test."""
        path = self._files.need(f"annotations/{rule.file}", LAYOUT)
        videos = self._files.json(path, LAYOUT)
        if part != SPLIT_ALL and not rule.num_train:
            if self._split.startswith(action):
                raise self._files.odd(path, f"no split of {action} was published", f"split={action}/all")
            return []
        with self._files.reading(path, LAYOUT):
            if not isinstance(videos, list):
                raise TypeError(f"holds a {type(videos).__name__}, no list")
            own = [video for video in videos if rule.has(str(video["action_labels"]))]
            chosen = {SPLIT_ALL: own, "train": own[: rule.num_train], "test": own[rule.num_train :]}[part]
            drop, every = (0, 1) if part == SPLIT_ALL else (rule.drop, rule.every)
            return [
                Shot(action, str(video["VideoName"]), number, dict(frame))
                for video in chosen
                for number, frame in enumerate(video["frames"][: len(video["frames"]) - drop])
                if number % every == 0
            ]
