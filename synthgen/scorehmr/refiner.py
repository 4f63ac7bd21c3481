"""Role `refiner`: score guidance (ScoreHMR) fits the bodies of a scene to the joints in its picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from synthgen import backends
from synthgen.backends.protocols import Image, Keypoints, Precision
from synthgen.backends.ranges import (
    Range,
    check_images,
    check_lengths,
    fixed_groups,
    id_problems,
    raise_problems,
    range_problems,
    ready,
)
from synthgen.sample import Float, Person, Scene


@dataclass(frozen=True)
class Attempt:
    """One way to fit.

    Attributes:
        rank: of the start that guidance begins from, 0 for the best; None for the bodies as they are, moved
            by the plain fit in the end alone.
        silhouette: factor on what segments say in that plain fit.
        moves_pose: it moves limbs and shape, not only the body as a whole.
    """

    rank: int | None
    silhouette: float
    moves_pose: bool = True


# The least change first: most labels that do not pass are nearly right, and what was drawn from them has
# their depth, which no fit to joints and outlines knows.
ATTEMPTS = (
    Attempt(None, 3.0, moves_pose=False),
    Attempt(None, 3.0),
    Attempt(0, 1.0),
    Attempt(1, 1.0),
    Attempt(0, 3.0),
)
_GUIDED = next(number for number, way in enumerate(ATTEMPTS) if way.rank is not None)  # the first one
RANGES = {
    "iterations": Range(1),
    "start": Range(1),
    "step": Range(1),
    "scale": Range(0),
    "camera_rate": Range(0),
    "keypoint_weight": Range(0),
    "min_confidence": Range(0, 1),
    "samples": Range(0),
    "polish": Range(0),
    "attempts": Range(1, len(ATTEMPTS)),
    "batch_size": Range(1),
}
SOURCE = (
    "The published denoiser comes with ScoreHMR (github.com/statho/ScoreHMR): score_hmr/model-100.pt in "
    "its model weights; embedded/score is the package's own"
)
MESH = {"backend": "hmr2", "id": "embedded/mesh"}


@dataclass
class ScoreRefiner:
    """A denoiser of ScoreHMR with the estimator whose features it is told.

    First a plain fit moves and turns bodies as they are, then it nudges limbs and shapes, too. Where that
    does not do, guidance tries several starts: the body of the scene, what the estimator sees, both mirrored
    in depth (seen from the other side), what the denoiser may draw for the picture; the first stays unless
    another shows clearly less error. Plain fits follow from where the score left them.

    Attributes:
        id: folder or hub id of a denoiser of ours, published checkpoint, or embedded/score.
        revision: branch, tag or commit of a hub id; empty for the newest.
        body: open, or the path of the SMPL file that scenes belong to; in `generate` that of the run.
        mesh: node of the mesh estimator whose features the denoiser was trained with; empty (null) tells it
            nothing of pictures.
        iterations: rounds of inversion and guided sampling.
        start: time step that the inversion goes up to.
        step: time steps between two predictions.
        scale: of the guidance.
        camera_rate: rate of the step on translations [m].
        keypoint_weight: of the reprojection error; published: 0.003.
        min_confidence: joints below count as not found.
        samples: starts that the denoiser draws beside these; bodies of scenes begin near the truth.
        polish: steps of the plain fit in the end; 0 for none: then the first two attempts change nothing.
        attempts: fits that `generate` may try, one after the other, while verification says no.
        batch_size: people refined at once; the last batch is filled up.
    """

    id: str = "embedded/score"
    revision: str = ""
    body: str = "open"
    mesh: dict[str, Any] | None = field(default_factory=lambda: dict(MESH))
    iterations: int = 10
    start: int = 50
    step: int = 2
    scale: float = 1.0
    camera_rate: float = 0.01
    keypoint_weight: float = 0.005
    min_confidence: float = 0.2
    samples: int = 0
    polish: int = 120
    attempts: int = 5
    batch_size: int = 4

    uses_masks: ClassVar[bool] = True  # takes the segments of people as well

    def __post_init__(self) -> None:
        raise_problems(self.problems())
        self.version = ""
        self._refinery: Any = None
        self._estimator: Any = None
        self._body_name = ""
        self._scouts: dict[bytes, Any] = {}
        self._fits: dict[tuple[bytes, int], Any] = {}

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""
        found = id_problems(self) + range_problems(self, RANGES)
        if self.step > self.start:
            found.append(f"step must be at most start {self.start}, got {self.step}")
        if not self.body.strip():
            found.append("body must be open or the path of an SMPL file, got an empty text")
        if self.mesh is not None:
            found += backends.problems(backends.MODELS["mesh"], self.mesh, "mesh")
        return found

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Load denoiser, body and estimator; guidance computes in float32, whatever is asked for."""
        from pathlib import Path

        from synthgen.backends.model_files import fetch_files, find_model, version_of
        from synthgen.backends.pipelines import place
        from synthgen.body import OPEN, OPEN_FILE, SMPL
        from synthgen.body_file import read_body_file
        from synthgen.scorehmr.cases import Weights
        from synthgen.scorehmr.refinery import Refinery, check_version, load_denoiser
        from synthgen.scorehmr.sampling import GuidanceOptions

        path = find_model(self.id, self.revision, fetch_files, SOURCE)
        denoiser, trained_with = load_denoiser(path)
        arrays = read_body_file(OPEN_FILE if self.body == OPEN else Path(self.body).expanduser())
        self._body_name = OPEN if arrays.is_open else SMPL
        options = GuidanceOptions(self.iterations, self.start, self.step, self.scale, 0.0, self.camera_rate)
        weights = Weights(keypoints=self.keypoint_weight)
        if self.mesh is not None:
            self._estimator = backends.build(backends.MODELS["mesh"], self.mesh, "mesh")
            self._estimator.setup(device, dtype)
            check_version(self._estimator, trained_with, self.id)
        self._refinery = Refinery(
            place(denoiser, device), arrays, options, weights, device, samples=self.samples
        )
        self.version = version_of(path)

    def __call__(
        self,
        images: Sequence[Image],
        scenes: Sequence[Scene],
        keypoints: Sequence[Keypoints],
        masks: Sequence[NDArray[np.bool_]] = (),
        attempt: int = 0,
    ) -> list[Scene]:
        """Fit bodies; see `MeshRefiner`. People of whom too little was seen stay as they are.

        Args:
            images: B pictures.
            scenes: with the bodies to fit.
            keypoints: of their people.
            masks: segments (P, H, W) of the people of each picture, in the same order; an empty segment says
                nothing. Without any, joints alone decide.
            attempt: which of ATTEMPTS: 0 moves and turns the bodies, 1 nudges their limbs, too, 2 lets
                guidance begin from the best start, 3 from the second best, 4 from the best again, and follows
                the segments more closely in the end.
        """
        refinery = ready(self._refinery, self)
        check_images(images)
        check_lengths(images=images, scenes=scenes, keypoints=keypoints)
        for number, (scene, found) in enumerate(zip(scenes, keypoints, strict=True)):
            if scene.body != self._body_name:
                raise ValueError(
                    f"scene {number} is of body {scene.body}, the refiner's is {self._body_name}: give "
                    "body=open or the path of the SMPL file (models.refiner.body)"
                )
            if len(found.keypoints_2d) != len(scene.people):
                raise ValueError(
                    f"picture {number} has joints of {len(found.keypoints_2d)} people, its scene has "
                    f"{len(scene.people)}"
                )
        if attempt <= _GUIDED:
            self._scouts, self._fits = {}, {}
        rows = self._rows(images, scenes, keypoints, ATTEMPTS[attempt].rank is not None)
        if masks:
            own = [mask for found in masks for mask in found]
            rows = [replace(row, mask=mask) for row, mask in zip(rows, own, strict=True)]
        people: list[Person] = []
        for members, count in fixed_groups(len(rows), self.batch_size):
            people += self._refined([rows[member] for member in members], refinery, attempt)[:count]
        refined, start = [], 0
        for scene in scenes:
            end = start + len(scene.people)
            refined.append(replace(scene, people=tuple(people[start:end])))
            start = end
        return refined

    def _refined(self, rows: Sequence["_Row"], refinery: Any, attempt: int) -> list[Person]:
        from synthgen.scorehmr.cases import Cases
        from synthgen.scorehmr.fitting import FittingOptions
        from synthgen.scorehmr.refinery import Fitted

        features = [row.features for row in rows if row.features is not None]
        cases = Cases(
            people=tuple(row.person for row in rows),
            cameras=tuple(row.scene.camera for row in rows),
            keypoints_2d=np.stack([row.joints for row in rows]),
            confidence=np.stack([row.confidence for row in rows]),
            features=np.stack(features) if features else None,
            masks=tuple(row.mask for row in rows) if any(row.mask is not None for row in rows) else (),
        )
        way = ATTEMPTS[attempt]
        if way.rank is None:
            nothing = np.zeros(len(rows))
            fitted = Fitted(cases.people, ("",) * len(rows), nothing, nothing)
        else:
            seen = [row.seen for row in rows if row.seen is not None]
            starts = [list(cases.people), *([seen] if seen else [])]
            starts += [refinery.reflected(people) for people in starts]
            cases, fitted = self._guided([row.digest for row in rows], cases, starts[1:], way.rank)
        if self.polish:
            options = FittingOptions(steps=self.polish)
            if not way.moves_pose:
                options = replace(options, root_part=1.0, fits_shape=False)
            fitted = refinery.polished(fitted, cases, options, way.silhouette)
        return [
            row.person if reason else person
            for row, person, reason in zip(rows, fitted.people, fitted.reasons, strict=True)
        ]

    def _guided(
        self, names: Sequence[bytes], cases: Any, others: Sequence[Sequence[Person]], rank: int
    ) -> tuple[Any, Any]:
        """Return the cases with the starts of a rank, and the fits from there.

        Further attempts at the same pictures begin from the same scouts and fits: these are kept.
        """
        from synthgen.scorehmr.hypotheses import Scouted
        from synthgen.scorehmr.refinery import Fitted

        refinery = self._refinery
        if not all(name in self._scouts for name in names):
            found = refinery.scout(cases, others)
            self._scouts |= {name: found.of(row) for row, name in enumerate(names)}
        scouted = Scouted.joined([self._scouts[name] for name in names])
        cases = cases.with_people(scouted.taken(cases.people, (), refinery.below, rank))
        if not all((name, rank) in self._fits for name in names):
            fitted = refinery.refine_from(cases)
            self._fits |= {(name, rank): fitted.of(row) for row, name in enumerate(names)}
        return cases, Fitted.joined([self._fits[name, rank] for name in names])

    def _rows(
        self,
        images: Sequence[Image],
        scenes: Sequence[Scene],
        keypoints: Sequence[Keypoints],
        is_guided: bool,
    ) -> list["_Row"]:
        from synthgen.scorehmr.inputs import box_around
        from synthgen.scorehmr.refinery import look

        rows = [
            _Row(scene, person, joints, np.where(sure >= self.min_confidence, np.clip(sure, 0, 1), 0.0))
            for scene, found in zip(scenes, keypoints, strict=True)
            for person, joints, sure in zip(scene.people, found.keypoints_2d, found.confidence, strict=True)
        ]
        if self._estimator is None or not rows or not is_guided:
            return rows
        sizes = [scene.camera.image_size for scene in scenes]
        boxes = [
            np.array(
                [box_around(*_shown(joints, sure, size, self.min_confidence), size) for joints, sure in pairs]
            )
            for pairs, size in zip(
                [list(zip(found.keypoints_2d, found.confidence, strict=True)) for found in keypoints],
                sizes,
                strict=True,
            )
        ]
        people, features = look(
            self._estimator,
            images,
            [box.reshape(-1, 4) for box in boxes],
            [scene.camera.cam_int for scene in scenes],
        )
        seen = [person for found in people for person in found]
        told = [vector for found in features for vector in found]
        return [
            replace(row, seen=person if _is_ahead(person) else row.person, features=vector)
            for row, person, vector in zip(rows, seen, told, strict=True)
        ]


