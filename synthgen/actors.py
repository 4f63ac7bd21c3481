"""Shards handed to Ray actors: the shard is the unit of work, of retry and of quarantine.

Each worker (`synthgen.worker`) has one shard at a time, so that a death costs one shard's attempt and the
last shards spread over all workers. Who makes which, and how often, shows in no file.
"""

import logging
import math
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from synthgen.cluster import Cluster, ClusterError, ray_library
from synthgen.progress import Count, Progress
from synthgen.run_folder import Failure, RunFolder
from synthgen.shards import Shard, ShardReport
from synthgen.worker import COUNT_EVERY_S, Job, ShardWorker

COLORS = re.compile(r"\x1b\[[0-9;]*m")  # Ray paints its tracebacks
logger = logging.getLogger(__name__)

WAIT_S = 0.5  # longest sleep of the driver, so that it notices signals and lost clusters
QUIET_S = 60.0  # without any worker, after which the run says what it waits for
STARTS = 3  # workers that may die in a row while they start
COUNTS_PER_S = 50.0  # from all workers together, at most
GIVE_UP_AFTER = 5  # shards quarantined in a row, with none made in between, mean that the run itself is ill


@dataclass(frozen=True)
class Crew:
    """How many workers, and how large.

    Attributes:
        workers: number, or "auto" for as many as the cluster holds.
        cpus: of each worker; may be a fraction.
        gpus: of each worker; may be a fraction.
        max_attempts: how often a shard is tried before it is quarantined.
        shard_timeout_s: longest that an attempt may take before its worker is replaced; 0 for no limit.
        worker: class of the actors: made with a `Job`, with the methods of `ShardWorker`.
    """

    workers: int | Literal["auto"]
    cpus: float
    gpus: float
    max_attempts: int
    shard_timeout_s: float = 0.0
    worker: type = ShardWorker


@dataclass(frozen=True)
class _Duty:
    """What a worker is busy with, and since when."""

    worker: Any
    shard: Shard
    since: float = field(default_factory=time.monotonic)


@dataclass
class Outcome:
    """What became of a run.

    Attributes:
        reports: of all shards that are done, by name, also those done before.
        failures: shards now in quarantine, by name.
    """

    reports: dict[str, ShardReport] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)


class RunError(RuntimeError):
    """The run cannot go on; the message says why."""


class ShardTimeoutError(RuntimeError):
    """A shard took longer than it may."""


