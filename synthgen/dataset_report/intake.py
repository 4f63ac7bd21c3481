"""Samples of any shards for the report, spread evenly over all: labels, scores, a hash of the picture.

Generated samples and real pictures alike. Only what is looked at is read, however large the shards are; what
is damaged is counted and passed over.
"""

import io
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np

from synthgen import storage
from synthgen.dataset_report.doubles import HASH_SIDE, perceptual_hash
from synthgen.observation import Notes
from synthgen.shards.observation_records import NobodyError, StoredPicture, from_members, look_at_file
from synthgen.shards.records import IMAGE_FORMATS, JSON_MEMBER, decode_json
from synthgen.shards.shard import read_report, tars
from synthgen.shards.tar_index import TarIndex
from synthgen.storage import StorageError

NOBODY = "pictures without people"
MAX_PROBLEMS = 20
MAX_COUNT = 10**9  # samples of a tar that a report is believed


@dataclass(frozen=True)
class Entry:
    """A sample of the report.

    Attributes:
        position: among all samples of the shards.
        notes: its labels.
        scores: of each person: those of the picture, and of the person.
        hash: of the picture, 64 bits; None where it could not be decoded, or was not to be.
    """

    position: int
    notes: Notes
    scores: tuple[Mapping[str, float], ...]
    hash: int | None = None


@dataclass
class Intake:
    """What was read.

    Attributes:
        total: samples of the shards.
        entries: those that were looked at and have people.
        problems: what could not be read.
    """

    total: int = 0
    entries: list[Entry] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def note(self, problem: str) -> None:
        """Take in a problem, unless there are many already."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


class Shelf:
    """Random access to the samples of some shards.

    Args:
        source: folder of shards or one tar; local path or fsspec URL.

    Raises:
        ValueError: there are no shards.
        StorageError: they cannot be read.
    """

    def __init__(self, source: str) -> None:
        self._indexes = [TarIndex(tar) for tar in tars(source)]
        self._starts = list(accumulate(map(_count, self._indexes), initial=0))

    def __len__(self) -> int:
        return self._starts[-1]

    def members(self, position: int, suffixes: tuple[str, ...]) -> dict[str, bytes]:
        """Return those members of a sample.

        Raises:
            ValueError: the tar ends before it.
            StorageError: it cannot be read.
        """
        place = bisect_right(self._starts, position) - 1
        index, row = self._indexes[place], position - self._starts[place]
        if index.reach(row + 1) <= row:
            raise ValueError(index.problem or f"{index.url}: holds fewer samples than its report says")
        members = index.members(row)
        return {one: storage.read_part(index.url, *members[one]) for one in suffixes if one in members}

    def picture(self, position: int) -> StoredPicture:
        """Return a sample's picture and labels.

        Raises:
            ValueError: it is damaged; NobodyError: nobody is in it.
        """
        return from_members(self.members(position, (*IMAGE_FORMATS, JSON_MEMBER)))


def is_generated(source: str) -> bool | None:
    """Tell whether shards hold generated samples, by the first of them; None where there is none."""
    try:
        shelf = Shelf(source)
        record = decode_json(shelf.members(0, (JSON_MEMBER,))[JSON_MEMBER]) if len(shelf) else None
    except (ValueError, KeyError, StorageError):
        return None
    return None if record is None else "kind" not in record


def spread(total: int, count: int) -> list[int]:
    """Return at most `count` different positions below `total`, evenly spaced."""
    count = min(count, total)
    return [(2 * place + 1) * total // (2 * count) for place in range(count)]


def read(
    shelf: Shelf, most: int, has_hashes: bool = True, progress: Callable[[], object] | None = None
) -> Intake:
    """Read samples spread over the shards.

    Args:
        shelf: of the shards.
        most: how many.
        has_hashes: also decode the pictures, to find doubles.
        progress: called after each.
    """
    found = Intake(len(shelf))
    empty = 0
    for position in spread(len(shelf), most):
        try:
            found.entries.append(_entry(shelf, position, has_hashes))
        except NobodyError:
            empty += 1
        except (ValueError, StorageError) as error:
            found.note(f"sample {position}: {error}")
        if progress is not None:
            progress()
    if empty:
        found.note(f"{empty} {NOBODY} are left out")
    return found


def _entry(shelf: Shelf, position: int, has_hash: bool) -> Entry:
    stored = shelf.picture(position)
    record = decode_json(shelf.members(position, (JSON_MEMBER,))[JSON_MEMBER])
    return Entry(position, stored.notes, _scores(record), _hash(stored.data) if has_hash else None)


def _scores(record: Mapping[str, Any]) -> tuple[Mapping[str, float], ...]:
    whole = record.get("scores") or {}
    return tuple({**whole, **(person.get("scores") or {})} for person in record["people"])


def _hash(data: bytes) -> int | None:
    """Return the hash of an encoded picture, decoded no finer than it needs."""
    from PIL import Image

    try:
        look_at_file(data)
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            picture.draft("L", (4 * HASH_SIDE, 4 * HASH_SIDE))
            small = picture.convert("L").resize((HASH_SIDE, HASH_SIDE), Image.Resampling.BOX)
            return perceptual_hash(np.asarray(small))
    except (ValueError, OSError, SyntaxError):
        return None


def _count(index: TarIndex) -> int:
    folder, name = storage.split(index.url)
    try:
        report = read_report(folder, name.removesuffix(".tar"))
    except ValueError:
        report = None
    return index.reach(2**62) if report is None else min(max(report.accepted, 0), MAX_COUNT)
