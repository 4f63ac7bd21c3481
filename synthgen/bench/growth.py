"""What exporters keep in memory of a sample: the same few pictures again and again, under keys of their own.

No million files are needed: the rows are as many as asked for, and all of them point to the few pictures.
"""

import tempfile
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from synthgen import exporters
from synthgen.bench.memory import most_held
from synthgen.exporters.export import Desk, Task
from synthgen.exporters.figures import Entry
from synthgen.exporters.folder import Pictures
from synthgen.exporters.intake import Picture
from synthgen.exporters.ledger import Ledger

RUN = "growth"
PER_SHARD = 1000
VIEWS = 4  # pictures of one moment, for formats that group


@dataclass(frozen=True)
class Growth:
    """Memory of an export.

    Attributes:
        bytes_a_sample: by which the peak of what Python holds grows.
        peak_bytes: of this process.
    """

    bytes_a_sample: float
    peak_bytes: int


class _SharedPictures(Pictures):
    """Writes each picture once, whatever its key."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._paths: dict[int, str] = {}

    def add(self, picture: Picture) -> str:
        path = self._paths.get(id(picture.data))
        if path is None:
            path = self._paths[id(picture.data)] = super().add(picture)
        return path


@dataclass(frozen=True)
class _SharingDesk(Desk):
    made: list[str] = field(default_factory=list)

    def pictures(self, folder: str) -> Pictures:
        """Return a folder of pictures that are written once."""
        self.made.append(folder)
        return _SharedPictures(self.folder / folder)


def repeated(base: Sequence[Entry], count: int) -> Iterator[Entry]:
    """Yield `count` pictures: those of `base` in turn, each with a key, a moment and a view of its own."""
    for number in range(count):
        entry = base[number % len(base)]
        key = f"{RUN}-{number:09d}"
        notes = replace(
            entry.picture.notes,
            key=key,
            sequence=f"clip-{number // (VIEWS * PER_SHARD):06d}",
            frame=number // VIEWS % PER_SHARD,
            view=str(number % VIEWS),
        )
        picture = replace(
            entry.picture,
            shard=f"{RUN}-{number // PER_SHARD:06d}",
            notes=notes,
            record={**entry.picture.record, "key": key},
        )
        yield Entry(picture, entry.figures)


def write(name: str, base: Sequence[Entry], count: int, folder: Path) -> list[str]:
    """Export `count` pictures in a format into an empty folder, and return what its check finds."""
    form: Any = exporters.build(name, {})[0]
    desk = _SharingDesk(Task(RUN, str(folder), RUN), folder, Ledger())
    form.write(repeated(base, count), desk)
    found: list[str] = form.check(desk)
    return found


def measure(name: str, base: Sequence[Entry], few: int, many: int) -> Growth:
    """Export few and then many pictures, and return how much more the many take.

    Raises:
        ValueError: the check finds something.
    """
    peaks = []
    for count in (few, few, many):  # the first fills caches
        with tempfile.TemporaryDirectory() as folder:
            tracemalloc.start()
            try:
                found = write(name, base, count, Path(folder))
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
        if found:
            raise ValueError("\n".join(found))
    peak = most_held()
    return Growth((peaks[2] - peaks[1]) / (many - few), peak)
