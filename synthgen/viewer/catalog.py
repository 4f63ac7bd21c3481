"""All samples of some shards by position, found as they are asked for, while a thread reads the rest.

Reports say how many samples each tar holds, so the last page can be opened before anything was read. Where
one has no report, its samples count once they are found.
"""

import logging
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from threading import Event, Lock, Thread
from typing import Any

from synthgen import storage
from synthgen.shards.records import IMAGE_FORMATS, decode_json
from synthgen.shards.shard import ShardReport, read_report, tars
from synthgen.shards.tar_index import TarIndex
from synthgen.storage import StorageError
from synthgen.viewer.columns import Columns

CHUNK = 64  # samples that the thread takes in before it looks up
MAX_PROBLEMS = 50
MAX_COUNT = 10**9  # samples of a tar that a report is believed; the tar itself is asked later
READERS = 8  # threads that read reports
LINGER_S = 0.05  # how long the thread waits for the next question of a page
PAUSE_S = 0.02  # how long the thread waits while somebody is being answered

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where a sample is.

    Attributes:
        position: among all.
        tar: name of its tar.
        key: its name, as the members have it.
    """

    position: int
    tar: str
    key: str


class Catalog:
    """The samples of a tar or of a run folder.

    Args:
        source: local path or fsspec URL.

    Attributes:
        columns: what the thread found out.
        problems: what is wrong with the shards.
        rejections: {(stage, reason): count} that the reports list.

    Raises:
        ValueError: there are no shards.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.columns = Columns()
        self.problems: list[str] = []
        self.rejections: dict[tuple[str, str], int] = {}
        self._indexes = [TarIndex(tar) for tar in tars(source)]
        with ThreadPoolExecutor(READERS) as pool:
            reports = list(pool.map(self._reported, self._indexes))
        self._counts = [None if one is None else min(max(one.accepted, 0), MAX_COUNT) for one in reports]
        for one in (one for report in reports if report is not None for one in report.rejections):
            cause = (one.stage, one.reason)
            self.rejections[cause] = self.rejections.get(cause, 0) + 1
        self._busy, self._asked, self._scanned, self._lock = 0, 0.0, 0, Lock()
        self._fixed_starts: list[int] | None = None  # once all counts are known
        self._stop = Event()
        self._thread = Thread(target=self._scan, name="catalog", daemon=True)

    @property
    def shards(self) -> list[tuple[str, str]]:
        """Return (folder, name) of each shard."""
        parts = [storage.split(index.url) for index in self._indexes]
        return [(folder, name.removesuffix(".tar")) for folder, name in parts]

    @property
    def total(self) -> int:
        """Samples that are known to be there; it grows where tars have no reports."""
        return self._starts()[-1]

    @property
    def scanned(self) -> int:
        """Samples whose record the thread has read."""
        return self._scanned

    @property
    def is_complete(self) -> bool:
        """Whether the thread has read all."""
        return not self._thread.is_alive() and self._thread.ident is not None

    def start(self) -> None:
        """Let the thread read."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(10)

    def wait(self, timeout_s: float) -> bool:
        """Wait until the thread has read all; tell whether it has."""
        self._thread.join(timeout_s)
        return self.is_complete

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Have the thread wait while somebody is being answered."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                self._asked = time.monotonic()

    def _is_busy(self) -> bool:
        """Tell whether somebody is being answered, or was a moment ago and will ask on."""
        return self._busy > 0 or time.monotonic() - self._asked < LINGER_S

    def reach(self, count: int) -> None:
        """Look for samples, where reports do not tell of them, until `count` are known.

        Raises:
            StorageError: a tar cannot be read.
        """
        for place, index in enumerate(self._indexes):
            starts = self._starts()
            if starts[-1] >= count:
                return
            if self._counts[place] is None:
                index.reach(count - starts[place])

    def place(self, position: int) -> Place:
        """Return where a sample is.

        Raises:
            IndexError: there is none at this position.
            StorageError: its tar cannot be read.
        """
        index, row = self._find(position)
        return Place(position, storage.split(index.url)[1], index.key(row))

    def record(self, position: int) -> dict[str, Any]:
        """Return the JSON record of a sample; see `place`.

        Raises:
            ValueError: it is damaged or missing.
        """
        index, row = self._find(position)
        return _record(index, row)

    def picture(self, position: int) -> bytes:
        """Return the file of a sample's picture; see `place`.

        Raises:
            KeyError: it has none.
        """
        index, row = self._find(position)
        if data := index.picture(row):
            return data
        raise KeyError(
            f"{index.url}: key {index.key(row)}: lacks its picture, .{' or .'.join(IMAGE_FORMATS)}"
        )

    def member(self, position: int, suffix: str) -> bytes:
        """Return the content of a sample's member.

        Raises:
            KeyError: it has no such member.
        """
        index, row = self._find(position)
        members = index.members(row)
        if suffix not in members:
            raise KeyError(f"{index.url}: key {index.key(row)}: lacks its member .{suffix}")
        return storage.read_part(index.url, *members[suffix])

    def members(self, position: int) -> list[str]:
        """Return the suffixes of a sample's members."""
        index, row = self._find(position)
        return list(index.members(row))

    def _find(self, position: int) -> tuple[TarIndex, int]:
        starts = self._starts()
        if not 0 <= position < starts[-1]:
            raise IndexError(f"there is no sample {position}")
        place = bisect_right(starts, position) - 1
        index, row = self._indexes[place], position - starts[place]
        if index.reach(row + 1) <= row:
            raise IndexError(f"{index.url}: ends before sample {row + 1} of those that its report counts")
        return index, row

    def _starts(self) -> list[int]:
        """Return at which position each tar begins, and the end."""
        with self._lock:
            if self._fixed_starts is not None:
                return self._fixed_starts
            starts = self._summed()
            if None not in self._counts:
                self._fixed_starts = starts
            return starts

    def _summed(self) -> list[int]:
        counts: list[int] = []
        is_open = False  # behind a tar whose end nobody knows yet, positions would move
        for index, count in zip(self._indexes, self._counts, strict=True):
            counts.append(0 if is_open else len(index) if count is None else count)
            is_open = is_open or (count is None and not index.is_complete)
        return list(accumulate(counts, initial=0))

    def _reported(self, index: TarIndex) -> ShardReport | None:
        folder, name = storage.split(index.url)
        try:
            return read_report(folder, name.removesuffix(".tar"))
        except (ValueError, StorageError) as error:
            self._note(str(error))
            return None

    def _note(self, problem: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)

    def _scan(self) -> None:
        for place, index in enumerate(self._indexes):
            before = self._scanned
            try:
                self._scan_tar(index)
            except StorageError as error:
                self._note(str(error))
            count = self._scanned - before
            if self._stop.is_set():
                return
            if index.problem:
                self._note(index.problem)
            reported = self._counts[place]
            if reported is not None and reported != count:
                self._note(f"{index.url}: holds {count} samples, its report says {reported}")
            with self._lock:
                self._counts[place], self._fixed_starts = count, None
        logger.info("view: %d samples read", self._scanned)

    def _scan_tar(self, index: TarIndex) -> None:
        row = 0
        while not self._stop.is_set():
            known = index.reach(row + CHUNK)
            for one in range(row, min(known, row + CHUNK)):
                self._take(index, one)
            if row + CHUNK >= known and index.is_complete:
                return
            row = min(known, row + CHUNK)
            while self._is_busy() and not self._stop.is_set():
                time.sleep(PAUSE_S)

    def _take(self, index: TarIndex, row: int) -> None:
        record: Mapping[str, Any] = {}
        try:
            record = _record(index, row)
        except ValueError as error:
            self._note(str(error))
        self.columns.add(index.key(row), record)
        self._scanned += 1


def _record(index: TarIndex, row: int) -> dict[str, Any]:
    try:
        return decode_json(index.record(row))
    except ValueError as error:
        raise ValueError(f"{index.url}: key {index.key(row)}: {error}") from error
