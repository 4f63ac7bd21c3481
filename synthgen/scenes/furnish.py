"""Where things stand: some around the scene, some between the camera and the people."""

from collections.abc import Sequence

import numpy as np

from synthgen.geometry import Array
from synthgen.scenes.cameras import View
from synthgen.scenes.figure import Figure
from synthgen.scenes.grounds import Extent
from synthgen.scenes.meshes import Mesh, turn
from synthgen.scenes.settings import Setting
from synthgen.scenes.things import THINGS, footprint


def _clear(place: Array, radius: float, view: View, figures: Sequence[Figure]) -> bool:
    """Whether a thing at place (x, z) touches nobody, hides nobody and is not in the camera's way."""
    eye = view.eye[[0, 2]]
    if np.linalg.norm(place - eye) < radius + 0.7:
        return False
    for figure in figures:
        low, high = figure.cloth[:, [0, 2]].min(0), figure.cloth[:, [0, 2]].max(0)
        middle, half = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
        if np.linalg.norm(place - middle) < radius + half + 0.3:
            return False
        line = middle - eye
        along = float(np.clip((place - eye) @ line / (line @ line), 0, 1))
        if along < 0.98 and np.linalg.norm(eye + along * line - place) < radius + half:
            return False
    return True


def surround(
    setting: Setting, extent: Extent, view: View, figures: Sequence[Figure], rng: np.random.Generator
) -> list[Mesh]:
    """Stand a few things of the venue around, where they neither touch nor hide anybody."""
    meshes = []
    venue, upright = setting.venue, setting.to_sky.T
    count = int(rng.integers(0, 4)) if venue.is_indoor else int(rng.integers(0, 9))
    ahead = figures[0].point("pelvis") - view.eye
    heading = float(np.arctan2(ahead[0], ahead[2]))
    for _ in range(count if venue.scenery else 0):
        thing = THINGS[str(rng.choice(venue.scenery))](rng)
        radius, distance = (
            footprint(thing),
            rng.uniform(1.5, 6.0) if venue.is_indoor else rng.uniform(2.5, 22.0),
        )
        away = heading + rng.normal(0, 0.7)
        place = distance * np.array([np.sin(away), np.cos(away)])
        limit = np.array([extent.half_x, extent.half_z]) - radius - 0.1
        turned = rng.uniform(0, 2 * np.pi)
        is_dry = not venue.others_behind or place[1] + radius < -venue.others_behind
        if is_dry and (np.abs(place) < limit).all() and _clear(place, radius, view, figures):
            meshes.append(thing.moved(upright @ turn(turned), (place[0], -0.02, place[1])))
    return meshes


def occlude(setting: Setting, view: View, figure: Figure, rng: np.random.Generator) -> list[Mesh]:
    """Stand one thing between the camera and a person, so that it hides a part of the body."""
    if not setting.venue.in_front:
        return []
    thing = THINGS[str(rng.choice(setting.venue.in_front))](rng)
    low = figure.cloth.min(0)
    targets = ("left_knee", "right_knee", "left_hip", "right_hip", "left_wrist", "right_wrist", "left_ankle")
    aim = figure.point(str(rng.choice(targets)))
    along, turned = rng.uniform(0.35, 0.75), rng.uniform(0, 2 * np.pi)
    place = view.eye + along * (aim - view.eye)
    top = float(thing.vertices[:, 1].max())
    across = np.linalg.norm((place - figure.point("pelvis"))[[0, 2]])
    half = float(np.linalg.norm(np.ptp(figure.cloth[:, [0, 2]], axis=0))) / 2
    eye_gap = np.linalg.norm((place - view.eye)[[0, 2]])
    if across < footprint(thing) + half or eye_gap < footprint(thing) + 0.35 or low[1] > top + 1.0:
        return []
    return [thing.moved(setting.to_sky.T @ turn(turned), (place[0], -0.02, place[2]))]
