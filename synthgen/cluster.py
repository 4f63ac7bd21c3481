"""Joining Ray: the cluster of the job we run in, one named by its address, or a private one on this machine.

A private cluster is quiet, keeps little shared memory, has no dashboard and ends with the process. It never
reuses what an earlier, killed cluster left behind.
"""

import json
import logging
import os
import socket
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ADDRESS_VARIABLE = "RAY_ADDRESS"  # set by `ray job submit`, and by users who work with one cluster
JOB_VARIABLE = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # set in the entry point of a Ray job
# Workers fill the cores, and sums of several threads round differently than those of one.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# A node ends itself if its helpers are not up within 15 s, which no option changes, and which a busy machine
# may miss while they are read and compiled for the first time. Every start finds more of that done.
STARTS = 4
NOT_IN_TIME = "timed out during startup"  # Ray says so in an error of no class of its own
PATIENCE = {"RAY_gcs_server_port_wait_time_s": "180", "RAY_worker_register_timeout_seconds": "180"}
PACKAGE = Path(__file__).resolve().parent
OBJECT_STORE_BYTES = 80 << 20  # the least that Ray takes; only counts and reports travel
CONNECT_S = 5.0
CHECK_EVERY_S = 1.0
PRIVATE_LOST_S = 3.0  # without an answer from the head node
LOST_S = 20.0  # the same of a cluster whose head may be restarted
GRACE_S = 2.0  # for the main thread to end by itself

logger = logging.getLogger(__name__)


class ClusterError(RuntimeError):
    """Ray cannot be reached, or is gone; the message says what to do."""


class Cluster:
    """A connection to Ray, and a watch on it: once Ray is gone, a call into it blocks for a minute or more.

    Attributes:
        name: for messages.
        is_private: started by us, on this machine, for this run.
    """

    def __init__(self, name: str, is_private: bool, is_shared: bool = False) -> None:
        self.name, self.is_private = name, is_private
        self._is_shared = is_shared
        self._head = _host_and_port(ray_library().get_runtime_context().gcs_address)
        self._lost = ""
        self._told = False
        self._checked = time.monotonic()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="cluster-watch", daemon=True).start()

    def room(self, cpus: float, gpus: float) -> int:
        """Return how many workers of this size the cluster holds now, whoever uses it."""
        have = ray_library().cluster_resources()
        needs = {"CPU": cpus, "GPU": gpus}
        return min(int(have.get(kind, 0.0) / need + 1e-6) for kind, need in needs.items() if need > 0)

    def resources(self) -> str:
        """Return how much there is, for messages: "2 CPU, 1 GPU"."""
        have = ray_library().cluster_resources()
        return ", ".join(f"{have.get(kind, 0):g} {kind}" for kind in ("CPU", "GPU"))

    def check(self) -> None:
        """See that the cluster is still there.

        Raises:
            ClusterError: the head node has not answered for some seconds, or no node is left.
        """
        is_due = time.monotonic() - self._checked >= CHECK_EVERY_S
        if is_due and not self._lost:
            self._checked = time.monotonic()
            if not any(node["Alive"] for node in ray_library().nodes()):
                self._lost = f"lost {self.name}: its last node is gone"
        if self._lost:
            self._told = True
            raise ClusterError(self._lost)

    def close(self) -> None:
        """Leave; a private cluster ends with that. A lost one is left to the watch, as leaving it blocks."""
        if self._lost:
            return
        self._closed.set()
        if not self._is_shared:
            ray_library().shutdown()

    def _watch(self) -> None:
        patience_s = PRIVATE_LOST_S if self.is_private else LOST_S
        answered = time.monotonic()
        while time.monotonic() - answered < patience_s:
            if self._closed.wait(CHECK_EVERY_S):
                return
            if _answers(*self._head, timeout_s=1.0):
                answered = time.monotonic()
        self._lost = self._lost or f"lost {self.name}: its head node does not answer any more"
        time.sleep(GRACE_S)
        if not self._told:  # the main thread is stuck in a call into Ray; nothing on disk is half-written
            logger.error("%s; the same command goes on from here", self._lost)
        os._exit(1)


