"""The stand-in's tailors: loud, muted and patterned cloth, in cuts that nobody else sews."""

import numpy as np

from synthgen.scenes import garments, heads, palette
from synthgen.scenes.footwear import wear_gloves, wear_shoes, wear_ski_boots
from synthgen.scenes.garments import Canvas, both, either
from synthgen.scenes.palette import Color, mix, shade
from synthgen.scenes.standin.grounds import MUTED, NEON, pick
from synthgen.scenes.tailors import Look, Piece, Tailored, Tailors, Worn
from synthgen.surface import Material

_HARSH: tuple[Color, ...] = ((0.97, 0.97, 0.95), (0.04, 0.04, 0.05))


def _color(look: Look, rng: np.random.Generator) -> Color:
    """Draw a colour, again where it is hard to tell from what is behind."""
    for _ in range(4):
        color = pick((*NEON, *MUTED, *_HARSH), 0.12, rng)
        if abs(palette.luminance(color) - look.backdrop) > 0.28:
            break
    return color


def _cloth(color: Color, rng: np.random.Generator, roughness: float = 0.8) -> Material:
    """Return cloth that is mostly patterned: diagonals, squares or blots of a second colour."""
    other = pick((*NEON, *MUTED, *_HARSH), 0.12, rng)
    kind = int(rng.integers(5))
    if kind == 0:
        return Material(
            color, other, "stripes", float(rng.uniform(0.04, 0.25)), roughness, rng.uniform(0, 3.1)
        )
    if kind == 1:
        return Material(color, other, "checks", float(rng.uniform(0.08, 0.25)), roughness, 0.8)
    if kind == 2:
        return Material(color, other, "camouflage", float(rng.uniform(0.12, 0.4)), roughness)
    return Material(color, shade(color, 0.75), "speckle", float(rng.uniform(0.01, 0.05)), roughness)


def _half(canvas: Canvas, cut: np.ndarray, color: Color, thick: float, rng: np.random.Generator) -> None:
    """Sew a piece, sometimes of two colours: left and right, or upper and lower half."""
    body = canvas.body
    canvas.paint(cut, _cloth(color, rng), thick)
    kind = rng.uniform()
    if kind < 0.3:
        canvas.paint(both(cut, -body.vertices[:, 0]), _cloth(pick(NEON, 0.1, rng), rng), thick)
    elif kind < 0.5:
        canvas.paint(
            both(cut, garments.chest_band(body, 0.3, 0.75)), _cloth(pick(_HARSH, 0, rng), rng), thick
        )


def _words(color: Color, noun: str, low: Color, low_noun: str) -> list[Piece]:
    names = palette.color_name(color), palette.color_name(low)
    article = "an" if names[0][0] in "aeiou" else "a"
    return [Piece(f"{article} {names[0]} {noun}", "trunk"), Piece(f"{names[1]} {low_noun}", "legs")]


def _hair(canvas: Canvas, look: Look, rng: np.random.Generator) -> Worn:
    """Do the hair, which is dyed here more often than elsewhere."""
    color = mix(look.hair, pick(NEON, 0.1, rng), 0.7) if rng.uniform() < 0.2 else look.hair
    return [("head", mesh) for mesh in heads.draw_hair(canvas, look.style, color)]


def _ski(canvas: Canvas, look: Look, rng: np.random.Generator) -> Tailored:
    body, color, low = canvas.body, _color(look, rng), _color(look, rng)
    is_suit = rng.uniform() < 0.35
    low = color if is_suit else low
    thick = 0.5 if is_suit else rng.uniform(1.2, 3.0)
    canvas.paint(garments.bottom(body, 1.8), _cloth(low, rng, 0.5), thick)
    _half(canvas, garments.top(body, 1.95, 1.08, 0.1 if not is_suit else 0.3), color, thick, rng)
    if rng.uniform() < 0.4:
        canvas.paint(garments.leg_band(body, 0.9, 1.15), Material(pick(_HARSH, 0, rng)), thick + 0.3)
    worn = wear_ski_boots(canvas, pick((*NEON, *_HARSH), 0.1, rng), pick(NEON, 0.1, rng))
    wear_gloves(canvas, pick((*NEON, *MUTED), 0.1, rng))
    shell = pick((*NEON, *MUTED, *_HARSH), 0.1, rng)
    if rng.uniform() < 0.6:
        heads.wear_helmet(canvas, shell, pick(_HARSH, 0, rng))
    elif rng.uniform() < 0.5:
        worn += [("head", mesh) for mesh in heads.wear_cap(canvas, shell, look.hair)]
    else:
        canvas.paint(heads.scalp(body, 0.5, 0.08), _cloth(color, rng), 3.0)  # a hood
    if rng.uniform() < 0.6:
        heads.wear_goggles(canvas, pick(NEON, 0.1, rng), pick(NEON, 0.2, rng))
    return _words(color, "jacket", low, "ski trousers"), worn, color


