"""What backends share: checks of their keys, batches cut into groups of one size."""

import math
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True)
class Range:
    """Allowed values of a number: from `low` to `high`, `low` itself excluded when `is_open`."""

    low: float
    high: float = math.inf
    is_open: bool = False

    def holds(self, value: float) -> bool:
        """Return whether the value is allowed; NaN never is."""
        return self.low <= value <= self.high and not (self.is_open and value == self.low)

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"{'>' if self.is_open else '>='} {self.low:g}"
        return f"in {'(' if self.is_open else '['}{self.low:g}, {self.high:g}]"


def range_problems(owner: Any, ranges: Mapping[str, Range]) -> list[str]:
    """Return one line for each field of a backend that lies outside its range."""
    return [
        f"{name} must be {allowed}, got {getattr(owner, name)}"
        for name, allowed in ranges.items()
        if not allowed.holds(getattr(owner, name))
    ]


def id_problems(owner: Any, *names: str) -> list[str]:
    """Return one line for each id that is empty."""
    return [
        f"{name} must be a folder, a hub id or embedded/<name>, got an empty text"
        for name in names or ("id",)
        if not getattr(owner, name).strip()
    ]


def raise_problems(problems: Sequence[str]) -> None:
    """Raise ValueError with all problems, one a line, if there are any."""
    if problems:
        raise ValueError("\n".join(problems))


def ready(loaded: T | None, owner: Any) -> T:
    """Return what `setup` loaded; raise RuntimeError where it was not called."""
    if loaded is None:
        raise RuntimeError(f"{type(owner).__name__}: call setup(device, dtype) before using it")
    return loaded


def fixed_groups(count: int, size: int) -> Iterator[tuple[list[int], int]]:
    """Cut 0..count-1 into groups that all have `size` members, the last one filled up with its own first.

    Kernels pick other algorithms for other batch sizes, so that the last bits of a result would depend on how
    many neighbours a picture has. In groups of one size they do not, on the CPU not even in the last bit.

    Yields:
        The members of a group, and how many of them are new.
    """
    for start in range(0, count, size):
        members = list(range(start, min(start + size, count)))
        yield members + members[:1] * (size - len(members)), len(members)


def split_like(values: Sequence[T], groups: Sequence[Sized]) -> list[list[T]]:
    """Cut a list into as many parts as there are groups, each as long as its group."""
    ends = np.cumsum([len(group) for group in groups], dtype=int).tolist()
    return [list(values[end - len(group) : end]) for end, group in zip(ends, groups, strict=True)]


def check_lengths(**lists: Sized) -> None:
    """Raise ValueError unless all lists are as long as the first."""
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"one of each is needed for every picture, got {lengths}")


def check_images(images: Sequence[Any]) -> None:
    """Raise ValueError unless all pictures are (H, W, 3) uint8, not empty."""
    for number, image in enumerate(images):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(f"picture {number} must be (H, W, 3) uint8, got {image.shape} {image.dtype}")


def check_boxes(images: Sequence[Any], boxes: Sequence[Any]) -> None:
    """Raise ValueError unless each picture has boxes (N, 4) of finite numbers; N may be 0."""
    check_lengths(images=images, boxes=boxes)
    for number, found in enumerate(boxes):
        if found.ndim != 2 or found.shape[1] != 4 or not np.isfinite(found).all():
            raise ValueError(f"boxes of picture {number} must be (N, 4) finite xyxy, got {found}")
