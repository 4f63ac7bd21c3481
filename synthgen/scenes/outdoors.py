"""Panoramas: what surrounds an outdoor scene, painted per pixel from the direction of its ray."""

from collections.abc import Callable

import numpy as np

from synthgen.scenes.lights import Weather
from synthgen.scenes.noise import Float32, cell_noise, cloud, single, skyline
from synthgen.scenes.palette import BRIGHT, NAMED, Color, dye, mix, shade
from synthgen.scenes.skies import STEPS, Rays, blend, hills, mountains, sky, trees


def _haze_below(picture: Float32, rays: Rays, color: Color, horizon: Color) -> None:
    """Paint the land below the horizon, which shows where the ground's mesh ends."""
    below = rays.slope < 0.004
    depth = np.clip(-rays.slope[below] * 8, 0, 1)
    picture[below] = blend(mix(color, horizon, 0.25), color, depth)


def dim(picture: Float32, weather: Weather) -> Float32:
    """Return painted land under the light of the weather."""
    return np.clip(picture * single(weather.white), 0, 1)


def slope(rays: Rays, weather: Weather, rng: np.random.Generator) -> Float32:
    """Return mountains and woods in the snow."""
    picture = sky(rays, weather, rng)
    land = picture.copy()
    mountains(land, rays, weather, rng)
    if rng.uniform() < 0.7:
        trees(land, rays, rng.uniform(0.05, 0.22), rng, snowy=True)
    _haze_below(land, rays, (0.86, 0.90, 0.95), weather.horizon)
    return _over(picture, land, weather)


def park(rays: Rays, weather: Weather, rng: np.random.Generator) -> Float32:
    """Return trees, hedges and hills behind grass."""
    picture = sky(rays, weather, rng)
    land = picture.copy()
    if rng.uniform() < 0.6:
        hills(land, rays, mix((0.38, 0.50, 0.44), weather.horizon, 0.5), (0.02, 0.18, rng.uniform()))
    trees(land, rays, rng.uniform(0.12, 0.5), rng)
    if rng.uniform() < 0.4:
        hedge = (rays.slope < rng.uniform(0.04, 0.10)) & (rays.slope > -0.2)
        value = cloud(rays.turn[hedge] * np.float32(40), rays.slope[hedge] * np.float32(9))
        land[hedge] = blend((0.07, 0.17, 0.06), (0.24, 0.40, 0.14), value)
    _haze_below(land, rays, (0.30, 0.42, 0.18), weather.horizon)
    return _over(picture, land, weather)


def beach(rays: Rays, weather: Weather, rng: np.random.Generator) -> Float32:
    """Return the sea on one side and dunes or palms on the other."""
    picture = sky(rays, weather, rng)
    land = picture.copy()
    if rng.uniform() < 0.5:
        hills(land, rays, mix((0.30, 0.42, 0.40), weather.horizon, 0.55), (-0.06, 0.10, rng.uniform()))
    sea = (rays.slope < 0) & (rays.slope > -0.4)
    wave = cloud(rays.turn[sea] * np.float32(6), rays.slope[sea] * np.float32(14))
    land[sea] = blend((0.08, 0.34, 0.50), (0.30, 0.60, 0.68), np.clip(wave * 0.7 - 3 * rays.slope[sea], 0, 1))
    foam = (rays.slope < -0.035) & (rays.slope > -0.045)
    land[foam] = (0.93, 0.95, 0.95)
    return _over(picture, land, weather)


