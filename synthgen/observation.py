"""What is known of a real picture: some labels of some people, never more than somebody measured.

A generated `Sample` holds the whole truth; an `Observation` holds what its annotators knew. Both train and
evaluate the same models. Frames, units and axes as in `synthgen.geometry`.
"""

from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from synthgen.joints import COCO17, SMPL24
from synthgen.sample import Camera, Float, Person

Gender = Literal["neutral", "male", "female"]
DISTORTIONS = (4, 5, 8)  # how many coefficients OpenCV's models have
_TEXTS = ("key", "body", "source", "sequence", "view", "caption", "labelled_by")
_ROUND = 1e-3  # how far R^T R may be from the identity, as rounded numbers in files are


@dataclass(frozen=True)
class MeasuredJoints:
    """The joints that a data set itself has, under its own names; COCO-17 and SMPL-24 rows are made of them.

    Evaluation by a data set's own protocol needs them: not all of them are COCO's or SMPL's.

    Attributes:
        names: of the J joints, each once; where `synthgen.joints` has the joint, by its name.
        keypoints_2d: (J, 2) [px]; where the confidence is 0, the position means nothing.
        confidence_2d: (J,) in [0, 1].
        keypoints_3d: (J, 3) [m], camera frame; or None. Where its confidence is 0, it means nothing.
        confidence_3d: (J,) in [0, 1]; all 0 without `keypoints_3d`.
    """

    names: tuple[str, ...]
    keypoints_2d: Float
    confidence_2d: Float
    keypoints_3d: Float | None
    confidence_3d: Float

    def __post_init__(self) -> None:
        count = len(self.names)
        if not count or len(set(self.names)) != count or not all(self.names):
            raise ValueError(f"MeasuredJoints.names must be names, each once, got {self.names}")
        _check("keypoints_2d", self.keypoints_2d, (count, 2), "MeasuredJoints")
        _check("confidence_2d", self.confidence_2d, (count,), "MeasuredJoints")
        _check("confidence_3d", self.confidence_3d, (count,), "MeasuredJoints")
        for name in ("confidence_2d", "confidence_3d"):
            values = getattr(self, name)
            if values.min() < 0 or values.max() > 1:
                raise ValueError(f"MeasuredJoints.{name} must lie in [0, 1], got {values}")
        if self.keypoints_3d is not None:
            _check("keypoints_3d", self.keypoints_3d, (count, 3), "MeasuredJoints")
        elif self.confidence_3d.any():
            raise ValueError("MeasuredJoints.confidence_3d must be 0 where there are no keypoints_3d")


@dataclass(frozen=True)
class ObservedPerson:
    """Labels of one person; what nobody measured is None, or has confidence 0.

    Attributes:
        bbox: (4,) xyxy box [px] of the visible body.
        keypoints_2d: (17, 2) COCO-17 [px]; where the confidence is 0, the position means nothing.
        confidence_2d: (17,) in [0, 1].
        keypoints_3d: (24, 3) SMPL-24 [m], camera frame; or None. Where its confidence is 0, the position
            means nothing.
        confidence_3d: (24,) in [0, 1]; all 0 without `keypoints_3d`.
        person: SMPL parameters in the camera frame, or None.
        family: pose family ("ski"); "unknown" where nobody chose one.
        action: pose within the family; "unknown" likewise.
        visibility: (17,) part of the body around each COCO-17 joint that the picture shows, in [0, 1]; None
            where nobody knows. A hidden joint whose place is known has its full confidence.
        gender: of the body model that `person` belongs to; the mesh of a gendered one is another than that
            of the neutral model with the same parameters.
        joints: the data set's own joints; None where COCO-17 and SMPL-24 say all.
        features: (C,) what another network said of the person, as published denoisers of ScoreHMR are told;
            None where nobody asked one. Shards do not keep it.
    """

    bbox: Float
    keypoints_2d: Float
    confidence_2d: Float
    keypoints_3d: Float | None
    confidence_3d: Float
    person: Person | None
    family: str = "unknown"
    action: str = "unknown"
    visibility: Float | None = None
    gender: Gender = "neutral"
    joints: MeasuredJoints | None = None
    features: Float | None = None

    def __post_init__(self) -> None:
        if self.gender not in get_args(Gender):
            raise ValueError(f"ObservedPerson.gender must be one of {get_args(Gender)}, got {self.gender!r}")
        _check("bbox", self.bbox, (4,))
        _check("keypoints_2d", self.keypoints_2d, (len(COCO17), 2))
        _check("confidence_2d", self.confidence_2d, (len(COCO17),))
        _check("confidence_3d", self.confidence_3d, (len(SMPL24),))
        if self.visibility is not None:
            _check("visibility", self.visibility, (len(COCO17),))
        for name in ("confidence_2d", "confidence_3d", "visibility"):
            values = getattr(self, name)
            if values is not None and (values.min() < 0 or values.max() > 1):
                raise ValueError(f"ObservedPerson.{name} must lie in [0, 1], got {values}")
        if self.keypoints_3d is not None:
            _check("keypoints_3d", self.keypoints_3d, (len(SMPL24), 3))
        elif self.confidence_3d.any():
            raise ValueError("ObservedPerson.confidence_3d must be 0 where there are no keypoints_3d")
        if self.features is not None:
            _check("features", self.features, (np.size(self.features),))
        if not (self.bbox[2:] > self.bbox[:2]).all():
            raise ValueError(f"ObservedPerson.bbox must have x1 > x0 and y1 > y0, got {self.bbox}")


