"""What one worker does: it loads its models once, then makes shards, and says meanwhile how far it is.

Everything a worker does follows from the shard it is given. While the networks work on a batch, the next one
is prepared and the one before is encoded and written (`synthgen.pipelining`).
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from synthgen.generate import make_samples
from synthgen.models import ModelChoice, Models, load_models
from synthgen.pipelining import Studio, in_order
from synthgen.progress import Count
from synthgen.prompts import RequestStream
from synthgen.sample import Rejection, Request, Sample
from synthgen.shards import Shard, ShardReport, write_shard
from synthgen.stopwatch import Stopwatch

Item = Sample | Rejection
COUNT_EVERY_S = 1.0  # how often a worker says how far it is, unless there are many


@dataclass(frozen=True)
class Job:
    """What every worker of a run is told; plain values that can be pickled.

    Attributes:
        folder: of the run, local path or fsspec URL.
        requests: the run's stream of requests.
        models: what to load.
        batch_size: requests drawn together.
        count_every_s: how often a worker says how far it is [s].
        keep_rejected: how many pictures of rejections a shard keeps for each reason.
    """

    folder: str
    requests: RequestStream
    models: ModelChoice
    batch_size: int
    count_every_s: float = COUNT_EVERY_S
    keep_rejected: int = 0


def open_studio(choice: ModelChoice) -> Studio:
    """Load models for `make_shard`."""
    return Studio(partial(_load_on_one_core, choice))


def make_shard(job: Job, shard: Shard, studio: Studio, ended: Callable[[Count], None]) -> ShardReport:
    """Make and write one shard in this process; this thread encodes and writes.

    Args:
        job: the run's.
        shard: which requests, and the name.
        studio: from `open_studio(job.models)`.
        ended: told of every request that ended.
    """
    return write_batches(job, shard, partial(_make_batch, models=studio.models), studio.clock, ended)


def write_batches(
    job: Job,
    shard: Shard,
    make: Callable[[list[Request]], list[Item]],
    clock: Stopwatch,
    ended: Callable[[Count], None],
) -> ShardReport:
    """Write what is made of a shard's batches.

    Args:
        job: the run's.
        shard: which requests, and the name.
        make: makes one batch; called for several at once.
        clock: counts the seconds by stage.
        ended: told of every request that ended.
    """
    clock.reset()
    batches = job.requests.batches(shard.first_index, shard.num_requests, job.batch_size)
    with closing(in_order(batches, make)) as items:
        counted = watched(items, clock, ended)
        return write_shard(job.folder, shard, counted, clock.seconds, job.keep_rejected)


class ShardWorker:
    """The actor. Its main thread says how far it is while another one makes the shard."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._thread = ThreadPoolExecutor(1, "shard")
        self._studio = open_studio(job.models)

    def ready(self) -> None:
        """Return once the models are loaded."""

    def write(self, shard: Shard) -> Iterator[Count | ShardReport]:
        """Make a shard; yields how many of its requests ended so far, and at the end its report."""
        yield from told(self._thread, partial(make_shard, self._job, shard, self._studio), self._job)


def told(
    thread: ThreadPoolExecutor, make: Callable[[Callable[[Count], None]], ShardReport], job: Job
) -> Iterator[Count | ShardReport]:
    """Make a shard in a thread; yield how many of its requests ended so far, and at the end its report."""
    so_far = _Tally()
    report: Future[ShardReport] = thread.submit(make, so_far.add)
    while wait([report], timeout=job.count_every_s).not_done:
        yield so_far.count
    yield report.result()


def watched(items: Iterable[Item], clock: Stopwatch, ended: Callable[[Count], None]) -> Iterator[Item]:
    """Pass items on, counting them, and the time until the next is asked for as the stage "write"."""
    for item in items:
        with clock.stage("write"):
            yield item
        ended(Count(rejected=1) if isinstance(item, Rejection) else Count(accepted=1))


@dataclass
class _Tally:
    count: Count = field(default_factory=Count)

    def add(self, more: Count) -> None:
        self.count += more


def _make_batch(requests: list[Request], models: Models) -> list[Item]:
    return list(make_samples(requests, models))


def _load_on_one_core(choice: ModelChoice) -> Models:
    import torch

    torch.set_num_threads(1)  # workers fill the cores; threads within each would only get in their way
    return load_models(choice)
