"""One tailor per sport: paints a person's clothes and says what they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from synthgen.scenes import garments, heads, palette
from synthgen.scenes.footwear import wear_gloves, wear_shoes, wear_ski_boots
from synthgen.scenes.garments import Canvas, both, either
from synthgen.scenes.meshes import Mesh
from synthgen.scenes.palette import BRIGHT, DARK, LIGHT, Color, dye, shade
from synthgen.surface import Material, Pattern


class Piece(NamedTuple):
    """A piece of clothing in words ("a red jacket", "blue trousers") and where it is worn."""

    words: str
    where: Literal["trunk", "legs", "head"]


@dataclass(frozen=True)
class Look:
    """Colours of a person, and what the camera will mostly see behind.

    Attributes:
        skin: colour.
        hair: colour.
        style: one of `heads.HAIR_STYLES`.
        beard: whether there is one.
        backdrop: luminance of what is behind, in [0, 1].
    """

    skin: Color
    hair: Color
    style: str
    beard: bool
    backdrop: float

    @property
    def who(self) -> str:
        """What the picture tells: "woman", "man" or, mostly, "person"."""
        if self.beard:
            return "man"
        return "woman" if self.style in heads.LONG_STYLES else "person"


Worn = list[tuple[str, Mesh]]
Tailored = tuple[list[Piece], Worn, Color]


def _on_head(meshes: Sequence[Mesh]) -> Worn:
    return [("head", mesh) for mesh in meshes]


def _a(color: str) -> str:
    """Return the colour's name with its article."""
    return f"{'an' if color[0] in 'aeiou' else 'a'} {color}"


def _pick(names: Sequence[str], look: Look, rng: np.random.Generator) -> tuple[str, Color]:
    """Draw a dye, twice if the first is hard to tell from what is behind."""
    name = str(rng.choice(names))
    color = dye(name, rng)
    if abs(palette.luminance(color) - look.backdrop) < 0.22:
        name = str(rng.choice(names))
        color = dye(name, rng)
    return palette.color_name(color), color


def _cloth(
    color: Color, rng: np.random.Generator, patterned: float, roughness: float = 0.85, bold: bool = True
) -> Material:
    """Return a cloth of this colour, with a pattern at this probability; bold ones are striped or checked."""
    if rng.uniform() >= patterned:
        return Material(color, shade(color, 0.8), roughness=roughness)
    accent = dye(str(rng.choice([*LIGHT, "navy", "black"])), rng)
    kind = int(rng.integers(0 if bold else 2, 4))
    if kind == 0:
        return Material(color, accent, "stripes", float(rng.uniform(0.05, 0.12)), roughness, np.pi / 2)
    if kind == 1:
        return Material(color, shade(color, 0.55), "checks", float(rng.uniform(0.04, 0.09)), roughness)
    if kind == 2:
        return Material(color, shade(color, 0.7), "speckle", 0.02, roughness)
    return Material(color, shade(color, 0.5), "camouflage", float(rng.uniform(0.08, 0.15)), roughness)


def _hair(canvas: Canvas, look: Look, rng: np.random.Generator, hat: float) -> tuple[list[Piece], list[Mesh]]:
    """Do the hair, or hide it under a hat at this probability."""
    if look.style in ("afro", "bun") or rng.uniform() >= hat:
        return [], heads.draw_hair(canvas, look.style, look.hair)
    loose = heads.draw_hair(canvas, look.style, look.hair) if look.style in ("ponytail", "long") else []
    name, color = _pick([*BRIGHT, *DARK, "white"], look, rng)
    if rng.uniform() < 0.5:
        return [Piece(f"{_a(name)} cap", "head")], [*loose, *heads.wear_cap(canvas, color, look.hair)]
    return [Piece(f"{_a(name)} woolly hat", "head")], [
        *loose,
        *heads.wear_beanie(canvas, color, dye("white", rng)),
    ]


