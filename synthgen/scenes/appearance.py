"""Sets of looks for the `render` source: all of a picture but the body and what it does.

`studio` is what the models of the package have learnt from. `standin` stands in for real pictures of a sport:
no model is ever trained on it, so that it measures what a model can do on pictures of another kind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from synthgen.scenes import cameras, effects, poses, settings, tailors, venues
from synthgen.scenes.cameras import Lens, Room
from synthgen.scenes.effects import Uint8
from synthgen.scenes.meshes import Mesh
from synthgen.scenes.poses import Variety
from synthgen.scenes.standin import clothes, film, repaint
from synthgen.scenes.standin import venues as standin
from synthgen.scenes.tailors import Tailors
from synthgen.scenes.venues import Venues

AppearanceName = Literal["studio", "standin"]
Repaint: TypeAlias = Callable[[Sequence[Mesh], np.random.Generator], list[Mesh]]
Develop: TypeAlias = Callable[[Uint8, Uint8, float, float, np.random.Generator], Uint8]


@dataclass(frozen=True)
class Appearance:
    """One set of looks.

    Attributes:
        venues: places by pose family.
        tailors: who make the clothes, by pose family.
        lens: how its photographers work.
        outdoors: limits of where they may stand where there are no walls.
        variety: how far poses stray from the library's keyframes.
        repaint: changes the looks of props.
        develop: what its camera makes of a picture; arguments as of `effects.develop`.
    """

    venues: Venues
    tailors: Tailors
    lens: Lens
    outdoors: Room
    variety: Variety
    repaint: Repaint
    develop: Develop


def _as_they_are(meshes: Sequence[Mesh], rng: np.random.Generator) -> list[Mesh]:
    return list(meshes)


APPEARANCES: Mapping[AppearanceName, Appearance] = {
    "studio": Appearance(
        venues.VENUES,
        tailors.TAILORS,
        cameras.STUDIO_LENS,
        settings.OUTDOORS,
        poses.USUAL,
        _as_they_are,
        effects.develop,
    ),
    "standin": Appearance(
        standin.VENUES,
        clothes.TAILORS,
        standin.LENS,
        standin.OUTDOORS,
        standin.VARIETY,
        repaint.repaint,
        film.develop,
    ),
}
