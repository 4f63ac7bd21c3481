"""Pictures of what a run rejected, by reason, read when somebody first looks at them."""

from collections import Counter, OrderedDict
from threading import Lock

from synthgen import storage
from synthgen.sample import Rejection
from synthgen.shards.rejected import REJECTED_SUFFIX, read_pages
from synthgen.storage import StorageError

MAX_HELD = 16  # files whose pictures are kept in memory

Cause = tuple[str, str]  # stage, reason


class Rejects:
    """Rejections that have a picture.

    Args:
        shards: (folder, name) of each.

    Attributes:
        problems: files that could not be read.
    """

    def __init__(self, shards: list[tuple[str, str]]) -> None:
        self._shards = shards
        self._rows: list[tuple[int, int, Rejection]] | None = None  # shard, place in its file
        self._held: OrderedDict[int, list[tuple[Rejection, bytes]]] = OrderedDict()
        self._lock = Lock()
        self.problems: list[str] = []

    def reasons(self) -> dict[Cause, int]:
        """Return how many pictures there are of each (stage, reason), most first."""
        counts = Counter((one.stage, one.reason) for _, _, one in self._all())
        return dict(counts.most_common())

    def select(self, stage: str, reason: str) -> list[int]:
        """Return the numbers of the rejections of a stage and a reason; "" for any."""
        return [
            number
            for number, (_, _, one) in enumerate(self._all())
            if stage in ("", one.stage) and reason in ("", one.reason)
        ]

    def rejection(self, number: int) -> Rejection:
        """Return a rejection, without its picture; IndexError where there is none."""
        return self._all()[number][2]

    def picture(self, number: int) -> bytes:
        """Return the JPEG of a rejection; IndexError where there is none."""
        shard, place, _ = self._all()[number]
        with self._lock:
            return self._pages(shard)[place][1]

    def _all(self) -> list[tuple[int, int, Rejection]]:
        with self._lock:
            if self._rows is None:
                self._rows = []
                for shard in self._with_pictures():
                    pages = self._pages(shard)
                    self._rows += [(shard, place, one) for place, (one, _) in enumerate(pages)]
            return self._rows

    def _with_pictures(self) -> list[int]:
        folders = {folder for folder, _ in self._shards}
        listed = {folder: set(storage.list_names(folder)) for folder in folders}
        return [
            number
            for number, (folder, name) in enumerate(self._shards)
            if name + REJECTED_SUFFIX in listed[folder]
        ]

    def _pages(self, shard: int) -> list[tuple[Rejection, bytes]]:
        if shard not in self._held:
            try:
                self._held[shard] = read_pages(*self._shards[shard])
            except (ValueError, StorageError) as error:
                self.problems.append(str(error))
                self._held[shard] = []
            if len(self._held) > MAX_HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(shard)
        return self._held[shard]
