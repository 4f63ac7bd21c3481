import numpy as np
import pytest

from synthgen.line import Line
from synthgen.sample import Rejection, Request
from synthgen.stopwatch import Stopwatch

REQUESTS = [Request(f"k{n}", n, n, "a person", "", "text") for n in range(3)]


def picture_of(item: object) -> np.ndarray | None:
    return np.full((2, 3, 3), item, np.uint8) if isinstance(item, int) else None


@pytest.fixture
def line() -> Line:
    made = Line(REQUESTS, Stopwatch(), picture_of)
    made.step("compose", Request, lambda requests, _: [10, 2.5, 30])
    return made


def test_a_reason_becomes_a_rejection_with_the_picture_of_what_was_turned_away(line):
    line.step("masks", int, lambda requests, items: [f"no {request.key}" for request in requests])
    assert line.items[0] == Rejection("k0", "masks", "no k0")
    assert line.items[0].picture.tolist() == np.full((2, 3, 3), 10).tolist()
    assert line.items[2].picture[0, 0].tolist() == [30, 30, 30]


def test_what_a_step_does_not_know_waits_and_a_rejection_stays(line):
    line.items[1] = Rejection("k1", "draft", "black")
    line.step("masks", int, lambda requests, items: [item + 1 for item in items])
    line.step("verify", int, lambda requests, items: [requests[0].key, items[1]])
    assert line.items[1] == Rejection("k1", "draft", "black")
    assert line.items[0] == Rejection("k0", "verify", "k0")
    assert line.items[2] == 31


def test_a_rejection_that_a_step_answers_with_is_kept_as_it_is(line):
    own = Rejection("k0", "verify", "with a picture of its own", np.zeros((4, 4, 3), np.uint8))
    line.step("verify", int, lambda requests, items: [own, items[1]])
    assert line.items[0] is own


def test_a_line_that_knows_no_pictures_shows_none():
    line = Line(REQUESTS, Stopwatch())
    line.step("compose", Request, lambda requests, _: ["no luck"] * 3)
    assert [item.picture for item in line.items] == [None] * 3
    assert line.items[0] == Rejection("k0", "compose", "no luck")


def test_a_step_that_nothing_waits_for_is_not_taken_and_costs_no_time(line):
    clock = Stopwatch()
    Line(REQUESTS, clock).step("draft", str, lambda requests, items: pytest.fail("nothing to do"))
    assert clock.seconds == {}


def test_a_picture_of_a_wrong_type_is_refused():
    with pytest.raises(ValueError, match=r"Rejection k0: picture must be \(H, W, 3\) uint8"):
        Rejection("k0", "masks", "no", np.zeros((4, 4), np.uint8))
