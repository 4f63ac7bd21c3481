"""Who counts in a paper's evaluation."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from synthgen.joints import COCO17
from synthgen.metrics import crop_side
from synthgen.observation import Observation, ObservedPerson

LEAST_JOINTS, LEAST_CROP_PX = 4, 100.0  # of divers, as parse_data_from_sportscap.py has them
LEFT_OUT = "people left out, as the paper leaves them out"


@dataclass(frozen=True)
class Rule:
    """Who counts.

    Attributes:
        words: what the rule says.
        counts: tells whether somebody does.
    """

    words: str
    counts: Callable[[ObservedPerson], bool]


def _is_diver(person: ObservedPerson) -> bool:
    weight = person.confidence_2d.astype(float)
    side = float(crop_side(person.keypoints_2d.astype(float), weight, COCO17))
    return int((weight > 0).sum()) >= LEAST_JOINTS and side >= LEAST_CROP_PX


RULES: Mapping[str, Rule] = {
    "all": Rule("everybody who is labelled", lambda person: True),
    "divers": Rule(
        f"people of whom at least {LEAST_JOINTS} joints and a torso are visible, in a crop of at least "
        f"{LEAST_CROP_PX:g} px",
        _is_diver,
    ),
}


def counted(observations: Iterable[Observation], rule: str, left_out: Counter[str]) -> Iterator[Observation]:
    """Yield pictures with the people who count; those of nobody are left out."""
    for one in observations:
        people = tuple(person for person in one.people if RULES[rule].counts(person))
        if len(people) < len(one.people):
            left_out.update({LEFT_OUT: len(one.people) - len(people)})
        if people:
            yield replace(one, people=people)
