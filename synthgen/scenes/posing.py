"""Bodies for many pictures at once: work that asks for posed people as it goes, answered a batch at a time.

Skinning one person alone costs four times what it costs in company. So whatever needs posed bodies is written
as a generator that yields the people it wants and is sent their bodies; `pose_together` runs many such works
side by side and skins what all of them ask for in one call.
"""

from collections.abc import Generator, Sequence
from typing import TypeAlias, TypeVar

from synthgen.body import Body, Posed
from synthgen.sample import Person

T = TypeVar("T")
Posing: TypeAlias = Generator[Sequence[Person], Posed, T]  # yields people, is sent their bodies, returns T


def pose_together(works: Sequence[Posing[T]], body: Body) -> list[T]:
    """Run works to their ends and return what they return, in order.

    Args:
        works: none of which depends on another.
        body: poses the people, in the frame of their parameters.
    """
    results: dict[int, T] = {}
    asked: dict[int, Sequence[Person]] = {}
    for place, work in enumerate(works):
        try:
            asked[place] = next(work)
        except StopIteration as end:
            results[place] = end.value
    while asked:
        posed = body.pose([person for people in asked.values() for person in people])
        answers, asked, start = asked, {}, 0
        for place, people in answers.items():
            rows = slice(start, start + len(people))
            start += len(people)
            try:
                asked[place] = works[place].send(Posed(posed.vertices[rows], posed.points[rows]))
            except StopIteration as end:
                results[place] = end.value
    return [results[place] for place in range(len(works))]


def pose_alone(work: Posing[T], body: Body) -> T:
    """Run one work; see `pose_together`."""
    return pose_together([work], body)[0]
