"""The stand-in's halls, seen from inside: a dark arena, a hall of timber and concrete, an office."""

import numpy as np

from synthgen.geometry import Array
from synthgen.scenes.interiors import CEILING, Hall, Painter, Walls, hit
from synthgen.scenes.noise import Float32, cell_noise, cloud, single
from synthgen.scenes.palette import Color, mix, shade, vary
from synthgen.scenes.skies import Rays, blend
from synthgen.scenes.standin.grounds import MUTED, NEON, pick


def _base(walls: Walls, color: Color) -> Float32:
    return np.broadcast_to(single(color), (*walls.u.shape, 3)).copy()


def arena(rays: Rays, eye: Array, hall: Hall, rng: np.random.Generator) -> Float32:
    """Return a show: black tribunes with phone lights, a ring of screens, beams of coloured light."""
    walls = hit(rays, eye, hall)
    glow, seed = pick(NEON, 0.1, rng), int(rng.integers(2**31))
    picture = _base(walls, mix((0.05, 0.05, 0.08), glow, rng.uniform(0.05, 0.2)))
    side = walls.wall != CEILING
    u, y = walls.u[side], walls.y[side]
    row, column = np.floor(y / np.float32(0.5)), np.floor(u / np.float32(0.45))
    people = cell_noise(column, row, seed)
    shirt = 0.35 * np.stack([cell_noise(column, row, seed + k) for k in (1, 2, 3)], -1) + single(glow) * 0.12
    color = np.where((people > 0.35)[..., None], shirt, picture[side])
    color[people > 0.985] = single((0.95, 0.97, 1.0))
    screen = (y > rng.uniform(0.6, 1.0)) & (y < rng.uniform(1.3, 2.0))
    letter = cell_noise(np.floor(u * np.float32(4)), np.floor(y * np.float32(5)), seed + 5)
    board = cell_noise(np.floor(u / np.float32(4)), np.floor(u / np.float32(4)), seed + 6)
    shown = blend(shade(glow, 0.4), pick(NEON, 0.1, rng), (board > 0.5).astype(np.float32))
    shown[letter > 0.8] = single((0.96, 0.96, 0.96))
    color[screen] = shown[screen]
    picture[side] = color
    above = walls.wall == CEILING
    truss = (np.abs(walls.u[above] % 3 - 1.5) < 0.12) | (np.abs(walls.y[above] % 4 - 2) < 0.1)
    picture[above] = np.where(truss[:, None], single((0.3, 0.3, 0.33)), single((0.03, 0.03, 0.04)))
    for _ in range(int(rng.integers(1, 5))):
        start, lean = rng.uniform(-hall.half_x, hall.half_x), rng.uniform(-0.7, 0.7)
        away = np.abs(walls.u - np.float32(start) - np.float32(lean) * (np.float32(hall.height) - walls.y))
        beam = np.exp(-((away / (0.3 + 0.12 * np.maximum(hall.height - walls.y, 0))) ** 2))
        picture += (rng.uniform(0.1, 0.4) * beam * side)[..., None] * single(pick(NEON, 0.2, rng))
    return picture


