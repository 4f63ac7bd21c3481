"""Trainings with several workers: Ray Train starts them, joins them for gradients, and starts them anew.

What a worker does is a function of the package, `work(plan, device)`, that goes on from the newest checkpoint
by itself; so a killed worker costs what was learnt since then. One worker outside of a Ray job needs no Ray.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from synthgen import storage
from synthgen.cluster import ClusterError, in_job, join, ray_library

logger = logging.getLogger(__name__)

NONE = "none"
_FOLLOW_S = 2.0  # between looks at the rows that the workers write
_FOLDER = "ray"

Work = Callable[[Any, str], None]


@dataclass(frozen=True)
class Workers:
    """Who trains.

    Attributes:
        count: workers; each takes its own part of the data, and gradients are averaged over all.
        cpus: of each, also the threads that it computes with on a CPU.
        gpus: of each.
        restarts: how often workers are started anew after one of them was lost; -1 for always.
        ray: "auto" for the cluster that RAY_ADDRESS names (as within a Ray job) or else a private one on this
            machine; "local" for a private one; host:port of a head node; or "none" to train in this process.
            With "auto", one worker outside of a Ray job trains in this process, too.
    """

    count: int = 1
    cpus: float = 1.0
    gpus: float = 0.0
    restarts: int = 3
    ray: str = "auto"

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [] if self.count >= 1 else [f"count must be at least 1, got {self.count}"]
        if self.cpus <= 0 or self.gpus < 0:
            found.append(f"cpus must be above 0 and gpus at least 0, got {self.cpus} and {self.gpus}")
        if self.restarts < -1:
            found.append(f"restarts must be at least -1, got {self.restarts}")
        if self.ray == NONE and self.count > 1:
            found.append(f"ray=none trains in this process, with one worker, got count={self.count}")
        return found

    def needs_ray(self) -> bool:
        """Tell whether the workers are not this process."""
        return self.ray not in (NONE, "auto") or (self.ray == "auto" and (self.count > 1 or in_job()))


def run(work: Work, plan: Any, workers: Workers, folder: str, device: str) -> None:
    """Train, in this process or on Ray.

    Args:
        work: function of a module of the package: what one worker does, from the newest checkpoint on.
        plan: its first argument; the workers get copies.
        workers: who does it.
        folder: that the workers share, local or an fsspec URL; their metrics are read there.
        device: of a worker in this process; on Ray each has its own.

    Raises:
        ClusterError: Ray cannot be reached, has too little room, or workers failed too often.
    """
    if not workers.needs_ray():
        work(plan, device)
        return
    storage.make_folder(folder)
    cluster = join(workers.ray, workers.count)
    try:
        room = cluster.room(workers.cpus, workers.gpus)
        if room < workers.count:
            raise ClusterError(
                f"{cluster.name} has room for {room} workers of {workers.cpus:g} CPU and {workers.gpus:g} "
                f"GPU ({cluster.resources()}), not for {workers.count}; ask for fewer or smaller ones"
            )
        logger.info("training with %d workers on %s", workers.count, cluster.name)
        with _followed(folder):
            _fit(work, plan, workers, folder)
    finally:
        cluster.close()


def _fit(work: Work, plan: Any, workers: Workers, folder: str) -> None:
    ray_library()
    from ray import train
    from ray.train.torch import TorchConfig, TorchTrainer

    backend = "nccl" if workers.gpus else "gloo"
    trainer = TorchTrainer(
        _loop,
        train_loop_config={"work": work, "plan": plan, "threads": max(1, int(workers.cpus))},
        torch_config=TorchConfig(backend=backend),
        scaling_config=train.ScalingConfig(
            num_workers=workers.count,
            use_gpu=workers.gpus > 0,
            resources_per_worker={"CPU": workers.cpus} | ({"GPU": workers.gpus} if workers.gpus else {}),
        ),
        run_config=train.RunConfig(
            name=secrets.token_hex(
                4
            ),  # checkpoints are the training's own; Ray's state is never gone back to
            storage_path=storage.join(folder, _FOLDER),
            failure_config=train.FailureConfig(max_failures=workers.restarts),
        ),
    )
    try:
        trainer.fit()
    except train.TrainingFailedError as error:
        raise ClusterError(f"training failed: {_reason(error)}") from error


def _loop(config: Mapping[str, Any]) -> None:
    """What Ray calls in each worker, with torch.distributed set up."""
    import torch
    from ray.train.torch import get_device

    logging.getLogger("synthgen").setLevel(logging.INFO)
    torch.set_num_threads(config["threads"])
    config["work"](config["plan"], str(get_device()))


def _reason(error: Exception) -> str:
    failures: Mapping[int, Exception] = getattr(error, "worker_failures", {})
    if not failures:
        return str(error).strip().splitlines()[0]
    rank, failure = min(failures.items())
    lines = [line for line in str(failure).strip().splitlines() if line.strip()]
    return f"worker {rank}: {lines[-1] if lines else type(failure).__name__}"


@contextmanager
def _followed(folder: str) -> Iterator[None]:
    """Log the rows of metrics that the workers write into a folder."""
    done = threading.Event()
    thread = threading.Thread(target=_follow, args=(folder, done), name="follow-metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _follow(folder: str, done: threading.Event) -> None:
    from synthgen.training.journal import rows_of

    last = max((row["step"] for row in rows_of(folder)), default=0)
    is_over = False
    while not is_over:
        is_over = done.wait(_FOLLOW_S)
        for row in rows_of(folder):
            if row["step"] > last:
                last = row["step"]
                logger.info("%s", ", ".join(f"{name} {value:.4g}" for name, value in row.items()))
