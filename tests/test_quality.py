from dataclasses import replace

import numpy as np
import pytest

from synthgen.quality import Gate, Measurement

GOOD = Measurement(visible_joints=15, visible_part=0.9, coverage=0.2)


def test_a_clear_picture_passes():
    assert Gate().reason([GOOD]) is None
    assert Gate().reason([GOOD, replace(GOOD, visible_part=0.2, visible_joints=2)]) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"visible_part": 0.3}, "too much of the body hidden"),
        ({"visible_joints": 5}, "too few joints visible"),
        ({"coverage": 0.002}, "body too small in the picture"),
        ({"coverage": 0.95}, "body too large in the picture"),
        ({"coverage": 0.0, "visible_part": 0.0}, "a person does not show at all"),
    ],
)
def test_each_limit_has_its_own_reason(change, reason):
    assert Gate().reason([replace(GOOD, **change)]) == reason


def test_other_people_may_be_hidden_but_not_wholly():
    gate = Gate(min_visible_part_others=0.0)
    hidden = replace(GOOD, visible_part=0.1, visible_joints=0)
    assert Gate().reason([GOOD, hidden]) == "another person almost hidden"
    assert gate.reason([GOOD, hidden]) is None
    assert gate.reason([GOOD, replace(hidden, coverage=0.0)]) == "a person does not show at all"


def test_limits_are_options():
    poor = Measurement(visible_joints=3, visible_part=0.2, coverage=0.002)
    assert Gate().reason([poor]) is not None
    assert Gate(min_visible_joints=3, min_visible_part=0.2, min_coverage=0.001).reason([poor]) is None


def test_a_joint_counts_from_the_limit_on():
    visibility = np.array([0.0, 0.5, 0.51, 1.0])
    assert Gate(joint_visible_above=0.5).visible_joints(visibility) == 2
    assert Gate(joint_visible_above=0.0).visible_joints(visibility) == 3


def test_limits_that_make_no_sense_are_all_named():
    problems = Gate(min_visible_part=1.5, min_visible_joints=18, min_coverage=0.9).problems()
    assert len(problems) == 3
    assert problems[0] == "min_visible_part must be in [0, 1], got 1.5"
    assert Gate().problems() == []


def test_scores_are_finite_numbers():
    assert GOOD.scores() == {"visible_joints": 15.0, "visible_part": 0.9, "coverage": 0.2}
