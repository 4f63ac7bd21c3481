"""Colours with names: dyes of cloth, real skin and hair tones, and the nearest name of any colour.

All colours are sRGB in [0, 1]. Skin tones are the ten of the Monk Skin Tone scale (Monk, 2022).
"""

import colorsys

import numpy as np

Color = tuple[float, float, float]

NAMED: dict[str, tuple[Color, ...]] = {  # name in captions: typical dyes
    "red": ((0.80, 0.10, 0.12), (0.65, 0.07, 0.10), (0.92, 0.20, 0.18)),
    "orange": ((0.95, 0.50, 0.10), (0.90, 0.40, 0.05)),
    "yellow": ((0.95, 0.84, 0.15), (0.98, 0.90, 0.35)),
    "green": ((0.13, 0.55, 0.22), (0.30, 0.70, 0.25), (0.10, 0.38, 0.18)),
    "teal": ((0.05, 0.55, 0.55), (0.15, 0.70, 0.68)),
    "blue": ((0.10, 0.30, 0.80), (0.15, 0.45, 0.88), (0.30, 0.58, 0.90)),
    "navy": ((0.08, 0.11, 0.32), (0.10, 0.14, 0.38)),
    "purple": ((0.45, 0.15, 0.60), (0.55, 0.30, 0.70)),
    "pink": ((0.95, 0.50, 0.68), (0.90, 0.25, 0.55), (0.97, 0.70, 0.78)),
    "brown": ((0.40, 0.25, 0.14), (0.50, 0.33, 0.20)),
    "beige": ((0.83, 0.75, 0.60), (0.76, 0.68, 0.53)),
    "white": ((0.95, 0.95, 0.95), (0.90, 0.91, 0.93)),
    "grey": ((0.52, 0.53, 0.55), (0.68, 0.69, 0.70), (0.36, 0.37, 0.39)),
    "black": ((0.06, 0.06, 0.07), (0.12, 0.12, 0.13)),
}
BRIGHT = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink")
DARK = ("navy", "brown", "black", "grey")
LIGHT = ("white", "beige", "yellow", "pink")

_MONK_SCALE = (
    "f6ede4", "f3e7db", "f7ead0", "eadaba", "d7bd96", "a07e56", "825c43", "604134", "3a312a", "292420",
)  # fmt: skip
_HAIR: dict[str, Color] = {
    "black": (0.05, 0.045, 0.045),
    "dark brown": (0.14, 0.09, 0.06),
    "brown": (0.28, 0.18, 0.11),
    "red": (0.48, 0.20, 0.09),
    "blond": (0.74, 0.58, 0.34),
    "grey": (0.58, 0.57, 0.56),
}
_FAIR_HAIR = (0.15, 0.22, 0.28, 0.08, 0.20, 0.07)
_DARK_HAIR = (0.72, 0.20, 0.04, 0.0, 0.0, 0.04)


def hex_color(code: str) -> Color:
    """Return the colour of six hexadecimal digits."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red, green, blue


def vary(color: Color, amount: float, rng: np.random.Generator) -> Color:
    """Return the colour with hue, saturation and value moved by up to `amount` (0.05 is hardly seen)."""
    hue, saturation, value = colorsys.rgb_to_hsv(*color)
    shift = rng.uniform(-amount, amount, 3)
    return colorsys.hsv_to_rgb(
        (hue + 0.25 * shift[0]) % 1.0,
        float(np.clip(saturation * (1 + 2 * shift[1]), 0, 1)),
        float(np.clip(value * (1 + shift[2]), 0.02, 0.98)),
    )


def dye(name: str, rng: np.random.Generator) -> Color:
    """Return one colour that goes by this name."""
    choices = NAMED[name]
    return vary(choices[int(rng.integers(len(choices)))], 0.04, rng)


def color_name(color: Color) -> str:
    """Return the name of the nearest named colour."""
    names = [name for name, choices in NAMED.items() for _ in choices]
    table = np.array([choice for choices in NAMED.values() for choice in choices])
    weights = np.array([0.9, 1.2, 0.9])
    return names[int(np.argmin(((table - np.asarray(color)) ** 2 * weights).sum(-1)))]


def luminance(color: Color) -> float:
    """Return how light a colour looks, in [0, 1]."""
    return float(np.dot(color, (0.299, 0.587, 0.114)))


def draw_skin(rng: np.random.Generator) -> Color:
    """Return a skin tone from between two neighbours of the Monk scale."""
    place = rng.uniform(0, len(_MONK_SCALE) - 1.5)  # the last swatch is the deepest of all skin
    low = np.array(hex_color(_MONK_SCALE[int(place)]))
    high = np.array(hex_color(_MONK_SCALE[int(place) + 1]))
    blend = low + (place % 1) * (high - low)
    lit = blend * (0.93, 0.86, 0.82) if blend.mean() > 0.7 else blend  # flesh is redder than the swatch
    return float(lit[0]), float(lit[1]), float(lit[2])


def draw_hair(skin: Color, rng: np.random.Generator) -> tuple[str, Color]:
    """Return name and colour of hair that is seen with this skin tone."""
    odds = _FAIR_HAIR if luminance(skin) > 0.6 else _DARK_HAIR
    name = list(_HAIR)[int(rng.choice(len(_HAIR), p=odds))]
    return name, vary(_HAIR[name], 0.08, rng)


def shade(color: Color, factor: float) -> Color:
    """Return the colour made darker (factor < 1) or lighter, clipped to [0, 1]."""
    red, green, blue = (min(1.0, part * factor) for part in color)
    return red, green, blue


def mix(first: Color, second: Color, amount: float) -> Color:
    """Return first + amount (second - first)."""
    red, green, blue = (a + amount * (b - a) for a, b in zip(first, second, strict=True))
    return red, green, blue
