"""Floors and ground of the stand-in: ice, slush, a podium, dark water, cobbles, terrazzo."""

import numpy as np

from synthgen.scenes.grounds import Extent, Ground
from synthgen.scenes.meshes import Mesh, floor
from synthgen.scenes.palette import Color, mix, shade, vary
from synthgen.surface import Material

NEON: tuple[Color, ...] = (
    (0.75, 0.98, 0.10), (0.98, 0.12, 0.62), (0.05, 0.93, 0.90), (1.0, 0.42, 0.05), (0.55, 0.20, 0.98),
)  # fmt: skip
MUTED: tuple[Color, ...] = (
    (0.42, 0.30, 0.22), (0.33, 0.36, 0.22), (0.25, 0.32, 0.38), (0.52, 0.44, 0.38), (0.36, 0.24, 0.32),
    (0.60, 0.54, 0.34),
)  # fmt: skip


def pick(colors: tuple[Color, ...], amount: float, rng: np.random.Generator) -> Color:
    """Draw one of some colours and vary it."""
    return vary(colors[int(rng.integers(len(colors)))], amount, rng)


def _striped(extent: Extent, base: Material, paint: Material, widths: tuple[float, float, float]) -> Mesh:
    """Return ground with lines along z; `widths`: of a line, from line to line, place of the first [m]."""
    width, step, start = widths
    reach = min(extent.half_x, 12.0) - width
    at = np.arange(-reach + start, reach, step)
    edges = np.stack([at - width / 2, at + width / 2], -1).ravel()
    cells = (np.arange(len(edges) + 1) % 2)[:, None]
    x = np.concatenate([[-extent.half_x], edges, [extent.half_x]])
    return floor(x, np.array([-extent.half_z, extent.half_z]), [base, paint], cells)


def ice(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """A watered race piste: grey-blue ice with scraped patches and lines of dye."""
    bare = vary((0.55, 0.68, 0.80), 0.10, rng)
    base = Material(
        bare, mix(bare, (0.90, 0.93, 0.97), 0.6), "camouflage", float(rng.uniform(0.7, 2.4)), 0.25
    )
    dye = Material(pick(((0.10, 0.22, 0.70), (0.80, 0.10, 0.20), (0.10, 0.45, 0.30)), 0.05, rng))
    lines = (float(rng.uniform(0.10, 0.35)), float(rng.uniform(2.0, 7.0)), float(rng.uniform(0, 2)))
    return [_striped(extent, base, dye, lines)]


def slush(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """Spring snow: brownish, wet, with earth and grass showing through."""
    wet = vary((0.70, 0.66, 0.60), 0.08, rng)
    earth = pick(((0.38, 0.30, 0.20), (0.40, 0.42, 0.22), (0.55, 0.50, 0.46)), 0.1, rng)
    base = Material(wet, mix(wet, earth, rng.uniform(0.4, 0.9)), "camouflage", float(rng.uniform(0.9, 3.5)))
    rut = Material(shade(wet, 0.82), shade(wet, 0.7), "speckle", 0.2)
    return [_striped(extent, base, rut, (0.3, float(rng.uniform(1.2, 3.0)), float(rng.uniform(0, 1))))]


def podium(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """A show floor: loud carpet in big fields with bands of another colour."""
    tint = pick(NEON, 0.08, rng)
    deep = shade(mix(tint, (0.2, 0.1, 0.4), 0.25), 0.85)
    base = Material(deep, shade(deep, 0.75), "checks", float(rng.uniform(1.0, 2.5)), 0.9)
    band = Material(pick(NEON, 0.08, rng), roughness=0.6)
    lines = (float(rng.uniform(0.2, 0.8)), float(rng.uniform(2.5, 6.0)), float(rng.uniform(0, 2)))
    return [_striped(extent, base, band, lines)]


def dark_water(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """Deep green or black water before a deck of planks."""
    deep = pick(((0.03, 0.20, 0.16), (0.02, 0.08, 0.14), (0.10, 0.24, 0.10), (0.16, 0.13, 0.20)), 0.1, rng)
    water = Material(
        deep, mix(deep, (0.55, 0.70, 0.66), 0.3), "camouflage", float(rng.uniform(0.3, 1.2)), 0.1
    )
    wood = pick(((0.45, 0.33, 0.22), (0.30, 0.24, 0.20), (0.58, 0.55, 0.50)), 0.06, rng)
    deck = Material(wood, shade(wood, 0.6), "wood", float(rng.uniform(0.14, 0.3)), 0.6)
    edge = Material(pick(NEON, 0.05, rng), (0.1, 0.1, 0.1), "stripes", 0.4)
    front = -float(rng.uniform(0.8, 2.2))
    x = np.array([-extent.half_x, extent.half_x])
    z = np.array([-extent.half_z, front - 0.15, front, extent.half_z])
    return [floor(x, z, [deck, edge, water], np.array([[0, 1, 2]]))]


def cobbles(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """Setts in a courtyard, here and there painted over."""
    stone = pick(((0.36, 0.30, 0.28), (0.26, 0.28, 0.33), (0.50, 0.40, 0.30)), 0.06, rng)
    base = Material(stone, shade(stone, 0.6), "checks", float(rng.uniform(0.09, 0.2)), 0.7)
    paint = Material(pick(NEON, 0.06, rng), shade(stone, 0.8), "camouflage", float(rng.uniform(0.3, 0.8)))
    lines = (float(rng.uniform(0.3, 1.2)), float(rng.uniform(3.0, 8.0)), float(rng.uniform(0, 3)))
    return [_striped(extent, base, paint, lines)]


def terrazzo(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """A polished floor of stone chips or black and white tiles."""
    light = vary((0.72, 0.70, 0.66), 0.1, rng)
    dark = pick(((0.10, 0.10, 0.11), (0.25, 0.35, 0.33), (0.42, 0.20, 0.18)), 0.06, rng)
    if rng.uniform() < 0.5:
        base = Material(light, dark, "checks", float(rng.uniform(0.4, 0.9)), 0.15)
    else:
        base = Material(light, dark, "camouflage", float(rng.uniform(0.08, 0.2)), 0.2)
    x, z = np.array([-extent.half_x, extent.half_x]), np.array([-extent.half_z, extent.half_z])
    return [floor(x, z, [base], np.zeros((1, 1), int))]


GROUNDS: dict[str, Ground] = {
    "ice": ice, "slush": slush, "podium": podium, "dark_water": dark_water, "cobbles": cobbles,
    "terrazzo": terrazzo,
}  # fmt: skip
GROUND_COLORS: dict[str, Color] = {
    "ice": (0.62, 0.74, 0.85), "slush": (0.60, 0.55, 0.48), "podium": (0.45, 0.20, 0.50),
    "dark_water": (0.05, 0.18, 0.16), "cobbles": (0.36, 0.32, 0.30), "terrazzo": (0.50, 0.48, 0.45),
}  # fmt: skip
