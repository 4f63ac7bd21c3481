"""Endless batches of crops from shards, mixed by weight, changed at random, exact from any position on.

All chance follows from (seed, worker, number of the crop), so the batches after a resume are those of the
unbroken run, and a position is a few numbers. Threads decode and cut (Pillow lets them run side by side); a
batch or two are made ahead.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np

from synthgen.body import OPEN
from synthgen.dpmesh.augment import Augmentation, draw
from synthgen.dpmesh.batch import Crops, Labels
from synthgen.dpmesh.cutting import PADDING, Frame, Pixels, Task, cut
from synthgen.dpmesh.painting import Decoder
from synthgen.dpmesh.sources import Share, Shelf, Source
from synthgen.dpmesh.subjects import SubjectMaker

Condition = Literal["detected", "known"]
Batch = tuple[Crops, Labels]

__all__ = ["CropStream", "Source", "StreamOptions"]


@dataclass(frozen=True)
class StreamOptions:
    """How crops are made.

    Attributes:
        side: of the crops [px].
        padding: side of the crop in the picture over the greater side of the person's box.
        body: "open", or the path of the SMPL file that the model learns.
        images: whether pictures are cut; without, crops are black, which is enough for a lifter.
        condition: joints that the model is told: those that detectors find (COCO-17, mid-hip, neck), or all
            that are known.
        augmentation: random changes.
        min_box: of a person, the greater side [px of the picture]; smaller people are skipped and counted.
        buffer: pictures held for shuffling, encoded; a tar with more is held whole.
        cache_mb: decoded pictures held [MB].
        workers: threads that decode and cut; 0 makes batches when they are asked for, in the caller's thread.
        ahead: batches made ahead by workers.
    """

    side: int = 256
    padding: float = PADDING
    body: str = OPEN
    images: bool = True
    condition: Condition = "detected"
    augmentation: Augmentation = field(default_factory=Augmentation)
    min_box: float = 16.0
    buffer: int = 2000
    cache_mb: float = 500.0
    workers: int = 0
    ahead: int = 2

    def problems(self) -> list[str]:
        """Return what is out of range."""
        found = [f"augmentation.{text}" for text in self.augmentation.problems()]
        least = {
            "side": 16,
            "padding": 0.5,
            "min_box": 1,
            "buffer": 1,
            "cache_mb": 0,
            "workers": 0,
            "ahead": 1,
        }
        found += [
            f"{name} must be >= {limit}, got {getattr(self, name):g}"
            for name, limit in least.items()
            if not getattr(self, name) >= limit
        ]
        if self.condition not in get_args(Condition):
            found.append(f"condition must be one of {get_args(Condition)}, got {self.condition!r}")
        if self.body != OPEN and not Path(self.body).expanduser().is_file():
            found.append(f"body must be open or an SMPL file, no such file: {self.body!r}")
        return found


class CropStream:
    """Endless batches of (Crops, Labels) for one of several workers; closes its threads on `close`.

    Args:
        sources: one or more.
        options: how crops are made.
        batch_size: crops in a batch.
        seed: of all chance.
        rank: of this worker, from 0.
        world: number of workers.

    Raises:
        ValueError: a source has no shards, or fewer pictures than were asked for.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        options: StreamOptions,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        problems = [text for one in sources for text in one.problems()] + options.problems()
        if not sources or batch_size < 1 or not 0 <= rank < world:
            problems.append("there must be a source, a batch_size >= 1, and 0 <= rank < world")
        if problems:
            raise ValueError("; ".join(problems))
        maker = SubjectMaker(options.body, options.min_box, options.condition == "detected")
        shares = [Share(seed, number, rank, world, options.buffer) for number in range(len(sources))]
        self._shelves = [Shelf(one, maker, share) for one, share in zip(sources, shares, strict=True)]
        weights = np.array([one.weight for one in sources], np.float64)
        self._borders = np.cumsum(weights / weights.sum())[:-1]
        self._frame = Frame(options.side, options.padding)
        self._decoder = Decoder(options.cache_mb) if options.images else None
        self._options, self._batch_size = options, batch_size
        self._seed, self._rank, self._world = seed, rank, world
        self._made = 0  # crops planned so far
        self._state = self._position()
        self._coming: deque[Future[tuple[Batch, dict[str, Any]]]] = deque()
        self._planner, self._pool = _threads(options.workers)

    @property
    def num_pictures(self) -> list[int]:
        """Pictures of each source that are used, in all workers together."""
        return [shelf.num_pictures for shelf in self._shelves]

    @property
    def epochs(self) -> list[int]:
        """Epochs of each source that this worker has begun; batches made ahead count."""
        return [shelf.epoch for shelf in self._shelves]

    def skipped(self) -> dict[str, Counter[str]]:
        """Return who was passed over so far, by source and reason; each person counts once."""
        return {shelf.source.path: shelf.skipped() for shelf in self._shelves}

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        """Return the next batch.

        Raises:
            ValueError: a shard is damaged; the message names tar and key.
            StorageError: a shard cannot be read.
        """
        if self._planner is None:
            batch, self._state = self._make()
            return batch
        while len(self._coming) <= self._options.ahead:
            self._coming.append(self._planner.submit(self._make))
        batch, self._state = self._coming.popleft().result()
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Return the position behind the last batch that was handed out: plain numbers and texts."""
        return self._state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to a position of a stream with the same sources, seed and worker.

        Raises:
            ValueError: it is the position of another stream.
        """
        self._drop()
        own = {"seed": self._seed, "rank": self._rank, "world": self._world, "sources": len(self._shelves)}
        for name, value in own.items():
            got = len(state["shelves"]) if name == "sources" else state[name]
            if got != value:
                raise ValueError(f"the position was saved with {name} {got}, now it is {value}")
        for shelf, saved in zip(self._shelves, state["shelves"], strict=True):
            shelf.load_state_dict(saved)
        self._made = state["made"]
        self._state = self._position()

    def close(self) -> None:
        """End the threads."""
        self._drop()
        for pool in (self._planner, self._pool):
            if pool is not None:
                pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _drop(self) -> None:
        """Forget batches made ahead; those under way are waited for."""
        while self._coming:
            future = self._coming.popleft()
            if not future.cancel():
                future.exception()

    def _make(self) -> tuple[Batch, dict[str, Any]]:
        subjects, changes = [], []
        for _ in range(self._batch_size):
            rng = np.random.default_rng([self._seed, self._rank, self._made])
            number = int(np.searchsorted(self._borders, rng.random(), side="right"))
            subjects.append(self._shelves[number].take())
            changes.append(draw(self._options.augmentation, rng))
            self._made += 1
        return cut(subjects, changes, self._frame, self._decoder, self._run), self._position()

    def _run(self, tasks: Iterable[Task]) -> list[Pixels]:
        if self._pool is None:
            return [task() for task in tasks]
        return list(self._pool.map(lambda task: task(), tasks))

    def _position(self) -> dict[str, Any]:
        return {
            "seed": self._seed,
            "rank": self._rank,
            "world": self._world,
            "made": self._made,
            "shelves": [shelf.state_dict() for shelf in self._shelves],
        }


def _threads(workers: int) -> tuple[ThreadPoolExecutor | None, ThreadPoolExecutor | None]:
    """Return the thread that plans batches and those that make crops."""
    if not workers:
        return None, None
    return ThreadPoolExecutor(1, "batches"), ThreadPoolExecutor(workers, "crops")
