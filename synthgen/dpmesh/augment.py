"""Random changes of crops: how much, and what one draw of them is.

Sizes are those of the published training of 3DCrowdNet, whose data code DPMesh builds on; synthetic occluders
as in Sarandi et al., "How robust is 3D human pose estimation to occlusion?" (2018), with drawn shapes in
place of cut-out objects.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from synthgen.geometry import Array

_STEEPEST = 2.0  # standard deviations of the turn


@dataclass(frozen=True)
class Augmentation:
    """How crops are changed at random.

    Attributes:
        scale: standard deviation of the crop's side, as a part of it; at most one of them either way.
        shift: most that the middle may move by, as a part of the side.
        rotation: standard deviation of the turn [degrees]; at most two of them either way.
        rotated: part of the crops that is turned, in [0, 1].
        flip: part that is mirrored, in [0, 1].
        color: most that each channel may grow or shrink by, as a part of it.
        occluded: part that gets synthetic occluders, in [0, 1].
        max_occluders: greatest number of these in a crop.
    """

    scale: float = 0.25
    shift: float = 0.05
    rotation: float = 30.0
    rotated: float = 0.6
    flip: float = 0.5
    color: float = 0.2
    occluded: float = 0.5
    max_occluders: int = 3

    @classmethod
    def none(cls) -> Self:
        """Return the options that leave crops as they are."""
        return cls(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    def problems(self) -> list[str]:
        """Return what is out of range."""
        limits = {"scale": 0.9, "shift": 1.0, "rotation": 90.0, "color": 1.0}
        limits |= {"rotated": 1.0, "flip": 1.0, "occluded": 1.0}
        found = [
            f"{name} must be in [0, {limit:g}], got {getattr(self, name):g}"
            for name, limit in limits.items()
            if not 0 <= getattr(self, name) <= limit
        ]
        if self.max_occluders < 1:
            found.append(f"max_occluders must be >= 1, got {self.max_occluders}")
        return found


@dataclass(frozen=True)
class Change:
    """One draw of changes, of one crop.

    Attributes:
        scale: factor on the crop's side in the picture.
        shift: (2,) of the middle [sides].
        angle: [rad].
        is_flipped: mirrored.
        color: (3,) factors on R, G, B.
        occluders: how many.
        seed: of what they look like.
    """

    scale: float
    shift: Array
    angle: float
    is_flipped: bool
    color: Array
    occluders: int
    seed: int


STILL = Change(1.0, np.zeros(2), 0.0, False, np.ones(3), 0, 0)


def draw(options: Augmentation, rng: np.random.Generator) -> Change:
    """Draw the changes of one crop; the same number of draws whatever the options."""
    scale, turn = rng.standard_normal(2)
    shift_x, shift_y, red, green, blue = rng.uniform(-1, 1, 5)
    turned, mirrored, hidden = rng.random(3)
    count, seed = rng.integers(0, [options.max_occluders, 2**32])
    angle = np.deg2rad(options.rotation) * np.clip(turn, -_STEEPEST, _STEEPEST)
    return Change(
        scale=float(1 + options.scale * np.clip(scale, -1, 1)),
        shift=options.shift * np.array([shift_x, shift_y]),
        angle=float(angle) if turned < options.rotated else 0.0,
        is_flipped=bool(mirrored < options.flip),
        color=1 + options.color * np.array([red, green, blue]),
        occluders=int(count) + 1 if hidden < options.occluded else 0,
        seed=int(seed),
    )