def _gymnastics(canvas: Canvas, look: Look, rng: np.random.Generator) -> Tailored:
    body, color, low = canvas.body, _color(look, rng), _color(look, rng)
    kind = int(rng.integers(3))
    if kind == 0:  # a suit over arms and legs
        cut = either(garments.top(body, 1.9, 1.0), garments.bottom(body, 1.9))
        _half(canvas, cut, color, 0.3, rng)
        low = color
    elif kind == 1:
        canvas.paint(garments.bottom(body, rng.uniform(0.6, 1.1)), _cloth(low, rng), 1.0)
        _half(canvas, garments.top(body, 0.55, 1.0), color, 0.6, rng)
    else:
        cut = either(
            garments.top(body, float(rng.choice([-0.1, 1.9])), 0.9),
            garments.brief(body, rng.uniform(0.2, 1.2)),
        )
        _half(canvas, cut, color, 0.25, rng)
        low = color
    if rng.uniform() < 0.5:
        canvas.paint(garments.leg_band(body, 1.3, 1.95), Material(pick((*NEON, *_HARSH), 0.1, rng)), 0.3)
    if rng.uniform() < 0.4:
        canvas.paint(garments.arm_band(body, 1.6, 2.1), Material(pick(_HARSH, 0, rng)), 0.4)
    return _words(color, "leotard", low, "tights"), _hair(canvas, look, rng), color


def _diving(canvas: Canvas, look: Look, rng: np.random.Generator) -> Tailored:
    body, color = canvas.body, _color(look, rng)
    if rng.uniform() < 0.4:  # a wetsuit
        cut = either(garments.top(body, float(rng.choice([0.6, 1.9])), 1.05), garments.bottom(body, 1.2))
        _half(canvas, cut, color, 0.5, rng)
    else:
        canvas.paint(garments.bottom(body, rng.uniform(0.3, 1.1), 0.34), _cloth(color, rng), 0.6)
        if look.who == "woman" or rng.uniform() < 0.3:
            canvas.paint(garments.chest_band(body, 0.55, 0.82), _cloth(pick(NEON, 0.1, rng), rng), 0.3)
    if rng.uniform() < 0.5:
        worn: Worn = [("head", m) for m in heads.wear_swim_cap(canvas, pick((*NEON, *_HARSH), 0.1, rng))]
    else:
        worn = _hair(canvas, look, rng)
    return _words(color, "wetsuit", color, "shorts"), worn, color


def _street(canvas: Canvas, look: Look, rng: np.random.Generator) -> Tailored:
    body, color, low = canvas.body, _color(look, rng), _color(look, rng)
    worn: Worn = list(wear_shoes(canvas, rng))
    length = float(rng.choice([1.7, 1.4, 0.8]))
    canvas.paint(garments.bottom(body, length), _cloth(low, rng), rng.uniform(0.8, 2.6))
    sleeve, thick = (float(one) for one in ((1.4, 1.2), (0.9, 1.0), (1.9, 2.4))[int(rng.integers(3))])
    _half(canvas, garments.top(body, sleeve, 1.04, rng.uniform(0.0, 0.3)), color, thick, rng)
    if rng.uniform() < 0.35:
        canvas.paint(garments.arm_band(body, 1.75), Material(pick(MUTED, 0.1, rng)), 0.8)
    if rng.uniform() < 0.25:
        canvas.paint(heads.scalp(body, 0.5, 0.08), _cloth(color, rng), 2.6)  # a hood
    else:
        worn += _hair(canvas, look, rng)
    return _words(color, "sweater", low, "trousers"), worn, color


TAILORS: Tailors = {
    "everyday": _street,
    "ski": _ski,
    "gymnastics": _gymnastics,
    "diving": _diving,
    "athletics": _gymnastics,
    "yoga": _street,
}