def stadium(rays: Rays, weather: Weather, rng: np.random.Generator) -> Float32:
    """Return stands full of people around the track, boards below, roof above, masts of light."""
    picture = sky(rays, weather, rng)
    land = picture.copy()
    if rng.uniform() < 0.5:
        trees(land, rays, rng.uniform(0.1, 0.3), rng)
    board, top = rng.uniform(0.05, 0.09), rng.uniform(0.28, 0.55)
    swing = 1 + 0.25 * np.cos(2 * np.pi * (rays.turn + rng.uniform()) * 2)
    height = rays.slope / swing.astype(np.float32)
    is_open = (skyline(16, 1.0, rng) > rng.uniform(0.5, 1.2)).repeat(STEPS // 16)
    stand = (height > board) & (height < top) & ~is_open[rays.steps(0.0)]
    _seats(land, rays, stand, height, rng)
    roof = (height > top) & (height < top + rng.uniform(0.03, 0.10)) & ~is_open[rays.steps(0.0)]
    if rng.uniform() < 0.7:
        land[roof] = dye(str(rng.choice(["white", "grey", "navy", "red"])), rng)
    panel = (height <= board) & (height > -0.02)
    index = np.floor(rays.turn[panel] * np.float32(48))
    colors = np.array([NAMED[name][0] for name in (*BRIGHT, "white", "navy")], np.float32)
    chosen = (cell_noise(index, index, int(rng.integers(2**31))) * len(colors)).astype(int)
    writing = cloud(rays.turn[panel] * np.float32(30), height[panel] * np.float32(2)) > 0.72
    land[panel] = np.where(writing[:, None], single([0.95, 0.95, 0.95]), colors[chosen])
    _haze_below(land, rays, (0.30, 0.45, 0.22), weather.horizon)
    return _over(picture, land, weather)


def _seats(land: Float32, rays: Rays, stand: np.ndarray, height: Float32, rng: np.random.Generator) -> None:
    """Speckle a stand with spectators; aisles every few degrees."""
    if not stand.any():
        return
    seed, seat = int(rng.integers(2**31)), dye(str(rng.choice(["blue", "grey", "red", "green", "navy"])), rng)
    u, v = (
        rays.turn[stand] * np.float32(rng.uniform(280, 520)),
        height[stand] * np.float32(rng.uniform(45, 80)),
    )
    column, row = np.floor(u + 0.5 * (np.floor(v) % 2)), np.floor(v)
    color = 0.12 + 0.7 * np.stack([cell_noise(column, row, seed + k) for k in (1, 2, 3)], -1)
    empty = cell_noise(column, row, seed) < rng.uniform(0.05, 0.7)
    color[empty] = seat
    head = (v % 1 > 0.6) & ~empty
    color[head] = single([0.58, 0.42, 0.34])
    color[u % 28 < 1.2] = single([0.60, 0.60, 0.60])
    land[stand] = 0.85 * color


def street(rays: Rays, weather: Weather, rng: np.random.Generator) -> Float32:
    """Return rows of houses with windows, doors and shops."""
    picture = sky(rays, weather, rng)
    land = picture.copy()
    if rng.uniform() < 0.4:
        trees(land, rays, rng.uniform(0.2, 0.4), rng)
    count, seed = int(rng.integers(9, 22)), int(rng.integers(2**31))
    edges = np.sort(rng.uniform(0, 1, count)).astype(np.float32)
    tops = (rng.uniform(0.25, 0.5) + rng.uniform(0, 0.55, count + 1)).astype(np.float32)
    tops[rng.uniform(size=count + 1) < 0.12] = 0.0  # a gap between houses
    house_of = np.searchsorted(edges, np.arange(STEPS) / STEPS)
    house = house_of[rays.steps(0.0)]
    inside = (rays.slope < tops[house]) & (rays.slope > -0.12)
    if inside.any():
        land[inside] = _facade(rays, inside, house[inside], (tops, seed), rng)
    _haze_below(land, rays, (0.45, 0.45, 0.46), weather.horizon)
    return _over(picture, land, weather)


def _facade(
    rays: Rays, inside: np.ndarray, house: np.ndarray, rows: tuple[Float32, int], rng: np.random.Generator
) -> Float32:
    """Return the colours of house fronts: storeys of windows over shops, a cornice on top."""
    tops, seed = rows
    names = ("beige", "white", "brown", "red", "orange", "yellow", "grey", "pink", "teal")
    walls = np.array(
        [mix(dye(str(rng.choice(names)), rng), (0.66, 0.62, 0.58), 0.5) for _ in tops], np.float32
    )
    u, v = rays.turn[inside], rays.slope[inside]
    storey, bay = np.float32(rng.uniform(0.09, 0.15)), np.float32(rng.uniform(70, 130))
    color = walls[house] * (0.9 + 0.12 * cloud(u * np.float32(6), v * np.float32(2)))[..., None]
    across, up = u * bay % 1, v / storey % 1
    glass = (np.abs(across - 0.5) < 0.24) & (np.abs(up - 0.52) < 0.3) & (v > storey)
    lit = cell_noise(np.floor(u * bay), np.floor(v / storey), seed)
    pane = blend((0.18, 0.22, 0.28), (0.62, 0.72, 0.80), lit)
    frame = (np.abs(across - 0.5) < 0.29) & (np.abs(up - 0.52) < 0.35) & (v > storey)
    color[frame] = np.minimum(walls[house][frame] * np.float32(1.25), 0.97)
    color[glass] = pane[glass]
    shop = (v < storey) & (v > 0.01)
    front = shop & (np.abs(u * bay / 2 % 1 - 0.5) < 0.42)
    tint = cell_noise(house.astype(np.float32), house.astype(np.float32), seed + 2)
    color[shop] = walls[house][shop] * np.float32(0.55)
    color[front] = blend((0.14, 0.17, 0.20), (0.50, 0.56, 0.58), cloud(u * 60, v * 3))[front]
    awning = shop & (v > 0.78 * storey) & (tint > 0.4)
    stripe = (u * bay * 4 % 1 > 0.5)[awning]
    awning_color = dye(str(rng.choice(BRIGHT)), rng)
    color[awning] = np.where(stripe[:, None], single(awning_color), single(shade(awning_color, 0.7)))
    cornice = v > tops[house] - 0.018
    color[cornice] = walls[house][cornice] * np.float32(0.6)
    return color


def _over(background: Float32, land: Float32, weather: Weather) -> Float32:
    """Return land under its light over the sky, which shines by itself."""
    changed = (land[..., 0] != background[..., 0]) | (land[..., 2] != background[..., 2])
    background[changed] = dim(land[changed], weather)
    return background


Panorama = Callable[[Rays, Weather, np.random.Generator], Float32]
PANORAMAS: dict[str, Panorama] = {
    "slope": slope,
    "park": park,
    "beach": beach,
    "stadium": stadium,
    "street": street,
}
