"""Where the photographer stands: heading, height, lens and framing around one or more people.

World frame of the scene: y is away from the ground; `up` is against gravity, which differs on a slope.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import Array, intrinsics, look_at, project, transform_points
from synthgen.sample import Camera

NEAREST = 0.35  # [m] in front of the camera that people keep free
LOWEST_EYE = 0.15  # [m] above the ground
_SPARSE = 5  # every so many vertices are enough to frame somebody
_GROUP = 0.75  # how often a picture of several people frames all of them
_INSIDE = 0.6  # part of a person's joints that the picture must hold


@dataclass(frozen=True)
class View:
    """A camera and where it stands.

    Attributes:
        camera: intrinsics.
        rotation: (3, 3) world to camera.
        shift: (3,) [m]; camera = rotation @ world + shift.
        eye: (3,) position in the world [m].
    """

    camera: Camera
    rotation: Array
    shift: Array
    eye: Array

    def pixels(self, points: Array) -> Array:
        """Return the pixels (..., N, 2) of world points (..., N, 3) in front of the camera."""
        return project(transform_points(self.rotation, self.shift, points), self.camera.cam_int)

    def holds(self, points: Array) -> NDArray[np.bool_]:
        """Return which world points (..., N, 3) in front of the camera lie inside the picture, (..., N)."""
        height, width = self.camera.image_size
        pixels = self.pixels(points)
        return np.asarray(((pixels > 0) & (pixels < (width - 1, height - 1))).all(-1))


@dataclass(frozen=True)
class Room:
    """Limits of where a camera may stand.

    Attributes:
        max_distance: from the person [m].
        max_height: of the eye above the ground [m].
    """

    max_distance: float
    max_height: float


@dataclass(frozen=True)
class Lens:
    """How a kind of photographer works.

    Attributes:
        fov_deg: range of the field of view that the distance is chosen with [deg].
        pitch_deg: mean and standard deviation of the angle that the camera looks down [deg].
        pitch_limits_deg: the least and the most [deg].
        roll_deg: standard deviation of the camera's roll [deg].
        framings: kinds of framing: odds, least and greatest part of the picture that the subject fills.
        focal: least and greatest focal length [sides of the picture].
    """

    fov_deg: tuple[float, float]
    pitch_deg: tuple[float, float]
    pitch_limits_deg: tuple[float, float]
    roll_deg: float
    framings: tuple[tuple[float, float, float], ...]
    focal: tuple[float, float]


STUDIO_LENS = Lens(  # mostly whole people, sometimes small or cropped
    fov_deg=(18, 62),
    pitch_deg=(6, 11),
    pitch_limits_deg=(-18, 50),
    roll_deg=2.5,
    framings=((0.12, 0.30, 0.50), (0.78, 0.55, 0.92), (0.10, 0.95, 1.2)),
    focal=(0.75, 6.0),
)


def draw_view(
    crowd: Sequence[Array],
    image_size: int,
    up: Array,
    room: Room,
    rng: np.random.Generator,
    lens: Lens = STUDIO_LENS,
) -> View:
    """Draw a view of people.

    Args:
        crowd: vertices (V, 3) of each person [m]; the first is the subject.
        image_size: side of the square picture [px].
        up: (3,) unit vector against gravity.
        room: limits of the place.
        rng: of the sample.
        lens: how the photographer works.
    """
    is_group = len(crowd) > 1 and rng.uniform() < _GROUP
    subject = (np.concatenate(crowd) if is_group else crowd[0])[::_SPARSE]
    low, high = subject.min(0), subject.max(0)
    center = (low + high) / 2
    fov = np.deg2rad(rng.uniform(*lens.fov_deg))
    wanted = max(_framing(lens, rng), 0.8) if is_group else _framing(lens, rng)
    distance = np.clip(_longest(subject, center) / (2 * np.tan(fov / 2) * wanted), 1.3, room.max_distance)
    pitch = np.deg2rad(np.clip(rng.normal(*lens.pitch_deg), *lens.pitch_limits_deg))
    heading = rng.uniform(0, 2 * np.pi)
    eye = center + distance * np.array(
        [np.cos(pitch) * np.sin(heading), np.sin(pitch), np.cos(pitch) * np.cos(heading)]
    )
    eye[1] = np.clip(eye[1], LOWEST_EYE, room.max_height)
    roll = np.deg2rad(rng.normal(0, lens.roll_deg))
    sideways = np.cross(center - eye, up)
    tilted = up + np.tan(roll) * sideways / max(float(np.linalg.norm(sideways)), 1e-6)
    middle, span = _bounds(subject, look_at(eye, center, tilted))
    slack = max(1.0 - wanted, 0.12) / wanted * span
    middle = middle + rng.uniform(-0.4, 0.4, 2) * slack
    center = eye + look_at(eye, center, tilted)[0].T @ np.array([*middle, 1.0])
    rotation, shift = look_at(eye, center, tilted)
    shortest, longest = lens.focal
    focal = float(np.clip(wanted * image_size / span, shortest * image_size, longest * image_size))
    camera = Camera(intrinsics(focal, (image_size, image_size)), (image_size, image_size))
    return View(camera, rotation, shift, eye)


def _framing(lens: Lens, rng: np.random.Generator) -> float:
    """Draw how much of the picture the person fills."""
    ends = np.cumsum([odds for odds, _, _ in lens.framings])
    kind = min(int(np.searchsorted(ends, rng.uniform(), side="right")), len(ends) - 1)
    return float(rng.uniform(*lens.framings[kind][1:]))


def _longest(points: Array, center: Array) -> float:
    return 2 * float(np.linalg.norm(points - center, axis=1).max())


def _bounds(points: Array, pose: tuple[Array, Array]) -> tuple[Array, float]:
    """Return middle (2,) and longer side of the points' box on the plane z = 1 of a camera."""
    seen = transform_points(*pose, points)
    seen = seen[seen[:, 2] > NEAREST]
    if not len(seen):
        return np.zeros(2), 1.0
    plane = seen[:, :2] / seen[:, 2:]
    low, high = plane.min(0), plane.max(0)
    return (low + high) / 2, float((high - low).max())


def fault(view: View, points: Array, vertices: Array) -> str:
    """Return why a view of a person is useless, or "".

    Args:
        view: to judge.
        points: (P, 3) joints and landmarks of the person, world [m].
        vertices: (V, 3) of the person, world [m].
    """
    outline = vertices[::_SPARSE]
    depth = transform_points(view.rotation, view.shift, outline)[:, 2]
    if depth.min() < NEAREST:
        return "person too near the camera"
    if view.holds(points).mean() < _INSIDE:
        return "person outside the picture"
    width = view.camera.image_size[1]
    span = np.ptp(np.clip(view.pixels(outline), 0, width - 1), axis=0)
    return "person too small" if span.max() < 0.25 * width else ""
