"""Pictures of the far distance, computed per pixel from the direction of its ray.

Rays are unit vectors in a frame with y up against gravity; each function returns (H, W, 3) float32 sRGB or
paints into such a picture.
"""

from dataclasses import dataclass

import numpy as np

from synthgen.geometry import Array
from synthgen.sample import Camera
from synthgen.scenes.lights import Weather
from synthgen.scenes.noise import Float32, cell_noise, cloud, single, skyline
from synthgen.scenes.palette import Color, mix

STEPS = 2048  # resolution of a skyline around the full circle


@dataclass(frozen=True)
class Rays:
    """Where every pixel looks.

    Attributes:
        directions: (H, W, 3) unit vectors, y up.
        turn: (H, W) heading as a fraction of the full circle, in [0, 1).
        slope: (H, W) tangent of the elevation, clipped to [-20, 20].
    """

    directions: Float32
    turn: Float32
    slope: Float32

    def steps(self, shift: float) -> np.ndarray:
        """Return (H, W) int: index into a skyline of STEPS entries that starts at `shift` of a turn."""
        return ((self.turn + np.float32(shift)) * STEPS).astype(np.int32) % STEPS


def make_rays(camera: Camera, camera_to_sky: Array, rows: slice) -> Rays:
    """Return the rays of some rows of pixels; `camera_to_sky` (3, 3) turns camera axes to the y-up frame."""
    inverse = np.linalg.inv(camera.cam_int)
    height, width = camera.image_size
    x = single(np.arange(width) * inverse[0, 0] + inverse[0, 2])[None, :]
    y = single(np.arange(height)[rows] * inverse[1, 1] + inverse[1, 2])[:, None]
    turned = single(camera_to_sky)
    dx, dy, dz = (x * row[0] + (y * row[1] + row[2]) for row in turned)
    level = dx * dx + dz * dz
    scale = 1 / np.sqrt(level + dy * dy)
    slope = np.clip(dy / np.sqrt(np.maximum(level, np.float32(1e-9))), -20, 20)
    around = np.arctan2(dx, dz) * np.float32(0.5 / np.pi)
    directions = np.stack([dx * scale, dy * scale, dz * scale], -1)
    return Rays(directions, np.where(around < 0, around + np.float32(1), around), slope)


def blend(low: Color | Float32, high: Color | Float32, amount: Float32) -> Float32:
    """Return low + amount (high - low) per pixel; colours (3,) or (H, W, 3), amount (H, W)."""
    start, end = np.asarray(low, np.float32), np.asarray(high, np.float32)
    return start + amount[..., None] * (end - start)


def sky(rays: Rays, weather: Weather, rng: np.random.Generator) -> Float32:
    """Return the sky with clouds and a glow around the sun; mirrored haze below the horizon."""
    up = rays.directions[..., 1]
    picture = blend(weather.horizon, weather.zenith, np.sqrt(np.clip(up * 1.4, 0, 1)))
    glow = np.clip(rays.directions @ weather.sun.astype(np.float32), 0, 1) ** 24
    picture += (0.22 if weather.name != "overcast" else 0.05) * glow[..., None] * single([1, 0.95, 0.8])
    if weather.clouds > 0.02:
        reach = np.float32(rng.uniform(0.05, 0.12)) / (np.abs(up) + np.float32(0.14))
        shift = rng.uniform(0, 1, 2).astype(np.float32)
        value = cloud(rays.directions[..., 0] * reach + shift[0], rays.directions[..., 2] * reach + shift[1])
        cover = np.clip((value - (1 - weather.clouds)) * 4, 0, 1)
        tops = mix(weather.horizon, (1.0, 1.0, 1.0), 0.75) if weather.name != "night" else weather.horizon
        under = mix(tops, (0.55, 0.58, 0.64), 0.5)
        picture = blend(picture, blend(tops, under, value), 0.9 * cover)
    return picture


def hills(picture: Float32, rays: Rays, color: Color, reach: tuple[float, float, float]) -> None:
    """Paint hazy hills of one colour; `reach` = lowest and highest tangent of elevation, seed of the line."""
    low, high, seed = reach
    rng = np.random.default_rng(int(seed * 2**31))
    line = low + (high - low) * skyline(STEPS, 1.3, rng)
    inside = rays.slope < line[rays.steps(seed)]
    picture[inside] = single(color)


def mountains(picture: Float32, rays: Rays, weather: Weather, rng: np.random.Generator) -> None:
    """Paint two or three ranges of rock and snow, paler with distance."""
    ranges = int(rng.integers(2, 4))
    top = rng.uniform(0.18, 0.5)
    is_free = rays.slope > -0.02
    for index in range(ranges, 0, -1):  # from near to far: no pixel is painted twice
        near = index / ranges
        low, high = 0.02, top * (1 - 0.55 * near) + 0.05
        line = (low + (high - low) * skyline(STEPS, rng.uniform(1.0, 1.4), rng)).astype(np.float32)
        crest = line[rays.steps(rng.uniform())]
        inside = (rays.slope < crest) & is_free
        if not inside.any():
            continue
        is_free &= ~inside
        u, v = rays.turn[inside], rays.slope[inside]
        depth = (crest[inside] - v) / np.float32(high)
        grain = cloud(u * np.float32(5), v * np.float32(1.5) + u * 3)
        ridge = cloud(u * np.float32(14) + depth, depth * np.float32(0.3))
        snow = np.clip((grain - 0.35 + 0.5 * (0.6 - depth)) * 6, 0, 1)
        rock = blend((0.30, 0.32, 0.36), (0.46, 0.46, 0.48), ridge)
        face = blend(rock, blend((0.72, 0.78, 0.88), (0.97, 0.98, 1.0), ridge), snow)
        haze = np.full(face.shape[:-1], 0.62 * (1 - near) + 0.08, np.float32)
        picture[inside] = blend(face, weather.horizon, haze)


def trees(picture: Float32, rays: Rays, height: float, rng: np.random.Generator, snowy: bool = False) -> None:
    """Paint a wood around the horizon, up to `height` (tangent of elevation): firs or round crowns."""
    is_fir = snowy or rng.uniform() < 0.4
    position = np.arange(STEPS)
    line = np.zeros(STEPS, np.float32)
    width = STEPS * height * rng.uniform(0.05, 0.09) + 2
    for _ in range(2):
        index = np.floor(position / width)
        inside = np.abs((position / width) % 1 - 0.5) * 2
        size = 0.6 + 0.4 * cell_noise(index, index, int(rng.integers(2**31)))
        shape = (1 - inside) if is_fir else np.sqrt(np.clip(1 - inside**2, 0, 1))
        line = np.maximum(line, (size * (0.55 + 0.45 * shape) * height).astype(np.float32))
        width *= 0.7
    crest = line[rays.steps(rng.uniform())]
    inside = (rays.slope < crest) & (rays.slope > -0.3)
    if not inside.any():
        return
    u, v = rays.turn[inside], rays.slope[inside]
    value = cloud(u * np.float32(24), v * np.float32(4))
    dark, light = (
        ((0.08, 0.18, 0.13), (0.24, 0.38, 0.25)) if is_fir else ((0.12, 0.26, 0.08), (0.48, 0.62, 0.26))
    )
    color = blend(dark, light, np.clip(value * 0.9 + 0.3 * v / np.float32(height), 0, 1))
    if snowy:
        color = blend(color, (0.93, 0.95, 0.98), np.clip((cloud(u * 40, v * 9) - 0.62) * 5, 0, 0.85))
    picture[inside] = color
