"""Dressing people: an outfit per sport, drawn from the sample's generator and worn by any body of the family.

Clothes are the body's own faces, painted and pushed outwards along the rest normals; only what stands off the
body (a ponytail, a cap's peak, the tip of a shoe) is a mesh of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.geometry import Array
from synthgen.scenes import garments, heads, palette
from synthgen.scenes.body_map import BodyMap
from synthgen.scenes.footwear import wear_gloves, wear_shoes, wear_ski_boots
from synthgen.scenes.garments import Canvas, both, either
from synthgen.scenes.meshes import Mesh
from synthgen.scenes.palette import BRIGHT, DARK, LIGHT, Color, dye, shade
from synthgen.surface import Material, Pattern


@dataclass(frozen=True)
class Outfit:
    """What one person wears.

    Attributes:
        materials: skin, hair and cloth.
        face_material: (F,) into materials.
        push: (V, 3) displacement of the vertices from skin to cloth, rest frame [m].
        worn: meshes in the rest frame, each with the joint that it moves with.
        words: phrases for captions, most telling first ("a red jacket", "blue jeans", "a helmet").
        who: "woman", "man" or "person", as far as it is seen.
        accent: colour that equipment is matched with.
    """

    materials: tuple[Material, ...]
    face_material: np.ndarray
    push: Array
    worn: tuple[tuple[str, Mesh], ...]
    words: tuple[str, ...]
    who: str
    accent: Color


@dataclass(frozen=True)
class _Look:
    """Colours of a person, and what the camera will mostly see behind."""

    skin: Color
    hair: Color
    style: str
    beard: bool
    backdrop: float  # luminance

    @property
    def who(self) -> str:
        if self.beard:
            return "man"
        return "woman" if self.style in heads.LONG_STYLES else "person"


def draw_outfit(body: BodyMap, family: str, backdrop: float, rng: np.random.Generator) -> Outfit:
    """Draw skin, hair and clothes for a sport.

    Args:
        body: to dress.
        family: pose family, which decides the kind of clothes.
        backdrop: luminance of what is behind, in [0, 1]; cloth tends to contrast with it.
        rng: of the person.
    """
    skin = palette.draw_skin(rng)
    _, hair = palette.draw_hair(skin, rng)
    style = heads.HAIR_STYLES[int(rng.choice(8, p=(0.05, 0.22, 0.16, 0.11, 0.05, 0.17, 0.12, 0.12)))]
    is_bearded = style in ("bald", "short", "crop") and rng.uniform() < 0.35
    look = _Look(skin, hair, style, is_bearded, backdrop)
    canvas = Canvas(body, [Material(skin, roughness=0.55)])
    heads.paint_face(canvas, skin, hair, rng)
    if is_bearded:
        heads.paint_beard(canvas, hair, bool(rng.uniform() < 0.6))
    words, worn, accent = _TAILORS[family](canvas, look, rng)
    return Outfit(
        tuple(canvas.materials),
        canvas.face_material,
        canvas.push,
        tuple(worn),
        tuple(words),
        look.who,
        accent,
    )


Worn = list[tuple[str, Mesh]]
Tailored = tuple[list[str], Worn, Color]


def _on_head(meshes: Sequence[Mesh]) -> Worn:
    return [("head", mesh) for mesh in meshes]


def _a(color: str) -> str:
    """Return the colour's name with its article."""
    return f"{'an' if color[0] in 'aeiou' else 'a'} {color}"


def _pick(names: Sequence[str], look: _Look, rng: np.random.Generator) -> tuple[str, Color]:
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


def _hair(canvas: Canvas, look: _Look, rng: np.random.Generator, hat: float) -> tuple[list[str], list[Mesh]]:
    """Do the hair, or hide it under a hat at this probability."""
    if look.style in ("afro", "bun") or rng.uniform() >= hat:
        return [], heads.draw_hair(canvas, look.style, look.hair)
    loose = heads.draw_hair(canvas, look.style, look.hair) if look.style in ("ponytail", "long") else []
    name, color = _pick([*BRIGHT, *DARK, "white"], look, rng)
    if rng.uniform() < 0.5:
        return [f"{_a(name)} cap"], [*loose, *heads.wear_cap(canvas, color, look.hair)]
    return [f"{_a(name)} woolly hat"], [*loose, *heads.wear_beanie(canvas, color, dye("white", rng))]


