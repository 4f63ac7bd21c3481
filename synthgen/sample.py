"""The types that travel: Request -> Scene -> Sample or Rejection.

All are frozen and checked once, when made: shapes, finite numbers, one label for every person. Arrays are
numpy; frames, units and axes as in `synthgen.geometry`. How they look on disk, only `synthgen.shards` knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from synthgen.joints import COCO17, SMPL24

Float = NDArray[np.floating]
Guide = Literal["text", "real", "pose", "render"]
Stage = Literal["read", "compose", "draft", "masks", "mesh", "prior", "depth", "redraw", "verify", "write"]

BACKGROUND = 0  # values of Sample.mask; 1..P are people in the order of Scene.people
OCCLUDER = 255
MAX_PEOPLE = 254
NUM_BETAS = 10


def _shaped(owner: str, name: str, value: Float, shape: tuple[int, ...]) -> None:
    if value.shape != shape:
        raise ValueError(f"{owner}.{name} must have shape {shape}, got {value.shape}")
    if not np.isfinite(value).all():
        raise ValueError(f"{owner}.{name} must be finite, got {int((~np.isfinite(value)).sum())} NaN or inf")


@dataclass(frozen=True)
class Request:
    """What to make.

    Attributes:
        key: name of the sample, unique in its run, without dots (webdataset splits names at the first dot).
        index: position in the run, from 0.
        seed: every random draw of this sample comes from it (and from `variant`).
        prompt: caption to draw from.
        negative_prompt: what the picture must not show.
        guide: where the body comes from.
        guide_index: which guide of the run; the same for all variants of one, and so is the seed.
        variant: number of this variant of the guide; 0 keeps its pose.
    """

    key: str
    index: int
    seed: int
    prompt: str
    negative_prompt: str
    guide: Guide
    guide_index: int = 0
    variant: int = 0

    def __post_init__(self) -> None:
        if not self.key or any(mark in self.key for mark in "./\\"):
            raise ValueError(f"Request.key must be non-empty, without '.', '/' and '\\', got {self.key!r}")
        if self.index < 0 or self.seed < 0:
            raise ValueError(
                f"Request {self.key}: index and seed must be >= 0, got {self.index}, {self.seed}"
            )
        if self.guide_index < 0 or self.variant < 0:
            raise ValueError(
                f"Request {self.key}: guide_index and variant must be >= 0, got {self.guide_index}, "
                f"{self.variant}"
            )
        if self.guide not in get_args(Guide):
            raise ValueError(
                f"Request {self.key}: guide must be one of {get_args(Guide)}, got {self.guide!r}"
            )


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion.

    Attributes:
        cam_int: (3, 3) intrinsics [px].
        image_size: (H, W) [px].
    """

    cam_int: Float
    image_size: tuple[int, int]

    def __post_init__(self) -> None:
        _shaped("Camera", "cam_int", self.cam_int, (3, 3))
        if min(self.image_size) < 1 or min(self.cam_int[0, 0], self.cam_int[1, 1]) <= 0:
            raise ValueError(
                f"Camera: image_size and focal length must be positive, got {self.image_size}, {self.cam_int}"
            )


@dataclass(frozen=True)
class Person:
    """SMPL parameters of one person in the camera frame.

    Attributes:
        global_orient: (3,) axis-angle [rad].
        body_pose: (23, 3) axis-angle [rad].
        betas: (10,) shape coefficients [standard deviations].
        transl: (3,) [m].
    """

    global_orient: Float
    body_pose: Float
    betas: Float
    transl: Float

    def __post_init__(self) -> None:
        _shaped("Person", "global_orient", self.global_orient, (3,))
        _shaped("Person", "body_pose", self.body_pose, (len(SMPL24) - 1, 3))
        _shaped("Person", "betas", self.betas, (NUM_BETAS,))
        _shaped("Person", "transl", self.transl, (3,))


@dataclass(frozen=True)
class Scene:
    """The geometric truth of a picture; knows nothing of its pixels.

    Attributes:
        camera: the camera; people are in its frame.
        people: one or more.
        body: name of the body model that the parameters belong to ("open", "smpl").
    """

    camera: Camera
    people: tuple[Person, ...]
    body: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.people) <= MAX_PEOPLE:
            raise ValueError(f"Scene.people must hold 1 to {MAX_PEOPLE} people, got {len(self.people)}")


@dataclass(frozen=True)
class Validity:
    """Which labels of a person may be trusted."""

    smpl: bool
    keypoints_2d: bool
    keypoints_3d: bool


