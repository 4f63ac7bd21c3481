"""What a part of the examination works with, and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from synthgen.body import Body
from synthgen.embedded.exam.models import Models
from synthgen.prompts import sample_seed
from synthgen.render import Renderer
from synthgen.sample import Label, Sample
from synthgen.scenes.poses import FAMILIES

Picture = NDArray[np.uint8]
DrawSkeletons = Callable[[Picture, Sequence[Label]], Picture]

PEOPLE, ALONE, PROBE, DRAFTS, OTHER_DRAFTS, REDRAWS, POSES, SPEED = range(8)  # streams of the seed
_FAMILIES_APART = 10  # seeds of a stream


class Render(Protocol):
    """Draws fresh pictures."""

    def __call__(self, family: str, count: int, seed: int, is_alone: bool) -> list[Sample]:
        """Return `count` pictures of a pose family; of one person each, or of more now and then."""


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    Attributes:
        seed: every random draw follows from it.
        pictures: fresh renders of each pose family.
        drafts: pictures drawn from captions, of all families together.
        redraws: bodies to draw anew, of all families together.
        probe: renders of each of its families that the probe classifier learns from.
    """

    seed: int
    pictures: int
    drafts: int
    redraws: int
    probe: int


@dataclass(frozen=True)
class Answer:
    """What a part found.

    Attributes:
        amount: how much was measured, in words.
        figures: by name; one that was found for each pose family has names like "pck/ski".
        plates: pictures for the card by name, (H, W, 3) uint8.
        texts: lists of words for the card, by name.
    """

    amount: str
    figures: Mapping[str, float]
    plates: Mapping[str, Picture] = field(default_factory=dict)
    texts: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Exam:
    """Models, and the means to ask them.

    Attributes:
        models: under examination.
        body: of the scenes.
        renderer: that draws bare bodies.
        render: draws fresh pictures.
        skeletons: draws the joints of labels over a picture.
        settings: how much is measured.
    """

    models: Models
    body: Body
    renderer: Renderer
    render: Render
    skeletons: DrawSkeletons
    settings: Settings

    @cached_property
    def people(self) -> tuple[Sample, ...]:
        """Fresh pictures of all families, of one or two people, as in training."""
        return tuple(
            sample for family in FAMILIES for sample in self._draw(PEOPLE, family, self.settings.pictures)
        )

    def alone(self, count: int) -> list[Sample]:
        """Return `count` fresh pictures of one person each, the families in turn."""
        share = -(-count // len(FAMILIES))
        drawn = [self._alone[family][:share] for family in FAMILIES]
        return [drawn[number % len(FAMILIES)][number // len(FAMILIES)] for number in range(count)]

    def for_probe(self, family: str) -> list[Sample]:
        """Return the pictures of a family that the probe learns from."""
        return self._draw(PROBE, family, self.settings.probe)

    def seeds(self, stream: int, count: int) -> list[int]:
        """Return seeds for models that draw."""
        return [sample_seed(self._seed(stream), index) for index in range(count)]

    def rng(self, stream: int) -> np.random.Generator:
        """Return a generator of its own for a stream."""
        return np.random.default_rng(self._seed(stream))

    @cached_property
    def _alone(self) -> dict[str, list[Sample]]:
        share = -(-max(self.settings.drafts, self.settings.redraws, 1) // len(FAMILIES))
        return {family: self._draw(ALONE, family, share) for family in FAMILIES}

    def _draw(self, stream: int, family: str, count: int) -> list[Sample]:
        return self.render(family, count, self._seed(stream, FAMILIES.index(family)), stream != PEOPLE)

    def _seed(self, stream: int, family: int = 0) -> int:
        return self.settings.seed + _FAMILIES_APART * stream + family
