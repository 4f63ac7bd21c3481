"""Errors of keypoint detectors, made on purpose: what the student of noisy key-point reasoning learns from.

Kinds and sizes follow Ronchi and Perona, "Benchmarking and error diagnosis in multi-instance pose estimation"
(ICCV 2017): jitter, inversion, swap, miss. Distances are those at which the key-point similarity of COCO,
exp(-d^2 / (2 s^2 k^2)), falls to a value; s is the size of the person, k of the joint.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor

from synthgen.dpmesh.batch import Crops
from synthgen.joints import DPMESH30, ROOT, SMPL24

_JITTER = (0.85, 0.5)  # similarity of a joint that is found beside its place
_STRAY = (0.5, 0.1)  # of one that is found far from it
_LIMBS = (("shoulder", "elbow", "wrist", "hand"), ("hip", "knee", "ankle", "foot"), ("eye", "ear"))
_FALLOFF = {  # twice COCO's sigma of each joint; joints that COCO lacks have that of what is nearest
    "nose": 0.052, "eye": 0.05, "ear": 0.07, "head_top": 0.07, "head": 0.07, "neck": 0.158,
    "collar": 0.158, "shoulder": 0.158, "elbow": 0.144, "wrist": 0.124, "hand": 0.124,
    "pelvis": 0.214, "hip": 0.214, "spine1": 0.214, "spine2": 0.214, "spine3": 0.158,
    "knee": 0.174, "ankle": 0.178, "foot": 0.178,
}  # fmt: skip
_SMALLEST = 1 / 8  # size of a person [sides of the crop] at least: few joints may lie close together
_ASIDE = (0.3, 0.8)  # where the neighbour stands [sizes of the person], left or right
_UP_DOWN = 0.15  # how far it may be higher or lower, likewise


@dataclass(frozen=True)
class NoiseOptions:
    """How often each error occurs; the defaults are about what detectors do on crowded pictures.

    Attributes:
        jitter: chance in [0, 1], as all others; joint is found beside its place, at a similarity of 0.5 to
            0.85.
        stray: joint is found far from its place, at a similarity of 0.1 to 0.5.
        missing: joint is not found.
        missing_limb: arm, leg, or the eye and ear of one side are not found.
        inversion: left and right joint of a pair change places.
        inversion_limb: arms, legs, or eyes and ears of both sides do.
        inversion_body: all pairs do, as when a back is taken for a front.
        doubled: joint is found at its mirror image's place, which stays where it is.
        confusion: joint is found where its parent or a child in the skeleton is.
        swap: joint is found at another person's: where the same joint of someone else in the batch would be
            if they stood beside this person.
        swap_limb: arm, leg, or the eye and ear of one side are.
    """

    jitter: float = 0.15
    stray: float = 0.03
    missing: float = 0.08
    missing_limb: float = 0.04
    inversion: float = 0.03
    inversion_limb: float = 0.03
    inversion_body: float = 0.02
    doubled: float = 0.02
    confusion: float = 0.02
    swap: float = 0.04
    swap_limb: float = 0.04

    @classmethod
    def none(cls) -> Self:
        """Return options that leave everything as it is."""
        return cls(**{field.name: 0.0 for field in fields(cls)})

    @classmethod
    def released(cls) -> Self:
        """Return what the published training code does: a tenth of the joints is hidden, nothing is moved."""
        return replace(cls.none(), missing=0.1)

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [
            f"{field.name} must be in [0, 1], got {getattr(self, field.name)}"
            for field in fields(self)
            if not 0 <= getattr(self, field.name) <= 1
        ]
        if not found and self.jitter + self.stray > 1:
            found.append(f"jitter + stray must be at most 1, got {self.jitter} + {self.stray}")
        return found


def corrupt(crops: Crops, options: NoiseOptions, generator: torch.Generator) -> Crops:
    """Return crops whose observed joints have errors; pictures and cameras are the same tensors.

    A joint that was not observed never appears, unless the other of its pair changes places with it. The same
    state of the generator gives the same errors, and the number of draws does not depend on the options.

    Args:
        crops: never changed.
        options: how often each error occurs.
        generator: of all chance; its device need not be that of the crops.
    """
    dice = _Dice(generator, len(crops), crops.keypoints_2d.device)
    places, confidence = crops.keypoints_2d, crops.confidence
    size = person_size(places, confidence, crops.images.shape[-1])
    others = _neighbours(places, size, dice), confidence[dice.other()]
    places, confidence = _inverted(places, confidence, options, dice)
    places, confidence = _mistaken(places, confidence, options, dice)
    places, confidence = _swapped((places, confidence), others, options, dice)
    places = _displaced(places, size, options, dice)
    is_missing = (dice.joints() < options.missing) | dice.limbs(options.missing_limb)
    is_observed = (confidence > 0) & ~is_missing
    # What the condition reads of a joint that was hidden must not tell where it was.
    rest = torch.where((crops.confidence > 0)[..., None], 0.0, crops.keypoints_2d)
    places = torch.where(is_observed[..., None], places, rest)
    return replace(crops, keypoints_2d=places, confidence=torch.where(is_observed, confidence, 0.0))


def person_size(places: Tensor, confidence: Tensor, side: int) -> Tensor:
    """Return the root of the area of the box around observed joints.

    Args:
        places: (B, 30, 2) [px].
        confidence: (B, 30).
        side: of the crop [px]; no person is smaller than an eighth of it.

    Returns:
        (B,) [px].
    """
    is_seen = (confidence > 0)[..., None]
    high = torch.where(is_seen, places, -torch.inf).amax(1)
    low = torch.where(is_seen, places, torch.inf).amin(1)
    area = (high - low).clamp(min=0).prod(-1)
    return area.sqrt().clamp(min=_SMALLEST * side)


class _Dice:
    """Draws for a batch, on the device of the batch, whatever the device of the generator."""

    def __init__(self, generator: torch.Generator, count: int, device: torch.device) -> None:
        self.generator, self.count, self.device = generator, count, device
        self.turn = int(self.draw(1, 1) * max(1, count - 1)) + 1

    def draw(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.generator.device).to(self.device)

    def joints(self) -> Tensor:
        return self.draw(self.count, len(DPMESH30))

    def other(self) -> Tensor:
        """Return for each crop the number (B,) of another one; of a batch of one, its own."""
        return (torch.arange(self.count, device=self.device) + self.turn) % max(1, self.count)

    def limbs(self, chance: float) -> Tensor:
        """Return which joints (B, 30) belong to limbs that were hit."""
        hit = self.draw(self.count, len(_LIMB_MASK)) < chance
        return (hit.float() @ _LIMB_MASK.to(self.device)) > 0


def _neighbours(places: Tensor, size: Tensor, dice: _Dice) -> Tensor:
    """Return the joints (B, 30, 2) of somebody else who stands beside each person, in that person's size."""
    offset = dice.draw(len(places), 3)
    aside = torch.where(offset[:, 0] < 0.5, -1.0, 1.0) * (_ASIDE[0] + (_ASIDE[1] - _ASIDE[0]) * offset[:, 1])
    shift = torch.stack([aside, (2 * offset[:, 2] - 1) * _UP_DOWN], -1) * size[:, None]
    return places[dice.other()] + shift[:, None]