class Workforce:
    """Hands shards to workers until all are done or in quarantine; see `run_shards`."""

    def __init__(
        self, folder: RunFolder, job: Job, crew: Crew, cluster: Cluster, missing: Iterable[Shard]
    ) -> None:
        self.outcome = Outcome()
        self._folder, self._crew, self._cluster = folder, crew, cluster
        self.size = _crew_size(crew, cluster)
        self._job = replace(job, count_every_s=max(COUNT_EVERY_S, self.size / COUNTS_PER_S))
        self._actor = ray_library().remote(num_cpus=crew.cpus, num_gpus=crew.gpus, max_restarts=0)(
            crew.worker
        )
        self._quarantined = set(folder.quarantined())
        self._waiting = deque(missing)
        self._starting: dict[Any, Any] = {}  # "ready" reference -> worker
        self._busy: dict[Any, _Duty] = {}  # by generator of news
        self._attempts: Counter[str] = Counter()
        self._ended = Count()  # in finished shards
        self._counts: dict[str, Count] = {}  # in those being made, by name
        self._deaths_at_start = self._failed_in_a_row = 0
        self._mention_at = time.monotonic() + QUIET_S

    @property
    def count(self) -> Count:
        """Requests ended since this start of the run, unfinished shards included."""
        return sum(self._counts.values(), self._ended)

    def step(self) -> None:
        """Wait a moment for news and act on it.

        Raises:
            RunError: workers cannot start, or shard after shard fails.
            ClusterError: the cluster is gone.
            StorageError: a failure cannot be noted in the run's folder.
        """
        self._cluster.check()
        self._hire()
        self._mention_waiting()
        for news in _all_ready([*self._starting, *self._busy]):
            if news in self._starting:
                self._arrived(news)
            else:
                self._heard(news)
        self._stop_the_slow()

    def is_done(self) -> bool:
        """Tell whether no shard is left to make."""
        return not self._waiting and not self._busy

    def dismiss(self) -> None:
        """Stop all workers at once; what they are writing stays unfinished under a temporary name."""
        for worker in [*self._starting.values(), *(duty.worker for duty in self._busy.values())]:
            ray_library().kill(worker)
        self._starting, self._busy = {}, {}

    def _hire(self) -> None:
        places = self.size - len(self._busy) - len(self._starting)
        for _ in range(min(places, len(self._waiting) - len(self._starting))):
            worker = self._actor.remote(self._job)
            self._starting[worker.ready.remote()] = worker

    def _mention_waiting(self) -> None:
        if self._attempts or time.monotonic() < self._mention_at:
            return
        self._mention_at = math.inf
        logger.warning(
            "no worker has started in %g s: %s has %s, of which others may use a part",
            QUIET_S, self._cluster.name, self._cluster.resources(),
        )  # fmt: skip

    def _arrived(self, ready: Any) -> None:
        """Give a worker its first shard, or find out why it never came."""
        worker = self._starting.pop(ready)
        try:
            ray_library().get(ready)
        except ray_library().exceptions.RayError as error:
            if getattr(error, "actor_init_failed", True):
                raise RunError(f"workers cannot start: {_last_line(error)}") from error
            self._deaths_at_start += 1
            if self._deaths_at_start >= STARTS:
                raise RunError(f"{STARTS} workers in a row died while they started: {error}") from error
            return
        self._deaths_at_start = 0
        self._assign(worker)

    def _assign(self, worker: Any) -> None:
        if not self._waiting:
            ray_library().kill(worker)
            return
        shard = self._waiting.popleft()
        self._attempts[shard.name] += 1
        self._busy[worker.write.remote(shard)] = _Duty(worker, shard)

    def _heard(self, generator: Any) -> None:
        """Take what a worker says of its shard: a count, a report, or how it failed."""
        shard = self._busy[generator].shard
        try:
            news = ray_library().get(next(generator))
        except ray_library().exceptions.RayError as error:
            self._break_off(generator, error)
            return
        if isinstance(news, Count):
            self._counts[shard.name] = news
            return
        self._assign(self._busy.pop(generator).worker)  # first of all, as it waits for that
        self._counts.pop(shard.name, None)
        self._ended += Count(news.accepted, news.rejected)
        self.outcome.reports[shard.name] = news
        self._failed_in_a_row = 0
        if shard.name in self._quarantined:
            self._folder.release(shard.name)

    def _stop_the_slow(self) -> None:
        limit = self._crew.shard_timeout_s or math.inf
        for generator, duty in list(self._busy.items()):
            if time.monotonic() - duty.since > limit:
                self._break_off(generator, ShardTimeoutError(f"took longer than shard_timeout_s={limit:g}"))

    def _break_off(self, generator: Any, error: Exception) -> None:
        duty = self._busy.pop(generator)
        ray_library().kill(duty.worker)
        self._failed(duty.shard, error)

    def _failed(self, shard: Shard, error: Exception) -> None:
        """Try the shard again later, with another worker, or put it into quarantine."""
        self._counts.pop(shard.name, None)
        if getattr(error, "preempted", False):  # the node was taken away with notice; nobody's fault
            self._attempts[shard.name] -= 1
        attempts, reason = self._attempts[shard.name], _reason(error)
        if attempts < self._crew.max_attempts:
            logger.warning("%s failed (attempt %d), will be tried again: %s", shard.name, attempts, reason)
            self._waiting.append(shard)
            return
        text = COLORS.sub("", str(error))
        failure = Failure(shard.name, shard.first_index, shard.num_requests, attempts, reason, text)
        self._folder.quarantine(failure)
        self.outcome.failures[shard.name] = failure
        logger.error("%s failed %d times, is now in quarantine: %s", shard.name, attempts, reason)
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= GIVE_UP_AFTER:
            raise RunError(f"{GIVE_UP_AFTER} shards in a row failed, the last with: {reason}")


def run_shards(workforce: Workforce, progress: Progress, check: Callable[[], None] = lambda: None) -> Outcome:
    """Make all shards of a workforce.

    Args:
        workforce: to be kept busy.
        progress: shown how far it is.
        check: called several times a second; may raise to end the run.

    Returns:
        What was made and what failed since this start of the run.

    Raises:
        RunError, ClusterError, StorageError: see `Workforce.step`; workers are stopped then, too.
    """
    try:
        while not workforce.is_done():
            check()
            workforce.step()
            progress.update(workforce.count)
    except ClusterError:
        raise  # there is nobody to dismiss, and no way to
    except BaseException:
        workforce.dismiss()
        raise
    finally:
        progress.close()
    workforce.dismiss()
    return workforce.outcome


def _all_ready(references: list[Any]) -> list[Any]:
    """Wait a moment for the first news; return all there are."""
    ready, later = ray_library().wait(references, num_returns=1, timeout=WAIT_S)
    if ready and later:
        ready += ray_library().wait(later, num_returns=len(later), timeout=0)[0]
    return list(ready)


def _crew_size(crew: Crew, cluster: Cluster) -> int:
    room = cluster.room(crew.cpus, crew.gpus)
    if room == 0 and (cluster.is_private or crew.workers == "auto"):
        raise RunError(
            f"{cluster.name} has no room for a worker of {crew.cpus:g} CPU and {crew.gpus:g} GPU; it has "
            f"{cluster.resources()}. Lower cpus_per_worker or gpus_per_worker, or set workers to a number to "
            "wait for the cluster to grow"
        )
    return room if crew.workers == "auto" else crew.workers


def _reason(error: Exception) -> str:
    if isinstance(error, ray_library().exceptions.RayActorError):
        return "its worker died (out of memory, killed, crashed, or its node was lost)"
    return _last_line(error)


def _last_line(error: Exception) -> str:
    """Return the last line of a traceback, without the module of the exception."""
    return re.sub(r"^(\w+\.)+(?=\w+: )", "", str(error).strip().rpartition("\n")[2])
