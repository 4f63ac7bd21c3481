"""A worker for tests of the crew: quick to start, as it loads neither torch nor a body nor a renderer.

It writes pictures of noise by `write_batches`, and fails, hangs or dies where PlainSource's options say so.
"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from plain_source import PlainSource

from synthgen.joints import COCO17, SMPL24
from synthgen.observation import Observation, ObservedPerson
from synthgen.progress import Count
from synthgen.sample import Rejection, Request
from synthgen.shards import Shard, ShardReport
from synthgen.stopwatch import Stopwatch
from synthgen.worker import Job, told, write_batches

SIZE = (24, 32)


class LightWorker:
    """What ShardWorker is to the crew, made with the same Job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        options = dict(job.models.source)
        del options["backend"]
        self._source = PlainSource(**options)
        self._thread = ThreadPoolExecutor(1, "shard")
        _import_webdataset()

    def ready(self) -> None:
        pass

    def write(self, shard: Shard) -> Iterator[Count | ShardReport]:
        yield from told(self._thread, partial(self._make, shard), self._job)

    def _make(self, shard: Shard, ended: Callable[[Count], None]) -> ShardReport:
        return write_batches(self._job, shard, self._batch, Stopwatch(), ended)

    def _batch(self, requests: list[Request]) -> list[Observation | Rejection]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Observation | Rejection:
        self._source.misbehave(request.index)
        every = self._source.reject_every
        if every and request.index % every == 0:
            return Rejection(request.key, "compose", "no luck")
        rng = np.random.default_rng(request.seed)
        person = ObservedPerson(
            bbox=np.array([2, 3, 20, 21], np.float32),
            keypoints_2d=rng.uniform(3, 20, (len(COCO17), 2)).astype(np.float32),
            confidence_2d=np.ones(len(COCO17), np.float32),
            keypoints_3d=None,
            confidence_3d=np.zeros(len(SMPL24), np.float32),
            person=None,
            family="everyday",
            action="stand",
        )
        image = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        return Observation(request.key, image, None, (person,), body="open", source="noise/all")


def _import_webdataset() -> None:
    """Import what shards are written with; it takes torch along where there is one, and does without it."""
    if "torch" not in sys.modules:
        sys.modules["torch"] = None  # type: ignore[assignment]  # as if there were none
        import webdataset  # noqa: F401

        del sys.modules["torch"]
