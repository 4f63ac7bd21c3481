"""What glibc does with memory that was freed; elsewhere nothing changes.

Blocks of megabytes are given back to the system as soon as they are freed, and the next ones are taken anew,
page by page and full of zeros: of a float32 training step of the released DPMesh that is a sixth.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Parameters of mallopt(3), and what they are in a process that has freed large blocks: glibc raises its two
# thresholds by that, but not any more once somebody has set one.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_DEFAULTS = {_TRIM_THRESHOLD: 64 << 20, _MMAP_THRESHOLD: 32 << 20, _MMAP_MAX: 1 << 16}
_KEEPING = {_TRIM_THRESHOLD: -1, _MMAP_MAX: 0}  # never shrink, and take no block from the system by itself


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep memory that is freed for the next use, until this is left; then give it all back.

    For work that does the same again and again, as training does: it holds no more at its peak, but as much
    all the time. For the whole process, other threads included.
    """
    keep_memory()
    try:
        yield
    finally:
        _set(_DEFAULTS)
        trim()


def keep_memory() -> None:
    """Keep memory that is freed for the next use as long as the process lives."""
    _set(_KEEPING)


def trim() -> None:
    """Give memory that was freed back to the system, as far as it lies between what is still used, too.

    What weights of a model leave behind when they are folded is in pieces between those that stay: for the
    released DPMesh a quarter of a gigabyte.
    """
    if give_back := _function("malloc_trim"):
        give_back(0)


def _set(values: dict[int, int]) -> None:
    if change := _function("mallopt"):
        for parameter, value in values.items():
            change(parameter, value)


def _function(name: str) -> Any:
    """Return a function of the C library, None where it has none of this name."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
