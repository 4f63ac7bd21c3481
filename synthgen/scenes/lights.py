"""Weather and lamps: what lights a scene and what the sky looks like."""

from dataclasses import dataclass

import numpy as np

from synthgen.geometry import Array
from synthgen.scenes.palette import Color, mix, vary
from synthgen.surface import Light


@dataclass(frozen=True)
class Weather:
    """The light of one moment.

    Attributes:
        name: one of WEATHERS.
        sun: (3,) unit vector to the sun or main lamp, world frame of the scene, y up.
        sun_color: may exceed 1.
        sky: light from above.
        bounce: light from below.
        shadow: 0 to 1.
        zenith: colour of the sky overhead.
        horizon: colour of the sky above the horizon.
        clouds: part of the sky that is covered, in [0, 1].
    """

    name: str
    sun: Array
    sun_color: Color
    sky: Color
    bounce: Color
    shadow: float
    zenith: Color
    horizon: Color
    clouds: float

    @property
    def white(self) -> Color:
        """How bright something white looks, sRGB."""
        pairs = zip(self.sky, self.sun_color, strict=True)
        red, green, blue = (min(0.8 * sky + 0.75 * sun, 1.08) for sky, sun in pairs)
        return red, green, blue

    def light(self, rotation: Array) -> Light:
        """Return the light in the frame of a camera with world-to-camera `rotation` (3, 3)."""
        return Light(
            direction=(rotation @ self.sun).astype(np.float32),
            color=self.sun_color,
            sky=self.sky,
            bounce=self.bounce,
            up=np.ascontiguousarray(rotation[:, 1], np.float32),
            shadow=self.shadow,
        )


@dataclass(frozen=True)
class _Look:
    sun: float
    sun_tint: Color
    sky: Color
    shadow: tuple[float, float]
    elevation: tuple[float, float]
    zenith: Color
    horizon: Color
    clouds: tuple[float, float]


_BLUE, _PALE = (0.24, 0.47, 0.84), (0.76, 0.87, 0.96)
_LOOKS = {
    "sunny": _Look(
        0.80, (1.0, 0.95, 0.86), (0.36, 0.40, 0.47), (0.65, 0.9), (25, 65), _BLUE, _PALE, (0.0, 0.35)
    ),
    "cloudy": _Look(
        0.45, (1.0, 0.97, 0.92), (0.55, 0.58, 0.62), (0.3, 0.6), (30, 70), _BLUE, _PALE, (0.45, 0.75)
    ),
    "overcast": _Look(
        0.18, (1, 1, 1), (0.76, 0.78, 0.80), (0.1, 0.4), (50, 80), (0.66, 0.70, 0.75), (0.82, 0.84, 0.86),
        (0.8, 1.0),
    ),
    "evening": _Look(
        0.80, (1.0, 0.72, 0.46), (0.50, 0.49, 0.55), (0.6, 0.85), (10, 24), (0.36, 0.44, 0.68),
        (0.98, 0.74, 0.52), (0.1, 0.5),
    ),
    "night": _Look(
        0.70, (0.93, 0.96, 1.0), (0.28, 0.29, 0.34), (0.3, 0.6), (40, 75), (0.02, 0.03, 0.07),
        (0.10, 0.11, 0.17), (0.0, 0.3),
    ),
    "indoor": _Look(
        0.42, (1.0, 0.96, 0.90), (0.58, 0.57, 0.55), (0.25, 0.55), (45, 82), (0.9, 0.9, 0.9),
        (0.9, 0.9, 0.9), (0.0, 0.0),
    ),
    "floodlit": _Look(
        0.90, (1.0, 0.98, 0.80), (0.28, 0.31, 0.42), (0.5, 0.9), (20, 50), (0.01, 0.02, 0.06),
        (0.07, 0.09, 0.20), (0.3, 0.9),
    ),
    "fog": _Look(
        0.16, (0.95, 1.0, 1.0), (0.78, 0.80, 0.78), (0.0, 0.2), (40, 80), (0.60, 0.63, 0.64),
        (0.74, 0.76, 0.74), (0.9, 1.0),
    ),
    "backlit": _Look(
        1.05, (1.0, 0.80, 0.52), (0.42, 0.42, 0.54), (0.75, 1.0), (12, 22), (0.52, 0.36, 0.46),
        (1.0, 0.62, 0.30), (0.2, 0.7),
    ),
    "tungsten": _Look(
        0.70, (1.0, 0.78, 0.48), (0.50, 0.43, 0.34), (0.4, 0.8), (35, 75), (0.9, 0.9, 0.9),
        (0.9, 0.9, 0.9), (0.0, 0.0),
    ),
    "stage": _Look(
        1.00, (0.95, 0.93, 1.0), (0.42, 0.38, 0.50), (0.5, 0.95), (30, 80), (0.1, 0.1, 0.1),
        (0.1, 0.1, 0.1), (0.0, 0.0),
    ),
}  # fmt: skip
WEATHERS = tuple(_LOOKS)


def draw_weather(name: str, ground: Color, rng: np.random.Generator) -> Weather:
    """Draw the light of a named weather.

    Args:
        name: one of WEATHERS.
        ground: colour of the ground, which lights from below.
        rng: of the sample.
    """
    look = _LOOKS[name]
    elevation, azimuth = np.deg2rad(rng.uniform(*look.elevation)), rng.uniform(0, 2 * np.pi)
    strength, ambient = look.sun * rng.uniform(0.85, 1.12), rng.uniform(0.88, 1.1)
    sky = [float(part * ambient) for part in look.sky]
    bounce = mix((0.5, 0.5, 0.5), ground, 0.7)
    return Weather(
        name=name,
        sun=np.array(
            [np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)]
        ),
        sun_color=(strength * look.sun_tint[0], strength * look.sun_tint[1], strength * look.sun_tint[2]),
        sky=(sky[0], sky[1], sky[2]),
        bounce=(0.40 * bounce[0], 0.40 * bounce[1], 0.40 * bounce[2]),
        shadow=float(rng.uniform(*look.shadow)),
        zenith=vary(look.zenith, 0.06, rng),
        horizon=vary(look.horizon, 0.05, rng),
        clouds=float(rng.uniform(*look.clouds)),
    )
