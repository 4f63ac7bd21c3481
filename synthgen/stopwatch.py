"""Seconds spent in each stage of a shard, for its report. Times never touch what is generated."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up wall-clock seconds by stage; several threads may use it at once.

    Stages that run side by side each count in full, so that all together may exceed the time that passed.

    Attributes:
        seconds: so far, by stage.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._adding = threading.Lock()
        self._own = threading.local()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time spent inside the block towards a stage, but for what is skipped there."""
        start = self._now()
        try:
            yield
        finally:
            spent = self._now() - start
            with self._adding:
                self.seconds[name] = self.seconds.get(name, 0.0) + spent

    def skip(self, seconds: float) -> None:
        """Leave out time that this thread has spent waiting for others."""
        self._own.skipped = self._skipped() + seconds

    def reset(self) -> None:
        """Start again from zero; a dictionary handed out before keeps its numbers."""
        self.seconds = {}

    def _now(self) -> float:
        return time.perf_counter() - self._skipped()

    def _skipped(self) -> float:
        return float(getattr(self._own, "skipped", 0.0))