def _everyday(canvas: Canvas, look: Look, rng: np.random.Generator) -> Tailored:
    body = canvas.body
    low_name, low = _pick(["navy", "blue", "black", "grey", "beige", "brown", "green", "white"], look, rng)
    length = float(rng.choice([1.93, 1.93, 1.93, 1.0, 0.45]))
    is_loose = rng.uniform(0.4, 1.6)
    worn = wear_shoes(canvas, rng)
    canvas.paint(garments.bottom(body, length), _cloth(low, rng, 0.12, bold=False), is_loose)
    kind = {1.93: "trousers", 1.0: "knee-length shorts", 0.45: "shorts"}[length]
    name, color = _pick([*BRIGHT, *BRIGHT, *DARK, *LIGHT], look, rng)
    sleeve, noun, thick = (
        (0.6, "T-shirt", 0.7), (1.9, "sweater", 1.4), (-0.1, "tank top", 0.4), (1.9, "jacket", 2.0),
        (1.9, "shirt", 0.9),
    )[int(rng.choice(5, p=(0.36, 0.2, 0.1, 0.18, 0.16)))]  # fmt: skip
    cloth = _cloth(color, rng, 0.3 if noun != "jacket" else 0.0)
    canvas.paint(garments.top(body, sleeve, rng.uniform(0.94, 1.03), rng.uniform(0.18, 0.34)), cloth, thick)
    if noun == "jacket":
        inner = Material(dye(str(rng.choice(["white", "grey", "black"])), rng))
        canvas.paint(garments.front_panel(body, rng.uniform(0.012, 0.05)), inner, 1.6)
    words = [Piece(f"{_a(name)} {noun}", "trunk"), Piece(f"{low_name} {kind}", "legs")]
    extra, meshes = _hair(canvas, look, rng, 0.2)
    return words + extra, worn + _on_head(meshes), color


def _ski(canvas: Canvas, look: Look, rng: np.random.Generator) -> Tailored:
    body = canvas.body
    is_race = rng.uniform() < 0.4
    name, color = _pick([*BRIGHT, "red", "blue", "orange", "black", "navy"], look, rng)
    low_name, low = _pick(["black", "navy", "grey", *BRIGHT], look, rng)
    accent = dye(str(rng.choice(["white", "yellow", "black", "red", "blue"])), rng)
    if is_race:
        low_name, low = name, color
    thick = 0.6 if is_race else rng.uniform(1.6, 2.4)
    pattern: Pattern = "camouflage" if not is_race and rng.uniform() < 0.1 else "plain"
    canvas.paint(garments.bottom(body, 1.75), Material(low, shade(low, 0.6), pattern, 0.15, 0.6), thick)
    canvas.paint(garments.top(body, 1.93, 1.04, 0.2), Material(color, roughness=0.6), thick)
    if is_race or rng.uniform() < 0.45:
        dressed = 0.004 - canvas.thickness
        canvas.paint(both(garments.side_stripe(body), dressed), Material(accent, roughness=0.6), thick)
    elif rng.uniform() < 0.5:
        yoke = both(garments.chest_band(body, 0.7, 1.1), garments.top(body, 1.93, 1.04))
        canvas.paint(yoke, Material(accent, roughness=0.6), thick)
    if is_race:
        canvas.paint(garments.bib(body), Material((0.95, 0.95, 0.95), color, "stripes", 0.12), 0.9)
    boot = dye(str(rng.choice(["white", "black", "red", "blue", "grey", "yellow"])), rng)
    worn = wear_ski_boots(canvas, boot, accent)
    wear_gloves(canvas, dye(str(rng.choice(["black", "black", "red", "white", "navy"])), rng))
    shell_name, shell = _pick([*BRIGHT, "white", "black", "white"], look, rng)
    meshes = heads.draw_hair(canvas, look.style, look.hair) if look.style in ("ponytail", "long") else []
    lens = ((0.05, 0.05, 0.06), (0.85, 0.45, 0.10), (0.15, 0.35, 0.60), (0.45, 0.15, 0.40))[
        int(rng.integers(4))
    ]
    if is_race or rng.uniform() < 0.75:
        heads.wear_helmet(canvas, shell, accent)
        words = [Piece(f"{_a(shell_name)} helmet", "head")]
    else:
        meshes = meshes + heads.wear_beanie(canvas, shell, accent)
        words = [Piece(f"{_a(shell_name)} woolly hat", "head")]
    heads.wear_goggles(canvas, dye(str(rng.choice(["black", "white", "grey"])), rng), lens)
    suit = (
        [Piece(f"{_a(name)} racing suit", "trunk")]
        if is_race
        else [Piece(f"{_a(name)} jacket", "trunk"), Piece(f"{low_name} ski trousers", "legs")]
    )
    return suit + words, worn + _on_head(meshes), color


