"""Things that stand around: trees, lamps, furniture, fences, gates. Each stands on y=0 around the origin."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from synthgen.geometry import Array
from synthgen.scenes.meshes import Mesh, box, cone, ellipsoid, merge, sheet, tube
from synthgen.scenes.palette import BRIGHT, Color, dye, shade, vary
from synthgen.surface import Material

_METAL = Material((0.55, 0.56, 0.58), roughness=0.35)


def _bright(rng: np.random.Generator) -> Color:
    return dye(str(rng.choice(BRIGHT)), rng)


def _wood(rng: np.random.Generator) -> Material:
    color = vary((0.52, 0.36, 0.22), 0.1, rng)
    return Material(color, shade(color, 0.75), "wood", 0.08, 0.6)


def _upright(mesh: Mesh) -> Mesh:
    """Let patterns run over x and height, which reads well on boards and boxes."""
    return replace(mesh, coordinates=mesh.vertices)


def fir(rng: np.random.Generator) -> Mesh:
    """A fir with snow on its branches."""
    green = vary((0.09, 0.22, 0.15), 0.12, rng)
    cloth = Material(green, (0.88, 0.91, 0.95), "camouflage", float(rng.uniform(0.4, 0.7)), 1.0)
    tiers, height = int(rng.integers(3, 6)), 1.0
    parts = [tube([(0, 0, 0), (0, 0.25, 0)], 0.035, Material((0.28, 0.19, 0.13)), 6)]
    for tier in range(tiers):
        low = 0.12 + 0.80 * tier / tiers
        parts.append(
            cone(0.27 * (1 - 0.75 * tier / tiers), (height - low) * 0.62, cloth).at(0, low, 0, 0.4 * tier)
        )
    size = rng.uniform(2.5, 8.0)
    return _scaled(merge(parts), size)


def _scaled(mesh: Mesh, size: float) -> Mesh:
    return replace(mesh, vertices=mesh.vertices * size, coordinates=mesh.coordinates * size)


def tree(rng: np.random.Generator) -> Mesh:
    """A broad-leaved tree."""
    green = vary((0.24, 0.40, 0.13), 0.15, rng)
    leaf = Material(green, shade(green, 0.6), "camouflage", 0.35, 1.0)
    height = rng.uniform(3.2, 6.0)
    parts = [tube([(0, 0, 0), (0.05, height * 0.6, 0)], [0.16, 0.09], Material((0.33, 0.25, 0.18)), 7)]
    for _ in range(3):
        radius = height * rng.uniform(0.16, 0.24)
        x, z = rng.uniform(-0.5, 0.5, 2) * radius * 1.6
        parts.append(
            ellipsoid((radius, 0.85 * radius, radius), leaf, 10, 7).at(x, height * rng.uniform(0.6, 0.85), z)
        )
    return merge(parts)


def bush(rng: np.random.Generator) -> Mesh:
    """A low round bush."""
    green = vary((0.20, 0.36, 0.12), 0.15, rng)
    leaf = Material(green, shade(green, 0.6), "camouflage", 0.15, 1.0)
    parts = []
    for _ in range(4):
        radius = rng.uniform(0.22, 0.42)
        x, z = rng.uniform(-0.35, 0.35, 2)
        parts.append(ellipsoid((radius, radius * 0.9, radius), leaf, 9, 6).at(x, radius * 0.7, z))
    return merge(parts)


def lamp(rng: np.random.Generator) -> Mesh:
    """A street lamp."""
    paint = Material(dye(str(rng.choice(["black", "grey", "green", "navy"])), rng), roughness=0.5)
    height = rng.uniform(3.2, 5.0)
    parts = [
        tube([(0, 0, 0), (0, 0.5, 0), (0, 0.52, 0), (0, height, 0)], [0.09, 0.09, 0.05, 0.04], paint),
        tube([(0, height, 0), (0.3, height + 0.15, 0), (0.7, height + 0.12, 0)], 0.03, paint, 6),
        ellipsoid((0.22, 0.09, 0.12), Material((0.95, 0.93, 0.85)), 8, 6).at(0.75, height + 0.08, 0),
    ]
    return merge(parts)


def bollard(rng: np.random.Generator) -> Mesh:
    """A post that keeps cars off the pavement, or a hydrant."""
    paint = Material(dye(str(rng.choice(["red", "grey", "black", "yellow"])), rng), roughness=0.5)
    height, radius = rng.uniform(0.7, 1.0), rng.uniform(0.06, 0.12)
    rings = [(0, 0, 0), (0, height * 0.8, 0), (0, height * 0.82, 0), (0, height, 0)]
    return tube(rings, [radius, radius, radius * 1.2, radius * 0.7], paint, 10)


def crate(rng: np.random.Generator) -> Mesh:
    """A cardboard or wooden box, sometimes two on top of each other."""
    size = rng.uniform(0.35, 0.75, 3)
    color = vary((0.68, 0.52, 0.34), 0.08, rng)
    card = Material(color, shade(color, 0.8), "wood" if rng.uniform() < 0.4 else "plain", 0.1)
    parts = [_upright(box(size, card))]
    if rng.uniform() < 0.4:
        parts.append(
            _upright(box(size * rng.uniform(0.6, 0.9), card)).at(0.03, size[1], 0.0, rng.uniform(-0.4, 0.4))
        )
    return merge(parts)


def bench(rng: np.random.Generator) -> Mesh:
    """A bench without a back."""
    wood, width = _wood(rng), rng.uniform(1.2, 2.0)
    parts = [box((width, 0.05, 0.34), wood).at(0, 0.41, 0)]
    parts += [box((0.06, 0.41, 0.3), _METAL).at(side * width * 0.4, 0, 0) for side in (-1, 1)]
    return merge(parts)


def table(rng: np.random.Generator) -> Mesh:
    """A table with four legs."""
    wood, (width, depth), height = _wood(rng), rng.uniform((0.8, 0.6), (1.6, 0.9)), rng.uniform(0.68, 0.76)
    parts = [box((width, 0.04, depth), wood).at(0, height, 0)]
    for x in (-0.45, 0.45):
        parts += [box((0.05, height, 0.05), wood).at(x * width, 0, z * depth) for z in (-0.42, 0.42)]
    return merge(parts)


def plant(rng: np.random.Generator) -> Mesh:
    """A pot plant with long leaves."""
    leaf = Material(vary((0.18, 0.42, 0.16), 0.1, rng), roughness=0.5)
    parts = [
        tube(
            [(0, 0, 0), (0, 0.32, 0)],
            [0.12, 0.17],
            Material(dye(str(rng.choice(["orange", "white", "grey"])), rng)),
            10,
        )
    ]
    for angle in np.arange(9) * 0.7 + rng.uniform():
        reach, height = rng.uniform(0.15, 0.4), rng.uniform(0.5, 1.0)
        out = np.array([np.sin(angle), 0, np.cos(angle)])
        path = [np.array([0, 0.3, 0]), out * reach * 0.4 + (0, height * 0.8, 0), out * reach + (0, height, 0)]
        parts.append(tube(np.stack(path), [0.012, 0.035, 0.004], leaf, 4))
    return merge(parts)


def sofa(rng: np.random.Generator) -> Mesh:
    """A sofa or an armchair."""
    color, width = (
        dye(str(rng.choice(["grey", "navy", "red", "green", "beige", "brown", "teal"])), rng),
        rng.uniform(0.9, 2.0),
    )
    cloth, darker = Material(color, shade(color, 0.85), "speckle", 0.02), Material(shade(color, 0.85))
    parts = [box((width, 0.42, 0.8), cloth), box((width, 0.42, 0.2), darker).at(0, 0.4, -0.35)]
    parts += [box((0.18, 0.6, 0.8), darker).at(side * (width / 2 + 0.05), 0, 0) for side in (-1, 1)]
    return merge(parts)


def fence(rng: np.random.Generator) -> Mesh:
    """A piece of fence: wooden rails, a coloured net or steel bars."""
    width, height, kind = rng.uniform(2.0, 4.0), rng.uniform(0.8, 1.2), int(rng.integers(3))
    posts = [box((0.07, height, 0.07), _wood(rng)).at(x * width, 0, 0) for x in (-0.5, 0.0, 0.5)]
    if kind == 0:
        rails = [box((width, 0.1, 0.03), _wood(rng)).at(0, y * height, 0) for y in (0.3, 0.62, 0.9)]
    elif kind == 1:
        color = dye(str(rng.choice(["orange", "red", "blue"])), rng)
        lines = [box((width, 0.025, 0.01), Material(color)).at(0, y, 0) for y in np.arange(0.1, height, 0.16)]
        rails = lines + [
            box((0.025, height, 0.01), Material(color)).at(x, 0, 0)
            for x in np.arange(-width / 2, width / 2, 0.22)
        ]
    else:
        rails = [
            box((0.02, height, 0.02), _METAL).at(x, 0, 0) for x in np.arange(-width / 2, width / 2, 0.14)
        ]
        rails.append(box((width, 0.04, 0.03), _METAL).at(0, height - 0.04, 0))
    return merge(posts + rails)


def gate(rng: np.random.Generator) -> Mesh:
    """A slalom gate: one pole, or two with a flag between them."""
    color = dye(str(rng.choice(["red", "blue"])), rng)
    paint, lean = Material(color, roughness=0.5), rng.uniform(-0.15, 0.15)
    poles = [tube([(0, -0.1, 0), (lean, 1.8, 0)], 0.016, paint, 7)]
    if rng.uniform() < 0.5:
        width = rng.uniform(0.5, 0.75)
        poles.append(tube([(width, -0.1, 0), (width + lean, 1.8, 0)], 0.016, paint, 7))
        flag = [
            (0.55 * lean, 1.0, 0),
            (width + 0.55 * lean, 1.0, 0),
            (width + 0.95 * lean, 1.65, 0),
            (0.95 * lean, 1.65, 0),
        ]
        poles.append(sheet(flag, Material(color, shade(color, 0.9))))
    return merge(poles)


def cone_marker(rng: np.random.Generator) -> Mesh:
    """A plastic cone."""
    paint = Material(_bright(rng), roughness=0.5)
    return merge([cone(0.11, rng.uniform(0.2, 0.45), paint, 10), box((0.26, 0.02, 0.26), paint)])


def board(rng: np.random.Generator) -> Mesh:
    """An advertising board."""
    width, height = rng.uniform(1.5, 3.0), rng.uniform(0.6, 0.9)
    cloth = Material(_bright(rng), dye("white", rng), "camouflage" if rng.uniform() < 0.4 else "plain", 0.3)
    return _upright(box((width, height, 0.08), cloth))


def mat_stack(rng: np.random.Generator) -> Mesh:
    """A soft landing mat, or a stack of them."""
    color, (width, depth) = (
        dye(str(rng.choice(["blue", "green", "red", "navy"])), rng),
        rng.uniform((1.2, 1.0), (2.2, 1.8)),
    )
    parts = []
    for level in range(int(rng.integers(1, 4))):
        parts.append(
            box((width, 0.19, depth), Material(shade(color, 1 - 0.1 * (level % 2)))).at(0, 0.2 * level, 0)
        )
    return merge(parts)


def ball(rng: np.random.Generator) -> Mesh:
    """A gymnastics ball."""
    radius = rng.uniform(0.25, 0.36)
    color = _bright(rng)
    paint = Material(color, shade(color, 0.85), "stripes", 0.06, 0.4)
    return ellipsoid((radius, radius, radius), paint, 14, 10).at(0, radius, 0)


def flag_rope(rng: np.random.Generator) -> Mesh:
    """A rope with little flags over a pool, high above the water."""
    height, colors = rng.uniform(2.2, 3.2), [_bright(rng) for _ in range(3)]
    parts: list[Mesh] = [tube([(-6, height, 0), (6, height, 0)], 0.01, Material((0.9, 0.9, 0.9)), 4)]
    for index, x in enumerate(np.arange(-6, 6, 0.45)):
        corners = [
            (x, height, 0),
            (x + 0.15, height - 0.35, 0),
            (x + 0.15, height - 0.35, 0),
            (x + 0.3, height, 0),
        ]
        parts.append(sheet(corners, Material(colors[index % 3])))
    return merge(parts)


def railing(rng: np.random.Generator) -> Mesh:
    """A steel railing."""
    width, height = rng.uniform(1.5, 3.0), rng.uniform(0.9, 1.1)
    bow = [(-width / 2, 0, 0), (-width / 2, height, 0), (width / 2, height, 0), (width / 2, 0, 0)]
    middle = [(-width / 2, 0.55 * height, 0), (width / 2, 0.55 * height, 0)]
    return merge([tube(bow, 0.024, _METAL), tube(middle, 0.018, _METAL)])


def parasol(rng: np.random.Generator) -> Mesh:
    """A sunshade."""
    color, radius = _bright(rng), rng.uniform(0.9, 1.3)
    cloth = Material(color, (0.95, 0.95, 0.93), "stripes", 0.35)
    pole = tube([(0, 0, 0), (0, 2.2, 0)], 0.025, Material((0.92, 0.92, 0.9)), 6)
    return merge([pole, cone(radius, 0.5, cloth, 10).at(0, 1.85, 0)])


Thing = Callable[[np.random.Generator], Mesh]
THINGS: dict[str, Thing] = {
    "fir": fir, "tree": tree, "bush": bush, "lamp": lamp, "bollard": bollard, "crate": crate, "bench": bench,
    "table": table, "plant": plant, "sofa": sofa, "fence": fence, "gate": gate, "cone": cone_marker,
    "board": board, "mat_stack": mat_stack, "ball": ball, "flag_rope": flag_rope, "railing": railing,
    "parasol": parasol,
}  # fmt: skip


def footprint(mesh: Mesh) -> float:
    """Return the radius [m] around the origin that a thing covers on the ground."""
    level: Array = mesh.vertices[:, [0, 2]]
    return float(np.linalg.norm(level, axis=1).max())
