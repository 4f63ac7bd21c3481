"""Overlap: how much of the time the networks of one worker work, beside real rendering, encoding and writing.

Real: scenes composed, rendered, measured, labelled, encoded and written, by the worker's own threads.
Simulated: the networks, which sleep before each batch.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from synthgen.generate import make_samples
from synthgen.models import ModelChoice
from synthgen.progress import Count
from synthgen.prompts import Prompts, RequestStream
from synthgen.sample import Request
from synthgen.shards import Shard, ShardReport, write_shard
from synthgen.worker import Item, Job, open_studio, write_batches

BATCH_SIZE = 16


@dataclass(frozen=True)
class Overlap:
    """Parts of the time that the networks worked, [0, 1].

    Attributes:
        in_turn: when everything is done one after the other.
        overlapping: as workers do it.
    """

    in_turn: float
    overlapping: float


def compare(folder: str, choice: ModelChoice, batches: int, batch_s: float) -> Overlap:
    """Make the same shard both ways.

    Args:
        folder: to write to.
        choice: models; source and renderer are used.
        batches: of the shard.
        batch_s: how long the networks take for each [s].
    """
    shard = Shard("overlap", 0, 0, batches * BATCH_SIZE, "bench")
    job = Job(folder, RequestStream("overlap", 0, Prompts()), choice, BATCH_SIZE)
    with open_studio(choice) as studio:

        def make(requests: list[Request]) -> list[Item]:
            studio.models.call(time.sleep, batch_s)
            return list(make_samples(requests, studio.models))

        def in_turn() -> Iterator[Item]:
            for requests in job.requests.batches(0, shard.num_requests, BATCH_SIZE):
                yield from make(requests)

        make(next(job.requests.batches(0, BATCH_SIZE, BATCH_SIZE)))  # compiles and loads what is needed
        ideal_s = batches * batch_s
        turns_s = _seconds(partial(write_shard, folder, shard, in_turn()))
        overlapping_s = _seconds(partial(write_batches, job, shard, make, studio.clock, _count_nothing))
    return Overlap(ideal_s / turns_s, ideal_s / overlapping_s)


def _seconds(work: Callable[[], ShardReport]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _count_nothing(count: Count) -> None:
    """Nobody wants to know how far it is."""
