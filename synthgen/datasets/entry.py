"""What a reader of a data set gives: how many pictures, where each is, and what is known of it.

A reader is pure parsing. It reads its index when made and everything else picture by picture, so that any
part of a data set can be read again, and a million pictures cost little memory.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from synthgen.observation import Notes

SPLIT_ALL = "all"
_KEY_LENGTH = 64  # of the readable part of a key


class LayoutError(ValueError):
    """A data set is not laid out as its reader knows it; the message says which file, and what to do."""


class UnusableError(ValueError):
    """One picture cannot be used; the message is short and the same for the same cause, so it is counted."""


@dataclass(frozen=True)
class Origin:
    """Where a data set comes from; every complaint about its files says so.

    Attributes:
        name: as its authors write it.
        url: page that it is downloaded from.
        licence: under which, in a few words.
    """

    name: str
    url: str
    licence: str

    def __str__(self) -> str:
        return f"{self.name} comes from {self.url} ({self.licence})"


@dataclass(frozen=True)
class Choice:
    """Which data are to be read.

    Attributes:
        root: folder of the data set.
        split: one of the reader's splits; "" for its first.
        every: of a clip, every n-th frame.
        annotations: file of the annotations where it is not in its usual place; "" for there.
        fits: file of SMPL fits (EFT or NeuralAnnot) for MPII and COCO; "" for none.
        smpl: folder of official SMPL files, where a reader needs their pelvis; "" for none.
    """

    root: Path
    split: str = ""
    every: int = 1
    annotations: str = ""
    fits: str = ""
    smpl: str = ""

    def pick(self, splits: tuple[str, ...], origin: Origin) -> str:
        """Return the split, which must be one of a reader's.

        Raises:
            LayoutError: it is none of them.
        """
        if not self.split:
            return splits[0]
        if self.split not in splits:
            raise LayoutError(
                f"split of {origin.name} must be one of {', '.join(splits)}, got {self.split!r}"
            )
        return self.split


@dataclass(frozen=True)
class Frame:
    """A frame of a video file.

    Attributes:
        video: the file.
        index: of the frame, from 0.
    """

    video: Path
    index: int


@dataclass(frozen=True)
class Entry:
    """Where a picture is.

    Attributes:
        key: of the observation; unique in the data set.
        picture: file, or frame of a video.
        turns: quarter turns clockwise that make the stored picture the one that its labels are for.
        may_turn: whether an EXIF orientation may be applied: nobody labelled the pixels as they are stored,
            or `size` says otherwise.
        size: (H, W) that the labels are for, where they say so; with `may_turn`, a picture whose stored
            pixels are of that size is not turned.
    """

    key: str
    picture: Path | Frame
    turns: int = 0
    may_turn: bool = False
    size: tuple[int, int] | None = None


class Reader(Protocol):
    """A data set, picture by picture, numbered from 0 in an order that never changes."""

    def __len__(self) -> int:
        """Return how many pictures there are."""

    def entry(self, index: int) -> Entry:
        """Return where a picture is; reads no picture."""

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """Return what is known of a picture.

        Args:
            index: of the picture.
            image_size: (H, W) [px] of the picture, upright.

        Raises:
            UnusableError: nothing of use is known of it.
        """


def make_key(name: str, index: int) -> str:
    """Return a key for picture `index`: what may stand in keys of its name, and the number."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[-_KEY_LENGTH:].lstrip("-")
    return f"{readable or 'picture'}-{index:07d}"
