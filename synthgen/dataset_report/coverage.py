"""How well poses cover others: nearest neighbours, and a map of both in two dimensions. Pure functions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.dataset_report.doubles import BLOCK, rms_distances

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Map:
    """Poses laid out in the plane in which they differ most.

    Attributes:
        places: (N, 2) of the poses, in standard deviations of the first axis.
        others: (M, 2) of the reference.
        shown: part of all differences that the plane shows, 0 to 1.
    """

    places: Array
    others: Array
    shown: float


def nearest(poses: Array, others: Array) -> Array:
    """Return how far each of poses (N, J, 3) is from the nearest of others (M, J, 3): (N,) [mm]."""
    found = [rms_distances(poses[at : at + BLOCK], others).min(1) for at in range(0, len(poses), BLOCK)]
    return np.concatenate(found) if found else np.zeros(0)


def nearest_within(poses: Array) -> Array:
    """Return how far each of poses (N, J, 3) is from the nearest other one: (N,) [mm]; N is at least 2."""
    found = []
    for at in range(0, len(poses), BLOCK):
        block = rms_distances(poses[at : at + BLOCK], poses)
        rows = np.arange(len(block))
        block[rows, at + rows] = np.inf
        found.append(block.min(1))
    return np.concatenate(found) if found else np.zeros(0)


def lay_out(poses: Array, others: Array) -> Map:
    """Lay poses (N, J, 3) and a reference (M, J, 3) out by their two principal components.

    The axes are those of both together, each set counted alike, so a small set has its say.
    """
    flat, more = (one.reshape(len(one), int(np.prod(one.shape[1:]))) for one in (poses, others))
    sets = [one for one in (flat, more) if len(one)]
    middle = np.mean([one.mean(0) for one in sets], 0)
    weighted = np.concatenate([(one - middle) / np.sqrt(len(one)) for one in sets])
    _, values, axes = np.linalg.svd(weighted, full_matrices=False)
    variances = values**2
    scale = np.sqrt(max(float(variances[0]) / len(sets), 1e-12))
    first = axes[:2] if len(axes) > 1 else np.concatenate([axes, np.zeros_like(axes)])
    signs = np.where(first[np.arange(2), np.abs(first).argmax(1)] < 0, -1, 1)  # the same way up every time
    turned = (first * signs[:, None]).T / scale
    shown = float(variances[:2].sum() / max(float(variances.sum()), 1e-12))
    return Map((flat - middle) @ turned, (more - middle) @ turned, shown)