@dataclass(frozen=True)
class Label:
    """What is known of one person in the picture, beside the SMPL parameters.

    Attributes:
        bbox: (4,) xyxy box [px] of the visible body, inside the picture.
        keypoints_2d: (17, 2) COCO-17 [px], also where hidden or outside the picture.
        visibility: (17,) part of the body around each COCO-17 joint that the picture shows, in [0, 1].
        keypoints_3d: (24, 3) SMPL-24 [m], camera frame.
        valid: which of these may be trusted.
        family: pose family ("ski"); "unknown" where nobody chose one.
        action: pose within the family ("slalom_turn"); "unknown" likewise.
        scores: measured qualities by name, each a finite number.
    """

    bbox: Float
    keypoints_2d: Float
    visibility: Float
    keypoints_3d: Float
    valid: Validity
    family: str
    action: str
    scores: Mapping[str, float]

    def __post_init__(self) -> None:
        _shaped("Label", "bbox", self.bbox, (4,))
        _shaped("Label", "keypoints_2d", self.keypoints_2d, (len(COCO17), 2))
        _shaped("Label", "visibility", self.visibility, (len(COCO17),))
        _shaped("Label", "keypoints_3d", self.keypoints_3d, (len(SMPL24), 3))
        if self.visibility.min() < 0 or self.visibility.max() > 1:
            raise ValueError(f"Label.visibility must lie in [0, 1], got {self.visibility}")


@dataclass(frozen=True)
class Provenance:
    """Where a sample comes from.

    Attributes:
        models: what drew it, by role ("renderer": "warp", "draft": …).
        revisions: exact version of each of these, by the same roles.
        config_hash: hash of the run's resolved config.
        synthgen_version: version of this package.
    """

    models: Mapping[str, str]
    revisions: Mapping[str, str]
    config_hash: str
    synthgen_version: str


@dataclass(frozen=True)
class Sample:
    """A picture with its labels.

    Attributes:
        request: what was asked for; `request.prompt` describes this picture.
        image: (H, W, 3) uint8 RGB.
        depth: (H, W) float32 [m], of the visible bodies; 0 where the picture shows none.
        mask: (H, W) uint8: BACKGROUND, 1..P for people, OCCLUDER for objects that hide a body (all that
            shows of them).
        scene: camera and people.
        labels: one per person, same order.
        scores: measured qualities of the whole picture, by name.
        provenance: where it comes from.
        draft: (H, W, 3) uint8 RGB picture that it was redrawn from; None where there was none, or it was
            not to be kept.
        things: (H, W) bool, where objects show, whether or not they hide a body: gear, apparatus, furniture,
            trees; not ground and walls. None where nobody knows.
    """

    request: Request
    image: NDArray[np.uint8]
    depth: NDArray[np.float32]
    mask: NDArray[np.uint8]
    scene: Scene
    labels: tuple[Label, ...]
    scores: Mapping[str, float]
    provenance: Provenance
    draft: NDArray[np.uint8] | None = None
    things: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        size = self.scene.camera.image_size
        where = f"Sample {self.request.key}"
        if self.things is not None and (self.things.shape != size or self.things.dtype != np.bool_):
            raise ValueError(
                f"{where}: things must be {size} bool, got {self.things.shape} {self.things.dtype}"
            )
        if self.draft is not None and (self.draft.shape != (*size, 3) or self.draft.dtype != np.uint8):
            raise ValueError(
                f"{where}: draft must be {(*size, 3)} uint8, got {self.draft.shape} {self.draft.dtype}"
            )
        if self.image.shape != (*size, 3) or self.image.dtype != np.uint8:
            raise ValueError(
                f"{where}: image must be {(*size, 3)} uint8, got {self.image.shape} {self.image.dtype}"
            )
        _shaped(where, "depth", self.depth, size)
        if self.mask.shape != size or self.mask.dtype != np.uint8:
            raise ValueError(f"{where}: mask must be {size} uint8, got {self.mask.shape} {self.mask.dtype}")
        if len(self.labels) != len(self.scene.people):
            raise ValueError(f"{where}: {len(self.scene.people)} people but {len(self.labels)} labels")


@dataclass(frozen=True)
class Rejection:
    """A request that came to nothing, as expected now and then; it is written and counted.

    Attributes:
        key: of the request.
        stage: where it ended.
        reason: short and countable, the same words for the same cause ("too few joints visible").
        picture: (H, W, 3) uint8 RGB, to look at, of what there was when it ended; None for nothing.
            Rejections that differ only here are equal.
    """

    key: str
    stage: Stage
    reason: str
    picture: NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        shown = self.picture
        if shown is not None and (shown.ndim != 3 or shown.shape[2] != 3 or shown.dtype != np.uint8):
            raise ValueError(
                f"Rejection {self.key}: picture must be (H, W, 3) uint8, got {shown.shape} {shown.dtype}"
            )
