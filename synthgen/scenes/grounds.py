"""Floors and ground: flat or gently uneven meshes around the origin, which take shadows."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from synthgen.geometry import Array
from synthgen.scenes.meshes import Mesh, box, floor, plain_mesh
from synthgen.scenes.noise import cloud
from synthgen.scenes.palette import Color, dye, mix, shade, vary
from synthgen.surface import Material, Pattern

FAR = 300.0  # half size of outdoor ground [m]


@dataclass(frozen=True)
class Extent:
    """How far the ground reaches: to the walls of a hall, or FAR.

    Attributes:
        half_x: [m].
        half_z: [m].
    """

    half_x: float = FAR
    half_z: float = FAR


def _plain(extent: Extent, material: Material) -> Mesh:
    x, z = np.array([-extent.half_x, extent.half_x]), np.array([-extent.half_z, extent.half_z])
    return floor(x, z, [material], np.zeros((1, 1), int))


def _lines(extent: Extent, base: Material, lines: tuple[Material, Array, float]) -> Mesh:
    """Return ground with lines of one width along z at given x."""
    paint, at, width = lines
    inside = np.sort(at[np.abs(at) < extent.half_x - width])
    edges = np.stack([inside - width / 2, inside + width / 2], -1).ravel()
    cells = np.arange(len(edges) + 1) % 2
    x = np.concatenate([[-extent.half_x], edges, [extent.half_x]])
    return floor(x, np.array([-extent.half_z, extent.half_z]), [base, paint], cells[:, None])


def snow(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """Snow with soft bumps around a flat middle, groomed or powdery, with tracks of other skiers."""
    reach = np.concatenate([np.linspace(0, 12, 17)[1:], [16, 22, 32, 50, 90, FAR]])
    line = np.concatenate([-reach[::-1], [0.0], reach])
    x, z = np.meshgrid(line, line, indexing="ij")
    shift = rng.uniform(0, 1, 2)
    bumps = cloud((x / 60 + shift[0]).astype(np.float32), (z / 60 + shift[1]).astype(np.float32)) - 0.5
    away = 1 - np.exp(-((np.hypot(x, z) / rng.uniform(2.5, 6)) ** 2))
    height = rng.uniform(0.0, 0.5) * np.minimum(bumps, 0.25) * away - 0.03 * away
    vertices = np.stack([x, height, z], -1).reshape(-1, 3)
    here = np.arange(len(vertices)).reshape(x.shape)
    a, b, c, d = here[:-1, :-1], here[1:, :-1], here[:-1, 1:], here[1:, 1:]
    faces = np.stack([np.stack([a, c, d], -1), np.stack([a, d, b], -1)], axis=2).reshape(-1, 3)
    white = vary((0.93, 0.95, 0.98), 0.02, rng)
    is_groomed = rng.uniform() < 0.4
    cloth = (
        Material(white, shade(white, 0.93), "stripes", 0.09, 0.7, float(rng.uniform(0, np.pi)))
        if is_groomed
        else Material(white, shade(white, 0.94), "speckle", 0.15, 0.7)
    )
    mesh = plain_mesh(vertices, faces, cloth, True)
    ground = replace(mesh, coordinates=vertices[:, [0, 2, 1]], layer=0)
    return [ground, *(_ski_track(rng) for _ in range(int(rng.integers(0, 5))))]


def _ski_track(rng: np.random.Generator) -> Mesh:
    """A shallow winding groove, drawn as a bluish ribbon just above the snow."""
    along = np.linspace(-25, 25, 60)
    sway, phase, start = rng.uniform(0.0, 2.5), rng.uniform(0, 6.28), rng.uniform(-9, 9)
    x = start + sway * np.sin(along / rng.uniform(1.5, 4) + phase)
    width = rng.uniform(0.06, 0.14)
    left, right = (
        np.stack([x - width, 0 * x + 0.012, along], -1),
        np.stack([x + width, 0 * x + 0.012, along], -1),
    )
    vertices = np.concatenate([left, right])
    n = len(along)
    i = np.arange(n - 1)
    faces = np.concatenate([np.stack([i, i + 1, i + n + 1], -1), np.stack([i, i + n + 1, i + n], -1)])
    return plain_mesh(vertices, faces, Material((0.76, 0.82, 0.90))).on_layer(0)


def sports_floor(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """A gym: boards or carpet, court lines, a large coloured mat."""
    carpet = dye(str(rng.choice(["blue", "beige", "grey", "green", "red", "navy"])), rng)
    boards = vary((0.76, 0.56, 0.34), 0.08, rng)
    base = (
        Material(boards, shade(boards, 0.85), "wood", 0.12, 0.35, float(rng.choice([0, np.pi / 2])))
        if rng.uniform() < 0.5
        else Material(mix(carpet, (0.6, 0.6, 0.6), 0.2), shade(carpet, 0.9), "speckle", 0.05, 0.95)
    )
    paint = Material(dye(str(rng.choice(["white", "yellow", "red", "blue", "black"])), rng), roughness=0.5)
    at = rng.uniform(-extent.half_x, extent.half_x, int(rng.integers(0, 5)))
    ground = [_lines(extent, base, (paint, np.unique(np.round(at, 1)), 0.06))]
    if rng.uniform() < 0.75:
        half = rng.uniform(2.2, 6.0, 2)
        tint = dye(str(rng.choice(["blue", "navy", "red", "green", "beige", "teal"])), rng)
        mat = box((2 * half[0], 0.012, 2 * half[1]), Material(tint, shade(tint, 0.9), "speckle", 0.05))
        ground.append(
            mat.at(*(rng.uniform(-0.5, 0.5, 3) * (half[0], 0, half[1]) + (0, -0.006, 0))).on_layer(0)
        )
    return ground


def track(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """A running track along z: red, blue or green lanes with white lines, grass on one side."""
    tint = vary([(0.70, 0.22, 0.15), (0.66, 0.28, 0.20), (0.16, 0.36, 0.66), (0.35, 0.36, 0.40)][
        int(rng.choice(4, p=(0.45, 0.25, 0.2, 0.1)))], 0.06, rng)  # fmt: skip
    rubber = Material(tint, shade(tint, 0.85), "speckle", 0.03, 0.9)
    grass = Material((0.22, 0.45, 0.15), (0.30, 0.52, 0.18), "speckle", 0.25)
    stripe = Material((0.93, 0.93, 0.92))
    lanes, lane = int(rng.integers(5, 9)), 1.22
    own = int(rng.integers(lanes))
    left = -(own + 0.5) * lane
    edges, cells = [-extent.half_x], [1]
    for index in range(lanes + 1):
        edges += [left + index * lane - 0.03, left + index * lane + 0.03]
        cells += [2, 0]
    cells[-1] = 1
    edges.append(extent.half_x)
    across = [-extent.half_z, extent.half_z]
    rows = np.array([cells]).T
    if rng.uniform() < 0.4:  # a line across, as at start and finish
        at = rng.uniform(-4, 4)
        across = [-extent.half_z, at, at + 0.06, extent.half_z]
        rows = np.stack([cells, [1 if c == 1 else 2 for c in cells], cells], -1)
    return [floor(np.array(edges), np.array(across), [rubber, grass, stripe], rows)]


def pool_water(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """A pool: water with lane ropes, and a tiled deck around it behind z = -1."""
    deck_z = -rng.uniform(0.8, 2.2)
    far_z, side = min(extent.half_z - 1, rng.uniform(9, 24)), min(extent.half_x - 1, rng.uniform(5, 11))
    blue = vary((0.10, 0.52, 0.74), 0.08, rng)
    water = Material(blue, mix(blue, (0.75, 0.93, 0.97), 0.4), "speckle", float(rng.uniform(0.25, 0.7)), 0.12)
    tile = vary((0.80, 0.83, 0.84), 0.05, rng)
    deck = Material(tile, shade(tile, 0.9), "checks", 0.3, 0.5)
    rim = Material((0.20, 0.35, 0.60), roughness=0.5)
    yard = [min(side + 5, extent.half_x - 0.1), min(9.0 - deck_z, extent.half_z - 0.1), far_z + 0.6]
    x = np.array([-extent.half_x, -yard[0], -side - 0.25, -side, side, side + 0.25, yard[0], extent.half_x])
    z = np.array(
        [-extent.half_z, -yard[1], deck_z - 0.25, deck_z, far_z, far_z + 0.25, yard[2], extent.half_z]
    )
    grass = Material((0.26, 0.45, 0.15), (0.32, 0.52, 0.18), "speckle", 0.25)
    cells = np.full((7, 7), 3 if extent.half_x == FAR else 0)
    cells[1:6, 1:6] = 0
    cells[2:5, 2:5] = 2
    cells[3, 3] = 1
    ground = [floor(x, z, [deck, water, rim, grass], cells)]
    if rng.uniform() < 0.5:
        rope = dye(str(rng.choice(["red", "yellow", "blue", "white"])), rng)
        for at in np.arange(-side + 2.5, side - 1, 2.5):
            if abs(at) > 1.2:
                line = box((0.1, 0.06, far_z - deck_z), Material(rope, (0.95, 0.95, 0.95), "checks", 0.5))
                ground.append(line.at(at, -0.02, (far_z + deck_z) / 2).on_layer(0))
    return ground


def road(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """A street: pavement under the person, kerb, asphalt with markings, more pavement."""
    stone = vary((0.62, 0.60, 0.57), 0.06, rng)
    kind: Pattern = "checks" if rng.uniform() < 0.6 else "speckle"
    pavement = Material(stone, shade(stone, 0.86), kind, float(rng.uniform(0.3, 0.6)), 0.9)
    asphalt = Material((0.27, 0.27, 0.29), (0.33, 0.33, 0.34), "speckle", 0.05, 0.9)
    kerb = Material((0.72, 0.71, 0.69))
    paint = Material((0.92, 0.92, 0.88))
    near, width = rng.uniform(0.7, 2.5), rng.uniform(5, 9)
    if rng.uniform() < 0.25:
        near = -width / 2  # in the middle of the road
    x = [-extent.half_x, near, near + 0.15, near + width / 2 - 0.06, near + width / 2 + 0.06, near + width,
         near + width + 0.15, extent.half_x]  # fmt: skip
    dashes = np.arange(-30, 30, 3.0)
    z = np.concatenate([[-extent.half_z], dashes, [extent.half_z]])
    cells = np.repeat(np.array([[0, 2, 1, 1, 1, 2, 0]]).T, len(z) - 1, axis=1)
    cells[3, ::2] = 3
    turned = rng.uniform() < 0.5
    street = floor(np.array(x), z, [pavement, asphalt, kerb, paint], cells)
    return [street.at(0, 0, 0, np.pi if turned else 0.0)]


def lawn(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """Grass, sometimes mown in stripes, sometimes with a path."""
    green = vary((0.34, 0.52, 0.18), 0.12, rng)
    grass = Material(green, shade(green, 0.8), "speckle", float(rng.uniform(0.08, 0.3)), 1.0)
    if rng.uniform() < 0.4:
        path = Material(vary((0.66, 0.58, 0.45), 0.06, rng), (0.60, 0.53, 0.42), "speckle", 0.06)
        return [_lines(extent, grass, (path, np.array([rng.uniform(-3, 3)]), rng.uniform(1.0, 2.5)))]
    return [_plain(extent, grass)]


def sand(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """A beach."""
    color = vary((0.84, 0.74, 0.56), 0.06, rng)
    return [
        _plain(Extent(25, 25), Material(color, shade(color, 0.88), "speckle", float(rng.uniform(0.1, 0.4))))
    ]


def parquet(extent: Extent, rng: np.random.Generator) -> list[Mesh]:
    """The floor of a room: boards, tiles or carpet, sometimes a rug."""
    kind = int(rng.choice(3, p=(0.6, 0.2, 0.2)))
    if kind == 0:
        wood = vary(
            [(0.62, 0.43, 0.26), (0.44, 0.28, 0.17), (0.78, 0.63, 0.44)][int(rng.integers(3))], 0.06, rng
        )
        base = Material(wood, shade(wood, 0.78), "wood", 0.12, 0.4, float(rng.choice([0, np.pi / 2])))
    elif kind == 1:
        tile = dye(str(rng.choice(["beige", "grey", "white"])), rng)
        base = Material(tile, shade(tile, 0.8), "checks", float(rng.uniform(0.3, 0.6)), 0.35)
    else:
        wool = mix(
            dye(str(rng.choice(["beige", "grey", "brown", "teal", "red"])), rng), (0.6, 0.58, 0.55), 0.4
        )
        base = Material(wool, shade(wool, 0.85), "speckle", 0.03, 1.0)
    ground = [_plain(extent, base)]
    if rng.uniform() < 0.35:
        size = rng.uniform(1.4, 3.0, 2)
        tint = dye(str(rng.choice(["red", "navy", "beige", "teal", "grey", "orange"])), rng)
        rug = Material(tint, mix(tint, (0.85, 0.80, 0.70), 0.5), str_pattern(rng), 0.3, 1.0)
        place = rng.uniform(-0.6, 0.6, 2)
        ground.append(_rug(size, rug).at(place[0], 0.0, place[1], rng.uniform(0, 3.1)))
    return ground


def str_pattern(rng: np.random.Generator) -> Pattern:
    """Draw the pattern of a rug."""
    patterns: tuple[Pattern, ...] = ("plain", "stripes", "checks", "speckle")
    return patterns[int(rng.integers(len(patterns)))]


def _rug(size: Array, material: Material) -> Mesh:
    rug = box((size[0], 0.01, size[1]), material)
    return replace(rug, coordinates=rug.vertices[:, [0, 2, 1]], layer=0).moved(np.eye(3), (0, -0.004, 0))


Ground = Callable[[Extent, np.random.Generator], list[Mesh]]
GROUNDS: dict[str, Ground] = {
    "snow": snow,
    "sports_floor": sports_floor,
    "track": track,
    "pool": pool_water,
    "road": road,
    "lawn": lawn,
    "sand": sand,
    "parquet": parquet,
}
GROUND_COLORS: dict[str, Color] = {
    "snow": (0.93, 0.95, 0.98), "sports_floor": (0.60, 0.50, 0.40), "track": (0.66, 0.28, 0.20),
    "pool": (0.20, 0.55, 0.72), "road": (0.50, 0.50, 0.50), "lawn": (0.28, 0.45, 0.15),
    "sand": (0.84, 0.74, 0.56), "parquet": (0.60, 0.46, 0.32),
}  # fmt: skip