def _inverted(
    places: Tensor, confidence: Tensor, options: NoiseOptions, dice: _Dice
) -> tuple[Tensor, Tensor]:
    draws = dice.joints()[:, _PAIR]  # one draw a pair, at the row of its left joint
    kinds = dice.draw(len(places), len(_LIMBS))[:, _LIMB_KIND] < options.inversion_limb
    is_limb = kinds & (_LIMB_KIND >= 0).to(dice.device)
    is_body = dice.draw(len(places), 1) < options.inversion_body
    # Twice inverted is not inverted.
    is_hit = (draws < options.inversion) ^ is_limb ^ is_body
    source = torch.where(is_hit, _MIRROR.to(dice.device), torch.arange(len(DPMESH30), device=dice.device))
    return _taken(places, confidence, source)


def _mistaken(
    places: Tensor, confidence: Tensor, options: NoiseOptions, dice: _Dice
) -> tuple[Tensor, Tensor]:
    """Find joints at their mirror images' places, or at those of joints next to them."""
    draws, choice = dice.joints(), dice.joints()
    near = _NEAR.to(dice.device)
    row = (choice * _NEAR_COUNT.to(dice.device)).long()
    beside = near.expand(len(places), -1, -1).gather(2, row[..., None])[..., 0]
    source = torch.arange(len(DPMESH30), device=dice.device).expand(len(places), -1)
    source = torch.where(draws < options.confusion, beside, source)
    is_doubled = (draws >= options.confusion) & (draws < options.confusion + options.doubled)
    source = torch.where(is_doubled, _MIRROR.to(dice.device), source)
    found, found_confidence = _taken(places, confidence, source)
    is_possible = (confidence > 0) & (found_confidence > 0)
    return (
        torch.where(is_possible[..., None], found, places),
        torch.where(is_possible, found_confidence, confidence),
    )