@dataclass(frozen=True)
class Notes:
    """All that is known of a picture but its pixels; attributes as in `Observation`.

    Attributes:
        image_size: (H, W) [px].
    """

    key: str
    image_size: tuple[int, int]
    camera: Camera | None
    people: tuple[ObservedPerson, ...]
    body: str
    source: str
    sequence: str = ""
    frame: int = 0
    view: str = ""
    caption: str = ""
    extrinsics: Float | None = None
    distortion: Float | None = None
    labelled_by: str = ""

    def __post_init__(self) -> None:
        _check_calibration(self)
        _check_texts(self)
        if not self.key or any(mark in self.key for mark in "./\\"):
            raise ValueError(
                f"Observation.key must be non-empty, without '.', '/' and '\\', got {self.key!r}"
            )
        if self.camera is not None and self.camera.image_size != self.image_size:
            raise ValueError(
                f"Observation {self.key}: its camera is for {self.camera.image_size}, the picture is "
                f"{self.image_size}"
            )
        if not self.people:
            raise ValueError(f"Observation {self.key}: people must hold at least one person")
        if self.frame < 0:
            raise ValueError(f"Observation {self.key}: frame must be at least 0, got {self.frame}")

    def with_image(self, image: NDArray[np.uint8]) -> "Observation":
        """Return the observation of which these are the notes.

        Raises:
            ValueError: the picture, (H, W, 3) uint8 RGB, is of another size or type.
        """
        if image.shape[:2] != self.image_size:
            raise ValueError(
                f"Observation {self.key}: the picture is {image.shape[:2]}, its record says {self.image_size}"
            )
        known = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "image_size"}
        return Observation(image=image, **known)


@dataclass(frozen=True)
class Observation:
    """A picture with the labels that somebody gave it.

    Attributes:
        key: name, unique in its data set, without dots and slashes.
        image: (H, W, 3) uint8 RGB.
        camera: true intrinsics, or None where nobody knows them.
        people: one or more.
        body: name of the body model that SMPL parameters belong to ("open", "smpl").
        source: data set and split that the picture is from ("ski_poseptz/train"), or "synthgen".
        sequence: name of the clip; "" for single pictures.
        frame: number within the clip, from 0.
        view: name of the camera among those that saw the same moment; "" where there is one only.
        caption: words that describe the picture; "" where nobody wrote any.
        extrinsics: (3, 4) [R | t], t in m: world to camera, x_camera = R x_world + t; None where nobody knows
            them. Pictures of one `sequence` and `frame` share their world.
        distortion: OpenCV's coefficients (4, 5 or 8) of the lens; `camera` leaves it out, keypoints_2d lie
            where the picture shows them. None: no distortion, or nobody knows.
        labelled_by: the models that found the labels; "" where people or instruments did.
    """

    key: str
    image: NDArray[np.uint8]
    camera: Camera | None
    people: tuple[ObservedPerson, ...]
    body: str
    source: str
    sequence: str = ""
    frame: int = 0
    view: str = ""
    caption: str = ""
    extrinsics: Float | None = None
    distortion: Float | None = None
    labelled_by: str = ""

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(
                f"Observation {self.key}: image must be (H, W, 3) uint8, got {self.image.shape} "
                f"{self.image.dtype}"
            )
        self.notes()

    def notes(self) -> Notes:
        """Return all that is known of the picture but its pixels."""
        known = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "image"}
        height, width = self.image.shape[:2]
        return Notes(image_size=(height, width), **known)


def body_name(body: str, person: ObservedPerson) -> str:
    """Return which body model a person's parameters belong to: "smpl", "smpl_male", "smpl_female", "open"."""
    return body if person.gender == "neutral" else f"{body}_{person.gender}"


def same_mesh(one: str, other: str) -> bool:
    """Tell whether two body models have the same vertices, as SMPL's neutral, male and female ones do."""
    return one.partition("_")[0] == other.partition("_")[0]


def _check_calibration(notes: Notes) -> None:
    where = f"Observation {notes.key}"
    if notes.extrinsics is not None:
        _check("extrinsics", notes.extrinsics, (3, 4), where)
        turn = notes.extrinsics[:, :3]
        if np.abs(turn @ turn.T - np.eye(3)).max() > _ROUND or np.linalg.det(turn) < 0:
            raise ValueError(f"{where}: extrinsics must begin with a rotation, got {turn.tolist()}")
    if notes.distortion is not None:
        if notes.distortion.shape not in [(count,) for count in DISTORTIONS]:
            raise ValueError(
                f"{where}: distortion must be {DISTORTIONS} coefficients, got shape {notes.distortion.shape}"
            )
        _check("distortion", notes.distortion, notes.distortion.shape, where)


def _check_texts(notes: Notes) -> None:
    """Refuse half letters (lone surrogates, as JSON can hold them): no file takes them."""
    texts = {name: getattr(notes, name) for name in _TEXTS}
    texts |= {f"people.{place}": f"{one.family} {one.action}" for place, one in enumerate(notes.people)}
    for name, text in texts.items():
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ValueError(f"Observation.{name} must be text that UTF-8 can hold, got {text!r:.80}")


def _check(name: str, value: Float, shape: tuple[int, ...], owner: str = "ObservedPerson") -> None:
    if value.shape != shape:
        raise ValueError(f"{owner}.{name} must have shape {shape}, got {value.shape}")
    if not np.isfinite(value).all():
        raise ValueError(f"{owner}.{name} must be finite, got {int((~np.isfinite(value)).sum())} NaN or inf")
