"""The pictures of some shards, one after the other; those without people are left out and counted."""

from collections.abc import Iterator
from itertools import islice

from synthgen.observation import Observation
from synthgen.shards.observations import read_stored
from synthgen.shards.shard import tars

NOBODY = "pictures without people, which are left out"


class Pictures:
    """Labelled pictures of a tar or of all tars of a folder; can be gone through more than once.

    Args:
        source: local path or fsspec URL.
        most: how many pictures with people, the first ones; 0 for all.

    Attributes:
        empty: pictures without people in the last pass so far.
    """

    def __init__(self, source: str, most: int = 0) -> None:
        self.source, self.most = source, most
        self.empty = 0

    def __iter__(self) -> Iterator[Observation]:
        self.empty = 0
        return islice(self._all(), self.most or None)

    def _all(self) -> Iterator[Observation]:
        for tar in tars(self.source):
            for one in read_stored(tar):
                if isinstance(one, str):
                    self.empty += 1
                    continue
                try:
                    yield one.open()
                except ValueError as error:
                    raise ValueError(f"{tar}: key {one.notes.key}: {error}") from error
