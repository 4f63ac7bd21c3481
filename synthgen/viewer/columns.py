"""What samples can be chosen by: family, scores, labels, words of the key; gathered sample by sample.

Each fact is a row of (position, value), so memory is that of the facts alone: a hundred thousand samples with
four scores take some megabytes, and a choice among them some milliseconds.
"""

import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Order = Literal["", "asc", "desc"]
LABELS = ("smpl", "keypoints_2d", "keypoints_3d", "camera")
MAX_NAMES = 400  # families and scores told apart; hostile shards can make up any number
Positions = NDArray[np.int64]
_NONE: tuple[Positions, NDArray[Any]] = (np.zeros(0, np.int64), np.zeros(0, np.float32))


@dataclass(frozen=True)
class Choice:
    """Which samples are wanted; all conditions hold together.

    Attributes:
        family: pose family of somebody in the picture; "" for any.
        score: name of a score; "" for none.
        low: least value of it, of the picture or of somebody in it.
        high: greatest value of it.
        order: by that score, the smallest first ("asc") or the greatest ("desc"); "" for that of the shards.
        lacks: label that somebody in the picture, or the picture, does not have; "" for any.
        words: part of the key.
        keys: one of these; None for any.
    """

    family: str = ""
    score: str = ""
    low: float = -math.inf
    high: float = math.inf
    order: Order = ""
    lacks: str = ""
    words: str = ""
    keys: frozenset[str] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it takes all samples in their order."""
        return self.keys is None and not (self.family or self.score or self.lacks or self.words)


class _Pairs:
    """Rows of (position, value)."""

    def __init__(self, kind: Literal["f", "L"]) -> None:
        self.positions, self.values = array("L"), array(kind)

    def add(self, position: int, value: float) -> None:
        self.positions.append(position)
        self.values.append(value)  # type: ignore[arg-type]

    def arrays(self) -> tuple[Positions, NDArray[Any]]:
        return np.array(self.positions, np.int64), np.array(self.values)


class Columns:
    """Facts of samples, by position; may be filled by one thread and asked by others."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._keys: list[str] = []
        self._last: tuple[tuple[Choice, int], Positions] | None = None
        self._families: dict[str, int] = {}
        self._in_family = _Pairs("L")
        self._scores: dict[str, _Pairs] = {}
        self._lacking = {name: array("L") for name in LABELS}

    def add(self, key: str, record: Mapping[str, Any]) -> None:
        """Take in the next sample by its JSON record; whatever is damaged in it is passed over."""
        people = record.get("people")
        people = [one for one in people if isinstance(one, dict)] if isinstance(people, list) else []
        families = {name for one in people if isinstance(name := one.get("family"), str)}
        with self._lock:
            position = len(self._keys)
            self._keys.append(key)
            for name in families:
                number = self._families.setdefault(name, len(self._families))
                if number < MAX_NAMES:
                    self._in_family.add(position, number)
            for name, value in _scores([record, *people]):
                if name in self._scores or len(self._scores) < MAX_NAMES:
                    self._scores.setdefault(name, _Pairs("f")).add(position, value)
            for label in _lacking(record, people):
                self._lacking[label].append(position)

    def families(self) -> dict[str, int]:
        """Return how many pictures show each pose family."""
        with self._lock:
            names, (_, numbers) = list(self._families)[:MAX_NAMES], self._in_family.arrays()
        counts = np.bincount(numbers.astype(np.int64), minlength=len(names))
        return dict(sorted(zip(names, counts.tolist(), strict=True), key=lambda one: (-one[1], one[0])))

    def scores(self) -> dict[str, tuple[float, float]]:
        """Return least and greatest value of each score."""
        with self._lock:
            found = {name: pairs.arrays()[1] for name, pairs in self._scores.items()}
        return {name: (float(found[name].min()), float(found[name].max())) for name in sorted(found)}

    def lacking(self) -> dict[str, int]:
        """Return how many pictures lack each label."""
        with self._lock:
            return {name: len(rows) for name, rows in self._lacking.items()}

    def select(self, choice: Choice) -> Positions:
        """Return the positions of a choice, of the samples taken in so far; the last answer is kept."""
        asked = (choice, len(self._keys))
        last = self._last
        if last is None or last[0] != asked:
            self._last = last = (asked, self._select(choice))
        return last[1]

    def _select(self, choice: Choice) -> Positions:
        with self._lock:
            chosen = np.ones(len(self._keys), bool)
            rows, values = _NONE
            if choice.family:
                chosen &= _mask(self._of_family(choice.family), len(chosen))
            if choice.lacks:
                chosen &= _mask(np.array(self._lacking.get(choice.lacks, ()), np.int64), len(chosen))
            if choice.words:
                chosen &= np.fromiter((choice.words in key for key in self._keys), bool, len(chosen))
            if choice.keys is not None:
                chosen &= np.fromiter((key in choice.keys for key in self._keys), bool, len(chosen))
            if choice.score in self._scores:
                rows, values = self._scores[choice.score].arrays()
        if choice.score:
            inside = (values >= np.float32(choice.low)) & (values <= np.float32(choice.high))
            rows, values = rows[inside], values[inside]
            chosen &= _mask(rows, len(chosen))
        if choice.score and choice.order:
            kept = chosen[rows]
            return _ordered(rows[kept], values[kept], choice.order)
        return np.flatnonzero(chosen)

    def _of_family(self, name: str) -> Positions:
        rows, numbers = self._in_family.arrays()
        return rows[numbers == self._families.get(name, -1)]


def _mask(rows: Positions, count: int) -> NDArray[np.bool_]:
    found = np.zeros(count, bool)
    found[rows] = True
    return found


def _ordered(rows: Positions, values: NDArray[Any], order: Order) -> Positions:
    """Return each position once, sorted by its smallest ("asc") or greatest value."""
    by_value = np.lexsort((rows, values if order == "asc" else -values))
    _, first = np.unique(rows[by_value], return_index=True)
    return rows[by_value][np.sort(first)]


def _scores(nodes: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, float]]:
    for node in nodes:
        scores = node.get("scores")
        for name, value in scores.items() if isinstance(scores, dict) else ():
            if isinstance(value, int | float) and abs(value) < 1e30:  # neither NaN nor infinite
                yield name, float(value)


def _lacking(record: Mapping[str, Any], people: list[dict[str, Any]]) -> Iterable[str]:
    if not isinstance(record.get("camera"), dict):
        yield "camera"
    for label in LABELS[:3]:
        valid = [one.get("valid") for one in people]
        if not people or not all(isinstance(one, dict) and one.get(label) is True for one in valid):
            yield label
