"""Overlap within a worker: while the networks work on a batch, others are prepared, measured and written.

Batches go through the method side by side, in lanes. What cannot be shared has a thread of its own: the
networks in one, which gives each of them one batch at a time; source and renderer in another, as graphics
contexts belong to the thread that made them. Nothing of this can show in a result: no batch depends on
another, and what comes of them is handed out in order.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from synthgen.models import Models
from synthgen.stopwatch import Stopwatch

LANES = 2  # batches on their way at once: one has the networks, the other what needs none
T = TypeVar("T")
R = TypeVar("R")


def in_order(
    batches: Iterable[T], make: Callable[[T], Sequence[R]], lanes: int = LANES
) -> Generator[R, None, None]:
    """Make batches side by side and yield what comes of each, in order.

    At most `lanes` batches are being made or wait to be asked for, beside the one that is handed out. Close
    the generator to be sure that its threads have ended.

    Raises:
        Exception: whatever `make` raises, once the batches before have been handed out. Batches that were not
            begun are dropped, those under way are waited for.
    """
    under_way: deque[Future[Sequence[R]]] = deque()
    with ThreadPoolExecutor(lanes, "lane") as pool:
        try:
            for batch in batches:
                under_way.append(pool.submit(make, batch))
                if len(under_way) > lanes:
                    yield from under_way.popleft().result()
            while under_way:
                yield from under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


class Studio:
    """Models in threads of their own, ready to be used by several lanes at once.

    Args:
        load: loads the models; called in the thread that their source and renderer then live in.

    Attributes:
        models: to be used from any thread.
        clock: theirs.
    """

    def __init__(self, load: Callable[[], Models]) -> None:
        self.clock = Stopwatch()
        self._graphics, self._networks = Room("graphics", self.clock), Room("networks", self.clock)
        try:
            self.models = self._share(self._graphics.call(load))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the threads."""
        for room in (self._graphics, self._networks):
            room.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _share(self, models: Models) -> Models:
        at_home: dict[str, Any] = {
            "source": Resident(models.source, self._graphics),
            "renderer": Resident(models.renderer, self._graphics),
            "roles": {role: Resident(backend, self._networks) for role, backend in models.roles.items()},
        }
        return replace(models, clock=self.clock, call=self._networks.call, **at_home)


class Room:
    """A thread that does what it is called for, one call after the other."""

    def __init__(self, name: str, clock: Stopwatch) -> None:
        self._clock = clock
        self._pool = ThreadPoolExecutor(1, name)
        self._thread = self._pool.submit(threading.get_ident).result()

    def call(self, function: Callable[..., R], *args: Any, **options: Any) -> R:
        """Call a function in this thread; waiting for its turn counts for no stage of the clock."""
        if threading.get_ident() == self._thread:
            return function(*args, **options)
        asked = time.perf_counter()
        answer, seconds = self._pool.submit(_timed, partial(function, *args, **options)).result()
        self._clock.skip(time.perf_counter() - asked - seconds)
        return answer

    def close(self) -> None:
        """End the thread, once it has done what it was called for."""
        self._pool.shutdown()


class Resident:
    """Something that lives in a room: whoever calls it, or a method of it, has it work there."""

    def __init__(self, thing: Any, room: Room) -> None:
        self.__dict__.update(_thing=thing, _room=room)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call it in its room."""
        return self._room.call(self._thing, *args, **options)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._thing, name)
        return partial(self._room.call, value) if callable(value) else value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._thing, name, value)


def _timed(function: Callable[[], R]) -> tuple[R, float]:
    start = time.perf_counter()
    answer = function()
    return answer, time.perf_counter() - start
