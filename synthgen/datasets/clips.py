"""Frames of many clips numbered through, so that the n-th picture of a data set is found without a list."""

from collections.abc import Sequence

import numpy as np


class Clips:
    """Numbers the frames of clips one after the other.

    Args:
        counts: frames of each clip.
        every: only every n-th frame of each counts.
    """

    def __init__(self, counts: Sequence[int], every: int = 1) -> None:
        if every < 1:
            raise ValueError(f"every must be at least 1, got {every}")
        self._every = every
        self._ends = np.cumsum([-(-count // every) for count in counts], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def locate(self, index: int) -> tuple[int, int]:
        """Return clip and frame of picture `index`."""
        if not 0 <= index < len(self):
            raise IndexError(f"picture {index} of {len(self)}")
        clip = int(np.searchsorted(self._ends, index, side="right"))
        before = int(self._ends[clip - 1]) if clip else 0
        return clip, (index - before) * self._every
