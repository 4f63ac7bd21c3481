"""Dressing people: an outfit per sport, drawn from the sample's generator and worn by any body of the family.

Clothes are the body's own faces, painted and pushed outwards along the rest normals; only what stands off the
body (a ponytail, a cap's peak, the tip of a shoe) is a mesh of its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import Array
from synthgen.scenes import heads, palette
from synthgen.scenes.body_map import BodyMap
from synthgen.scenes.garments import Canvas
from synthgen.scenes.meshes import Mesh
from synthgen.scenes.palette import Color
from synthgen.scenes.tailors import TAILORS, Look, Piece, Tailors
from synthgen.surface import Material


@dataclass(frozen=True)
class Outfit:
    """What one person wears.

    Attributes:
        materials: skin, hair and cloth.
        face_material: (F,) into materials.
        push: (V, 3) displacement of the vertices from skin to cloth, rest frame [m].
        worn: meshes in the rest frame, each with the joint that it moves with.
        pieces: of clothing, most telling first.
        who: "woman", "man" or "person", as far as it is seen.
        accent: colour that equipment is matched with.
    """

    materials: tuple[Material, ...]
    face_material: NDArray[np.int32]
    push: Array
    worn: tuple[tuple[str, Mesh], ...]
    pieces: tuple[Piece, ...]
    who: str
    accent: Color


def draw_outfit(
    body: BodyMap, family: str, backdrop: float, rng: np.random.Generator, tailors: Tailors = TAILORS
) -> Outfit:
    """Draw skin, hair and clothes for a sport.

    Args:
        body: to dress.
        family: pose family, which decides the kind of clothes.
        backdrop: luminance of what is behind, in [0, 1]; cloth tends to contrast with it.
        rng: of the person.
        tailors: who make the clothes, by family.
    """
    skin = palette.draw_skin(rng)
    _, hair = palette.draw_hair(skin, rng)
    style = heads.HAIR_STYLES[int(rng.choice(8, p=(0.05, 0.22, 0.16, 0.11, 0.05, 0.17, 0.12, 0.12)))]
    is_bearded = style in ("bald", "short", "crop") and rng.uniform() < 0.35
    look = Look(skin, hair, style, is_bearded, backdrop)
    canvas = Canvas(body, [Material(skin, roughness=0.55)])
    heads.paint_face(canvas, skin, hair, rng)
    if is_bearded:
        heads.paint_beard(canvas, hair, bool(rng.uniform() < 0.6))
    words, worn, accent = tailors[family](canvas, look, rng)
    return Outfit(
        tuple(canvas.materials),
        canvas.face_material,
        canvas.push,
        tuple(worn),
        tuple(words),
        look.who,
        accent,
    )