def ray_library() -> Any:
    """Import Ray, which takes a while, and keep it from calling home."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    return ray


def in_job() -> bool:
    """Tell whether this process is the entry point of a Ray job."""
    return JOB_VARIABLE in os.environ


def join(address: str, slots: int) -> Cluster:
    """Connect this process to Ray.

    Args:
        address: "auto" for the cluster that RAY_ADDRESS names (as within a Ray job) or else a private one,
            "local" for a private one, or "host:port" of a head node.
        slots: CPUs that a private cluster shall offer at least, even where the machine has fewer.

    Raises:
        ClusterError: there is no such cluster, or none can be started.
    """
    target = os.environ.get(ADDRESS_VARIABLE) or "local" if address == "auto" else address
    if target != "local":
        _check_address(target)
    if ray_library().is_initialized():
        return Cluster("the Ray cluster of this process", is_private=False, is_shared=True)
    return _start_private(slots) if target == "local" else _connect(target)


def _start_private(slots: int) -> Cluster:
    for left in reversed(range(STARTS)):
        try:
            _start(slots)
            break
        except Exception as error:
            _end_what_started(error)
            if not left or NOT_IN_TIME not in str(error):
                raise ClusterError(f"Ray cannot be started on this machine: {error}") from error
            logger.warning("Ray did not start in time, as happens on a busy machine; it is started again")
    return Cluster("the Ray cluster on this machine", is_private=True)


def _start(slots: int) -> None:
    # The raylet hands its environment on to the workers, which may start in any folder.
    paths = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    limits = {name: os.environ.get(name, value) for name, value in PATIENCE.items()}
    with _environment({"PYTHONPATH": os.pathsep.join(paths), **ONE_THREAD, **limits}):
        ray_library().init(
            address="local",
            num_cpus=slots if slots > (os.cpu_count() or 1) else None,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )


def _end_what_started(error: Exception) -> None:
    """End the processes of a node whose making raised `error`; Ray itself forgets them until we exit."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        end = getattr(frame.f_locals.get("self"), "kill_all_processes", None)
        if end is not None:
            end(check_alive=False, allow_graceful=False)


def _check_address(target: str) -> None:
    if "://" in target:
        raise ClusterError(
            f"Ray address {target!r}: expected host:port of a head node. A URL is where `ray job submit` "
            f"sends jobs to; to run on this machine, unset {ADDRESS_VARIABLE} or add ray=local"
        )
    if target != "auto" and not _answers(*_host_and_port(target), timeout_s=CONNECT_S):
        raise ClusterError(
            f"no Ray cluster answers at {target}; start one with `ray start --head`, or use ray=local"
        )


def _connect(target: str) -> Cluster:
    # Ray refuses variables that the job has set as well. Within a job its working directory is on every node
    # already; others bring the package along.
    job_env = json.loads(os.environ.get(JOB_VARIABLE, "{}")).get("runtime_env") or {}
    taken = job_env.get("env_vars") or {}
    runtime_env: dict[str, Any] = {
        "env_vars": {name: value for name, value in ONE_THREAD.items() if name not in taken}
    }
    if not in_job():
        runtime_env["py_modules"] = [str(PACKAGE)]
    try:
        ray_library().init(
            address=target, runtime_env=runtime_env, log_to_driver=False, logging_level=logging.ERROR
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ClusterError(f"the Ray cluster at {target} cannot be joined: {error}") from error
    return Cluster(f"the Ray cluster at {target}", is_private=False)


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ClusterError(f"Ray address {address!r}: expected host:port, such as 10.0.0.1:6379")
    return host.strip("[]"), int(port)


def _answers(host: str, port: int, timeout_s: float) -> bool:
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False
