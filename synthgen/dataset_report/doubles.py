"""Samples that are nearly the same: pictures by perceptual hash, poses by distance. Pure functions."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

HASH_SIDE = 32  # of the grey picture that a hash looks at [px]
HASH_BITS = 8  # lowest frequencies kept along each axis
PICTURE_RADIUS = 6  # bits that the hashes of near doubles differ in at most, of 64
POSE_RADIUS_MM = 10.0  # root mean square over joints
BLOCK = 512  # rows compared at once
MAX_LINKS = 64  # of a row with later ones; a data set that is all alike has no more pairs than this allows

Pairs = NDArray[np.int64]


def perceptual_hash(grey: NDArray[np.uint8]) -> int:
    """Return 64 bits: which of the lowest frequencies of a picture are above their median (pHash).

    Scaling, compression and brightness change few of them.

    Args:
        grey: (HASH_SIDE, HASH_SIDE).
    """
    from scipy.fft import dctn

    low = dctn(grey.astype(np.float64), norm="ortho")[:HASH_BITS, :HASH_BITS].ravel()
    low[0] = 0  # the mean, which is brightness
    bits = low > np.median(low[1:])
    return int(np.packbits(bits).view(">u8")[0])


def near_hashes(hashes: ArrayLike, radius: int = PICTURE_RADIUS) -> Pairs:
    """Return (pairs, 2) of rows whose hashes (N,) differ in at most `radius` bits; see MAX_LINKS."""
    values = np.asarray(hashes, np.uint64)
    found = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        apart = np.bitwise_count(block[:, None] ^ values[None, :])
        found.append(_links(apart <= radius, start))
    return np.concatenate(found)


def near_poses(poses: NDArray[np.floating], radius_mm: float = POSE_RADIUS_MM) -> Pairs:
    """Return (pairs, 2) of rows of poses (N, J, 3) [m] at most this far apart [mm]; see MAX_LINKS."""
    found = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(poses), BLOCK):
        apart = rms_distances(poses[start : start + BLOCK], poses)
        found.append(_links(apart <= radius_mm, start))
    return np.concatenate(found)


def rms_distances(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return root mean square distances of joints [mm] of poses (N, J, 3) to (M, J, 3) [m]: (N, M)."""
    width = int(np.prod(first.shape[1:]))
    a, b = (one.reshape(len(one), width).astype(np.float64) for one in (first, second))
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
    return 1000 * np.sqrt(np.maximum(squares, 0) / max(first.shape[1], 1))


def groups(pairs: Pairs, count: int) -> list[list[int]]:
    """Return the groups of rows that pairs connect, the largest first; of `count` rows in all."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(pairs):
        return []
    graph = coo_array((np.ones(len(pairs), np.int8), pairs.T), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    order = np.argsort(labels, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    found = [part.tolist() for part in parts if len(part) > 1]
    return sorted(found, key=lambda part: (-len(part), part[0]))


def _links(are_near: NDArray[np.bool_], start: int) -> Pairs:
    """Return pairs of a block of rows with later rows, at most MAX_LINKS of each row."""
    rows = start + np.arange(len(are_near))
    later = are_near & (np.arange(are_near.shape[1]) > rows[:, None])
    return np.argwhere(later & (np.cumsum(later, 1) <= MAX_LINKS)) + np.array([start, 0])
