"""Keeps the last few files of sequences that were read, so that their pictures are read in any order."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Remembers what `load` returned for the last few names.

    Args:
        load: reads the sequence of a number.
        size: how many are kept.
    """

    def __init__(self, load: Callable[[int], T], size: int = 2) -> None:
        self._load, self._size = load, size
        self._kept: OrderedDict[int, T] = OrderedDict()

    def __call__(self, number: int) -> T:
        """Return a sequence, read or remembered."""
        if number not in self._kept:
            self._kept[number] = self._load(number)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]