def _swapped(
    own: tuple[Tensor, Tensor], others: tuple[Tensor, Tensor], options: NoiseOptions, dice: _Dice
) -> tuple[Tensor, Tensor]:
    is_hit = (dice.joints() < options.swap) | dice.limbs(options.swap_limb)
    is_hit = is_hit & (own[1] > 0) & (others[1] > 0)
    return torch.where(is_hit[..., None], others[0], own[0]), torch.where(is_hit, others[1], own[1])


def _displaced(places: Tensor, size: Tensor, options: NoiseOptions, dice: _Dice) -> Tensor:
    kind, angle, part = dice.joints(), 2 * math.pi * dice.joints(), dice.joints()
    scale = size[:, None] * _FALLOFFS.to(dice.device)
    near, far = (_between(*limits, part) for limits in (_JITTER, _STRAY))
    reach = torch.where(kind < options.jitter, near, 0.0)
    is_stray = (kind >= options.jitter) & (kind < options.jitter + options.stray)
    reach = torch.where(is_stray, far, reach) * scale
    return places + reach[..., None] * torch.stack([angle.cos(), angle.sin()], -1)


def _between(inner: float, outer: float, part: Tensor) -> Tensor:
    """Return distances [s k] between those at which the similarity is `inner` and `outer`."""
    near, far = (math.sqrt(-2 * math.log(similarity)) for similarity in (inner, outer))
    return near + (far - near) * part


def _taken(places: Tensor, confidence: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
    """Return places and confidences of the joints whose rows (B, 30) are given."""
    return places.gather(1, source[..., None].expand(-1, -1, 2)), confidence.gather(1, source)


def _bare(joint: str) -> str:
    return joint.removeprefix("left_").removeprefix("right_")


def _beside(joint: str) -> list[int]:
    """Return the rows of a joint's parent and children; of landmarks, the head's."""
    if joint not in SMPL24.names:
        return [DPMESH30.index("head")]
    row = SMPL24.index(joint)
    children = [child for child, parent in enumerate(SMPL24.parents) if parent == row]
    parents = [SMPL24.parents[row]] if SMPL24.parents[row] != ROOT else []
    return [DPMESH30.index(SMPL24.names[other]) for other in (*parents, *children)]


_MIRROR = torch.tensor(DPMESH30.flip_permutation())
_PAIR = torch.minimum(_MIRROR, torch.arange(len(DPMESH30)))
_FALLOFFS = torch.tensor([_FALLOFF[_bare(name)] for name in DPMESH30.names])
_LIMB_KIND = torch.tensor(
    [next((kind for kind, limb in enumerate(_LIMBS) if _bare(name) in limb), -1) for name in DPMESH30.names]
)
_LIMB_MASK = torch.tensor(
    [
        [float(name.startswith(f"{hand}_") and _bare(name) in limb) for name in DPMESH30.names]
        for limb in _LIMBS
        for hand in ("left", "right")
    ]
)
_NEAR_LISTS = [_beside(name) for name in DPMESH30.names]
_NEAR_COUNT = torch.tensor([float(len(near)) for near in _NEAR_LISTS])
_NEAR = torch.tensor([near + near[:1] * (max(map(len, _NEAR_LISTS)) - len(near)) for near in _NEAR_LISTS])
