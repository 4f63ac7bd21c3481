"""From a segmentation network's raw output to people and things of one picture.

Two kinds of output: classes of pixels (semantic), and queries, each a class and a mask (MaskFormer,
Mask2Former, DETR; trained for instances or panoptically).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from synthgen.backends.protocols import Mask, Segments
from synthgen.sample import Float

MASK_THRESHOLD = 0.5  # a query's pixels
LEAST_VISIBLE = 0.8  # part of a query's mask that must not belong to a better query (MaskFormer, section 3.4)
SMALL_PIECE = 0.2  # of the largest piece; smaller pieces of a person are limbs cut off by something in front


@dataclass(frozen=True)
class Vocabulary:
    """What the classes of a network mean.

    Attributes:
        names: of all classes, by index.
        people: indices that mean a person.
        things: indices that mean an object which can stand in front of somebody.
    """

    names: tuple[str, ...]
    people: frozenset[int]
    things: frozenset[int]


@dataclass(frozen=True)
class Piece:
    """One segment: its class, score in [0, 1], and mask (H, W)."""

    label: int
    score: float
    mask: Mask


def pieces_of_queries(
    class_logits: Tensor, mask_logits: Tensor, size: tuple[int, int], least: float
) -> list[Piece]:
    """Let queries compete for pixels; each pixel goes to one of them or to none.

    Args:
        class_logits: (Q, C + 1), the last class being "nothing".
        mask_logits: (Q, h, w) over the whole picture.
        size: (H, W) of the picture.
        least: score from which a query counts.
    """
    scores, labels = class_logits.float().softmax(-1).max(-1)
    kept = (scores >= least) & (labels < class_logits.shape[-1] - 1)
    if not bool(kept.any()):
        return []
    scores, labels = scores[kept], labels[kept]
    masks = _resized(mask_logits[kept], size).sigmoid()
    winner = (scores[:, None, None] * masks).argmax(0)
    pieces = []
    for number in range(len(scores)):
        own = masks[number] >= MASK_THRESHOLD
        won = own & (winner == number)
        if bool(won.any()) and float(won.sum()) >= LEAST_VISIBLE * float(own.sum()):
            pieces.append(Piece(int(labels[number]), float(scores[number]), won.cpu().numpy()))
    return pieces


def pieces_of_classes(logits: Tensor, size: tuple[int, int], words: Vocabulary) -> list[Piece]:
    """Cut a map of classes into connected pieces; a piece's score is its mean probability.

    Args:
        logits: (C, h, w) over the whole picture.
        size: (H, W) of the picture.
        words: classes that are neither people nor things are left out.
    """
    from scipy import ndimage

    probabilities = _resized(logits, size).softmax(0).cpu().numpy()
    best = probabilities.argmax(0)
    pieces = []
    for label in sorted(words.people | words.things):
        numbered, count = ndimage.label(best == label, np.ones((3, 3)))
        if label in words.people:
            numbered, count = _joined(numbered, count)
        for number in range(1, count + 1):
            mask = numbered == number
            pieces.append(Piece(label, float(probabilities[label][mask].mean()), mask))
    return pieces


def person_of_classes(logits: Tensor, size: tuple[int, int], words: Vocabulary) -> Float:
    """Return the probability of a person at each pixel (H, W), as `pieces_of_classes` takes its arguments."""
    return _smooth(logits.float().softmax(0)[sorted(words.people)].sum(0), size)


def person_of_queries(
    class_logits: Tensor, mask_logits: Tensor, size: tuple[int, int], words: Vocabulary
) -> Float:
    """Return the probability of a person at each pixel (H, W), as `pieces_of_queries` takes its arguments.

    That of the query that is surest: of its class, times that of its mask (MaskFormer, section 3.4, without
    the sum over queries, of which several may mean one person).
    """
    scores = class_logits.float().softmax(-1)[:, sorted(words.people)].sum(-1)
    return _smooth((scores[:, None, None] * mask_logits.float().sigmoid()).amax(0), size)


def segments_of(
    pieces: Sequence[Piece],
    size: tuple[int, int],
    words: Vocabulary,
    least_score: float,
    least_area: float,
    probability: Float | None = None,
) -> Segments:
    """Sort pieces into people and things, best first.

    Args:
        pieces: of one picture.
        size: (H, W) of the picture.
        words: what the classes mean.
        least_score: pieces below are dropped.
        least_area: part of the picture; smaller pieces are dropped.
        probability: (H, W) of a person, which nothing is dropped from.
    """
    good = [
        piece
        for piece in pieces
        if piece.score >= least_score and piece.mask.mean() >= max(least_area, 1e-12)
    ]
    good.sort(key=lambda piece: -piece.score)
    people = [piece for piece in good if piece.label in words.people]
    things = [piece for piece in good if piece.label in words.things]
    return Segments(
        people=_stacked(people, size),
        people_scores=np.array([piece.score for piece in people]),
        objects=_stacked(things, size),
        object_scores=np.array([piece.score for piece in things]),
        object_labels=tuple(words.names[piece.label] for piece in things),
        probability=probability,
    )


def _smooth(probability: Tensor, size: tuple[int, int]) -> Float:
    found: Float = _resized(probability[None], size)[0].cpu().double().numpy()
    return found


def _resized(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return interpolate(maps.float()[None], size=size, mode="bilinear", align_corners=False)[0]


def _joined(numbered: NDArray[np.int32], count: int) -> tuple[NDArray[np.int32], int]:
    """Give small pieces to the nearest large one, and number what is left from 1."""
    from scipy import ndimage

    if count < 2:
        return numbered, count
    areas = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
    large = np.flatnonzero(areas >= SMALL_PIECE * areas.max()) + 1
    renumbered = np.zeros(count + 1, numbered.dtype)
    renumbered[large] = np.arange(1, len(large) + 1)
    joined = renumbered[numbered]
    rows, columns = ndimage.distance_transform_edt(joined == 0, return_distances=False, return_indices=True)
    return np.where(numbered > 0, joined[rows, columns], 0), len(large)


def _stacked(pieces: Sequence[Piece], size: tuple[int, int]) -> Mask:
    return np.stack([piece.mask for piece in pieces]) if pieces else np.zeros((0, *size), bool)