def _everyday(canvas: Canvas, look: _Look, rng: np.random.Generator) -> Tailored:
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
    words = [f"{_a(name)} {noun}", f"{low_name} {kind}"]
    extra, meshes = _hair(canvas, look, rng, 0.2)
    return words + extra, worn + _on_head(meshes), color


def _ski(canvas: Canvas, look: _Look, rng: np.random.Generator) -> Tailored:
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
        words = [f"{_a(shell_name)} helmet"]
    else:
        meshes = meshes + heads.wear_beanie(canvas, shell, accent)
        words = [f"{_a(shell_name)} woolly hat"]
    heads.wear_goggles(canvas, dye(str(rng.choice(["black", "white", "grey"])), rng), lens)
    suit = [f"{_a(name)} racing suit"] if is_race else [f"{_a(name)} jacket", f"{low_name} ski trousers"]
    return suit + words, worn + _on_head(meshes), color


def _gymnastics(canvas: Canvas, look: _Look, rng: np.random.Generator) -> Tailored:
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
        words = [f"{_a(name)} leotard"]
    else:
        low_name, low = _pick(["white", "navy", "black", "blue", "red", "grey"], look, rng)
        is_long = rng.uniform() < 0.55
        canvas.paint(garments.top(body, -0.15, 0.88), shine, 0.25)
        canvas.paint(garments.bottom(body, 2.05 if is_long else 0.35), Material(low), 0.9 if is_long else 1.1)
        words = [f"{_a(name)} singlet", f"{low_name} {'gym trousers' if is_long else 'shorts'}"]
        if is_long:
            canvas.paint(garments.leg_band(body, 2.05), Material(dye("white", rng)), 0.3)
    style = {"long": "bun", "bob": "ponytail", "afro": "crop"}.get(look.style, look.style)
    return words, _on_head(heads.draw_hair(canvas, style, look.hair)), color


def _diving(canvas: Canvas, look: _Look, rng: np.random.Generator) -> Tailored:
    body = canvas.body
    name, color = _pick([*BRIGHT, "navy", "black", "red", "blue"], look, rng)
    cloth = _cloth(color, rng, 0.15, 0.4)
    if look.who == "woman" or (look.who == "person" and rng.uniform() < 0.35):
        upper = garments.straps(body, 0.03, rng.uniform(0.68, 0.82))
        canvas.paint(either(garments.brief(body, rng.uniform(0.5, 1.0)), upper), cloth, 0.2)
        words = [f"{_a(name)} swimsuit"]
    elif rng.uniform() < 0.6:
        canvas.paint(garments.brief(body, rng.uniform(0.2, 0.5), 0.24), cloth, 0.2)
        words = [f"{name} swimming trunks"]
    else:
        canvas.paint(garments.bottom(body, rng.uniform(0.2, 0.75), 0.26), cloth, 0.4)
        words = [f"{name} swimming shorts"]
    if rng.uniform() < 0.25:
        cap_name, cap = _pick([*BRIGHT, "white", "black"], look, rng)
        return [*words, f"{_a(cap_name)} swimming cap"], _on_head(heads.wear_swim_cap(canvas, cap)), color
    style = {"long": "bun", "bob": "bun", "ponytail": "bun", "afro": "crop"}.get(look.style, look.style)
    return words, _on_head(heads.draw_hair(canvas, style, shade(look.hair, 0.8))), color


def _athletics(canvas: Canvas, look: _Look, rng: np.random.Generator) -> Tailored:
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
    return [f"{_a(name)} {top_noun}", f"{low_name} {low_noun}"], worn + _on_head(meshes), color


def _yoga(canvas: Canvas, look: _Look, rng: np.random.Generator) -> Tailored:
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
        [f"{_a(name)} {noun}", f"{low_name} {low_noun}"],
        _on_head(heads.draw_hair(canvas, style, look.hair)),
        color,
    )


_TAILORS: dict[str, Callable[[Canvas, _Look, np.random.Generator], Tailored]] = {
    "everyday": _everyday,
    "ski": _ski,
    "gymnastics": _gymnastics,
    "diving": _diving,
    "athletics": _athletics,
    "yoga": _yoga,
}
