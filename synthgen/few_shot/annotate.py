"""Forget of a generated picture all but what a person with a mouse would have noted: 2D joints and a box."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synthgen.agreement import VISIBLE
from synthgen.joints import COCO17, SMPL24
from synthgen.metrics import SIGMAS
from synthgen.observation import Observation, ObservedPerson
from synthgen.sample import Float

SOURCE = "standin/train"
UNKNOWN = "unknown"  # nobody notes the action
_BODY = 0.53  # part of its box that a body covers (COCO keypoint evaluation)
_BLIND = 2.0  # a hidden joint is guessed with this many times the error


@dataclass(frozen=True)
class Annotator:
    """How exact somebody is.

    Attributes:
        noise: standard deviation of a visible joint, in those of COCO's annotators (COCO keypoint
            evaluation).
        skipped: probability that a hidden joint is left out instead of guessed.
        box_noise: standard deviation of each side of the box, in its lengths.
    """

    noise: float = 0.25
    skipped: float = 0.3
    box_noise: float = 0.02

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        limits = {"noise": 3.0, "skipped": 1.0, "box_noise": 0.2}
        return [
            f"{name} must be in [0, {limit:g}], got {getattr(self, name)}"
            for name, limit in limits.items()
            if not 0 <= getattr(self, name) <= limit
        ]


def annotated(observations: Iterable[Observation], annotator: Annotator, seed: int) -> Iterator[Observation]:
    """Yield pictures with 2D joints and boxes alone: no camera, no body, no 3D, no action.

    Args:
        observations: with the whole truth, visibility of joints included.
        annotator: who looks at them.
        seed: of the errors; each picture has its own.
    """
    for number, one in enumerate(observations):
        rng = np.random.default_rng([seed, number])
        people = tuple(_noted(person, one.image.shape[:2], annotator, rng) for person in one.people)
        yield replace(one, camera=None, people=people, source=SOURCE, caption="")


def _noted(
    person: ObservedPerson, size: tuple[int, ...], annotator: Annotator, rng: np.random.Generator
) -> ObservedPerson:
    width, height = person.bbox[2:] - person.bbox[:2]
    visibility = np.ones(len(COCO17)) if person.visibility is None else person.visibility
    is_hidden = visibility < VISIBLE
    sigma = annotator.noise * SIGMAS * np.sqrt(_BODY * width * height) * np.where(is_hidden, _BLIND, 1.0)
    guessed = person.keypoints_2d + sigma[:, None] * rng.standard_normal((len(COCO17), 2))
    is_skipped = is_hidden & (rng.uniform(size=len(COCO17)) < annotator.skipped)
    is_inside = _inside(person.keypoints_2d, size) & _inside(guessed, size)
    is_noted = is_inside & ~is_skipped & (person.confidence_2d > 0)
    return ObservedPerson(
        bbox=_box(person.bbox, size, annotator.box_noise, rng),
        keypoints_2d=np.where(is_noted[:, None], guessed, 0.0).astype(np.float32),
        confidence_2d=is_noted.astype(np.float32),
        keypoints_3d=None,
        confidence_3d=np.zeros(len(SMPL24), np.float32),
        person=None,
        family=person.family,
        action=UNKNOWN,
    )


def _inside(points: Float, size: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.asarray(((points >= 0) & (points <= (size[1] - 1, size[0] - 1))).all(-1))


def _box(box: Float, size: tuple[int, ...], noise: float, rng: np.random.Generator) -> Float:
    """Return the box with shaky sides, inside the picture and never turned inside out."""
    lengths = np.tile(box[2:] - box[:2], 2)
    moved = box + np.clip(noise * rng.standard_normal(4), -0.2, 0.2) * lengths
    return np.clip(moved, 0, (size[1], size[0], size[1], size[0])).astype(np.float32)
