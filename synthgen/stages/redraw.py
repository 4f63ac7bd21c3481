"""Step `redraw`: the picture drawn anew around the bodies, so that it shows what the labels say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.protocols import Guides
from synthgen.stages.depth import Plan, region

_NOISE_STREAM, _BLUR_STREAM = 0x726564, 0x626C7572  # keep draws of a seed apart
Draw = Callable[[Guides, list[str], list[str], list[int]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Redrawing:
    """How pictures are drawn anew; steps, strength and guidance are keys of `models.redraw`.

    Attributes:
        renders: draw rendered scenes anew, too; otherwise they are final as they are.
        cycles: times that a picture is redrawn, with a new estimate of its bodies in between.
        blur: part of the pictures that end with a Gaussian blur.
        blur_radius: its least and greatest deviation, as parts of a 512th of the picture's width (paper: 1 to
            2.5 at 512 px).
    """

    renders: bool = False
    cycles: int = 1
    blur: float = 0.0
    blur_radius: list[float] = field(default_factory=lambda: [1.0, 2.5])

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [] if self.cycles >= 1 else [f"cycles must be at least 1, got {self.cycles}"]
        if not 0 <= self.blur <= 1:
            found.append(f"blur must be in [0, 1], got {self.blur}")
        radius = self.blur_radius
        if len(radius) != 2 or not 0 <= radius[0] <= radius[1]:
            found.append(f"blur_radius must be the least and the greatest, both at least 0, got {radius}")
        return found


@dataclass(frozen=True)
class Wanted:
    """One picture to draw: the plan, the words, and the seed that its noise comes from."""

    plan: Plan
    negative_prompt: str
    seed: int


def redraw_pictures(wanted: Sequence[Wanted], model: Draw) -> list[NDArray[np.uint8]]:
    """Draw pictures anew; those of one size together, blank ones always from noise alone.

    Returns:
        One (H, W, 3) uint8 RGB picture for each plan, in order.
    """
    pictures: list[NDArray[np.uint8] | None] = [None] * len(wanted)
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, one in enumerate(wanted):
        groups.setdefault(one.plan.drawing.image.shape, []).append(number)
    for members in groups.values():
        chosen = [wanted[number] for number in members]
        plans = [one.plan for one in chosen]
        blank = np.array([plan.bodies.is_blank for plan in plans])[:, None, None]
        guides = Guides(
            images=np.stack([plan.drawing.image for plan in plans]),
            nearness=np.stack([plan.nearness for plan in plans]),
            region=region(plans) | blank,
        )
        drawn = model(
            guides,
            [plan.bodies.prompt for plan in plans],
            [one.negative_prompt for one in chosen],
            [one.seed for one in chosen],
        )
        for number, picture in zip(members, drawn, strict=True):
            pictures[number] = picture
    return [picture for picture in pictures if picture is not None]


def noise_seed(seed: int, variant: int, attempt: int) -> int:
    """Return the seed of a redraw's noise: another one for each variant and attempt of a sample."""
    high, low = np.random.SeedSequence([seed, _NOISE_STREAM, variant, attempt]).generate_state(2, np.uint32)
    return (int(high) << 32 | int(low)) >> 1


def blurred(image: NDArray[np.uint8], options: Redrawing, seed: int) -> NDArray[np.uint8]:
    """Blur some of the pictures (H, W, 3), as Diffusion-HPC does to make them look like frames of videos."""
    rng = np.random.default_rng([seed, _BLUR_STREAM])
    if rng.random() >= options.blur:
        return image
    from scipy.ndimage import gaussian_filter

    sigma = rng.uniform(options.blur_radius[0], options.blur_radius[1]) * image.shape[1] / 512
    soft = gaussian_filter(image.astype(np.float32), (sigma, sigma, 0), mode="nearest")
    return np.rint(soft).astype(np.uint8)
