"""The place around the people: ground, backdrop and light of one picture."""

from dataclasses import dataclass, replace

import numpy as np

from synthgen.geometry import Array, unproject
from synthgen.scenes.cameras import Room, View
from synthgen.scenes.grounds import GROUND_COLORS, GROUNDS, Extent
from synthgen.scenes.interiors import INTERIORS, Hall
from synthgen.scenes.lights import Weather, draw_weather
from synthgen.scenes.meshes import Mesh
from synthgen.scenes.noise import Float32
from synthgen.scenes.outdoors import PANORAMAS
from synthgen.scenes.skies import make_rays
from synthgen.scenes.standin import grounds as standin_grounds
from synthgen.scenes.standin import halls, panoramas
from synthgen.scenes.venues import Venue, draw_weather_name

_OPEN_REACH = 24.0  # [m] every outdoor ground reaches at least this far
_LOWEST_SUN = 0.22  # sine of the sun's height over a tilted ground
_REACH = {
    "room": 4.5, "studio": 6.0, "gym": 12.0, "pool": 14.0, "office": 6.0, "arena": 18.0, "timber_hall": 18.0,
}  # fmt: skip
_GROUNDS = {**GROUNDS, **standin_grounds.GROUNDS}
_GROUND_COLORS = {**GROUND_COLORS, **standin_grounds.GROUND_COLORS}
_PANORAMAS = {**PANORAMAS, **panoramas.PANORAMAS}
_INTERIORS = {**INTERIORS, **halls.INTERIORS}
OUTDOORS = Room(max_distance=14.0, max_height=4.0)


@dataclass(frozen=True)
class Setting:
    """A place, before the camera is chosen.

    Attributes:
        venue: kind of place.
        weather: its light, in the frame of the sky.
        to_sky: (3, 3) from the world (ground at y=0) to a frame with y against gravity.
        seed: of everything that is painted once the camera stands.
        outdoors: limits for a camera where there are no walls.
    """

    venue: Venue
    weather: Weather
    to_sky: Array
    seed: int
    outdoors: Room = OUTDOORS

    @property
    def up(self) -> Array:
        """(3,) against gravity, world frame."""
        return self.to_sky[1]

    @property
    def room(self) -> Room:
        """Limits for the camera."""
        if not self.venue.is_indoor:
            return self.outdoors
        return Room(_REACH[self.venue.backdrop], self.venue.hall[2][0] - 0.3)

    def hall(self, eye: Array, highest: float) -> Hall:
        """Return the hall, large enough for camera and people."""
        rng = np.random.default_rng([self.seed, 1])
        sizes = [float(rng.uniform(*span)) for span in self.venue.hall]
        hall = Hall(sizes[0], sizes[1], max(sizes[2], highest + 0.3))
        return hall.holding(eye)


def draw_setting(venue: Venue, rng: np.random.Generator, outdoors: Room = OUTDOORS) -> Setting:
    """Draw weather and, on a slope, which way is down; people mostly face downhill."""
    tilt, way = np.deg2rad(rng.uniform(*venue.incline)), np.deg2rad(rng.normal(0, 45))
    down = np.array([np.sin(way), 0.0, np.cos(way)])
    up = np.array([0.0, np.cos(tilt), 0.0]) - np.sin(tilt) * down
    side = np.cross(up, (0.0, 0.0, 1.0))
    side = side / np.linalg.norm(side)
    to_sky = np.stack([side, up, np.cross(side, up)])
    weather = draw_weather(draw_weather_name(venue, rng), _GROUND_COLORS[venue.ground], rng)
    if (to_sky.T @ weather.sun)[1] < _LOWEST_SUN:
        weather = replace(weather, sun=weather.sun * (-1, 1, -1))
    return Setting(venue, weather, to_sky, int(rng.integers(2**31)), outdoors)


def extent_of(setting: Setting, hall: Hall | None) -> Extent:
    """Return how far the ground reaches."""
    return Extent(hall.half_x, hall.half_z) if hall else Extent()


def ground_of(setting: Setting, extent: Extent) -> list[Mesh]:
    """Return the ground's meshes."""
    return _GROUNDS[setting.venue.ground](extent, np.random.default_rng([setting.seed, 2]))


def backdrop_of(setting: Setting, view: View, hall: Hall | None) -> Float32:
    """Paint what is seen where no mesh is, (H, W, 3) sRGB."""
    rng = np.random.default_rng([setting.seed, 3])
    to_sky = setting.to_sky @ view.rotation.T
    rows = _open_rows(view, hall)
    rays = make_rays(view.camera, to_sky, rows)
    picture = np.zeros((*view.camera.image_size, 3), np.float32)
    if rays.turn.size:
        picture[rows] = (
            _INTERIORS[setting.venue.backdrop](rays, view.eye, hall, rng)
            if hall
            else _PANORAMAS[setting.venue.backdrop](rays, setting.weather, rng)
        )
    return np.clip(picture, 0, 1)


def _open_rows(view: View, hall: Hall | None) -> slice:
    """Return the span of picture rows that may look past the ground.

    The ground's rectangle is convex in the picture: a row whose both ends see it sees nothing else.
    """
    height, width = view.camera.image_size
    ends = np.array([[(0, row), (width - 1, row)] for row in range(height)], float)
    directions = unproject(ends, np.ones(ends.shape[:-1]), view.camera.cam_int) @ view.rotation
    reach = np.array([hall.half_x, hall.half_z] if hall else [_OPEN_REACH, _OPEN_REACH])
    fall = np.maximum(-directions[..., 1], 1e-6)
    hit = view.eye[[0, 2]] + directions[..., [0, 2]] * (view.eye[1] / fall)[..., None]
    covered = (directions[..., 1] < 0) & (np.abs(hit) < reach).all(-1)
    seen = np.flatnonzero(~covered.all(1))
    return slice(int(seen[0]), int(seen[-1]) + 1) if len(seen) else slice(0, 0)
