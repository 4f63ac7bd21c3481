"""Workers of `generate` in the tests' own process, for tests that are about something else than Ray.

A worker of Ray takes seconds to start, whatever it has to do. Here the crew's own code talks to the same
workers through what it uses of Ray: they are made and asked at once, and what goes in and out is pickled.
"""

import contextlib
import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import ray

ROOM = 3
NAME = "the process of the tests"


class _Actor:
    """A worker that is made when its first method is asked for; methods have `remote` as Ray's have."""

    def __init__(self, worker: type, *args: Any) -> None:
        self._make, self._worker = partial(worker, *_sent(args)), None
        self.ready = SimpleNamespace(remote=lambda: partial(_told, self._ready))
        self.write = SimpleNamespace(remote=lambda shard: _News(lambda: self._worker.write(_sent(shard))))

    def _ready(self) -> None:
        self._worker = self._make()
        self._worker.ready()


class _News:
    """What a generator of Ray is: each `next` gives something that `get` turns into a value or an error."""

    def __init__(self, start: Callable[[], Iterator[Any]]) -> None:
        self._start, self._values = start, None

    def __next__(self) -> Callable[[], Any]:
        if self._values is None:
            self._values = self._start()
        return partial(_told, partial(next, self._values))


class _Library:
    """The part of `import ray` that `synthgen.actors` uses."""

    exceptions = ray.exceptions

    @staticmethod
    def remote(**_: Any) -> Callable[[type], Any]:
        return lambda worker: SimpleNamespace(remote=partial(_Actor, worker))

    @staticmethod
    def wait(all_news: Sequence[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        return list(all_news[:num_returns]), list(all_news[num_returns:])

    @staticmethod
    def get(news: Callable[[], Any]) -> Any:
        return news()

    @staticmethod
    def kill(worker: _Actor) -> None:
        worker._worker = None


class _Cluster:
    name, is_private = NAME, False

    def room(self, cpus: float, gpus: float) -> int:
        return 0 if gpus else int(ROOM / cpus)

    def resources(self) -> str:
        return f"{ROOM} CPU, 0 GPU"

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


def _sent(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def _told(ask: Callable[[], Any]) -> Any:
    try:
        return _sent(ask())
    except Exception as error:
        raise ray.exceptions.RayTaskError("worker", traceback.format_exc(), error) from error


@contextlib.contextmanager
def workers_here() -> Iterator[None]:
    """Let runs of `generate` start their workers in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synthgen.cluster.join", lambda address, slots: _Cluster())
        patch.setattr("synthgen.actors.ray_library", lambda: _Library)
        yield
