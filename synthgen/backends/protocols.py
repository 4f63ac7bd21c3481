"""What each role of the pipeline takes and gives: one Protocol a role, frozen numpy results.

Pictures are (H, W, 3) uint8 RGB; pixels have their origin at the centre of the top-left pixel; boxes are
xyxy; 3D is in metres and radians in the OpenCV camera frame. Every call takes a batch; what becomes of a
picture does not depend on the others in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from synthgen.clues import Clues
from synthgen.sample import Float, Person, Scene

Image = NDArray[np.uint8]  # (H, W, 3)
Mask = NDArray[np.bool_]  # (..., H, W)
Texts = Sequence[tuple[str, str]]  # prompt and negative prompt of each picture
Precision = Literal["float32", "float16", "bfloat16"]


class Backend(Protocol):
    """A model of any role. Made from its keys in a config, which loads nothing."""

    @property
    def version(self) -> str:
        """Exact version of the weights, for the record; known after `setup`."""

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Load the weights; called once, in the worker.

        Args:
            device: "cpu", "cuda", "cuda:1", …
            dtype: precision of the network.

        Raises:
            FileNotFoundError: the weights are not here; says where to get them.
            ValueError: what is here is something else, or damaged.
        """


@dataclass(frozen=True)
class Drafts:
    """Pictures drawn from words.

    Attributes:
        images: (B, H, W, 3) uint8 RGB.
        flagged: (B,) the model's safety checker blackened the picture; all false where there is none.
    """

    images: NDArray[np.uint8]
    flagged: NDArray[np.bool_]


class ImageModel(Backend, Protocol):
    """Role `draft`: words to pictures."""

    def __call__(
        self, prompts: Sequence[str], negative_prompts: Sequence[str], seeds: Sequence[int]
    ) -> Drafts:
        """Draw one picture for each prompt; each from its own seed."""


@dataclass(frozen=True)
class Guides:
    """Pictures to be drawn anew around given bodies; all of one size.

    Attributes:
        images: (B, H, W, 3) uint8 RGB: what colours and background start from.
        nearness: (B, H, W), larger is nearer, in any unit: each map is stretched to its own range. Constant
            maps are all background.
        region: (B, H, W) where nothing of the old picture may survive (the body, without what hides it).
    """

    images: NDArray[np.uint8]
    nearness: Float
    region: Mask

    def __post_init__(self) -> None:
        size = self.images.shape[:3]
        if self.images.ndim != 4 or self.images.shape[3] != 3 or self.images.dtype != np.uint8:
            raise ValueError(
                f"Guides.images must be (B, H, W, 3) uint8, got {self.images.shape} {self.images.dtype}"
            )
        if self.nearness.shape != size or self.region.shape != size:
            raise ValueError(
                f"Guides: nearness and region must be {size}, got {self.nearness.shape}, {self.region.shape}"
            )
        if self.region.dtype != np.bool_ or not np.isfinite(self.nearness).all():
            raise ValueError(f"Guides: region must be bool ({self.region.dtype}), nearness finite")

    def take(self, members: Sequence[int]) -> "Guides":
        """Return some of the guides, in this order."""
        chosen = list(members)
        return Guides(self.images[chosen], self.nearness[chosen], self.region[chosen])


class Redraw(Backend, Protocol):
    """Role `redraw`: a picture drawn anew so that it shows the bodies of a depth map."""

    def __call__(
        self, guides: Guides, prompts: Sequence[str], negative_prompts: Sequence[str], seeds: Sequence[int]
    ) -> NDArray[np.uint8]:
        """Return (B, H, W, 3) uint8 RGB, of the guides' size.

        Raises:
            ValueError: the model cannot draw that size.
        """


@dataclass(frozen=True)
class Segments:
    """People and things of one picture; masks do not overlap. Best score first.

    Attributes:
        people: (P, H, W) one mask a person.
        people_scores: (P,) in [0, 1].
        objects: (O, H, W) one mask a thing; walls, floors, sky and the like are no things.
        object_scores: (O,) in [0, 1].
        object_labels: O names in the model's words.
        probability: (H, W) of a person at each pixel, in [0, 1]; None where the model only says where.
    """

    people: Mask
    people_scores: Float
    objects: Mask
    object_scores: Float
    object_labels: tuple[str, ...]
    probability: Float | None = None

    @property
    def person(self) -> Mask:
        """Everybody in one mask (H, W)."""
        return np.any(self.people, axis=0)

    def probability_of_people(self) -> Float:
        """Return the probability of a person (H, W): 0 or 1 where the model only says where."""
        return self.person.astype(np.float64) if self.probability is None else self.probability

    @property
    def object(self) -> Mask:
        """All things in one mask (H, W)."""
        return np.any(self.objects, axis=0)


