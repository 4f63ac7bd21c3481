"""Run lengths of masks as COCO stores them: column by column, zeros first, as numbers or as compressed text."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ZERO = 48  # the text's characters are "0" and up, five bits each, a sixth for "more follows"


def encode(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Return a mask (H, W) as COCO's compressed RLE: {"size": [H, W], "counts": text}."""
    return {"size": list(mask.shape), "counts": compress(run_lengths(mask))}


def decode(rle: dict[str, Any]) -> NDArray[np.bool_]:
    """Return the mask (H, W) of a compressed RLE."""
    height, width = rle["size"]
    counts = expand(rle["counts"])
    if sum(counts) != height * width:
        raise ValueError(f"RLE covers {sum(counts)} pixels, expected {height}x{width}")
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return flat.reshape(width, height).T


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Return lengths of runs down the columns of a mask (H, W), the first of zeros."""
    flat = mask.T.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = [0, *changes.tolist(), flat.size]
    lengths = [after - before for before, after in pairwise(edges)]
    return [0, *lengths] if flat[0] else lengths


def compress(counts: list[int]) -> str:
    """Return counts as text; from the fourth on, each as its difference from the one two before."""
    text = bytearray()
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != -1 if bits & 16 else value != 0
            text.append(_ZERO + (bits | 32 if more else bits))
    return text.decode("ascii")


def expand(text: str) -> list[int]:
    """Return the counts of a text."""
    counts: list[int] = []
    value = shift = 0
    for letter in text.encode("ascii"):
        bits = letter - _ZERO
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    return counts
