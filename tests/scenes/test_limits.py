"""Limits hold after clamping, couple what depends on each other, and name what is passed."""

import numpy as np

from synthgen.scenes import anatomy, limits
from synthgen.scenes.action import key


def _angles(**parts) -> np.ndarray:
    return np.array(key(**parts).angles)


def test_a_relaxed_stance_is_within_all_limits():
    assert limits.violations(_angles()) == {}


def test_clamping_is_final():
    rng = np.random.default_rng(0)
    wild = rng.normal(0, 120, (300, len(anatomy.ANGLES)))
    for is_flexible in (False, True):
        once = limits.clamp(wild, is_flexible)
        np.testing.assert_array_equal(limits.clamp(once, is_flexible), once)
        assert all(limits.violations(pose, is_flexible) == {} for pose in once)


def test_knees_and_elbows_never_bend_the_wrong_way():
    clamped = limits.clamp(_angles(knees=-20, elbows=-15), flexible=True)
    for joint in ("left_knee_flex", "right_knee_flex", "left_elbow_flex", "right_elbow_flex"):
        assert clamped[anatomy.ANGLES.index(joint)] == 0


def test_violations_name_the_angle_and_the_excess():
    found = limits.violations(_angles(left_knee=170))
    assert found == {"left_knee_flex": 20.0}


def test_arms_reach_less_behind_the_back():
    behind = limits.violations(_angles(left_arm=(120, -90)))
    assert behind["left_arm_raise"] > 50
    assert limits.violations(_angles(left_arm=(120, 45))) == {}


def test_hamstrings_bound_the_straight_leg():
    assert limits.violations(_angles(left_hip=125, left_knee=100)) == {}
    assert "left_hip_flex" in limits.violations(_angles(left_hip=125, left_knee=0))
    assert limits.violations(_angles(left_hip=125, left_knee=0), flexible=True) == {}


def test_athletes_are_more_flexible_never_less():
    rng = np.random.default_rng(3)
    ordinary = limits.clamp(rng.normal(0, 90, (200, len(anatomy.ANGLES))))
    assert all(limits.violations(pose, flexible=True) == {} for pose in ordinary)
    assert limits.is_flexible("gymnastics") and not limits.is_flexible("everyday")
