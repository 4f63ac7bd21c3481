"""Where the stand-in's actions happen, in what light, and how its photographers work."""

from synthgen.scenes.cameras import Lens, Room
from synthgen.scenes.poses import Variety
from synthgen.scenes.venues import Venue, Venues

_RACE = (("floodlit", 0.35), ("fog", 0.3), ("backlit", 0.35))
_OPEN = (("fog", 0.35), ("backlit", 0.4), ("floodlit", 0.25))
_SHOW, _DULL = (("stage", 1.0),), (("tungsten", 0.6), ("stage", 0.4))
_ARENA = ((12.0, 22.0), (12.0, 22.0), (8.0, 14.0))
_BATHS = ((10.0, 20.0), (12.0, 26.0), (7.0, 12.0))
_FLOOR = ((3.5, 7.0), (3.5, 7.0), (2.8, 4.0))

PISTE = Venue(
    "piste", "on a snowy slope", "ice", "piste", _RACE, (), (10.0, 30.0), 0.4, ("gate", "board", "railing"),
    ("gate", "cone", "railing"),
)  # fmt: skip
GLACIER = Venue(
    "glacier", "on a snowy slope", "slush", "icefall", _RACE, (), (2.0, 20.0), 0.55, ("crate", "fence"),
    ("cone", "gate", "fence"),
)  # fmt: skip
SHOW = Venue(
    "show", "in a gym", "podium", "arena", _SHOW, _ARENA, (0.0, 0.0), 0.25, ("board", "mat_stack"),
    ("board", "crate", "railing"),
)  # fmt: skip
BATHS = Venue(
    "baths", "at an indoor pool", "dark_water", "timber_hall", _DULL, _BATHS, (0.0, 0.0), 0.3,
    ("plant", "bench"), (), 2.6,
)  # fmt: skip
LAKE = Venue(
    "lake", "at an outdoor pool", "dark_water", "quarry", _OPEN, (), (0.0, 0.0), 0.4, ("crate", "fence"), (),
    2.6,
)  # fmt: skip
COURTYARD = Venue(
    "courtyard", "on a street", "cobbles", "courtyard", _OPEN, (), (0.0, 0.0), 0.35,
    ("crate", "parasol", "table"), ("crate", "table", "cone"),
)  # fmt: skip
OFFICE = Venue(
    "office", "in a living room", "terrazzo", "office", _DULL, _FLOOR, (0.0, 0.0), 0.35,
    ("plant", "table", "crate"), ("table", "crate", "plant"),
)  # fmt: skip

VENUES: Venues = {
    "everyday": ((COURTYARD, 0.5), (OFFICE, 0.5)),
    "ski": ((PISTE, 0.65), (GLACIER, 0.35)),
    "gymnastics": ((SHOW, 1.0),),
    "diving": ((BATHS, 0.6), (LAKE, 0.4)),
    "athletics": ((SHOW, 0.6), (COURTYARD, 0.4)),
    "yoga": ((OFFICE, 0.6), (LAKE, 0.4)),
}
OUTDOORS = Room(max_distance=23.0, max_height=9.0)
LENS = Lens(  # far away from high up with a long lens, or close and low with a wide one
    fov_deg=(7, 80),
    pitch_deg=(12, 15),
    pitch_limits_deg=(-25, 60),
    roll_deg=6.0,
    framings=((0.15, 0.38, 0.55), (0.62, 0.58, 0.90), (0.23, 0.92, 1.22)),
    focal=(0.5, 9.0),
)
VARIETY = Variety(noise=1.7, overshoot=0.15)
