import numpy as np
import pytest

from synthgen.backends.protocols import Segments
from synthgen.embedded.exam import scores
from synthgen.geometry import rotvec_to_rotmat

SIDE = 100


def mask(*boxes):
    """Return a mask that is true in boxes (x0, y0, x1, y1), ends excluded."""
    drawn = np.zeros((SIDE, SIDE), bool)
    for x0, y0, x1, y1 in boxes:
        drawn[y0:y1, x0:x1] = True
    return drawn


def segments(*people):
    count = len(people)
    stacked = np.stack(people) if people else np.zeros((0, SIDE, SIDE), bool)
    return Segments(stacked, np.ones(count), np.zeros((0, SIDE, SIDE), bool), np.zeros(0), ())


def test_joints_count_within_a_tenth_of_the_longer_side():
    truth, bbox = np.zeros((3, 2)), np.array([10.0, 0.0, 60.0, 200.0])
    found = np.array([[19.9, 0], [0, 20.1], [14, 14]])
    assert scores.joints_found(found, truth, bbox).tolist() == [True, False, True]


PERSON = mask((20, 10, 40, 80))  # 14 % of the picture


@pytest.mark.parametrize(
    ("people", "count", "is_one"),
    [
        ([PERSON], 1, True),
        ([], 0, False),
        ([PERSON, mask((60, 10, 80, 80))], 2, False),
        ([PERSON | mask((90, 90, 92, 92))], 1, True),  # a speck of the same person
        ([PERSON, mask((90, 90, 95, 95))], 1, True),  # a speck for itself, 0.25 % of the picture
        ([PERSON, mask((90, 90, 97, 97))], 1, True),  # 0.49 %, yet below 5 % of the largest
        ([mask((0, 0, 20, 20)), mask((90, 90, 97, 97))], 2, False),
        ([mask((20, 10, 40, 40), (20, 50, 40, 80))], 1, True),  # cut in two by a bar, one for the segmenter
        ([mask((0, 0, 15, 15))], 1, False),  # 2 %: lost in the picture
        ([mask((0, 0, 100, 70))], 1, False),  # fills it
    ],
)
def test_one_person_is_told_from_none_several_specks_and_giants(people, count, is_one):
    found = segments(*people)
    assert len(scores.people_in(found)) == count
    assert scores.is_one_person(found) is is_one


def test_specks_are_not_part_of_the_person():
    (person,) = scores.people_in(segments(PERSON | mask((90, 90, 92, 92))))
    assert np.array_equal(person, PERSON)


def test_errors_of_joints_in_mm():
    truth = np.random.default_rng(0).normal(0, 0.5, (24, 3))
    assert scores.joint_errors(truth, truth, 0) == pytest.approx((0, 0), abs=1e-6)
    assert scores.joint_errors(truth + 3.0, truth, 0) == pytest.approx((0, 0), abs=1e-6)
    turned = 1.2 * truth @ rotvec_to_rotmat(np.array([0.1, 0.7, -0.3])).T
    aligned, rooted = scores.joint_errors(turned, truth, 0)
    assert aligned == pytest.approx(0, abs=1e-6) and rooted > 100
    moved = truth.copy()
    moved[1:] += (0.03, 0.04, 0)  # 50 mm, all but the root
    assert scores.joint_errors(moved, truth, 0)[1] == pytest.approx(50 * 23 / 24)


def test_figures_by_family_leave_out_families_without_values():
    figures = scores.by_family("pck", [1, 0, 1], ["ski", "ski", "yoga"])
    assert figures == {"pck/ski": 0.5, "pck/yoga": 1.0}
    assert scores.lowest({**figures, "pck": 0.0, "iou/ski": 0.1}, "pck") == 0.5
