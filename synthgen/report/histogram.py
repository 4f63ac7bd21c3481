"""Counts of a number over fixed bins: filled from a stream, read as bars, shares and quantiles.

Memory does not grow with the number of values; the bins are fine, and drawing joins as many as it needs.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

NICE_STEPS = (1, 2, 5)


class Histogram:
    """Counts over equal bins that cover [low, high]; values beyond fall into the bin at that end.

    Attributes:
        low: left edge of the first bin.
        width: of a bin.
        counts: (bins,) int64.
    """

    def __init__(self, low: float, high: float, bins: int) -> None:
        if bins < 1 or not low < high:
            raise ValueError(f"Histogram needs low < high and bins >= 1, got {low}, {high}, {bins}")
        self.low = low
        self.width = (high - low) / bins
        self.counts: NDArray[np.int64] = np.zeros(bins, np.int64)

    def add(self, values: ArrayLike) -> None:
        """Count finite values of any shape."""
        place = np.floor((np.asarray(values, np.float64).ravel() - self.low) / self.width)
        place = np.clip(place, 0, len(self.counts) - 1).astype(np.int64)
        self.counts += np.bincount(place, minlength=len(self.counts))

    @property
    def total(self) -> int:
        """Number of values counted."""
        return int(self.counts.sum())

    def quantile(self, share: float) -> float:
        """Return the value below which `share` of all values lie, exact to one bin; 0 of no values."""
        if not self.total:
            return 0.0
        below = np.concatenate([[0], np.cumsum(self.counts)])
        index = int(np.clip(np.searchsorted(below, share * self.total) - 1, 0, len(self.counts) - 1))
        index = max(index, int(np.flatnonzero(self.counts)[0]))
        inside = (share * self.total - below[index]) / max(self.counts[index], 1)
        return float(self.low + (index + min(max(inside, 0.0), 1.0)) * self.width)

    def bars(self, max_bars: int) -> list[tuple[float, float, int]]:
        """Return (left, right, count) of at most `max_bars` + 1 bars of a round width, where values are."""
        occupied = np.flatnonzero(self.counts)
        if not len(occupied):
            return []
        span = (int(occupied[-1]) - int(occupied[0]) + 1) * self.width
        width = max(round_step(span / max_bars), self.width)
        first = math.floor((self.low + occupied[0] * self.width) / width + 1e-9)
        middles = self.low + (np.arange(len(self.counts)) + 0.5) * self.width
        place = np.floor(middles / width).astype(int) - first
        joined = np.bincount(place[occupied], weights=self.counts[occupied])
        return [((first + i) * width, (first + i + 1) * width, int(n)) for i, n in enumerate(joined)]


def round_step(at_least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is not under `at_least` (> 0)."""
    return next(step for step in _round_numbers(at_least) if step >= at_least * (1 - 1e-9))


def _round_numbers(near: float) -> Iterator[float]:
    power = math.floor(math.log10(near))
    for exponent in (power, power + 1):
        for step in NICE_STEPS:
            yield step * 10.0**exponent


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` + 1 round numbers, evenly spaced, in [low, high], where low < high."""
    step = round_step((high - low) / most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]
