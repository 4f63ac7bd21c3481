"""Run lengths of masks as COCO stores them: column by column, zeros first, as numbers or as text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ZERO = 48  # the text's characters are "0" and up, five bits each, a sixth for "more follows"
_SHIFTS = 5 * np.arange(7)  # 35 bits: more pixels than any picture has


def encode(mask: NDArray[np.bool_]) -> tuple[dict[str, Any], int]:
    """Return a mask (H, W) as COCO's compressed RLE, {"size": [H, W], "counts": text}, and its area [px]."""
    lengths = run_lengths(mask)
    return {"size": list(mask.shape), "counts": compress(lengths)}, sum(lengths[1::2])


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
    flat = mask.T.ravel()  # a view where the mask lies in memory column by column
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths: list[int] = np.diff(changes, prepend=0, append=flat.size).tolist()
    return [0, *lengths] if flat[0] else lengths


def compress(counts: list[int]) -> str:
    """Return counts as text; from the fourth on, each as its difference from the one two before."""
    values = np.array(counts, np.int64)
    values[3:] -= np.array(counts[1:-2], np.int64)
    groups = values[:, None] >> _SHIFTS  # what is left to write before each character, arithmetically shifted
    bits, rest = groups & 31, groups >> 5
    more = np.where(bits & 16, rest != -1, rest != 0)
    is_written = np.column_stack([np.ones(len(values), bool), np.logical_and.accumulate(more, 1)[:, :-1]])
    letters = _ZERO + (bits | np.where(more, 32, 0))
    return letters[is_written].astype(np.uint8).tobytes().decode("ascii")


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
