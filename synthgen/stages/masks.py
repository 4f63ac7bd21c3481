"""Step `masks`: who is in a picture, and which things could stand in front of somebody."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.protocols import Image, Mask, Segments
from synthgen.sample import MAX_PEOPLE, Float
from synthgen.stages.silhouettes import box_of_mask, without_specks


@dataclass(frozen=True)
class Masking:
    """Which people of a picture count.

    Attributes:
        max_people: pictures with more people are rejected, as every person needs a label.
        min_cover: part of the picture that a person covers at least, [0, 1].
        speck: pieces of masks below this part of the person's largest piece are no part of anybody, [0, 1].
    """

    max_people: int = 1
    min_cover: float = 0.01
    speck: float = 0.05

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [
            f"{name} must be in [0, 1], got {getattr(self, name)}"
            for name in ("min_cover", "speck")
            if not 0 <= getattr(self, name) <= 1
        ]
        if not 1 <= self.max_people <= MAX_PEOPLE:
            found.append(f"max_people must be in [1, {MAX_PEOPLE}], got {self.max_people}")
        return found


@dataclass(frozen=True)
class People:
    """Who and what was found in a picture.

    Attributes:
        masks: (P, H, W), largest person first.
        boxes: (P, 4) xyxy [px] around the masks.
        things: (O, H, W), one mask for each thing.
    """

    masks: Mask
    boxes: Float
    things: Mask


def find_people(
    images: Sequence[Image], segmenter: Callable[[Sequence[Image]], list[Segments]], options: Masking
) -> list[People | str]:
    """Segment pictures (H, W, 3); answer each with its people, or why it cannot be used."""
    return [_people(segments, options) for segments in segmenter(images)]


def cleaned(segments: Segments, options: Masking) -> NDArray[np.bool_]:
    """Return the masks (P, H, W) of the people who count, largest first."""
    masks = [without_specks(mask, options.speck) for mask in segments.people]
    kept = sorted((mask for mask in masks if mask.mean() >= max(options.min_cover, 1e-9)), key=_area)
    size = segments.people.shape[1:]
    return np.stack(kept[::-1]) if kept else np.zeros((0, *size), bool)


def _people(segments: Segments, options: Masking) -> People | str:
    masks = cleaned(segments, options)
    if not len(masks):
        return "nobody found"
    if len(masks) > options.max_people:
        return "more people found than wanted"
    return People(masks, np.stack([box_of_mask(mask) for mask in masks]), segments.objects)


def _area(mask: Mask) -> int:
    return int(mask.sum())