def timber_hall(rays: Rays, eye: Array, hall: Hall, rng: np.random.Generator) -> Float32:
    """Return raw concrete below, slats of wood above, round windows, pipes under the roof."""
    walls = hit(rays, eye, hall)
    stone, wood = vary((0.42, 0.41, 0.39), 0.1, rng), pick(MUTED, 0.1, rng)
    picture = _base(walls, stone)
    picture *= (0.75 + 0.45 * cloud(walls.u * np.float32(0.15), walls.y * np.float32(0.15)))[..., None]
    formwork = (walls.u % np.float32(1.8) < 0.03) | (walls.y % np.float32(0.9) < 0.03)
    picture[formwork & (walls.wall != CEILING)] *= np.float32(0.6)
    start = rng.uniform(0.25, 0.6) * hall.height
    slats = (walls.wall != CEILING) & (walls.y > start)
    gap = walls.u[slats] / np.float32(0.22) % 1 < 0.35
    tone = cell_noise(np.floor(walls.u[slats] / np.float32(0.22)), walls.wall[slats], 5)
    color = blend(shade(wood, 0.8), mix(wood, (0.85, 0.66, 0.45), 0.5), tone)
    color[gap] = single(shade(wood, 0.25))
    picture[slats] = color
    lit = int(rng.integers(4))
    pitch, radius = rng.uniform(2.2, 4.0), rng.uniform(0.5, 1.0)
    round_ = np.hypot((walls.u / np.float32(pitch) % 1 - 0.5) * pitch, walls.y - 0.55 * start) < radius
    picture[round_ & (walls.wall == lit)] = single(pick(((0.98, 0.86, 0.62), (0.62, 0.78, 0.80)), 0.05, rng))
    above = walls.wall == CEILING
    pipe = np.abs(walls.u[above] % np.float32(2.4) - 1.2) < 0.2
    picture[above] = np.where(pipe[:, None], single(pick(NEON, 0.1, rng)), single((0.20, 0.19, 0.18)))
    return picture


def office(rays: Rays, eye: Array, hall: Hall, rng: np.random.Generator) -> Float32:
    """Return an office at night: dark glass with city lights, posters, shelves of files, strip lamps."""
    walls = hit(rays, eye, hall)
    paint, seed = pick(MUTED, 0.15, rng), int(rng.integers(2**31))
    picture = _base(walls, paint)
    stripe = walls.u % np.float32(rng.uniform(0.5, 1.2)) < rng.uniform(0.1, 0.4)
    picture[stripe & (walls.wall != CEILING)] = single(shade(paint, rng.uniform(0.5, 1.6)))
    order = rng.permutation(4)
    glass = (walls.wall == order[0]) & (walls.y > 0.3) & (walls.y < hall.height - 0.2)
    u, y = walls.u[glass] * np.float32(7), walls.y[glass] * np.float32(9)
    city = blend(
        (0.03, 0.04, 0.09), (0.95, 0.75, 0.35), (cell_noise(np.floor(u), np.floor(y), seed) > 0.8) * 0.8
    )
    city[walls.u[glass] % np.float32(1.3) < 0.06] = single((0.12, 0.12, 0.13))
    picture[glass] = city
    files = (walls.wall == order[1]) & (walls.y < 2.1)
    column, row = np.floor(walls.u[files] * np.float32(11)), np.floor(walls.y[files] * np.float32(2.6))
    color = np.array([*NEON, *MUTED], np.float32)[(cell_noise(column, row, seed) * 11).astype(int)]
    color[walls.y[files] * np.float32(2.6) % 1 < 0.12] = single((0.7, 0.7, 0.7))
    picture[files] = color
    for wall in order[2:]:
        for _ in range(3):
            middle, size = rng.uniform(-hall.half_x, hall.half_x), rng.uniform(0.3, 0.7)
            poster = (walls.wall == wall) & (np.abs(walls.u - middle) < size) & (np.abs(walls.y - 1.5) < size)
            value = cloud(walls.u[poster] * np.float32(0.6), walls.y[poster] * np.float32(0.6))
            picture[poster] = blend(
                pick(NEON, 0.1, rng), pick(MUTED, 0.1, rng), single(np.round(value * 3) / 3)
            )
    above = walls.wall == CEILING
    lamp = (walls.u[above] % np.float32(1.6) < 0.15) & (walls.y[above] % np.float32(1.4) < 1.1)
    picture[above] = np.where(lamp[:, None], single((0.88, 1.0, 0.92)), single((0.5, 0.52, 0.5)))
    return picture


INTERIORS: dict[str, Painter] = {"arena": arena, "timber_hall": timber_hall, "office": office}
