"""Give the library's props, apparatus and equipment other colours and surfaces."""

import colorsys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from synthgen.scenes.meshes import Mesh
from synthgen.scenes.palette import Color
from synthgen.surface import Material, Pattern

_OTHER: dict[Pattern, Pattern] = {  # what takes the place of a pattern
    "plain": "plain", "stripes": "checks", "checks": "camouflage", "speckle": "stripes", "wood": "speckle",
    "camouflage": "speckle",
}  # fmt: skip


def _turned(color: Color, turn: float, tint: float) -> Color:
    """Return the colour with its hue turned; greys take on a tint."""
    hue, saturation, value = colorsys.rgb_to_hsv(*color)
    vivid = float(np.clip(tint + saturation * (1 - 0.5 * tint), 0, 1))
    return colorsys.hsv_to_rgb((hue + turn) % 1.0, vivid, float(np.clip(0.12 + 0.8 * value, 0, 1)))


def repaint(meshes: Sequence[Mesh], rng: np.random.Generator) -> list[Mesh]:
    """Return the meshes of one picture in other colours and patterns; shapes stay as they are.

    Args:
        meshes: props; not people, not ground.
        rng: of the picture, so that everything in it turns the same way.
    """
    turn, tint, gloss = float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.1, 0.6)), rng.uniform(0.1, 0.9)
    is_banded = rng.uniform(size=8) < 0.4

    def other(material: Material) -> Material:
        pattern = _OTHER[material.pattern]
        if pattern == "plain" and is_banded[round(material.color[0] * 7)]:
            pattern = "stripes"
        return replace(
            material,
            color=_turned(material.color, turn, tint),
            accent=_turned(material.accent, turn + 0.35, tint),
            pattern=pattern,
            roughness=float(0.5 * material.roughness + 0.5 * gloss),
        )

    return [replace(mesh, materials=tuple(other(one) for one in mesh.materials)) for mesh in meshes]
