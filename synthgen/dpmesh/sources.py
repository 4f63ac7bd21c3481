"""Where crops come from: shards of a source in a shuffled order in which any position is found again.

An epoch goes through the source's tars in an order of its own, in blocks of whole tars that a bounded buffer
holds; the people of a block come in an order of their own. A position is (epoch, block, place in the block),
so a training goes on by reading one block. The tars are WebDataset's; its own shuffling knows no position to
go on from, so order and shares of workers are worked out here. Reading is as strict as everywhere in
`synthgen.shards`: damage is an error and never a shorter epoch.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen import storage
from synthgen.dpmesh.subjects import NOBODY, Detections, Subject, SubjectMaker
from synthgen.shards.bad_list import read_bad_list
from synthgen.shards.observation_records import StoredPicture
from synthgen.shards.observations import read_stored
from synthgen.shards.shard import read_members, read_report, tars

EXCLUDED = "on the list of bad samples"


@dataclass(frozen=True)
class Source:
    """Shards to learn from, generated or real.

    Attributes:
        path: folder of shards, or one tar; local path or fsspec URL.
        weight: how often its people are drawn, relative to the other sources' weights.
        num_samples: how many of its pictures are used, chosen at random once and for all; null for all. A
            smaller choice with the same seed is part of a greater one.
        seed: of that choice.
        detections: safetensors file of what a detector found, the condition of training: for each key, an
            array (people, 17, 3) of COCO-17 x, y [px] and confidence; null takes the labels.
        exclude: list of keys that are left out, as pipeline=view writes it (bad.txt); null for none. The
            choice of `num_samples` is one of all pictures, so it shrinks by those that are on the list.
    """

    path: str
    weight: float = 1.0
    num_samples: int | None = None
    seed: int = 0
    detections: str | None = None
    exclude: str | None = None

    def problems(self) -> list[str]:
        """Return what is out of range."""
        found = []
        if not self.path:
            found.append("path must name a folder of shards or a tar, got ''")
        if not self.weight > 0:
            found.append(f"weight must be > 0, got {self.weight:g}")
        if self.num_samples is not None and self.num_samples < 1:
            found.append(f"num_samples must be >= 1, or null for all, got {self.num_samples}")
        if self.seed < 0:
            found.append(f"seed must be >= 0, got {self.seed}")
        return found


@dataclass(frozen=True)
class Share:
    """Which part of a source is whose, and in which order.

    Attributes:
        seed: of the order.
        number: of the source among others.
        rank: of this worker, from 0.
        world: number of workers.
        buffer: pictures that a block holds at most, unless a single tar has more.
    """

    seed: int
    number: int
    rank: int
    world: int
    buffer: int


class Shelf:
    """The people of one source in the order of one worker, endlessly.

    Attributes:
        num_pictures: in all epochs of all workers together, each counted once.
        epoch: in which the next person lies.
    """

    def __init__(self, source: Source, maker: SubjectMaker, share: Share) -> None:
        self.source = source
        self._maker, self._share = maker, share
        self._detections = None if source.detections is None else _read_detections(source.detections)
        self._exclude = read_bad_list(source.exclude) if source.exclude else frozenset[str]()
        self._tars = tars(source.path)
        self._counts = [_count(tar) for tar in self._tars]
        self._chosen = _choose(source, self._counts)
        self._used = [place for place, chosen in enumerate(self._chosen) if len(chosen)]
        self._read: OrderedDict[int, list[Subject]] = OrderedDict()
        self._skipped: dict[int, Counter[str]] = {}
        self.num_pictures = sum(map(len, self._chosen))
        self.epoch, self._block, self._place = 0, 0, 0
        self._people: list[Subject] | None = None

    def take(self) -> Subject:
        """Return the next person and move on.

        Raises:
            ValueError: the shards are damaged, or hold nobody who can be learnt from.
            StorageError: they cannot be read.
        """
        lean = 0
        while self._place >= len(self._open()):
            lean = lean + 1 if not self._open() else 0
            self._turn_page()
            if lean > len(self._used) + self._share.world:
                raise ValueError(self._empty())
        self._place += 1
        return self._open()[self._place - 1]

    def skipped(self) -> Counter[str]:
        """Return how many people, or pictures without any, were passed over so far, by reason."""
        return sum(list(self._skipped.values()), Counter())

    def state_dict(self) -> dict[str, Any]:
        """Return the position."""
        return {**asdict(self.source), "epoch": self.epoch, "block": self._block, "place": self._place,
                "num_pictures": self.num_pictures, "num_excluded": len(self._exclude)}  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to a position.

        Raises:
            ValueError: it is one in other shards, or in another choice of pictures.
        """
        own_state, before = self.state_dict(), {"num_excluded": 0, **state}
        for name in ("num_samples", "seed", "num_pictures", "num_excluded"):
            own = own_state[name]
            if before[name] != own:
                raise ValueError(
                    f"source {self.source.path}: the position was saved with {name} {before[name]!r}, now it "
                    f"is {own!r}; go on with the same data or start anew"
                )
        self.epoch, self._block, self._place = state["epoch"], state["block"], state["place"]
        self._people = None

    def _turn_page(self) -> None:
        self._block, self._place, self._people = self._block + 1, 0, None
        if self._block >= len(self._blocks()):
            self.epoch, self._block = self.epoch + 1, 0

    def _open(self) -> list[Subject]:
        """Return the people of the present block in their order."""
        if self._people is None:
            block = self._blocks()[self._block]
            people = [one for place in block for one in self._load(place, len(block))]
            order = self._rng(self.epoch, self._block + 1).permutation(len(people))
            if not self._is_split_by_tar():  # in turn, as small blocks have nobody for the last workers
                start = (self._share.rank + self._block + self.epoch) % self._share.world
                order = order[start :: self._share.world]
            self._people = [people[place] for place in order]
        return self._people

    def _blocks(self) -> list[list[int]]:
        """Return this worker's tars of the present epoch, in blocks."""
        order = self._rng(self.epoch, 0).permutation(self._used).tolist()
        if self._is_split_by_tar():
            order = order[self._share.rank :: self._share.world]
        blocks: list[list[int]] = []
        room = 0
        for place in order:
            if not blocks or len(self._chosen[place]) > room:
                blocks.append([])
                room = self._share.buffer
            blocks[-1].append(place)
            room -= len(self._chosen[place])
        return blocks

    def _is_split_by_tar(self) -> bool:
        """Tell whether every worker has tars of its own; else each takes its part of all people."""
        return len(self._used) >= self._share.world

    def _load(self, place: int, room: int) -> list[Subject]:
        """Return the chosen people of a tar, from memory if it was among the last ones read."""
        if place not in self._read:
            tar, chosen = self._tars[place], set(self._chosen[place].tolist())
            rows = list(read_stored(tar))
            if len(rows) != self._counts[place]:
                raise ValueError(f"{tar}: holds {len(rows)} pictures, its report says {self._counts[place]}")
            stored = [one for row, one in enumerate(rows) if row in chosen]
            kept = [one for one in stored if _key(one) not in self._exclude]
            excluded, stored = len(stored) - len(kept), kept
            pictures = [one for one in stored if not isinstance(one, str)]
            people, skipped = self._maker(pictures, tar, self._detections)
            nobody = sum(isinstance(one, str) for one in stored)
            self._skipped[place] = skipped + Counter({NOBODY: nobody, EXCLUDED: excluded})
            self._read[place] = people
        self._read.move_to_end(place)
        held = sum(len(self._chosen[one]) for one in self._read)
        while held > self._share.buffer and len(self._read) > room:
            held -= len(self._chosen[self._read.popitem(last=False)[0]])
        return self._read[place]

    def _rng(self, epoch: int, page: int) -> np.random.Generator:
        return np.random.default_rng([self._share.seed, self._share.number, epoch, page])

    def _empty(self) -> str:
        reasons = ", ".join(f"{count} x {reason}" for reason, count in self.skipped().most_common())
        return f"source {self.source.path}: nobody to learn from in {self.num_pictures} pictures: {reasons}"


def _key(one: StoredPicture | str) -> str:
    return one if isinstance(one, str) else one.notes.key


def _count(tar: str) -> int:
    """Return how many pictures a tar holds: by its report, or by reading it where it has none."""
    folder, name = storage.split(tar)
    report = read_report(folder, name.removesuffix(".tar"))
    return report.accepted if report is not None else sum(1 for _ in read_members(tar))


def _read_detections(path: str) -> Detections:
    """Read a safetensors file of detections by key."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(storage.read_bytes(path))
    except SafetensorError as error:
        raise ValueError(f"{path}: is no safetensors file: {error}") from error


def _choose(source: Source, counts: list[int]) -> list[NDArray[np.int64]]:
    """Return the rows that are used of each tar."""
    total = sum(counts)
    if source.num_samples is None:
        return [np.arange(count) for count in counts]
    if source.num_samples > total:
        raise ValueError(
            f"source {source.path}: num_samples is {source.num_samples}, it holds {total} pictures"
        )
    rows = np.random.default_rng(source.seed).permutation(total)[: source.num_samples]
    ends = np.cumsum([0, *counts])
    return [np.sort(rows[(rows >= a) & (rows < b)]) - a for a, b in zip(ends[:-1], ends[1:], strict=True)]