def _gymnastics(canvas: Canvas, look: Look, rng: np.random.Generator) -> Tailored:
    body = canvas.body
    name, color = _pick([*BRIGHT, *BRIGHT, "navy", "black", "white"], look, rng)
    shine = Material(color, roughness=0.4)
    accent = dye(str(rng.choice(["white", "yellow", "black", "pink", "blue"])), rng)
    is_leotard = look.who != "man" and rng.uniform() < 0.75
    if is_leotard:
        sleeve = float(rng.choice([-0.1, -0.1, 0.95, 1.9]))
        canvas.paint(
            either(
                garments.top(body, sleeve, rng.uniform(0.84, 0.97)),
                garments.brief(body, rng.uniform(0.5, 1.0)),
            ),
            shine,
            0.25,
        )
        trim = (
            garments.chest_band(body, 0.44, 0.5)
            if rng.uniform() < 0.5
            else both(garments.bib(body), (0.7 - body.trunk))
        )
        canvas.paint(trim, Material(accent, roughness=0.4), 0.25)
        words = [Piece(f"{_a(name)} leotard", "trunk")]
    else:
        low_name, low = _pick(["white", "navy", "black", "blue", "red", "grey"], look, rng)
        is_long = rng.uniform() < 0.55
        canvas.paint(garments.top(body, -0.15, 0.88), shine, 0.25)
        canvas.paint(garments.bottom(body, 2.05 if is_long else 0.35), Material(low), 0.9 if is_long else 1.1)
        low_noun = "gym trousers" if is_long else "shorts"
        words = [Piece(f"{_a(name)} singlet", "trunk"), Piece(f"{low_name} {low_noun}", "legs")]
        if is_long:
            canvas.paint(garments.leg_band(body, 2.05), Material(dye("white", rng)), 0.3)
    style = {"long": "bun", "bob": "ponytail", "afro": "crop"}.get(look.style, look.style)
    return words, _on_head(heads.draw_hair(canvas, style, look.hair)), color


def _diving(canvas: Canvas, look: Look, rng: np.random.Generator) -> Tailored:
    body = canvas.body
    name, color = _pick([*BRIGHT, "navy", "black", "red", "blue"], look, rng)
    cloth = _cloth(color, rng, 0.15, 0.4)
    if look.who == "woman" or (look.who == "person" and rng.uniform() < 0.35):
        upper = garments.straps(body, 0.03, rng.uniform(0.68, 0.82))
        canvas.paint(either(garments.brief(body, rng.uniform(0.5, 1.0)), upper), cloth, 0.2)
        words = [Piece(f"{_a(name)} swimsuit", "trunk")]
    elif rng.uniform() < 0.6:
        canvas.paint(garments.brief(body, rng.uniform(0.2, 0.5), 0.24), cloth, 0.2)
        words = [Piece(f"{name} swimming trunks", "legs")]
    else:
        canvas.paint(garments.bottom(body, rng.uniform(0.2, 0.75), 0.26), cloth, 0.4)
        words = [Piece(f"{name} swimming shorts", "legs")]
    if rng.uniform() < 0.25:
        cap_name, cap = _pick([*BRIGHT, "white", "black"], look, rng)
        words.append(Piece(f"{_a(cap_name)} swimming cap", "head"))
        return words, _on_head(heads.wear_swim_cap(canvas, cap)), color
    style = {"long": "bun", "bob": "bun", "ponytail": "bun", "afro": "crop"}.get(look.style, look.style)
    return words, _on_head(heads.draw_hair(canvas, style, shade(look.hair, 0.8))), color


