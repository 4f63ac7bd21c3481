"""What refinement is measured on: fresh renders with their truth, joints as a detector would find them.

Estimates come from rendered pictures through the mesh estimator; joints from the truth, with errors added:
every result is compared with the bodies that were drawn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.protocols import MeshEstimator
from synthgen.body import Body
from synthgen.geometry import project
from synthgen.joints import COCO17, SMPL24
from synthgen.metrics import acceleration_error, pa_mpjpe
from synthgen.render import joint_visibility
from synthgen.sample import Float, Person, Request
from synthgen.scenes.compose import RenderSource
from synthgen.scenes.several import Shot, shoot_clip, shoot_views
from synthgen.scorehmr.cases import Cases
from synthgen.scorehmr.refinery import look

Kind = Literal["pictures", "views", "clips"]
SEED = 0x5C0_0000  # requests of trials share no seed with training runs
_BOX_NOISE = 0.03  # of the box's side


@dataclass(frozen=True)
class JointNoise:
    """Errors of a detector.

    Attributes:
        spread: deviation of seen joints, in sides of the person's box.
        hidden: times that for joints that do not show.
        missing: part of the joints that are not found.
        wild: part of the joints that lie somewhere else on the body.
    """

    spread: float = 0.02
    hidden: float = 2.5
    missing: float = 0.2
    wild: float = 0.03

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [
            f"{name} must be in [0, 1), got {getattr(self, name)}"
            for name in ("missing", "wild")
            if not 0 <= getattr(self, name) < 1
        ]
        return found + [
            f"{name} must be at least 0, got {getattr(self, name)}"
            for name in ("spread", "hidden")
            if not getattr(self, name) >= 0
        ]


@dataclass(frozen=True)
class Trials:
    """People with the truth.

    Attributes:
        cases: estimates and what was observed.
        truth: N bodies as drawn.
        images: N pictures.
    """

    cases: Cases
    truth: tuple[Person, ...]
    images: tuple[NDArray[np.uint8], ...]

    def joints(self, people: Sequence[Person], body: Body) -> Float:
        """Return the joints (N, 24, 3) [m] of bodies."""
        return body.joints(body.pose(people).points, SMPL24)

    def figures(self, people: Sequence[Person], body: Body) -> Mapping[str, float]:
        """Return the errors of bodies: PA-MPJPE [mm], in clips the error of acceleration [mm per frame²]."""
        found, true = self.joints(people, body), self.joints(self.truth, body)
        figures = {"pa_mpjpe": float(pa_mpjpe(found, true).mean())}
        clips = np.array(self.cases.clips)
        if len(clips):
            errors = [
                acceleration_error(
                    found[clips == clip] - found[clips == clip][:, :1],
                    true[clips == clip] - true[clips == clip][:, :1],
                )
                for clip in dict.fromkeys(self.cases.clips)
            ]
            figures["acceleration"] = float(np.concatenate(errors).mean())
        return figures


def detect(
    joints: Float, visibility: Float, box: Float, noise: JointNoise, rng: np.random.Generator
) -> tuple[Float, Float]:
    """Return joints (17, 2) [px] as a detector would find them, and its confidence (17,).

    Args:
        joints: true places.
        visibility: (17,) in [0, 1].
        box: (4,) xyxy of the person.
        noise: how large the errors are.
        rng: of this person.
    """
    side = float((box[2:] - box[:2]).max())
    spread = side * noise.spread * np.where(visibility >= 0.5, 1.0, noise.hidden)[:, None]
    found = joints + spread * rng.standard_normal(joints.shape)
    wild = rng.random(len(joints)) < noise.wild
    found[wild] = joints[rng.permutation(len(joints))][wild]
    off = np.linalg.norm(found - joints, axis=1) / side
    sure = np.clip(0.95 - 4 * off + 0.08 * rng.standard_normal(len(joints)), 0.25, 1.0)
    sure = np.where(wild, np.clip(sure, 0.5, 1), sure)
    return found, np.where(rng.random(len(joints)) < noise.missing, 0.0, sure)


def make_trials(
    kind: Kind,
    source: RenderSource,
    estimator: MeshEstimator,
    sizes: tuple[int, int],
    noise: JointNoise,
    seed: int = 0,
) -> Trials:
    """Render trials.

    Args:
        kind: single pictures, views of one moment, or clips.
        source: set up; says family and size of the pictures.
        estimator: set up.
        sizes: how many, and how many views or frames each has (1 for pictures).
        noise: of the joints.
        seed: of everything.

    Raises:
        ValueError: the source could not draw so many.
    """
    shots, names = _shots(kind, source, sizes, seed)
    made = [shot.composition for shot in shots]
    truth = tuple(one.scene.people[0] for one in made)
    rng = np.random.default_rng([SEED, seed, 7])
    coco = source._casting.body.joints(np.stack([one.points[:1] for one in made]), COCO17)[:, 0]
    joints, sure, boxes = [], [], []
    for points, one in zip(coco, made, strict=True):
        camera, drawing = one.scene.camera, one.drawing
        rows, columns = np.nonzero(drawing.mask == 1)
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float64)
        visibility = joint_visibility(points[None], drawing.depth, drawing.silhouettes, camera)[0]
        places, confidence = detect(project(points, camera.cam_int), visibility, box, noise, rng)
        joints.append(places)
        sure.append(confidence)
        boxes.append(box + _BOX_NOISE * (box[2:] - box[:2]).max() * rng.uniform(-1, 1, 4))
    images = [one.drawing.image for one in made]
    people, features = look(
        estimator, images, [box[None] for box in boxes], [one.scene.camera.cam_int for one in made]
    )
    is_clip = kind == "clips"
    cases = Cases(
        people=tuple(found[0] for found in people),
        cameras=tuple(one.scene.camera for one in made),
        keypoints_2d=np.stack(joints),
        confidence=np.stack(sure),
        features=np.concatenate(features),
        moments=tuple(names) if kind == "views" else (),
        clips=tuple(names) if is_clip else (),
        frames=tuple(number % sizes[1] for number in range(len(names))) if is_clip else (),
        extrinsics=np.stack([np.column_stack([shot.rotation, shot.shift]) for shot in shots]),
    )
    return Trials(cases, truth, tuple(images))


def _shots(
    kind: Kind, source: RenderSource, sizes: tuple[int, int], seed: int
) -> tuple[list[Shot], list[str]]:
    count, length = sizes
    shots: list[Shot] = []
    names: list[str] = []
    for number, found in enumerate(_requests(kind, source, length, seed, 4 * count)):
        if len(found) == length:
            shots += found
            names += [f"trial-{number}"] * length
        if len(shots) == count * length:
            return shots, names
    raise ValueError(f"only {len(shots) // length} of {count} {kind} could be drawn of {source.families}")


def _requests(kind: Kind, source: RenderSource, length: int, seed: int, most: int) -> Iterator[list[Shot]]:
    shoot = shoot_clip if kind == "clips" else shoot_views
    for index in range(most):
        own = SEED + 100_000 * seed + index
        yield shoot(source, Request(f"trial-{index}", index, own, "", "", "render"), length)
