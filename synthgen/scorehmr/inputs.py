"""Pictures with 2D joints as observations: folders, several views, videos; and what had to be left out.

Whatever cannot be fitted is skipped and counted with its reason, never guessed. Shards come from
`synthgen.shards.observations`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.protocols import Keypoints
from synthgen.geometry import intrinsics
from synthgen.joints import FEET6
from synthgen.observation import MeasuredJoints, Observation, ObservedPerson
from synthgen.sample import Camera, Float
from synthgen.scorehmr.keypoint_files import Found

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
SURE = 0.2  # confidence from which on a joint counts as found
LEAST_JOINTS = 6  # joints that a fit needs
MARGIN = 0.1  # that boxes around joints are widened by, of their longer side
_OUTSIDE = 0.5  # of the picture's side: how far outside joints may lie


@dataclass
class Ledger:
    """What was left out, and why.

    Attributes:
        reasons: how often each reason was given.
        examples: the first name of each.
    """

    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def skip(self, name: str, reason: str) -> None:
        """Count something that is left out."""
        self.reasons[reason] += 1
        self.examples.setdefault(reason, name)

    def lines(self) -> list[str]:
        """Return a line for each reason, the most frequent first."""
        return [
            f"{count} left out: {reason} (first: {self.examples[reason]})"
            for reason, count in self.reasons.most_common()
        ]


@dataclass(frozen=True)
class Naming:
    """What names of pictures say.

    Attributes:
        pattern: regular expression with the groups `sequence`, `frame` and `view`, any of them; "" where
            names say nothing.
        is_video: pictures of a folder, in order of their names, are the frames of one clip.
        focal_length: [px]; 0 where nobody knows it: then the picture's diagonal.
    """

    pattern: str = ""
    is_video: bool = False
    focal_length: float = 0.0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found: list[str] = []
        if not self.focal_length >= 0:
            found.append(f"focal_length must be at least 0, got {self.focal_length}")
        try:
            groups = set(re.compile(self.pattern).groupindex)
        except re.error as error:
            return [*found, f"pattern is no regular expression: {error}"]
        if self.pattern and not groups & {"sequence", "frame", "view"}:
            found.append(
                f"pattern must have a group (?P<sequence>…), (?P<frame>…) or (?P<view>…): {self.pattern}"
            )
        return found

    def places(self, names: Sequence[str], folder: str) -> dict[str, tuple[str, int, str]]:
        """Return sequence, frame and view of each picture.

        Raises:
            ValueError: a name does not match the pattern, or its frame is no number.
        """
        if self.is_video and not self.pattern:
            return {name: (folder, number, "") for number, name in enumerate(names)}
        if not self.pattern:
            return {name: ("", 0, "") for name in names}
        found = {}
        for name in names:
            match = re.fullmatch(self.pattern, name)
            if match is None:
                raise ValueError(f"{name} does not match pattern {self.pattern!r}")
            groups = match.groupdict(default="")
            frame = groups.get("frame", "0") or "0"
            if not frame.isdecimal():
                raise ValueError(f"{name}: frame must be a number, got {frame!r}")
            found[name] = (groups.get("sequence", folder), int(frame), groups.get("view", ""))
        return found


def default_camera(image_size: tuple[int, int], focal_length: float = 0.0) -> Camera:
    """Return a camera for a picture (H, W) whose focal length [px] nobody knows: about its diagonal."""
    focal = focal_length or float(np.hypot(*image_size))
    return Camera(intrinsics(focal, image_size), image_size)


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures right in a folder, by name.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: it holds none, or two with one stem.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"pictures: no such folder: {folder}")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not files:
        raise ValueError(f"{folder}: no picture in it ({', '.join(SUFFIXES)})")
    twice = [stem for stem, count in Counter(path.stem for path in files).items() if count > 1]
    if twice:
        raise ValueError(f"{folder}: two pictures are called {twice[0]}")
    return files


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) uint8 RGB.

    Raises:
        ValueError: it cannot be decoded.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be decoded: {error}") from error


def box_around(joints: Float, confidence: Float, image_size: tuple[int, int]) -> Float:
    """Return the xyxy box [px] around joints (J, 2) that were found, widened, inside the picture (H, W)."""
    shown = joints[confidence >= SURE]
    low, high = shown.min(0), shown.max(0)
    margin = MARGIN * max(float((high - low).max()), 1.0)
    limit = np.array(image_size[::-1], np.float64) - 1
    low, high = np.clip(low - margin, 0, limit - 1), np.clip(high + margin, 1, limit)
    return np.concatenate([low, np.maximum(high, low + 1)])


def why_not(joints: Float, confidence: Float, image_size: tuple[int, int]) -> str:
    """Return why the joints (J, 2) [px] of somebody cannot be fitted, or ""."""
    if not (np.isfinite(joints).all() and np.isfinite(confidence).all()):
        return "joints hold NaN"
    is_found = confidence >= SURE
    if not is_found.any():
        return "no joint was found"
    if is_found.sum() < LEAST_JOINTS:
        return f"fewer than {LEAST_JOINTS} joints were found"
    limit = np.array(image_size[::-1], np.float64)
    shown = joints[is_found]
    is_near = ((shown > -_OUTSIDE * limit) & (shown < (1 + _OUTSIDE) * limit)).all(-1)
    if not is_near.all():
        return "joints lie far outside of the picture; are they of another size?"
    return "" if (np.ptp(shown, axis=0).max() >= 2) else "all joints lie in one point"


def observe(
    files: Sequence[Path], found: Found, naming: Naming, ledger: Ledger, folder: str = ""
) -> Iterator[Observation]:
    """Yield pictures with their people; those without are counted in the ledger.

    Args:
        files: pictures, in order.
        found: joints by the stem of a picture's name.
        naming: what names say of views and frames.
        ledger: notes what is left out.
        folder: name of the clip where names do not give one.

    Raises:
        ValueError: none of the pictures has joints: they belong to other pictures. Or cameras have
            extrinsics, but no intrinsics.
    """
    if set(found.extrinsics) - set(found.cam_ints) and not naming.focal_length:
        raise ValueError(
            "joints come with extrinsics but no cam_int: add cam_int (3, 3), or set focal_length"
        )
    stems = [path.stem for path in files]
    if not set(stems) & set(found.people):
        known = ", ".join(list(found.people)[:3]) or "nothing"
        raise ValueError(
            f"no picture has joints: pictures are called {', '.join(stems[:3])}…, joints are of {known}…"
        )
    places = naming.places(stems, folder)
    for path in files:
        try:
            image = read_picture(path)
        except ValueError:
            ledger.skip(path.name, "picture cannot be decoded")
            continue
        people = _people(path.name, image, found, ledger)
        if people:
            sequence, frame, view = places[path.stem]
            yield Observation(
                key=re.sub(r"[./\\]", "_", path.stem),
                image=image,
                camera=_camera(path.stem, image, found, naming),
                people=tuple(people),
                body="open",
                source=folder or "pictures",
                sequence=sequence,
                frame=frame,
                view=view,
                extrinsics=found.extrinsics.get(path.stem),
            )


def detected(
    observation: Observation, keypoints: Keypoints, boxes: Sequence[Float], ledger: Ledger
) -> Observation | None:
    """Return an observation with joints that a model found in its boxes, or None where nobody is left."""
    size = observation.image.shape[:2]
    people = []
    for joints, sure, box in zip(keypoints.keypoints_2d, keypoints.confidence, boxes, strict=True):
        if reason := why_not(joints, sure, (size[0], size[1])):
            ledger.skip(observation.key, reason)
            continue
        people.append(_person(np.asarray(box), joints, sure))
    return replace(observation, people=tuple(people)) if people else None


def _people(name: str, image: NDArray[np.uint8], found: Found, ledger: Ledger) -> list[ObservedPerson]:
    stem, size = Path(name).stem, (image.shape[0], image.shape[1])
    keypoints = found.people.get(stem)
    if keypoints is None or not len(keypoints.keypoints_2d):
        ledger.skip(name, "nobody in it")
        return []
    if found.sizes.get(stem, size) != size:
        ledger.skip(name, f"joints are for {found.sizes[stem]} px, the picture has {size}")
        return []
    people = []
    feet = found.feet.get(stem, np.zeros((len(keypoints.keypoints_2d), len(FEET6), 3)))
    told = found.features.get(stem)
    for number, (joints, confidence) in enumerate(
        zip(keypoints.keypoints_2d, keypoints.confidence, strict=True)
    ):
        if reason := why_not(joints, confidence, size):
            ledger.skip(name, reason)
            continue
        one = _person(box_around(joints, confidence, size), joints, confidence, feet[number])
        people.append(one if told is None else replace(one, features=told[number]))
    return people


def _person(box: Float, joints: Float, confidence: Float, feet: Float | None = None) -> ObservedPerson:
    kept = np.where(confidence >= SURE, confidence, 0.0)
    more = None
    if feet is not None and feet[:, 2].any():
        sure = np.where(feet[:, 2] >= SURE, feet[:, 2], 0.0)
        more = MeasuredJoints(FEET6.names, feet[:, :2], sure, None, np.zeros(len(FEET6)))
    return ObservedPerson(box, joints, kept, None, np.zeros(24), None, joints=more)


def _camera(stem: str, image: NDArray[np.uint8], found: Found, naming: Naming) -> Camera:
    size = (image.shape[0], image.shape[1])
    cam_ints: Mapping[str, Float] = found.cam_ints
    return Camera(cam_ints[stem], size) if stem in cam_ints else default_camera(size, naming.focal_length)