def _athletics(canvas: Canvas, look: Look, rng: np.random.Generator) -> Tailored:
    body = canvas.body
    name, color = _pick([*BRIGHT, *BRIGHT, "white", "navy", "black"], look, rng)
    low_name, low = _pick(["black", "navy", *BRIGHT], look, rng)
    accent = dye(str(rng.choice(["white", "yellow", "black", "red"])), rng)
    is_brief = look.who == "woman" and rng.uniform() < 0.5
    length = float(rng.choice([0.25, 0.5, 0.9, 1.85], p=(0.4, 0.3, 0.15, 0.15)))
    worn = wear_shoes(canvas, rng)
    canvas.paint(garments.brief(body, 0.6) if is_brief else garments.bottom(body, length), Material(low), 0.4)
    sleeve = float(rng.choice([-0.12, -0.12, 0.5]))
    hem = 0.52 if is_brief else 0.3
    canvas.paint(garments.top(body, sleeve, rng.uniform(0.88, 0.96), hem), Material(color), 0.5)
    if rng.uniform() < 0.5:
        canvas.paint(garments.chest_band(body, 0.64, 0.72), Material(accent), 0.5)
    if rng.uniform() < 0.6:
        canvas.paint(
            garments.bib(body),
            Material((0.96, 0.96, 0.95), shade(color, 0.8), "stripes", 0.1),
            0.7,
        )
    style = {"long": "ponytail", "bob": "ponytail"}.get(look.style, look.style)
    meshes = heads.draw_hair(canvas, style, look.hair)
    if rng.uniform() < 0.15:
        heads.wear_headband(canvas, rng)
    low_noun = "briefs" if is_brief else "running tights" if length > 0.8 else "shorts"
    top_noun = "crop top" if is_brief else "singlet" if sleeve < 0 else "running shirt"
    words = [Piece(f"{_a(name)} {top_noun}", "trunk"), Piece(f"{low_name} {low_noun}", "legs")]
    return words, worn + _on_head(meshes), color


def _yoga(canvas: Canvas, look: Look, rng: np.random.Generator) -> Tailored:
    body = canvas.body
    name, color = _pick([*BRIGHT, *LIGHT, "grey", "navy", "black"], look, rng)
    low_name, low = _pick(["black", "navy", "grey", "purple", "teal", "green", "red", "white"], look, rng)
    length = float(rng.choice([1.9, 1.9, 1.5, 0.5]))
    canvas.paint(
        garments.bottom(body, length, 0.42),
        _cloth(low, rng, 0.12, bold=False),
        0.3 if rng.uniform() < 0.7 else 1.8,
    )
    is_crop = look.who == "woman" and rng.uniform() < 0.35
    sleeve = float(rng.choice([-0.1, -0.1, 0.55, 1.9]))
    canvas.paint(
        garments.top(body, sleeve, rng.uniform(0.86, 0.98), 0.55 if is_crop else 0.28),
        _cloth(color, rng, 0.1),
        0.5,
    )
    style = {"long": "ponytail"}.get(look.style, look.style)
    noun = (
        "crop top"
        if is_crop
        else "tank top"
        if sleeve == 0
        else "T-shirt"
        if sleeve < 1
        else "long-sleeved top"
    )
    low_noun = "leggings" if length > 1 else "shorts"
    return (
        [Piece(f"{_a(name)} {noun}", "trunk"), Piece(f"{low_name} {low_noun}", "legs")],
        _on_head(heads.draw_hair(canvas, style, look.hair)),
        color,
    )


Tailors: TypeAlias = Mapping[str, Callable[[Canvas, Look, np.random.Generator], Tailored]]
TAILORS: Tailors = {
    "everyday": _everyday,
    "ski": _ski,
    "gymnastics": _gymnastics,
    "diving": _diving,
    "athletics": _athletics,
    "yoga": _yoga,
}
