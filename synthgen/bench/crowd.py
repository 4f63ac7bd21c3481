"""Scheduling: many workers whose networks only sleep, on one machine.

Real: Ray and its actors (one process each), `run_shards` and `Workforce`, a worker's threads and what it says
of its progress, tars and reports written whole to the disk, the run's folder. Simulated: networks are sleeps,
and nothing is drawn, so that tars are empty and every request ends as a rejection. Rendering and encoding for
many workers would need more cores than one machine has; `synthgen.bench.overlap` has them, for one worker.
"""

import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from synthgen import cluster as clusters
from synthgen import storage
from synthgen.actors import Crew, Workforce, run_shards
from synthgen.bench.hollow import hollow_report, to_json
from synthgen.models import Method, ModelChoice
from synthgen.pipelining import Room, in_order
from synthgen.progress import Count, Progress
from synthgen.prompts import Prompts, RequestStream
from synthgen.run_folder import RunFolder
from synthgen.sample import Rejection, Request
from synthgen.shards import Shard, ShardReport
from synthgen.shards.shard import report_url
from synthgen.stopwatch import Stopwatch
from synthgen.worker import Item, Job, told, watched

BATCH_SIZE = 16
BATCHES = 5  # of a shard
EMPTY_TAR = bytes(tarfile.RECORDSIZE)
PATIENCE_S = 600.0  # until all workers must have started


@dataclass(frozen=True)
class Crowd:
    """What came of a run of sleeping workers.

    Attributes:
        workers: how many.
        shards: made by all together.
        shard_s: what a shard takes if nothing but the networks takes time [s].
        seconds: from when all workers were there to the end of the run [s].
    """

    workers: int
    shards: int
    shard_s: float
    seconds: float

    @property
    def part_of_ideal(self) -> float:
        """Throughput as a part of that of networks which never wait."""
        return self.shards * self.shard_s / (self.workers * self.seconds)


class Sleeper:
    """A worker that loads nothing; methods as those of `ShardWorker`."""

    def __init__(self, job: Job) -> None:
        self._job, self._options = job, job.models.source
        self._thread = ThreadPoolExecutor(1, "shard")
        self._clock = Stopwatch()
        self._networks = Room("networks", self._clock)
        _await_others(Path(self._options["notes"]), self._options["workers"])

    def ready(self) -> None:
        """Return once all workers have started."""

    def write(self, shard: Shard) -> Iterator[Count | ShardReport]:
        """Make a shard without samples; yields what `ShardWorker.write` yields."""
        yield from told(self._thread, partial(self._make, shard), self._job)

    def _make(self, shard: Shard, ended: Callable[[Count], None]) -> ShardReport:
        self._clock.reset()
        batches = self._job.requests.batches(shard.first_index, shard.num_requests, BATCH_SIZE)
        with storage.atomic_write(storage.join(self._job.folder, f"{shard.name}.tar")) as tar:
            with closing(in_order(batches, self._sleep)) as items:
                rejections = [one for one in watched(items, self._clock, ended) if isinstance(one, Rejection)]
            tar.write(EMPTY_TAR)
        report = hollow_report(shard, rejections, self._clock.seconds, tar.sha256, tar.size)
        storage.write_bytes(report_url(self._job.folder, shard.name), to_json(report))
        return report

    def _sleep(self, requests: list[Request]) -> list[Item]:
        with self._clock.stage("draft"):
            self._networks.call(time.sleep, self._options["batch_s"])
        return [Rejection(request.key, "draft", "only slept") for request in requests]


def gather(workers: int, shards_each: int, batch_s: float) -> Crowd:
    """Let workers make as many shards each, and measure.

    Args:
        workers: how many.
        shards_each: shards of each, on average.
        batch_s: how long the networks take for a batch [s].
    """
    with tempfile.TemporaryDirectory() as path:
        notes = Path(path) / "notes"
        notes.mkdir()
        shards, size = workers * shards_each, BATCHES * BATCH_SIZE
        folder = RunFolder(path, "bench", shards * size, size, "bench", "jpg")
        node = {"notes": str(notes), "workers": workers, "batch_s": batch_s}
        choice = ModelChoice("open", "warp", "cpu", node, Method(), "bench")
        job = Job(path, RequestStream("bench", 0, Prompts()), choice, BATCH_SIZE)
        cluster = clusters.join("local", workers)
        try:
            crew = Crew(workers, 1.0, 0.0, 1, worker=Sleeper)
            workforce = Workforce(folder, job, crew, cluster, folder.shards())
            run_shards(workforce, Progress("bench", folder.num_samples, Count(), _say_nothing))
            end = time.time()
        finally:
            cluster.close()
        if len(folder.reports()) != shards:
            raise RuntimeError(f"expected {shards} shards, got {len(folder.reports())}")
        start = max(note.stat().st_mtime for note in notes.iterdir())
    return Crowd(workers, shards, BATCHES * batch_s, end - start)


def _await_others(notes: Path, workers: int) -> None:
    """Leave a note, then wait until all workers have left theirs, so that all begin at once."""
    (notes / str(os.getpid())).touch()
    end = time.monotonic() + PATIENCE_S
    while len(list(notes.iterdir())) < workers:
        if time.monotonic() > end:
            raise TimeoutError(f"fewer than {workers} workers have started in {PATIENCE_S:g} s")
        time.sleep(0.5)


def _say_nothing(line: str) -> None:
    """Leave progress to the figures at the end."""
