"""From pictures to features, as a stream: rows go to a temporary file, so that memory stays flat.

A picture costs 8 KiB on disk, twice where its people are measured too.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthgen.backends.protocols import Segments
from synthgen.image_metrics.people import Cut, masks_to_frame, people_only, to_frame
from synthgen.image_metrics.pictures import PictureSet, Shown
from synthgen.image_metrics.preparing import Convention, Picture, prepare

Network = Callable[[Tensor], Tensor]
Segment = Callable[[Sequence[Picture]], list[Segments]]
Rows = NDArray[np.float32]
LEAST = 2  # pictures, as covariances and unbiased estimates need
KEPT = 8  # pictures of a set that are kept to be shown


class FeatureFile:
    """Features (N, D) float32 in a temporary file, which is gone when it is closed."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="synthgen-features-")  # noqa: SIM115 (open as long as it)
        self.dimensions = 0
        self.count = 0

    def __len__(self) -> int:
        return self.count

    def __enter__(self) -> "FeatureFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop the rows."""
        self._file.close()

    def append(self, rows: Rows) -> None:
        """Add rows (n, D).

        Raises:
            ValueError: another D than before, or values that are no numbers.
        """
        if rows.ndim != 2 or (self.dimensions and rows.shape[1] != self.dimensions):
            raise ValueError(f"features must be rows of {self.dimensions or 'D'} numbers, got {rows.shape}")
        if not np.isfinite(rows).all():
            raise ValueError(
                "the network's features hold NaN or infinity: its weights do not fit these pictures"
            )
        self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(rows, np.float32).tobytes())
        self.dimensions, self.count = rows.shape[1], self.count + len(rows)

    def rows(self, numbers: Sequence[int] | NDArray[np.int64]) -> Rows:
        """Return some rows (n, D)."""
        self._file.flush()
        shape = (self.count, self.dimensions)
        return np.array(np.memmap(self._file, np.float32, "r", shape=shape)[np.asarray(numbers, np.int64)])

    def blocks(self, size: int = 1024) -> Iterator[Rows]:
        """Yield all rows in order, `size` at a time."""
        for start in range(0, self.count, size):
            yield self.rows(np.arange(start, min(start + size, self.count)))


@dataclass
class Looked:
    """What was seen of a set of pictures.

    Attributes:
        name: of the set.
        source: where it was read.
        whole: features of the pictures.
        people: of the people in them; empty where they are not measured.
        nobody: pictures in which no people are, by masks; 0 where they are not measured.
        left_out: pictures that could not be used, by reason.
        cut: how people were cut out; None: they are not measured.
        shown: the first few (picture, people only) as the network took them, before its resizing.
    """

    name: str
    source: str
    whole: FeatureFile
    people: FeatureFile
    nobody: int
    left_out: dict[str, int]
    cut: Cut | None
    shown: list[tuple[Picture, Picture | None]]

    def check(self) -> None:
        """Raise ValueError where there is too little to be compared with anything."""
        count = len(self.whole)
        left_out = "".join(f"; {number} left out: {reason}" for reason, number in self.left_out.items())
        if count < LEAST:
            found = f"{count} picture{'s' * (count != 1)}"
            raise ValueError(f"{self.name}: {found} in {self.source}, expected at least {LEAST}{left_out}")
        if self.cut and count - self.nobody < LEAST:
            raise ValueError(
                f"{self.name}: people were found in {count - self.nobody} of {count} pictures of "
                f"{self.source}, expected at least {LEAST}; another segmenter may see more; masks=none "
                "leaves H-FID and H-KID out"
            )

    def close(self) -> None:
        """Drop all features."""
        self.whole.close()
        self.people.close()


@dataclass(frozen=True)
class Eye:
    """How pictures are looked at.

    Attributes:
        network: prepared pictures (N, 3, 299, 299) to features (N, D), on its own device.
        convention: of the preparation.
        segment: finds people in pictures (299, 299, 3); None: by the labels' masks.
        cut: how people are cut out; None: they are not measured.
        batch_size: pictures at once.
        device: of the network.
    """

    network: Network
    convention: Convention
    segment: Segment | None
    cut: Cut | None
    batch_size: int = 32
    device: str = "cpu"

    def look(self, pictures: PictureSet, on_pictures: Callable[[int], object] = lambda count: None) -> Looked:
        """Go once through a set of pictures.

        Args:
            pictures: to look at.
            on_pictures: told how many more are done.

        Raises:
            ValueError: see `PictureSet`; or too few pictures, or people in them, or features that are no
                numbers.
        """
        seen = Looked(pictures.name, pictures.source, FeatureFile(), FeatureFile(), 0, {}, self.cut, [])
        stream = iter(pictures)
        while batch := list(islice(stream, self.batch_size)):
            self._add(seen.whole, [one.image for one in batch], pictures.name)
            alone = self._people(batch) if self.cut else [(None, False)] * len(batch)
            seen.nobody += sum(not is_there for _, is_there in alone) if self.cut else 0
            self._add(seen.people, [one for one, _ in alone if one is not None], pictures.name)
            room = KEPT - len(seen.shown)
            pairs = zip(batch[:room], alone[:room], strict=True)
            seen.shown += [(one.image, cut) for one, (cut, _) in pairs]
            on_pictures(len(batch))
        seen.left_out = dict(pictures.left_out)
        seen.check()
        return seen

    def _people(self, batch: Sequence[Shown]) -> list[tuple[Picture | None, bool]]:
        """Return each picture's people only, and whether there are any."""
        frames = [to_frame(one.image) for one in batch]
        if self.segment is not None:
            found = [segments.people for segments in self.segment(frames)]
        else:
            found = [masks_to_frame(one.masks) for one in batch if one.masks is not None]
        assert self.cut is not None
        pairs = zip(frames, found, strict=True)
        return [(people_only(frame, masks, self.cut), bool(masks.any())) for frame, masks in pairs]

    def _add(self, file: FeatureFile, pictures: Sequence[Picture], name: str) -> None:
        if not pictures:
            return
        inputs = torch.stack([prepare(one, self.convention) for one in pictures])
        inputs = inputs.to(self.device, memory_format=torch.channels_last)
        with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
            features = self.network(inputs)
        try:
            file.append(features.float().cpu().numpy())
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
