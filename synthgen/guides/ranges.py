"""Checks of the keys of guide sources: one line for each value that cannot be."""

from collections.abc import Mapping
from typing import Any

import numpy as np

FOV_DEG = (5.0, 120.0)  # [degrees] a telephoto lens to a wide one
SMALLEST, LARGEST = 64, 2048  # [px] side of a picture
_MULTIPLE = 8  # [px] one pixel of a latent


def range_problems(owner: Any, ranges: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return one line for each field that lies outside its range, bounds included; NaN never lies inside."""
    return [
        f"{name} must be in [{low:g}, {high:g}], got {getattr(owner, name)}"
        for name, (low, high) in ranges.items()
        if not low <= getattr(owner, name) <= high
    ]


def size_problems(image_size: int) -> list[str]:
    """Return what is wrong with the side of a square picture [px]."""
    if SMALLEST <= image_size <= LARGEST and image_size % _MULTIPLE == 0:
        return []
    return [f"image_size must be a multiple of {_MULTIPLE} in [{SMALLEST}, {LARGEST}] px, got {image_size}"]


def weight_problems(name: str, weights: Mapping[str, float], known: tuple[str, ...]) -> list[str]:
    """Return what is wrong with weights by name; `name` is the key that holds them."""
    names = ", ".join(known)
    found = [f"{name}.{one} is unknown; known: {names}" for one in weights if one not in known]
    found += [
        f"{name}.{one} must be a finite weight >= 0, got {weight}"
        for one, weight in weights.items()
        if not (np.isfinite(weight) and weight >= 0)
    ]
    if not any(weight > 0 for weight in weights.values()):
        found.append(f"{name} must give at least one of {names} a weight > 0, got {dict(weights)}")
    return found
