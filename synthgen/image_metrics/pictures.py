"""Sets of pictures to be compared: shards of generated samples or of observations, or a folder of files.

Read one by one, in order; what cannot be used is left out and counted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen import storage
from synthgen.datasets.entry import UnusableError
from synthgen.datasets.pictures import decode_file, read_file
from synthgen.datasets.video import PICTURES
from synthgen.image_metrics.people import cut_out
from synthgen.sample import BACKGROUND, OCCLUDER
from synthgen.shards.observation_records import NobodyError, from_members
from synthgen.shards.records import DRAFT_MEMBER, IMAGE_FORMATS, MASK_MEMBER, decode_image
from synthgen.shards.shard import read_members, read_report, shard_names, tars

CROP_SIDE = 224  # [px], as the paper's reference pictures
NOBODY = "without people, nothing to crop"


@dataclass(frozen=True)
class Shown:
    """One picture.

    Attributes:
        key: of the sample, or name of the file.
        image: (H, W, 3) uint8 RGB.
        masks: (P, H, W) of the people by its label, largest first; None where no label says.
    """

    key: str
    image: NDArray[np.uint8]
    masks: NDArray[np.bool_] | None


@dataclass
class PictureSet:
    """The pictures of shards or of a folder; can be gone through more than once.

    Attributes:
        name: what messages call it: "reference", "generated.ours".
        source: folder of shards or one tar, local or an fsspec URL; a local folder of such folders; or a
            local folder of pictures.
        most: how many pictures, the first ones; 0 for all.
        crop: above 0, every labelled person becomes a square picture of 224 px: side of the square as a
            multiple of the box's longer side, about the box's middle. 0 for whole pictures.
        drafts: take the drafts of generated samples in place of the pictures.
        with_masks: read the masks that generated samples have.
        left_out: pictures that could not be used in the last pass so far, by reason.
    """

    name: str
    source: str
    most: int = 0
    crop: float = 0.0
    drafts: bool = False
    with_masks: bool = False

    def __post_init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    def runs(self) -> list[str]:
        """Return the folders of shards, or the one tar; none where it is a folder of pictures."""
        if self.source.endswith(".tar") or (storage.exists(self.source) and shard_names(self.source)):
            return [self.source]
        root = Path(self.source).expanduser()
        inside = sorted(map(str, root.iterdir())) if root.is_dir() else []
        return [folder for folder in inside if storage.is_folder(folder) and shard_names(folder)]

    def count(self) -> int | None:
        """Return how many pictures there are, as far as that is known without reading them."""
        if self.crop:
            return None
        runs = self.runs()
        if not runs:
            known = len(self._files())
        elif self.source.endswith(".tar"):
            return self.most or None
        else:
            reports = [read_report(run, name) for run in runs for name in shard_names(run)]
            if None in reports:
                return self.most or None
            known = sum(report.accepted for report in reports if report is not None)
        return min(known, self.most or known)

    def __iter__(self) -> Iterator[Shown]:
        """Yield the pictures.

        Raises:
            ValueError: there are none, they lack what is asked for, or shards are damaged.
            StorageError: shards cannot be read.
        """
        self.left_out = Counter()
        runs = self.runs()
        found = self._of_shards(runs) if runs else self._of_files()
        yield from islice(found, self.most or None)

    def _of_files(self) -> Iterator[Shown]:
        for lacking, key in ((self.crop, "crop"), (self.drafts, "drafts"), (self.with_masks, "masks=labels")):
            if lacking:
                raise ValueError(
                    f"{self.name}: {self.source} is a folder of pictures without labels; {key} needs shards"
                )
        for path in self._files():
            try:
                yield Shown(path.name, decode_file(read_file(path), by_exif=True), None)
            except UnusableError as error:
                self.left_out[str(error)] += 1

    def _files(self) -> list[Path]:
        root = Path(self.source).expanduser()
        if not root.is_dir():
            raise ValueError(f"{self.name}: {self.source}: no such folder, expected shards or pictures")
        found = sorted(
            path
            for path in root.rglob("*")
            if path.suffix.lower() in PICTURES and not path.name.startswith(".") and path.is_file()
        )
        if not found:
            raise ValueError(
                f"{self.name}: {self.source} holds neither shards (<run>-000000.tar) nor pictures "
                f"({', '.join(PICTURES)})"
            )
        return found

    def _of_shards(self, runs: Sequence[str]) -> Iterator[Shown]:
        for tar in (tar for run in runs for tar in tars(run)):
            for key, members in read_members(tar):
                try:
                    yield from self._of_members(key, members)
                except ValueError as error:
                    raise ValueError(f"{self.name}: {tar}: key {key}: {error}") from error

    def _of_members(self, key: str, members: Mapping[str, bytes]) -> Iterator[Shown]:
        name = DRAFT_MEMBER if self.drafts else next((one for one in IMAGE_FORMATS if one in members), "")
        if name not in members:
            hint = "; drafts are in shards that were made with keep_drafts=true" if self.drafts else ""
            raise ValueError(f"lacks its member .{name or ' or .'.join(IMAGE_FORMATS)}{hint}")
        image = decode_image(members[name], name, ("RGB",)).astype(np.uint8, copy=False)
        masks = self._masks(members, image.shape[:2]) if self.with_masks else None
        if not self.crop:
            yield Shown(key, image, masks)
            return
        try:
            people = from_members(members).notes.people
        except NobodyError:
            self.left_out[NOBODY] += 1
            return
        for number, person in enumerate(people):
            try:
                yield _cropped(f"{key}/{number}", image, masks, person.bbox, self.crop)
            except ValueError:
                self.left_out["people outside of their pictures"] += 1

    def _masks(self, members: Mapping[str, bytes], size: tuple[int, ...]) -> NDArray[np.bool_]:
        if MASK_MEMBER not in members:
            raise ValueError(
                f"lacks its member .{MASK_MEMBER}, which masks=labels needs; observations have none, "
                "masks=segmenter finds people in any picture"
            )
        mask = decode_image(members[MASK_MEMBER], MASK_MEMBER, ("L",))
        if mask.shape != size:
            raise ValueError(f"mask is {mask.shape}, the picture {size}")
        numbers, areas = np.unique(mask, return_counts=True)
        people = [pair for pair in zip(areas, numbers, strict=True) if pair[1] not in (BACKGROUND, OCCLUDER)]
        ordered = [number for _, number in sorted(people, key=lambda pair: -int(pair[0]))]
        return np.stack([mask == number for number in ordered]) if ordered else np.zeros((0, *size), bool)


def _cropped(
    key: str, image: NDArray[np.uint8], masks: NDArray[np.bool_] | None, bbox: NDArray[Any], factor: float
) -> Shown:
    from PIL import Image

    side = max(1, round(float((bbox[2:] - bbox[:2]).max()) * factor))
    x, y = (round(float(middle) - side / 2) for middle in (bbox[:2] + bbox[2:]) / 2)
    size = (CROP_SIDE, CROP_SIDE)
    square = Image.fromarray(cut_out(image, (x, y), side)).resize(size, Image.Resampling.BICUBIC)
    if masks is None:
        return Shown(key, np.asarray(square), None)
    parts = [Image.fromarray(cut_out(mask.astype(np.uint8), (x, y), side)) for mask in masks]
    small = [np.asarray(part.resize(size, Image.Resampling.NEAREST)) > 0 for part in parts]
    return Shown(key, np.asarray(square), np.stack(small) if small else np.zeros((0, *size), bool))