@dataclass(frozen=True)
class _Row:
    scene: Scene
    person: Person
    joints: Float
    confidence: Float
    seen: Person | None = None
    features: NDArray[np.float32] | None = None
    mask: NDArray[np.bool_] | None = None

    @property
    def digest(self) -> bytes:
        """Name of everything that a fit depends on."""
        from hashlib import sha256

        people = [self.person, *([self.seen] if self.seen is not None else [])]
        parts = [np.asarray(value) for one in people for value in vars(one).values()]
        parts += [self.scene.camera.cam_int, np.array(self.scene.camera.image_size)]
        parts += [self.joints, self.confidence]
        parts += [part for part in (self.features, self.mask) if part is not None]
        digest = sha256()
        for part in parts:
            digest.update(f"{part.dtype} {part.shape} ".encode() + np.ascontiguousarray(part).tobytes())
        return digest.digest()


def _is_ahead(person: Person) -> bool:
    return bool(person.transl[2] > 0.3)


def _shown(joints: Float, sure: Float, size: tuple[int, int], least: float) -> tuple[Float, Float]:
    """Return joints and confidences for a box; the whole picture's corners where none was found."""
    if (sure >= max(least, 0.2)).sum() >= 2:
        return joints, sure
    corners = np.array([[0.0, 0.0], [size[1] - 1.0, size[0] - 1.0]])
    return corners, np.ones(2)
