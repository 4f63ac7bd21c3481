"""ScoreHMR's three settings over a data set: estimates, and what score guidance makes of them.

Pictures are looked at once, in batches; only estimates, features and joints are kept until a group (a batch
of pictures, or all frames and views of a sequence) is whole. Who cannot be fitted counts with the estimate.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.protocols import MeshEstimate, MeshEstimator
from synthgen.backends.vposer import VPoser
from synthgen.evaluation.cameras import camera_of
from synthgen.evaluation.evaluate import Progress
from synthgen.evaluation.measure import Judge
from synthgen.evaluation.scores import Ledger, Scores
from synthgen.evaluation.truth import gaps
from synthgen.observation import Observation
from synthgen.paper_tables.given import Input
from synthgen.paper_tables.sets import ESTIMATE, PLAIN, SCORE, Task
from synthgen.sample import Camera, Float, Person
from synthgen.scorehmr.cases import Cases
from synthgen.scorehmr.fitting import FittingOptions
from synthgen.scorehmr.refinery import Refinery, look
from synthgen.scorehmr.tracks import Appearance, tracks


@dataclass(frozen=True)
class Looked:
    """A person, looked at.

    Attributes:
        observation: the picture with this person alone, without its pixels.
        camera: of the picture.
        estimate: the body.
        features: of the picture around the person.
        joints: (17, 2) [px].
        confidence: (17,).
    """

    observation: Observation
    camera: Camera
    estimate: Person
    features: NDArray[np.float32]
    joints: Float
    confidence: Float


@dataclass
class Refining:
    """Measures an estimator and what refinement makes of its estimates.

    Attributes:
        estimator: set up.
        refinery: fits; its options are those of the paper's setting.
        judge: measures.
        given: joints and boxes.
        task: what belongs together.
        told: whether the denoiser is told what the pictures look like.
        prior: VPoser of the plain optimisation; None leaves that out.
        batch_size: pictures looked at, or people fitted, at once.
    """

    estimator: MeshEstimator
    refinery: Refinery
    judge: Judge
    given: Input
    task: Task = "pictures"
    told: bool = True
    prior: VPoser | None = None
    batch_size: int = 16
    _ledgers: dict[str, Ledger] = field(default_factory=dict)

    def scores(
        self, observations: Iterable[Observation], body: str, progress: Progress | None = None
    ) -> dict[str, Scores]:
        """Return what came of estimates ("") and of refined bodies, by what is put behind the name.

        Args:
            observations: the pictures.
            body: name of the body model of the estimates.
            progress: told of each batch how many pictures it had.

        Raises:
            ValueError: there is no picture, views of a moment show several people, or the denoiser knows the
                features of another estimator.
        """
        kinds = [ESTIMATE, SCORE, *([PLAIN] if self.prior is not None else [])]
        self._ledgers = {kind: Ledger(self.judge.protocol) for kind in kinds}
        pictures = 0
        for group in self._groups(observations, progress):
            pictures += len({one.observation.key for one in group})
            cases = self._cases(group)
            for kind, people in self._fitted(cases).items():
                self._add(kind, group, people, body)
        found = {kind: ledger.scores() for kind, ledger in self._ledgers.items()}
        return {kind: replace(one, pictures=pictures) for kind, one in found.items()}

    def _groups(
        self, observations: Iterable[Observation], progress: Progress | None
    ) -> Iterator[list[Looked]]:
        """Yield people that may be fitted together; of clips and views, sequence by sequence."""
        held: list[Looked] = []
        source = iter(observations)
        while batch := list(islice(source, self.batch_size)):
            for one in self._look(batch):
                is_next = bool(held) and one.observation.sequence != held[-1].observation.sequence
                if is_next and self.task != "pictures":
                    yield held
                    held = []
                held.append(one)
            if self.task == "pictures":
                yield held
                held = []
            if progress:
                progress(len(batch))
        if held:
            yield held

    def _look(self, batch: Sequence[Observation]) -> Iterator[Looked]:
        boxes, joints = self.given(batch)
        cameras = [camera_of(one) for one in batch]
        images = [one.image for one in batch]
        estimates, features = look(self.estimator, images, boxes, [camera.cam_int for camera in cameras])
        for number, one in enumerate(batch):
            blank = np.broadcast_to(np.uint8(0), one.image.shape)
            for row, person in enumerate(one.people):
                yield Looked(
                    replace(one, image=blank, people=(person,)),
                    cameras[number],
                    estimates[number][row],
                    features[number][row],
                    joints[number].keypoints_2d[row],
                    joints[number].confidence[row],
                )

    def _cases(self, group: list[Looked]) -> Cases:
        """Return the group as cases; of one body, all have the mean shape, as in ScoreHMR's evaluation."""
        seen = [one.observation for one in group]
        moments, clips = [f"{one.sequence}|{one.frame}" for one in seen], [""] * len(seen)
        if self.task == "views":
            views = {(moment, one.view) for moment, one in zip(moments, seen, strict=True)}
            if len(views) < len(seen):
                raise ValueError(f"{seen[0].key}: views of a moment must show one person each")
        if self.task == "video":
            clips = tracks(
                [Appearance(f"{one.sequence}|{one.view}", one.frame, one.people[0].bbox) for one in seen]
            )
            group[:] = [
                replace(one, observation=replace(one.observation, sequence=clip))
                for one, clip in zip(group, clips, strict=True)
            ]
        wanted, had = self.refinery.denoiser.config.num_features, len(group[0].features)
        if self.told and wanted != had:
            raise ValueError(
                f"the denoiser reads {wanted} features of a picture, the estimator gives {had}: it knows "
                "another estimator's (the published ones know PARE's); refinement.told=false tells it of none"
            )
        people = [one.estimate for one in group]
        if self.task != "pictures":
            people = _one_shape(people, moments if self.task == "views" else clips)
        return Cases(
            people=tuple(people),
            cameras=tuple(one.camera for one in group),
            keypoints_2d=np.stack([one.joints for one in group]).astype(float),
            confidence=np.clip(np.stack([one.confidence for one in group]).astype(float), 0, 1),
            features=np.stack([one.features for one in group]) if self.told else None,
            moments=tuple(moments) if self.task == "views" else (),
            clips=tuple(clips) if self.task == "video" else (),
            frames=tuple(one.frame for one in seen) if self.task == "video" else (),
        )

    def _fitted(self, cases: Cases) -> Mapping[str, Sequence[Person]]:
        fitted = self.refinery.refine(cases)
        for reason in fitted.reasons:
            if reason:
                self._ledgers[SCORE].gaps[f"people who count with their estimate: {reason}"] += 1
        found: dict[str, Sequence[Person]] = {ESTIMATE: cases.people, SCORE: fitted.people}
        if self.prior is not None:
            found[PLAIN] = self.refinery.fit(cases, self.prior, FittingOptions()).people
        return found

    def _add(self, kind: str, group: Sequence[Looked], people: Sequence[Person], body: str) -> None:
        seen = [one.observation for one in group]
        none = np.zeros((1, 1, 1), np.float32)
        estimates = [MeshEstimate((person,), none) for person in people]
        for start in range(0, len(seen), self.batch_size):
            some = slice(start, start + self.batch_size)
            measured = self.judge.measure(seen[some], estimates[some], body)
            self._ledgers[kind].add(seen[some], people[some], measured)
        self._ledgers[kind].gaps.update(gaps(seen, self.judge.bodies))


def _one_shape(people: Sequence[Person], groups: Sequence[str]) -> list[Person]:
    """Give everybody the mean betas of the group."""
    betas = np.stack([person.betas for person in people])
    names = np.array(groups)
    means = {name: betas[names == name].mean(0) for name in dict.fromkeys(groups)}
    return [replace(person, betas=means[name]) for person, name in zip(people, groups, strict=True)]
