"""Samples of many shards by their number: counts in memory, contents read when asked for.

A million samples in shards of a thousand are a thousand names and counts. The tar last asked for is gone
through once, to know where each of its samples ends; a remote one is copied to a temporary file. Requests
come in runs, so that one tar serves many of them.
"""

import io
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np

from synthgen import storage
from synthgen.guides.reading import UnreadableError
from synthgen.shards.records import LabelledPicture, decode_picture
from synthgen.shards.shard import read_report, tars
from synthgen.shards.tarball import BLOCK, read_entries, read_groups

_READERS = 8  # reports fetched at a time: a store answers late, but many at once
_END = bytes(2 * BLOCK)  # end-of-archive mark


@dataclass(frozen=True)
class _Tar:
    """A tar that was gone through.

    Attributes:
        url: of the tar.
        copy: its copy on this machine, None where it is here already.
        ends: offset behind the last member of each sample [bytes].
    """

    url: str
    copy: IO[bytes] | None
    ends: list[int]

    def sample(self, number: int) -> LabelledPicture:
        """Decode one of its samples.

        Raises:
            ValueError: it is damaged.
        """
        start = self.ends[number - 1] if number else 0
        with _opened(self.url, self.copy) as file:
            file.seek(start)
            content = file.read(self.ends[number] - start)
        key, members = next(read_groups(io.BytesIO(content + _END)))
        try:
            return decode_picture(dict(members))
        except (ValueError, KeyError) as error:
            raise ValueError(f"{self.url}: key {key}: {error}") from error


class Shelf:
    """Samples by number, from 0, in the order of the shards."""

    def __init__(self, source: str, reason: str) -> None:
        """Count samples.

        Args:
            source: a tar, or a folder with tars; local or behind an fsspec URL.
            reason: of the rejection where a sample is damaged.

        Raises:
            ValueError: a report or a tar without a report is damaged, or there is no sample.
            StorageError: a file cannot be read.
        """
        self._reason = reason
        self._tars = tars(source)
        with ThreadPoolExecutor(_READERS) as pool:
            self._ends = np.cumsum(list(pool.map(_count, self._tars)), dtype=np.int64)
        if not len(self):
            raise ValueError(f"path: {source} holds no sample; its shards are empty")
        self._last: tuple[int, _Tar] | None = None
        self._damaged: dict[int, str] = {}

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, number: int) -> LabelledPicture:
        """Return a sample without depth and mask.

        Raises:
            UnreadableError: the sample or its tar is damaged.
            StorageError: the tar cannot be read.
        """
        place = int(np.searchsorted(self._ends, number, side="right"))
        first = int(self._ends[place - 1]) if place else 0
        try:
            return self._tar(place, int(self._ends[place]) - first).sample(number - first)
        except ValueError as error:
            raise UnreadableError(self._reason, str(error)) from error

    def _tar(self, place: int, count: int) -> _Tar:
        if place in self._damaged:
            raise ValueError(self._damaged[place])
        if self._last is None or self._last[0] != place:
            url = self._tars[place]
            try:
                tar = _go_through(url)
                if len(tar.ends) != count:
                    raise ValueError(f"{url}: its report says {count} samples, it holds {len(tar.ends)}")
            except ValueError as error:
                self._damaged[place] = str(error)
                raise
            self._last = (place, tar)
        return self._last[1]


def _count(tar: str) -> int:
    """Return how many samples a tar holds, as its report says; without one, by going through it."""
    folder, name = storage.split(tar)
    report = read_report(folder, name.removesuffix(".tar"))
    return len(_go_through(tar).ends) if report is None else report.accepted


def _go_through(url: str) -> _Tar:
    copy = None
    if storage.is_remote(url):
        copy = tempfile.TemporaryFile(prefix="synthgen-")  # noqa: SIM115 (goes when the next tar takes its place)
        with storage.open_read(url) as remote:
            shutil.copyfileobj(remote, copy, storage.CHUNK)
    ends: list[int] = []
    last = ""
    with _opened(url, copy) as file:
        file.seek(0)
        try:
            for name, _ in read_entries(file):
                key = name.partition(".")[0]
                if key == last:
                    ends.pop()
                ends.append(file.tell())
                last = key
        except ValueError as error:
            raise ValueError(f"{url}: {error}") from error
    return _Tar(url, copy, ends)


@contextmanager
def _opened(url: str, copy: IO[bytes] | None) -> Iterator[IO[bytes]]:
    if copy is not None:
        yield copy
        return
    with storage.open_read(url) as file:
        yield file
