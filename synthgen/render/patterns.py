"""Procedural surface patterns as Warp device functions: colour and shininess of a material at a point.

Patterns are evaluated at a surface's own coordinates [m] and fade to their mean colour where one repeat gets
smaller than a pixel, so that a far floor does not flicker. Colours here are linear light, not sRGB.
"""

from typing import Any, TypeAlias

import numpy as np
import warp as wp
from numpy.typing import NDArray

from synthgen.surface import PATTERNS, Material

wp.set_module_options({"enable_backward": False})

PLAIN = wp.constant(PATTERNS.index("plain"))
STRIPES = wp.constant(PATTERNS.index("stripes"))
CHECKS = wp.constant(PATTERNS.index("checks"))
SPECKLE = wp.constant(PATTERNS.index("speckle"))
WOOD = wp.constant(PATTERNS.index("wood"))
CAMOUFLAGE = wp.constant(PATTERNS.index("camouflage"))
SHARP = wp.constant(0.4)  # [repeats per pixel] up to which a pattern is seen in full
BLURRED = wp.constant(1.2)  # and from which only its mean colour is seen


@wp.struct
class Paint:
    """A Material on the device; colours in linear light."""

    color: wp.vec3
    accent: wp.vec3
    direction: wp.vec2
    scale: wp.float32
    roughness: wp.float32
    pattern: wp.int32
    is_smooth: wp.int32


Paints: TypeAlias = wp.array[Paint]


def srgb_to_linear(color: NDArray[np.floating]) -> NDArray[np.floating]:
    """Convert sRGB (..., 3) to linear light, both in [0, 1] (IEC 61966-2-1)."""
    clipped = np.clip(color, 0.0, 1.0)
    return np.where(clipped <= 0.04045, clipped / 12.92, ((clipped + 0.055) / 1.055) ** 2.4)


def paints_of(materials: list[tuple[Material, bool]]) -> NDArray[Any]:
    """Pack (material, is_smooth) pairs into the structured array that `Paint` reads."""
    struct: Any = Paint  # made a Warp struct by its decorator
    packed = np.zeros(len(materials), struct.numpy_dtype())
    looks = [material for material, _ in materials]
    angles = np.array([look.angle for look in looks])
    packed["color"] = srgb_to_linear(np.array([look.color for look in looks]))
    packed["accent"] = srgb_to_linear(np.array([look.accent for look in looks]))
    packed["direction"] = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    packed["scale"] = [look.scale for look in looks]
    packed["roughness"] = np.clip([look.roughness for look in looks], 0.05, 1.0)
    packed["pattern"] = [PATTERNS.index(look.pattern) for look in looks]
    packed["is_smooth"] = [is_smooth for _, is_smooth in materials]
    return packed


@wp.func
def stripe(x: float, softness: float) -> float:
    """Return 0..1 of a square wave of period 1 whose edges are blurred over `softness` periods."""
    ramp = 2.0 * wp.abs(x - wp.floor(x) - 0.5)
    return wp.clamp((ramp - 0.5) / (2.0 * softness) + 0.5, 0.0, 1.0)


@wp.func
def check(p: wp.vec3, softness: float) -> float:
    """Return 0..1 of a cube checkerboard; the planes x, y, z = 0 lie in the middle of cells."""
    a = 2.0 * stripe(0.5 * p[0], 0.5 * softness) - 1.0
    b = 2.0 * stripe(0.5 * p[1], 0.5 * softness) - 1.0
    c = 2.0 * stripe(0.5 * p[2], 0.5 * softness) - 1.0
    return 0.5 + 0.5 * a * b * c


@wp.func
def fbm(seed: int, p: wp.vec3) -> float:
    """Return two octaves of Perlin noise, roughly in [-1, 1]."""
    state = wp.uint32(seed)
    return wp.noise(state, p) + 0.5 * wp.noise(state, 2.03 * p)


@wp.func
def wood_mix(p: wp.vec3) -> float:
    """Return 0..1 of planks with grain: p[0] runs across the planks, p[1] along them, one plank per unit."""
    plank = wp.floor(p[0])
    shade = wp.noise(wp.uint32(11), wp.vec3(7.31 * plank, 0.5, 0.5))
    grain = wp.noise(wp.uint32(13), wp.vec3(9.0 * p[0], 0.6 * p[1] + 3.7 * plank, 9.0 * p[2]))
    gap = wp.where(p[0] - plank < 0.03, 0.5, 0.0)
    return wp.clamp(0.4 + 0.5 * shade + 0.35 * grain + gap, 0.0, 1.0)


@wp.func
def pattern_mix(paint: Paint, p: wp.vec3, softness: float) -> float:
    """Return how much of the accent colour shows at p, which is measured in repeats of the pattern."""
    along = wp.vec3(
        paint.direction[0] * p[0] + paint.direction[1] * p[1],
        paint.direction[0] * p[1] - paint.direction[1] * p[0],
        p[2],
    )
    if paint.pattern == STRIPES:
        return stripe(along[0], softness)
    if paint.pattern == CHECKS:
        return check(along, softness)
    if paint.pattern == SPECKLE:
        return wp.clamp(0.5 + 1.2 * fbm(3, 2.0 * p), 0.0, 1.0)
    if paint.pattern == WOOD:
        return wood_mix(along)
    if paint.pattern == CAMOUFLAGE:
        return wp.smoothstep(-0.12 - softness, 0.02 + softness, fbm(5, p))
    return 0.0


@wp.func
def albedo(paint: Paint, point: wp.vec3, footprint: float) -> wp.vec3:
    """Return the linear colour of a material at a surface coordinate [m] seen through a pixel [m] wide."""
    if paint.pattern == PLAIN:
        return paint.color
    softness = wp.max(footprint / paint.scale, 0.01)
    mean = wp.where(paint.pattern == WOOD, 0.4, 0.5)
    if softness >= BLURRED:
        return wp.lerp(paint.color, paint.accent, mean)
    mix = pattern_mix(paint, point / paint.scale, wp.min(softness, 0.5))
    color = wp.lerp(paint.color, paint.accent, mix)
    if paint.pattern == CAMOUFLAGE:
        third = wp.smoothstep(0.15, 0.25, fbm(17, 1.3 * point / paint.scale))
        color = color * (1.0 - 0.55 * third)
    return wp.lerp(color, wp.lerp(paint.color, paint.accent, mean), wp.smoothstep(SHARP, BLURRED, softness))
