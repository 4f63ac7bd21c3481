"""What surrounds the stand-in's outdoor scenes, painted per pixel from the direction of its ray."""

import numpy as np

from synthgen.scenes.lights import Weather
from synthgen.scenes.noise import Float32, cell_noise, cloud, single, skyline
from synthgen.scenes.outdoors import Panorama, dim
from synthgen.scenes.palette import Color, mix, shade
from synthgen.scenes.skies import STEPS, Rays, blend
from synthgen.scenes.standin.grounds import MUTED, NEON, pick


def _air(rays: Rays, weather: Weather, rng: np.random.Generator) -> Float32:
    """Return the sky: flat bands of cloud that run level, thick near the horizon."""
    up = rays.directions[..., 1]
    picture = blend(weather.horizon, weather.zenith, np.clip(up * 1.1, 0, 1))
    shift = rng.uniform(0, 1, 2).astype(np.float32)
    band = cloud(rays.turn * np.float32(1.0) + shift[0], rays.slope * np.float32(2.5) + shift[1])
    cover = np.clip((band - (1 - weather.clouds)) * 2.5, 0, 1) * np.clip(1.2 - up, 0, 1)
    return blend(picture, mix(weather.horizon, (0.75, 0.72, 0.74), 0.5), 0.8 * cover)


def _below(picture: Float32, rays: Rays, color: Color) -> None:
    """Paint what lies below the horizon, where the ground's mesh ends."""
    picture[rays.slope < 0.004] = single(color)


def _conifers(picture: Float32, rays: Rays, height: float, rng: np.random.Generator) -> None:
    """Paint a near wood as a wall: dark trunks and ragged tops."""
    line = height * (0.6 + 0.4 * skyline(STEPS, 0.6, rng))
    inside = (rays.slope < line[rays.steps(rng.uniform())]) & (rays.slope > -0.2)
    u, v = rays.turn[inside] * np.float32(rng.uniform(180, 320)), rays.slope[inside]
    trunk = np.abs(u % 1 - 0.5) < 0.16
    dark = pick(((0.05, 0.08, 0.07), (0.10, 0.08, 0.12), (0.14, 0.11, 0.07)), 0.1, rng)
    color = blend(dark, mix(dark, (0.40, 0.42, 0.36), 0.5), cloud(u * np.float32(0.15), v * np.float32(3)))
    color[trunk] = single(mix(dark, (0.45, 0.36, 0.28), 0.5))
    picture[inside] = color


def _nets(picture: Float32, rays: Rays, top: float, rng: np.random.Generator) -> None:
    """Paint safety nets, mesh by mesh, between posts."""
    inside = (rays.slope < top) & (rays.slope > -0.03)
    u, v = rays.turn[inside] * np.float32(260), rays.slope[inside] * np.float32(90)
    thread = (u % 1 < 0.28) | (v % 1 < 0.28)
    under = picture[inside]
    under[thread] = single(pick(((0.80, 0.12, 0.10), (0.12, 0.20, 0.66), (0.95, 0.45, 0.05)), 0.05, rng))
    under[rays.turn[inside] * np.float32(22) % 1 < 0.03] = single((0.9, 0.85, 0.2))
    picture[inside] = under


def _hoardings(picture: Float32, rays: Rays, band: tuple[float, float], rng: np.random.Generator) -> None:
    """Paint boards with blocks like letters."""
    inside = (rays.slope > band[0]) & (rays.slope < band[1])
    if not inside.any():
        return
    seed, u = int(rng.integers(2**31)), rays.turn[inside] * np.float32(rng.uniform(24, 44))
    v = (rays.slope[inside] - np.float32(band[0])) / np.float32(band[1] - band[0])
    colors = np.array([*NEON, (0.96, 0.96, 0.94), (0.08, 0.08, 0.10)], np.float32)
    board = np.floor(u)
    back = (cell_noise(board, board, seed) * len(colors)).astype(int)
    color = colors[back]
    letter = cell_noise(np.floor(u * 14), np.floor(v * 5), seed + 1) > 0.45
    ink = letter & (np.abs(v - 0.5) < 0.3) & (np.abs(u % 1 - 0.5) < 0.4)
    color[ink] = single([0.98, 0.98, 0.98]) - 0.9 * (color[ink].mean(-1, keepdims=True) > 0.55)
    picture[inside] = color


def _over(air: Float32, land: Float32, weather: Weather) -> Float32:
    changed = (land != air).any(-1)
    air[changed] = dim(land[changed], weather)
    return air


def piste(rays: Rays, weather: Weather, rng: np.random.Generator) -> Float32:
    """Return a race course: wood on both sides, nets, boards, masts with lamps at night."""
    air = _air(rays, weather, rng)
    land = air.copy()
    _conifers(land, rays, rng.uniform(0.35, 0.9), rng)
    if rng.uniform() < 0.6:
        low = rng.uniform(0.02, 0.08)
        _hoardings(land, rays, (low, low + rng.uniform(0.05, 0.12)), rng)
    _nets(land, rays, rng.uniform(0.06, 0.2), rng)
    _below(land, rays, (0.58, 0.62, 0.70))
    picture = _over(air, land, weather)
    if weather.name == "floodlit":
        _lamps(picture, rays, rng)
    return picture


