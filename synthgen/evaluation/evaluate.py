"""An estimator over pictures with labels: batches in, scores out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, Literal, Protocol

import numpy as np

from synthgen.backends.protocols import Image, Keypoints, MeshEstimate, MeshEstimator
from synthgen.evaluation.cameras import camera_of
from synthgen.evaluation.measure import Judge
from synthgen.evaluation.scores import Ledger, Scores
from synthgen.evaluation.truth import gaps
from synthgen.observation import Observation
from synthgen.sample import Float

EstimateFunction = Callable[[Sequence[Observation]], list[MeshEstimate]]
KeypointSource = Literal["detected", "labels", "noisy"]
Progress = Callable[[int], object]  # told of each batch how many pictures it had


class Guided(Protocol):
    """A mesh estimator that looks at given joints, as DPMesh does."""

    def with_keypoints(
        self,
        images: Sequence[Image],
        boxes: Sequence[Float],
        cam_ints: Sequence[Float],
        keypoints: Sequence[Keypoints],
        noise_seed: Sequence[int] | None = None,
    ) -> list[MeshEstimate]:
        """Estimate bodies with these joints; `noise_seed` spoils them first as detectors err."""


@dataclass(frozen=True)
class Asking:
    """How an estimator is asked.

    Attributes:
        keypoints: where joints come from for an estimator that looks at some: its own keypoint model
            ("detected"), the labels, or the labels with the errors of detectors ("noisy").
        seed: of the noise.
    """

    keypoints: KeypointSource = "detected"
    seed: int = 0

    def function(self, estimator: MeshEstimator) -> EstimateFunction:
        """Return what estimates people in their labelled boxes; each call draws other noise."""
        asked = count()

        def estimate(observations: Sequence[Observation]) -> list[MeshEstimate]:
            images = [one.image for one in observations]
            boxes = [np.stack([person.bbox for person in one.people]) for one in observations]
            cam_ints = [camera_of(one).cam_int for one in observations]
            guided: Any = getattr(estimator, "with_keypoints", None)
            if guided is None or self.keypoints == "detected":
                return estimator(images, boxes, cam_ints)
            noise_seed = [self.seed, next(asked)] if self.keypoints == "noisy" else None
            found: list[MeshEstimate] = guided(images, boxes, cam_ints, labelled(observations), noise_seed)
            return found

        return estimate


def labelled(observations: Sequence[Observation]) -> list[Keypoints]:
    """Return the labelled joints of pictures as a keypoint model would give them."""
    return [
        Keypoints(
            np.stack([person.keypoints_2d for person in one.people]),
            np.stack([person.confidence_2d for person in one.people]),
        )
        for one in observations
    ]


def evaluate(
    estimate: EstimateFunction,
    observations: Iterable[Observation],
    judge: Judge,
    body: str = "open",
    batch_size: int = 16,
    progress: Progress | None = None,
) -> Scores:
    """Measure an estimator; memory holds one batch of pictures.

    Args:
        estimate: from pictures to the people in their labelled boxes.
        observations: what it is measured on.
        judge: which measures.
        body: name of the body model of the estimates.
        batch_size: pictures at once.
        progress: told of each batch.

    Raises:
        ValueError: there is no picture, or an estimate does not fit its picture.
    """
    ledger = Ledger(judge.protocol)
    for batch in _batches(observations, batch_size):
        estimates = estimate(batch)
        people = [person for one in estimates for person in one.people]
        ledger.add(batch, people, judge.measure(batch, estimates, body))
        ledger.gaps.update(gaps(batch, judge.bodies))
        if progress:
            progress(len(batch))
    return ledger.scores()


def _batches(observations: Iterable[Observation], size: int) -> Iterator[list[Observation]]:
    source = iter(observations)
    while batch := list(islice(source, size)):
        yield batch
