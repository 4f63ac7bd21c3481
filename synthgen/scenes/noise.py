"""Cheap procedural noise: one periodic cloud tile, looked up with offsets, and random skylines."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float32 = NDArray[np.float32]
TILE = 512  # texels per side of the cloud tile
_TILE_SEED = 20240229


def single(values: ArrayLike) -> Float32:
    """Return values as a float32 array; a colour or a table for a picture that must not grow to float64."""
    return np.asarray(values, np.float32)


def _spectral(shape: tuple[int, ...], power: float, rng: np.random.Generator) -> Float32:
    """Return periodic noise with spectrum 1/f^power, zero mean, unit variance."""
    axes = np.meshgrid(*(np.fft.fftfreq(size) * size for size in shape), indexing="ij")
    frequency = np.sqrt(sum(axis**2 for axis in axes))
    frequency.flat[0] = np.inf
    white = np.fft.fftn(rng.standard_normal(shape))
    field = np.fft.ifftn(white / frequency**power).real
    return (field / field.std()).astype(np.float32)


@lru_cache(maxsize=1)
def _cloud_tile() -> Float32:
    """Return the (TILE, TILE) tile, its values spread evenly over [0, 1]."""
    field = _spectral((TILE, TILE), 1.6, np.random.default_rng(_TILE_SEED))
    order = np.argsort(np.argsort(field, axis=None)).reshape(field.shape)
    return (order / order.max()).astype(np.float32)


def cloud(u: Float32, v: Float32) -> Float32:
    """Return smooth noise in [0, 1], evenly spread, at any coordinates; one unit is the whole tile.

    Args:
        u: any shape.
        v: the same shape.
    """
    tile = _cloud_tile()
    x, y = u * np.float32(TILE), v * np.float32(TILE)
    left, up = np.floor(x), np.floor(y)
    fx, fy = x - left, y - up
    column, row = left.astype(np.int32), up.astype(np.int32)
    x0, y0 = column % TILE, (row % TILE) * TILE
    x1, y1 = (column + 1) % TILE, ((row + 1) % TILE) * TILE
    flat = tile.ravel()
    top = flat[y0 + x0] * (1 - fx) + flat[y0 + x1] * fx
    bottom = flat[y1 + x0] * (1 - fx) + flat[y1 + x1] * fx
    return top * (1 - fy) + bottom * fy


def skyline(size: int, power: float, rng: np.random.Generator) -> Float32:
    """Return (size,) heights around the horizon, periodic, spread evenly over [0, 1].

    Args:
        size: steps around the full circle.
        power: 1 is jagged, 2 is rolling.
        rng: of the sample.
    """
    field = _spectral((size,), power, rng)
    low, high = field.min(), field.max()
    return (field - low) / (high - low)


def cell_noise(column: Float32, row: Float32, seed: int) -> Float32:
    """Return one random number in [0, 1) per integer cell (column, row); equal cells get equal numbers."""
    hashed = (
        np.asarray(column).astype(np.int64) * 73856093 ^ np.asarray(row).astype(np.int64) * 19349663 ^ seed
    ) & 0xFFFFFF
    hashed = (hashed * 1103515245 + 12345) & 0xFFFFFF
    hashed = (hashed ^ (hashed >> 11)) * 69069 & 0xFFFFFF
    return hashed.astype(np.float32) / np.float32(0x1000000)
