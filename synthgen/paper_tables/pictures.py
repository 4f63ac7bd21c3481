"""Pictures of a table's data set: as its authors publish it, read on the way, or ingested shards."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from synthgen import datasets
from synthgen.datasets.entry import Choice, Reader
from synthgen.datasets.intake import check_pictures, take
from synthgen.evaluation.pictures import NOBODY, Pictures
from synthgen.observation import Observation
from synthgen.paper_tables.counting import counted
from synthgen.sample import Rejection
from synthgen.shards.observation_records import StoredPicture

DAMAGED = "pictures left out: the file is damaged"


@dataclass
class Source:
    """The pictures of a data set, in the order of its files; can be gone through more than once.

    Attributes:
        shards: folder or tar of ingested observations; "" to read the data set itself.
        dataset: name of its reader.
        choice: what the reader is to read.
        rule: who counts.
        most: how many pictures, the first ones; 0 for all.
        left_out: what was left out in the last pass, in words, and how often.
    """

    shards: str
    dataset: str
    choice: Choice
    rule: str = "all"
    most: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def where(self) -> str:
        """Where the pictures are."""
        return self.shards or str(self.choice.root)

    def __iter__(self) -> Iterator[Observation]:
        self.left_out.clear()
        return islice(counted(self._all(), self.rule, self.left_out), self.most or None)

    def open(self) -> Reader:
        """Open the data set, so that what is missing is said before any model is loaded.

        Raises:
            LayoutError: see `datasets.open_dataset`, `intake.check_pictures`.
        """
        reader = datasets.open_dataset(self.dataset, self.choice)
        check_pictures(reader, datasets.find(self.dataset).origin)
        return reader

    def _all(self) -> Iterator[Observation]:
        if self.shards:
            pictures = Pictures(self.shards)
            yield from pictures
            if pictures.empty:
                self.left_out[NOBODY] += pictures.empty
            return
        reader = self.open()
        for item in take(reader, 0, len(reader)):
            if isinstance(item, Rejection):
                self.left_out[f"pictures left out: {item.reason}"] += 1
            elif isinstance(item, StoredPicture):
                try:
                    yield item.open()
                except ValueError:
                    self.left_out[DAMAGED] += 1
            else:
                yield item
