"""Works that ask for bodies are answered in one call a round, each with its own people."""

import numpy as np
import pytest

from synthgen.sample import Person
from synthgen.scenes.posing import pose_alone, pose_together


def person(left: float) -> Person:
    return Person(np.zeros(3), np.zeros((23, 3)), np.zeros(10), np.array([left, 0, 0]))


def stand_in_line(places: list[float], rounds: int):
    found = []
    for turn in range(rounds):
        posed = yield [person(place + turn) for place in places]
        found.append(posed.points[:, 0, 0])
    return found


class Counting:
    """Counts how often and how many people a body is asked to pose."""

    def __init__(self, body):
        self.body, self.calls = body, []

    def pose(self, people):
        self.calls.append(len(people))
        return self.body.pose(people)


def test_everybody_gets_their_own_bodies_in_shared_calls(body):
    counting = Counting(body)
    works = [stand_in_line([1.0], 2), stand_in_line([], 0), stand_in_line([5.0, 7.0], 1)]
    first, nothing, last = pose_together(works, counting)
    assert counting.calls == [3, 1]
    origin = body.pose([person(0.0)]).points[0, 0, 0]
    np.testing.assert_allclose(np.concatenate(first) - origin, [1, 2], atol=1e-6)
    assert nothing == []
    np.testing.assert_allclose(last[0] - origin, [5, 7], atol=1e-6)


def test_an_error_in_one_work_is_not_swallowed(body):
    def broken():
        yield [person(0.0)]
        raise ValueError("no such shoe")

    with pytest.raises(ValueError, match="no such shoe"):
        pose_together([stand_in_line([1.0], 3), broken()], body)


def test_alone_is_the_same(body):
    (alone,) = pose_alone(stand_in_line([2.0], 1), body)
    (together,) = pose_together([stand_in_line([9.0], 1), stand_in_line([2.0], 1)], body)[1]
    np.testing.assert_allclose(alone, together, atol=1e-6)