def _lamps(picture: Float32, rays: Rays, rng: np.random.Generator) -> None:
    """Add lamps on masts, with their haloes."""
    for _ in range(int(rng.integers(3, 7))):
        turn, height = rng.uniform(), rng.uniform(0.3, 0.8)
        away = np.abs((rays.turn - np.float32(turn) + np.float32(0.5)) % 1 - np.float32(0.5)) * np.float32(
            6.3
        )
        far = away**2 + (rays.slope - np.float32(height)) ** 2
        mast = (away < 0.008) & (rays.slope < height) & (rays.slope > 0)
        picture[mast] = single((0.25, 0.25, 0.28))
        picture += (np.exp(-far / np.float32(0.02)))[..., None] * single((0.75, 0.78, 0.6))


def icefall(rays: Rays, weather: Weather, rng: np.random.Generator) -> Float32:
    """Return a glacier: blocks of blue ice before dark rock."""
    air = _air(rays, weather, rng)
    land = air.copy()
    rock = rng.uniform(0.5, 1.1) * skyline(STEPS, 1.2, rng)
    inside = rays.slope < rock[rays.steps(rng.uniform())]
    u, v = rays.turn[inside], rays.slope[inside]
    stone = pick(((0.30, 0.22, 0.18), (0.20, 0.20, 0.24), (0.42, 0.34, 0.26)), 0.1, rng)
    crack = cloud(u * np.float32(9) + v * 2, v * np.float32(6))
    land[inside] = blend(shade(stone, 0.6), mix(stone, (0.8, 0.78, 0.74), 0.3), crack)
    ice = rng.uniform(0.15, 0.45) * (0.4 + 0.6 * skyline(STEPS, 0.9, rng))
    inside = (rays.slope < ice[rays.steps(rng.uniform())]) & (rays.slope > -0.2)
    u, v = rays.turn[inside] * np.float32(60), rays.slope[inside] * np.float32(16)
    block = cell_noise(np.floor(u + cloud(v * 0.1, u * 0.02)), np.floor(v), int(rng.integers(2**31)))
    color = blend((0.20, 0.45, 0.62), (0.82, 0.93, 0.96), block)
    color[(u % 1 < 0.12) | (v % 1 < 0.15)] = single((0.08, 0.22, 0.36))
    land[inside] = color
    _below(land, rays, (0.66, 0.72, 0.78))
    return _over(air, land, weather)


def quarry(rays: Rays, weather: Weather, rng: np.random.Generator) -> Float32:
    """Return cliffs in layers around a flooded quarry."""
    air = _air(rays, weather, rng)
    land = air.copy()
    top = rng.uniform(0.4, 1.2) * (0.5 + 0.5 * skyline(STEPS, 1.5, rng))
    inside = rays.slope < top[rays.steps(rng.uniform())]
    u, v = rays.turn[inside], rays.slope[inside]
    bend = cloud(u * np.float32(2), v * np.float32(0.3)) * np.float32(0.2)
    layer = np.floor((v + bend) * np.float32(rng.uniform(14, 30)))
    tone = cell_noise(layer, layer, int(rng.integers(2**31)))
    first, second = pick(MUTED, 0.12, rng), pick(MUTED, 0.12, rng)
    color = blend(first, mix(second, (0.85, 0.75, 0.6), 0.5), tone)
    land[inside] = color * (0.8 + 0.3 * cloud(u * np.float32(40), v * np.float32(8)))[..., None]
    _below(land, rays, shade(first, 0.8))
    return _over(air, land, weather)


def courtyard(rays: Rays, weather: Weather, rng: np.random.Generator) -> Float32:
    """Return walls close by, sprayed over with graffiti, under washing lines."""
    air = _air(rays, weather, rng)
    land = air.copy()
    top = rng.uniform(0.6, 1.6)
    inside = rays.slope < top
    u, v = rays.turn[inside] * np.float32(rng.uniform(60, 120)), rays.slope[inside] * np.float32(14)
    brick = cell_noise(np.floor(u + 0.5 * (np.floor(v) % 2)), np.floor(v), 3)
    wall = pick(((0.48, 0.20, 0.15), (0.30, 0.30, 0.32), (0.62, 0.58, 0.42)), 0.08, rng)
    color = blend(shade(wall, 0.75), wall, brick)
    color[(v % 1 < 0.1) | ((u + 0.5 * (np.floor(v) % 2)) % 1 < 0.06)] = single(shade(wall, 0.5))
    for _ in range(int(rng.integers(2, 6))):
        shift, size = rng.uniform(0, 1, 2).astype(np.float32), np.float32(rng.uniform(0.02, 0.06))
        value = cloud(u * size + shift[0], v * size * np.float32(1.6) + shift[1])
        color[(np.abs(value - rng.uniform(0.3, 0.7)) < 0.05) & (v < 8)] = single(pick(NEON, 0.1, rng))
    land[inside] = color
    _below(land, rays, (0.30, 0.28, 0.27))
    return _over(air, land, weather)


PANORAMAS: dict[str, Panorama] = {
    "piste": piste, "icefall": icefall, "quarry": quarry, "courtyard": courtyard,
}  # fmt: skip
