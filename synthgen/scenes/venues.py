"""What belongs to which sport: where it happens, on what ground, in what light and in front of what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np


@dataclass(frozen=True)
class Venue:
    """A kind of place.

    Attributes:
        name: unique.
        place: for captions, after the verb ("on a snowy slope").
        ground: key of `grounds.GROUNDS`.
        backdrop: key of `outdoors.PANORAMAS` or `interiors.INTERIORS`.
        weathers: that happen here, with their odds.
        hall: ranges (half_x, half_z, height) [m] of the room; empty outdoors.
        incline: range of the ground's slope [deg].
        luminance: of what is seen behind people, roughly; clothes contrast with it.
        scenery: kinds of things that stand around; see `things.THINGS`.
        in_front: kinds of things that may stand in front of people.
        others_behind: other people and things stand at least this far behind the subject [m], where there is
            water; 0 for anywhere.
    """

    name: str
    place: str
    ground: str
    backdrop: str
    weathers: tuple[tuple[str, float], ...]
    hall: tuple[tuple[float, float], ...] = ()
    incline: tuple[float, float] = (0.0, 0.0)
    luminance: float = 0.5
    scenery: tuple[str, ...] = ()
    in_front: tuple[str, ...] = ()
    others_behind: float = 0.0

    @property
    def is_indoor(self) -> bool:
        """Whether there are walls."""
        return bool(self.hall)


_OUTSIDE = (("sunny", 0.45), ("cloudy", 0.25), ("overcast", 0.15), ("evening", 0.15))
_INSIDE = (("indoor", 1.0),)
_GYM = ((9.0, 18.0), (9.0, 18.0), (6.0, 10.0))
_POOL = ((10.0, 18.0), (12.0, 26.0), (6.0, 11.0))
_ROOM = ((2.2, 4.2), (2.4, 5.0), (2.5, 3.0))
_STUDIO = ((3.0, 6.0), (3.5, 7.0), (2.7, 3.6))

SLOPE = Venue(
    "slope", "on a snowy slope", "snow", "slope", _OUTSIDE, (), (6.0, 28.0), 0.85,
    ("fir", "gate", "fence"), ("gate", "gate", "fir", "fence"),
)  # fmt: skip
GYM = Venue(
    "gym", "in a gym", "sports_floor", "gym", _INSIDE, _GYM, (0.0, 0.0), 0.55,
    ("mat_stack", "bench"), ("mat_stack", "bench", "railing"),
)  # fmt: skip
POOL = Venue(
    "pool", "at an indoor pool", "pool", "pool", _INSIDE, _POOL, (0.0, 0.0), 0.65,
    ("flag_rope", "bench", "railing"), (), 2.6,
)  # fmt: skip
OPEN_POOL = Venue(
    "open_pool", "at an outdoor pool", "pool", "park", _OUTSIDE, (), (0.0, 0.0), 0.5,
    ("tree", "bush", "parasol"), (), 2.6,
)  # fmt: skip
STADIUM = Venue(
    "stadium", "in a stadium", "track", "stadium", (*_OUTSIDE, ("night", 0.15)), (), (0.0, 0.0), 0.4,
    ("cone", "board"), ("board", "cone", "railing"),
)  # fmt: skip
TRACK = Venue(
    "track", "on a running track", "track", "park", _OUTSIDE, (), (0.0, 0.0), 0.4,
    ("tree", "cone", "fence"), ("fence", "railing", "cone"),
)  # fmt: skip
STREET = Venue(
    "street", "on a street", "road", "street", _OUTSIDE, (), (0.0, 0.0), 0.5,
    ("lamp", "bollard", "tree", "crate", "bench"), ("lamp", "bollard", "crate", "railing", "bench"),
)  # fmt: skip
PARK = Venue(
    "park", "in a park", "lawn", "park", _OUTSIDE, (), (0.0, 0.0), 0.35,
    ("tree", "bush", "lamp", "bench"), ("tree", "bush", "bench", "fence"),
)  # fmt: skip
ROOM = Venue(
    "room", "in a living room", "parquet", "room", _INSIDE, _ROOM, (0.0, 0.0), 0.65,
    ("table", "plant", "sofa", "crate"), ("table", "plant", "sofa", "crate"),
)  # fmt: skip
STUDIO = Venue(
    "studio", "in a yoga studio", "parquet", "studio", _INSIDE, _STUDIO, (0.0, 0.0), 0.65,
    ("plant", "ball"), ("plant", "ball", "bench"),
)  # fmt: skip
BEACH = Venue(
    "beach",
    "on a beach",
    "sand",
    "beach",
    _OUTSIDE,
    (),
    (0.0, 0.0),
    0.6,
    ("parasol", "ball"),
    ("parasol", "ball"),
)

Venues: TypeAlias = Mapping[str, tuple[tuple[Venue, float], ...]]
VENUES: Venues = {  # by pose family, with odds
    "everyday": ((STREET, 0.35), (ROOM, 0.4), (PARK, 0.25)),
    "ski": ((SLOPE, 1.0),),
    "gymnastics": ((GYM, 1.0),),
    "diving": ((POOL, 0.7), (OPEN_POOL, 0.3)),
    "athletics": ((STADIUM, 0.65), (TRACK, 0.35)),
    "yoga": ((STUDIO, 0.5), (ROOM, 0.15), (PARK, 0.2), (BEACH, 0.15)),
}


def draw_venue(family: str, rng: np.random.Generator, venues_of: Venues = VENUES) -> Venue:
    """Draw where a family's action happens."""
    venues, odds = zip(*venues_of[family], strict=True)
    return venues[int(rng.choice(len(venues), p=np.array(odds) / sum(odds)))]


def draw_weather_name(venue: Venue, rng: np.random.Generator) -> str:
    """Draw the weather of a venue."""
    names, odds = zip(*venue.weathers, strict=True)
    return names[int(rng.choice(len(names), p=np.array(odds) / sum(odds)))]
