"""How far a run is: a bar on a terminal, otherwise one line every ten seconds."""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

LINE_EVERY_S = 10.0
BAR = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}"


@dataclass(frozen=True)
class Count:
    """Requests that ended.

    Attributes:
        accepted: as samples.
        rejected: as rejections.
    """

    accepted: int = 0
    rejected: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.accepted + other.accepted, self.rejected + other.rejected)

    def __sub__(self, other: "Count") -> "Count":
        return Count(self.accepted - other.accepted, self.rejected - other.rejected)

    @property
    def total(self) -> int:
        """Accepted and rejected together."""
        return self.accepted + self.rejected


class Progress:
    """Shows how a run goes on.

    Args:
        run: name of the run.
        total: requests of the whole run.
        before: what earlier starts of the run have done.
        show: writes one line where there is no terminal.
    """

    def __init__(self, run: str, total: int, before: Count, show: Callable[[str], None]) -> None:
        self._run, self._total, self._before, self._show = run, total, before, show
        self._start = self._last = time.monotonic()
        self._open = ExitStack()
        self._bar = self._make_bar() if sys.stderr.isatty() else None

    def update(self, done: Count) -> None:
        """Show a state; call it often.

        Args:
            done: by this start of the run, finished and unfinished shards together.
        """
        now = time.monotonic()
        if self._bar is not None:
            self._bar.set_postfix_str(self._words(done), refresh=False)
            self._bar.n = (self._before + done).total
            self._bar.refresh()
        elif now - self._last >= LINE_EVERY_S:
            self._last = now
            self._show(self.line(done))

    def line(self, done: Count) -> str:
        """Return the state as one line."""
        everything = self._before + done
        left = self._remaining_s(done)
        text = f"{self._run}: {everything.total}/{self._total} pictures, {self._words(done)}"
        return f"{text}, about {_duration(left)} left" if left is not None else text

    def close(self) -> None:
        """Leave the terminal tidy."""
        self._open.close()

    def rate(self, done: Count) -> float:
        """Return requests ended per second since this start."""
        return done.total / max(time.monotonic() - self._start, 1e-9)

    def _words(self, done: Count) -> str:
        all_done = self._before + done
        return f"{all_done.accepted} accepted, {all_done.rejected} rejected, {self.rate(done):.1f} pictures/s"

    def _remaining_s(self, done: Count) -> float | None:
        rate = self.rate(done)
        return (self._total - (self._before + done).total) / rate if done.total else None

    def _make_bar(self) -> Any:
        from tqdm import tqdm
        from tqdm.contrib.logging import logging_redirect_tqdm

        self._open.enter_context(logging_redirect_tqdm())  # log lines go above the bar
        bar = tqdm(
            total=self._total,
            initial=self._before.total,
            desc=self._run,
            unit="pic",
            bar_format=BAR,
            dynamic_ncols=True,
        )
        return self._open.enter_context(bar)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
