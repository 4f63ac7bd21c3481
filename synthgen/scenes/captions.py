"""Say in one sentence what a picture shows: who, in what, doing what, where, in what light."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Seen:
    """What there is to tell.

    Attributes:
        family: pose family, which names the person ("ski" -> "skier").
        action: within the family, which may name the person better ("hurdle" -> "hurdler").
        who: "woman", "man" or "person".
        clothes: phrases, most telling first ("a red jacket", "black ski trousers").
        verb: "carving a turn".
        place: "on a snowy slope".
        weather: name of the weather ("sunny", "indoor", …).
        others: number of other people in the picture.
    """

    family: str
    action: str
    who: str
    clothes: tuple[str, ...]
    verb: str
    place: str
    weather: str
    others: int = 0


_NOUNS = {
    "ski": "skier",
    "gymnastics": "gymnast",
    "diving": "diver",
    "athletics": "athlete",
    "yoga": "person",
    "everyday": "person",
}
_ATHLETES = {  # by the first word of the action
    "sprint": "sprinter",
    "start": "sprinter",
    "hurdle": "hurdler",
    "pole": "pole vaulter",
    "high": "high jumper",
    "long": "long jumper",
    "race": "race walker",
}
_LIGHT = {
    "sunny": ("on a sunny day", "in bright sunlight", ""),
    "cloudy": ("under a cloudy sky", ""),
    "overcast": ("on an overcast day", "in flat light"),
    "evening": ("in the evening light", "at sunset"),
    "night": ("at night under floodlights", "at night"),
    "indoor": ("",),
    "floodlit": ("at night under floodlights", ""),
    "fog": ("in flat light", ""),
    "backlit": ("in the evening light", ""),
    "tungsten": ("",),
    "stage": ("",),
}
_OPENINGS = ("a photo of", "a photograph of", "a picture of", "a snapshot of", "")


def article(phrase: str) -> str:
    """Return the phrase with "a" or "an" before it."""
    return f"{'an' if phrase[:1].lower() in 'aeiou' else 'a'} {phrase}"


def listed(phrases: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)


def _person(seen: Seen, rng: np.random.Generator) -> str:
    noun = _NOUNS[seen.family]
    if noun == "athlete" and rng.uniform() < 0.5:
        noun = _ATHLETES.get(seen.action.split("_")[0], noun)
    if noun == "person":
        return article(seen.who)
    if seen.who != "person" and rng.uniform() < 0.25:
        return article({"woman": "female", "man": "male"}[seen.who] + " " + noun)
    return article(noun)


def _company(others: int) -> str:
    if not others:
        return ""
    return "next to another person" if others == 1 else f"with {others} other people"


def caption(seen: Seen, rng: np.random.Generator) -> str:
    """Return a caption; the same generator state gives the same words."""
    count = int(rng.choice([0, 1, 2, 3], p=(0.1, 0.4, 0.35, 0.15)))
    opening = _OPENINGS[int(rng.choice(len(_OPENINGS), p=(0.5, 0.14, 0.12, 0.07, 0.17)))]
    light = str(rng.choice(_LIGHT[seen.weather]))
    parts = [opening, _person(seen, rng)]
    if count:
        parts += [str(rng.choice(["in", "wearing"])), listed(seen.clothes[:count])]
    parts += [seen.verb, seen.place, _company(seen.others)]
    text = " ".join(part for part in parts if part)
    return f"{text}, {light}" if light and rng.uniform() < 0.5 else f"{text} {light}".rstrip()
