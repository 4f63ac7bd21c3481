"""What skis and divers throw up: translucent puffs of snow and water, blended into the picture.

Puffs are no surfaces: people shine through, so masks and depth stay as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import Array, transform_points
from synthgen.scenes.cameras import NEAREST, View
from synthgen.scenes.figure import Figure
from synthgen.scenes.held import SIDES, sole_middle
from synthgen.scenes.noise import Float32, single
from synthgen.scenes.palette import Color

_SPRAYING = ("carve", "slalom_turn", "hockey_stop", "fall", "mogul")  # ski actions that throw up snow
_DIPPING = 0.12  # [m] above the water, from where on a diver makes it splash
_SNOW, _WATER = (0.95, 0.97, 1.0), (0.90, 0.96, 1.0)


@dataclass(frozen=True)
class Spray:
    """A cloud of puffs in the world.

    Attributes:
        places: (N, 3) [m].
        radii: (N,) [m].
        opacity: (N,) in the middle of a puff.
        color: in full light.
    """

    places: Array
    radii: Array
    opacity: Array
    color: Color


def snow_spray(figure: Figure, rng: np.random.Generator) -> Spray:
    """Return snow flying off the lower ski, outwards and behind."""
    side = min(SIDES, key=lambda s: float(sole_middle(figure, s)[1]))
    rotation, foot = figure.rotation(f"{side}_ankle"), sole_middle(figure, side) * (1, 0, 1)
    lean = figure.point("pelvis") - foot
    outward = rotation[:, 0] * (-1 if lean @ rotation[:, 0] > 0 else 1)
    way = outward * rng.uniform(0.5, 1.0) - 0.6 * rotation[:, 2] + (0, rng.uniform(0.3, 0.7), 0)
    count, reach = int(rng.integers(50, 110)), rng.uniform(0.6, 1.7)
    part = rng.uniform(0.0, 1.0, count) ** 1.5
    along = rng.uniform(-0.7, 0.4, count)[:, None] * rotation[:, 2] * (1, 0, 1)
    places = foot + along + reach * part[:, None] * way / np.linalg.norm(way)
    places += rng.normal(0, 0.06, (count, 3)) * (0.5 + part[:, None])
    places[:, 1] = np.abs(places[:, 1] - 0.25 * reach * part**2) + 0.02
    radii = rng.uniform(0.02, 0.07, count) * (0.5 + 1.5 * part)
    return Spray(places, radii, rng.uniform(0.3, 0.9, count) * (1 - 0.75 * part), _SNOW)


def splash(figure: Figure, rng: np.random.Generator) -> Spray:
    """Return water rising around what dips into the pool."""
    lowest = figure.cloth[figure.cloth[:, 1].argmin()] * (1, 0, 1)
    count, reach = int(rng.integers(50, 110)), rng.uniform(0.3, 0.9)
    angles, part = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.0, 1.0, count) ** 1.5
    wide = 0.08 + 0.5 * part * reach
    places = lowest + np.stack(
        [wide * np.sin(angles), reach * part * rng.uniform(0.2, 1.0, count), wide * np.cos(angles)], -1
    )
    return Spray(
        places, rng.uniform(0.012, 0.05, count), rng.uniform(0.3, 0.9, count) * (1 - 0.6 * part), _WATER
    )


def sprays_for(figure: Figure, rng: np.random.Generator) -> list[Spray]:
    """Return what a figure throws up; mostly nothing."""
    pose = figure.pose
    if pose.apparatus == "skis" and pose.support == "ground" and pose.action in _SPRAYING:
        return [snow_spray(figure, rng)] if "spray" in pose.verb or rng.uniform() < 0.7 else []
    if pose.family == "diving" and figure.cloth[:, 1].min() < _DIPPING:
        return [splash(figure, rng)]
    return []


def blend_sprays(
    image: NDArray[np.uint8], depth: Float32, sprays: Sequence[Spray], view: View, light: Color
) -> NDArray[np.uint8]:
    """Blend sprays into a picture; people nearer than a puff stay in front of it.

    Args:
        image: (H, W, 3) sRGB.
        depth: (H, W) of people [m], 0 where there is none.
        sprays: in the world.
        view: that sees them.
        light: how bright white is in this weather.
    """
    picture = image.astype(np.float32)
    for spray in sprays:
        seen = transform_points(view.rotation, view.shift, spray.places)
        for index in np.argsort(-seen[:, 2], kind="stable"):
            if seen[index, 2] > NEAREST:
                color = single(spray.color) * single(light) * np.float32(255)
                _puff(picture, depth, (view, seen[index], spray.radii[index], spray.opacity[index]), color)
    return (np.clip(picture, 0, 255) + 0.5).astype(np.uint8)


def _puff(picture: Float32, depth: Float32, puff: tuple[View, Array, float, float], color: Float32) -> None:
    view, place, radius, opacity = puff
    cam_int = view.camera.cam_int
    u, v, _ = cam_int @ place / place[2]
    size = max(radius * cam_int[0, 0] / place[2], 0.5)
    top, left = max(int(v - 2 * size), 0), max(int(u - 2 * size), 0)
    rows, columns = slice(top, max(int(v + 2 * size) + 2, 0)), slice(left, max(int(u + 2 * size) + 2, 0))
    part, near = picture[rows, columns], depth[rows, columns]
    if not part.size:
        return
    y, x = np.arange(top, top + part.shape[0]) - v, np.arange(left, left + part.shape[1]) - u
    amount = single(opacity * np.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / size**2))
    amount *= (near == 0) | (near > place[2])
    part += amount[..., None] * (color - part)
