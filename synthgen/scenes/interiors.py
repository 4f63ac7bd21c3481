"""Halls and rooms seen from inside: four walls and a ceiling, painted per pixel by ray and box.

The box stands on y=0 around the origin of the scene; its floor is a mesh (see `grounds`), so only what lies
above the floor matters here. Wall coordinates: u runs along the wall [m], y up [m].
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synthgen.geometry import Array
from synthgen.scenes.noise import Float32, cell_noise, cloud, single
from synthgen.scenes.palette import BRIGHT, Color, dye, mix, shade
from synthgen.scenes.skies import Rays, blend

CEILING = 4  # walls are 0..3: +x, -x, +z, -z


@dataclass(frozen=True)
class Hall:
    """A box.

    Attributes:
        half_x: walls stand at x = ±half_x [m].
        half_z: and at z = ±half_z [m].
        height: of the ceiling [m].
    """

    half_x: float
    half_z: float
    height: float

    def holding(self, eye: Array, margin: float = 0.5) -> "Hall":
        """Return the hall, widened where needed to hold the camera."""
        return Hall(
            max(self.half_x, abs(float(eye[0])) + margin),
            max(self.half_z, abs(float(eye[2])) + margin),
            max(self.height, float(eye[1]) + margin),
        )


@dataclass(frozen=True)
class Walls:
    """What every pixel hits of a hall.

    Attributes:
        wall: (H, W) int8, 0..3 or CEILING.
        u: (H, W) along the wall; x on the ceiling.
        y: (H, W) up the wall; z on the ceiling.
        length: (5,) half length of each wall.
        height: of the hall [m].
    """

    wall: np.ndarray
    u: Float32
    y: Float32
    length: Float32
    height: float


def hit(rays: Rays, eye: Array, hall: Hall) -> Walls:
    """Intersect rays from `eye` (3,) with the inside of the hall."""
    d = np.where(np.abs(rays.directions) < 1e-5, np.float32(1e-5), rays.directions)
    ex, ey, ez = (np.float32(part) for part in eye)
    tx = (np.copysign(np.float32(hall.half_x), d[..., 0]) - ex) / d[..., 0]
    tz = (np.copysign(np.float32(hall.half_z), d[..., 2]) - ez) / d[..., 2]
    is_x = tx < tz
    t = np.where(is_x, tx, tz)
    y = ey + t * d[..., 1]
    u = np.where(is_x, ez + t * d[..., 2], ex + t * d[..., 0])
    wall = np.where(is_x, np.where(d[..., 0] > 0, 0, 1), np.where(d[..., 2] > 0, 2, 3)).astype(np.int8)
    above = y > hall.height
    if above.any():
        ty = (np.float32(hall.height) - ey) / d[..., 1][above]
        u[above] = ex + ty * d[..., 0][above]
        y[above] = ez + ty * d[..., 2][above]
        wall[above] = CEILING
    length = single([hall.half_z, hall.half_z, hall.half_x, hall.half_x, 0])
    return Walls(wall, u, y, length, hall.height)


def _rectangle(walls: Walls, wall: int, u: tuple[float, float], y: tuple[float, float]) -> np.ndarray:
    return (walls.wall == wall) & (walls.u > u[0]) & (walls.u < u[1]) & (walls.y > y[0]) & (walls.y < y[1])


def _corners(picture: Float32, walls: Walls) -> Float32:
    """Darken towards floor, ceiling and corners, as rooms do."""
    side = walls.wall != CEILING
    low = np.minimum(np.maximum(walls.y, 0), walls.height - walls.y)
    near = np.minimum(low, walls.length[walls.wall] - np.abs(walls.u))
    dark = np.where(side, 1 - 0.22 * np.exp(-np.maximum(near, 0) / np.float32(0.35)), 0.97)
    wall_light = single([0.96, 0.90, 1.0, 0.93, 1.0])[walls.wall]
    return picture * (dark * wall_light)[..., None]


def _ceiling(picture: Float32, walls: Walls, color: Color, rng: np.random.Generator) -> None:
    """Paint a ceiling with a grid of lamps or beams."""
    inside = walls.wall == CEILING
    if not inside.any():
        return
    u, v = walls.u[inside], walls.y[inside]
    pitch = rng.uniform(0.35, 0.7) * walls.height
    lamp = (np.abs(u / pitch % 1 - 0.5) < 0.1) & (np.abs(v / (1.6 * pitch) % 1 - 0.5) < 0.28)
    beam = np.abs(v / (0.8 * pitch) % 1 - 0.5) > 0.47
    painted = blend(color, shade(color, 0.75), beam.astype(np.float32))
    painted[lamp] = (1.0, 0.99, 0.95)
    picture[inside] = painted


def _windows(picture: Float32, walls: Walls, wall: int, band: tuple[float, float], pitch: float) -> None:
    """Paint a band of windows with bright glass and dark bars along one wall."""
    inside = _rectangle(walls, wall, (-1e3, 1e3), band)
    if not inside.any():
        return
    u, y = walls.u[inside] / pitch % 1, (walls.y[inside] - band[0]) / (band[1] - band[0])
    glass = blend((0.80, 0.88, 0.93), (0.93, 0.97, 1.0), y)
    glass[(np.abs(u - 0.5) > 0.44) | (np.abs(y - 0.5) > 0.46)] = (0.62, 0.63, 0.64)
    glass[np.abs(u - 0.5) < 0.015] = (0.7, 0.71, 0.72)
    picture[inside] = glass


def _crowd(picture: Float32, inside: np.ndarray, u: Float32, y: Float32, seed: int) -> None:
    """Paint rows of spectators: one coloured blob with a head per seat, some seats empty."""
    row = np.floor(y / np.float32(0.45))
    column = np.floor(u / np.float32(0.5) + 0.5 * (row % 2))
    who = cell_noise(column, row, seed)
    high = y / np.float32(0.45) % 1
    across = np.abs((u / np.float32(0.5) + 0.5 * (row % 2)) % 1 - 0.5)
    color = np.stack([cell_noise(column, row, seed + k) for k in (1, 2, 3)], -1) ** 0.8 * np.float32(0.8)
    color = 0.55 * color + 0.12
    head = (high > 0.62) & (across < 0.22)
    color[head] = single([0.62, 0.45, 0.36])
    color[(across > 0.40) | (who < 0.25) | ((high > 0.62) & ~head)] = single([0.25, 0.26, 0.30])
    picture[inside] = color


def gym(rays: Rays, eye: Array, hall: Hall, rng: np.random.Generator) -> Float32:
    """Return a sports hall: coloured padding, wall bars, windows or stands with spectators, banners."""
    walls = hit(rays, eye, hall)
    paint = mix(dye(str(rng.choice(["white", "beige", "grey"])), rng), (0.85, 0.84, 0.80), 0.6)
    pad = dye(str(rng.choice(["blue", "green", "navy", "red", "grey", "beige", "brown"])), rng)
    picture = np.broadcast_to(single(paint), (*walls.u.shape, 3)).copy()
    brick = cell_noise(
        np.floor(walls.u / 0.4 + 0.5 * (np.floor(walls.y / 0.2) % 2)), np.floor(walls.y / 0.2), 7
    )
    picture *= (0.96 + 0.05 * brick)[..., None]
    pad_top = rng.uniform(1.2, 2.2)
    inside = (walls.wall != CEILING) & (walls.y < pad_top)
    seam = np.abs(walls.u[inside] / np.float32(1.2) % 1 - 0.5) > 0.49
    picture[inside] = blend(mix(pad, paint, 0.25), shade(pad, 0.6), seam.astype(np.float32))
    kinds = rng.permutation(["windows", "bars", "crowd", "banner"])
    for wall, kind in enumerate(kinds):
        if kind == "windows":
            _windows(picture, walls, wall, (walls.height * 0.5, walls.height * 0.85), rng.uniform(1.5, 3))
        elif kind == "bars":
            start = rng.uniform(-hall.half_x, hall.half_x - 2)
            inside = _rectangle(walls, wall, (start, start + 4), (0.1, 2.6))
            bar = (walls.y[inside] / np.float32(0.18) % 1 < 0.3) | (walls.u[inside] % 1 < 0.06)
            picture[inside] = blend((0.32, 0.23, 0.15), (0.72, 0.52, 0.30), bar.astype(np.float32))
        elif kind == "crowd" and rng.uniform() < 0.6:
            inside = _rectangle(walls, wall, (-1e3, 1e3), (pad_top, pad_top + walls.height * 0.42))
            _crowd(picture, inside, walls.u[inside], walls.y[inside], int(rng.integers(2**31)))
        elif kind == "banner":
            for _ in range(3):
                start, width = rng.uniform(-hall.half_x, hall.half_x), rng.uniform(0.8, 3)
                inside = _rectangle(walls, wall, (start, start + width), (pad_top + 0.4, pad_top + 1.6))
                picture[inside] = dye(str(rng.choice(BRIGHT)), rng)
    _ceiling(picture, walls, (0.80, 0.80, 0.78), rng)
    return _corners(picture, walls)


def pool(rays: Rays, eye: Array, hall: Hall, rng: np.random.Generator) -> Float32:
    """Return a swimming hall: tiles, a long window front, stands and flags."""
    walls = hit(rays, eye, hall)
    tile, paint = rng.uniform(0.25, 0.5), mix((0.80, 0.90, 0.92), dye("white", rng), rng.uniform(0, 0.9))
    u, y = walls.u / np.float32(tile), walls.y / np.float32(tile)
    picture = np.broadcast_to(single(paint), (*walls.u.shape, 3)).copy()
    picture *= (0.95 + 0.06 * cell_noise(np.floor(u), np.floor(y), 3))[..., None]
    band = dye(str(rng.choice(["blue", "teal", "navy", "orange"])), rng)
    picture[(walls.wall != CEILING) & (np.abs(walls.y - rng.uniform(1.4, 2.4)) < rng.uniform(0.15, 0.5))] = (
        band
    )
    picture[(walls.wall != CEILING) & ((u % 1 < 0.05) | (y % 1 < 0.05))] *= np.float32(0.86)
    order = rng.permutation(4)
    _windows(picture, walls, int(order[0]), (rng.uniform(0.8, 3), walls.height * 0.9), rng.uniform(1.2, 2.5))
    if rng.uniform() < 0.6:
        bottom = rng.uniform(1.2, 2.5)
        inside = _rectangle(walls, int(order[1]), (-1e3, 1e3), (bottom, bottom + walls.height * 0.35))
        _crowd(picture, inside, walls.u[inside], walls.y[inside], int(rng.integers(2**31)))
    for wall in order[2:]:
        start = rng.uniform(-6, 3)
        inside = _rectangle(walls, int(wall), (start, start + 2.5), (2.8, 4.0))
        picture[inside] = dye(str(rng.choice(BRIGHT)), rng)
    _ceiling(picture, walls, (0.72, 0.76, 0.78), rng)
    return _corners(picture, walls)


def room(rays: Rays, eye: Array, hall: Hall, rng: np.random.Generator) -> Float32:
    """Return a living room: paint or wallpaper, window with curtains, door, pictures, shelf."""
    walls = hit(rays, eye, hall)
    paint = mix(dye(str(rng.choice(["white", "beige", "green", "blue", "pink", "grey", "yellow"])), rng),
                (0.90, 0.88, 0.84), rng.uniform(0.45, 0.9))  # fmt: skip
    picture = np.broadcast_to(single(paint), (*walls.u.shape, 3)).copy()
    if rng.uniform() < 0.25:
        stripe = walls.u / np.float32(rng.uniform(0.15, 0.5)) % 1 < 0.5
        picture[stripe] *= np.float32(rng.uniform(0.86, 0.95))
    picture *= (0.97 + 0.04 * cloud(walls.u * np.float32(0.2), walls.y * np.float32(0.2)))[..., None]
    if rng.uniform() < 0.3:
        accent = int(rng.integers(4))
        picture[walls.wall == accent] = dye(str(rng.choice(["teal", "navy", "grey", "brown", "orange"])), rng)
    picture[(walls.wall != CEILING) & (walls.y < 0.1)] = (0.93, 0.92, 0.90)
    for wall in range(4):
        _furnish(picture, walls, wall, rng)
    inside = walls.wall == CEILING
    picture[inside] = (0.95, 0.95, 0.93)
    return _corners(picture, walls)


def studio(rays: Rays, eye: Array, hall: Hall, rng: np.random.Generator) -> Float32:
    """Return a yoga or dance studio: calm walls, one of brick, wood or mirror, large windows."""
    walls = hit(rays, eye, hall)
    paint = mix(
        dye(str(rng.choice(["white", "beige", "teal", "pink", "grey"])), rng), (0.92, 0.90, 0.86), 0.6
    )
    picture = np.broadcast_to(single(paint), (*walls.u.shape, 3)).copy()
    order = rng.permutation(4)
    inside = walls.wall == int(order[0])
    if inside.any():
        row = np.floor(walls.y[inside] / np.float32(0.09))
        column = walls.u[inside] / np.float32(0.28) + 0.5 * (row % 2)
        tone = cell_noise(np.floor(column), row, 5)
        brick = blend((0.48, 0.24, 0.17), (0.68, 0.38, 0.28), tone)
        brick[(column % 1 < 0.06) | (walls.y[inside] / np.float32(0.09) % 1 < 0.12)] = (0.72, 0.68, 0.63)
        picture[inside] = (
            brick if rng.uniform() < 0.6 else blend((0.55, 0.38, 0.24), (0.70, 0.52, 0.35), tone)
        )
    _windows(picture, walls, int(order[1]), (0.3, walls.height * 0.88), rng.uniform(0.9, 1.8))
    inside = _rectangle(walls, int(order[2]), (-1e3, 1e3), (0.2, 2.2))
    sheen = (walls.u[inside] * np.float32(0.35) + walls.y[inside] * np.float32(0.5)) % 1
    mirror = blend((0.60, 0.66, 0.68), (0.78, 0.82, 0.83), sheen)
    mirror[walls.u[inside] / np.float32(1.5) % 1 < 0.015] = (0.4, 0.42, 0.43)
    picture[inside] = mirror
    picture[(walls.wall != CEILING) & (walls.y < 0.12)] = (0.55, 0.42, 0.30)
    _ceiling(picture, walls, (0.93, 0.93, 0.91), rng)
    return _corners(picture, walls)


def _furnish(picture: Float32, walls: Walls, wall: int, rng: np.random.Generator) -> None:
    """Hang or stand one or two things on a wall of a room."""
    if not (walls.wall == wall).any():
        return
    things = (_window, _door, _frames, _shelf)
    half = float(walls.length[wall])
    for side in (-1, 1):
        thing = things[int(rng.integers(len(things)))]
        thing(picture, walls, (wall, side * half * rng.uniform(0.25, 0.65)), rng)


Place = tuple[int, float]  # wall and u of the middle


def _window(picture: Float32, walls: Walls, place: Place, rng: np.random.Generator) -> None:
    wall, u = place
    half, bottom, top = rng.uniform(0.4, 0.9), rng.uniform(0.6, 1.0), rng.uniform(1.9, 2.3)
    curtain = dye(str(rng.choice(["white", "beige", "red", "blue", "green"])), rng)
    if rng.uniform() < 0.6:
        cloth = _rectangle(walls, wall, (u - half - 0.35, u + half + 0.35), (0.1, top + 0.15))
        fold = np.abs(walls.u[cloth] / np.float32(0.14) % 1 - 0.5)
        picture[cloth] = blend(shade(curtain, 0.75), curtain, 2 * fold)
    picture[_rectangle(walls, wall, (u - half - 0.07, u + half + 0.07), (bottom - 0.07, top + 0.07))] = 0.97
    glass = _rectangle(walls, wall, (u - half, u + half), (bottom, top))
    outside = blend((0.52, 0.62, 0.45), (0.85, 0.93, 1.0), np.clip((walls.y[glass] - bottom) * 1.5, 0, 1))
    outside[(np.abs(walls.u[glass] - u) < 0.03) | (np.abs(walls.y[glass] - (bottom + top) / 2) < 0.025)] = (
        0.95
    )
    picture[glass] = outside


def _door(picture: Float32, walls: Walls, place: Place, rng: np.random.Generator) -> None:
    wall, u = place
    color = dye(str(rng.choice(["white", "brown", "beige", "grey"])), rng)
    picture[_rectangle(walls, wall, (u - 0.53, u + 0.53), (0.0, 2.12))] = shade(color, 0.8)
    picture[_rectangle(walls, wall, (u - 0.45, u + 0.45), (0.0, 2.05))] = color
    for bottom, top in ((0.25, 0.95), (1.1, 1.85)):
        picture[_rectangle(walls, wall, (u - 0.3, u + 0.3), (bottom, top))] = shade(color, 0.9)
    picture[_rectangle(walls, wall, (u + 0.33, u + 0.4), (1.0, 1.06))] = (0.4, 0.38, 0.33)


def _frames(picture: Float32, walls: Walls, place: Place, rng: np.random.Generator) -> None:
    wall, u = place
    for _ in range(int(rng.integers(1, 4))):
        middle, y = u + rng.uniform(-0.8, 0.8), rng.uniform(1.3, 1.8)
        half, tall = rng.uniform(0.15, 0.45), rng.uniform(0.18, 0.38)
        rim = (middle - half - 0.03, middle + half + 0.03), (y - tall - 0.03, y + tall + 0.03)
        picture[_rectangle(walls, wall, *rim)] = dye(str(rng.choice(["black", "brown", "white"])), rng)
        art = _rectangle(walls, wall, (middle - half, middle + half), (y - tall, y + tall))
        value = cloud(walls.u[art] * np.float32(0.3), walls.y[art] * np.float32(0.3))
        steps = single(np.round(value * 4) / 4)
        picture[art] = blend(dye(str(rng.choice(BRIGHT)), rng), dye("beige", rng), steps)


def _shelf(picture: Float32, walls: Walls, place: Place, rng: np.random.Generator) -> None:
    wall, u = place
    half, top, seed = rng.uniform(0.4, 0.8), rng.uniform(1.2, 2.2), int(rng.integers(2**31))
    inside = _rectangle(walls, wall, (u - half, u + half), (0.0, top))
    across, up = walls.u[inside] / np.float32(0.05), walls.y[inside] / np.float32(0.34)
    which = (np.floor(across), np.floor(up))
    books = 0.15 + 0.6 * np.stack([cell_noise(*which, seed + k) for k in range(3)], -1)
    books[up % 1 > 0.6 + 0.3 * cell_noise(*which, seed + 5)] = single([0.18, 0.13, 0.09])
    books[up % 1 < 0.1] = single([0.50, 0.36, 0.24])
    picture[inside] = books


Painter = Callable[[Rays, Array, Hall, np.random.Generator], Float32]
INTERIORS: dict[str, Painter] = {"gym": gym, "pool": pool, "room": room, "studio": studio}