class Segmenter(Backend, Protocol):
    """Role `segmenter`: who and what is where."""

    def __call__(self, images: Sequence[Image]) -> list[Segments]:
        """Segment pictures of any sizes."""


@dataclass(frozen=True)
class Keypoints:
    """Detected joints of the people of one picture.

    Attributes:
        keypoints_2d: (N, 17, 2) COCO-17 [px].
        confidence: (N, 17) in [0, 1].
        support: (N, 17) in [0, 1], how far the model agrees with places that it was asked about: 1 where it
            is as sure of that place as of the one that it found. None where it was not asked.
    """

    keypoints_2d: Float
    confidence: Float
    support: Float | None = None


class KeypointModel(Backend, Protocol):
    """Role `keypoints`: 2D joints of the person in each box."""

    def __call__(
        self, images: Sequence[Image], boxes: Sequence[Float], places: Sequence[Float] | None = None
    ) -> list[Keypoints]:
        """Find joints.

        Args:
            images: B pictures.
            boxes: for each picture (N, 4) xyxy [px]; N may be 0.
            places: for each picture (N, 17, 2) [px], where somebody says that the joints are, to have
                `Keypoints.support`.
        """


@dataclass(frozen=True)
class MeshEstimate:
    """The people of one picture as SMPL bodies.

    Attributes:
        people: N people in the camera frame of the whole picture; a hopeless estimate may lie behind it.
        tokens: (N, T, C) float32 picture features of the estimator.
    """

    people: tuple[Person, ...]
    tokens: NDArray[np.float32]


class MeshEstimator(Backend, Protocol):
    """Role `mesh`: body and place of the person in each box."""

    body: str  # name of the body model that the parameters belong to

    def __call__(
        self, images: Sequence[Image], boxes: Sequence[Float], cam_ints: Sequence[Float]
    ) -> list[MeshEstimate]:
        """Estimate bodies.

        Args:
            images: B pictures.
            boxes: for each picture (N, 4) xyxy [px]; N may be 0.
            cam_ints: for each picture (3, 3) intrinsics [px], focal lengths of both axes within 2 %.
        """


@dataclass(frozen=True)
class PriorReport:
    """How poses look to the prior.

    Attributes:
        codes: (B, D) mean codes; a common pose lies near 0.
        squared_norm: (B,) of the codes: small for easy poses.
        reconstruction: (B, 23, 3) axis-angle [rad] of the decoded codes; the hands are those given.
        errors: (B,) mean angle between a joint and its reconstruction [rad], over the 21 body joints.
    """

    codes: Float
    squared_norm: Float
    reconstruction: Float
    errors: Float


class PosePrior(Backend, Protocol):
    """Role `prior`: how likely a pose is, and likely poses."""

    def __call__(self, body_poses: Float) -> PriorReport:
        """Judge poses (B, 23, 3), axis-angle [rad]."""

    def decode(self, codes: Float) -> Float:
        """Return the poses (B, 23, 3) [rad] of codes (B, D), hands flat."""

    def sample(self, seeds: Sequence[int]) -> Float:
        """Draw one pose (23, 3) [rad] from each seed: (B, 23, 3)."""


class Critic(Backend, Protocol):
    """Role `critic`: how far labels can be trusted, by what the witnesses' answers have to do with them."""

    def __call__(self, clues: Sequence[Clues], is_drawn: bool = True) -> list[Float]:
        """Return the trust (P,) in [0, 1] of the people of each picture, from the clues to them.

        Args:
            clues: to the people of each of B pictures.
            is_drawn: the pictures come from a redraw model, not from the renderer.
        """


class MeshRefiner(Backend, Protocol):
    """Role `refiner`: bodies fitted to what a picture shows, from where they are now.

    With a true attribute `uses_masks` it takes, as a fourth argument, segments (P, H, W) of the people of
    each picture. With an attribute `attempts` above 1 it takes, after those, the number of the attempt, from
    1 on, and answers with another fit than before.
    """

    def __call__(
        self, images: Sequence[Image], scenes: Sequence[Scene], keypoints: Sequence[Keypoints]
    ) -> list[Scene]:
        """Fit bodies.

        Args:
            images: B pictures.
            scenes: their cameras, which stay, and their people, camera frame.
            keypoints: detected joints of the people of each, in the same order.

        Returns:
            B scenes with as many people, in the same order.
        """
