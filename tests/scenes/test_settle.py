"""Settling levels contacts, closes touches, parts limbs, and leaves good poses alone."""

import numpy as np

from synthgen.scenes import anatomy, limits, skeleton
from synthgen.scenes.action import Keyframe, key
from synthgen.scenes.settle import Goal, settle


def _goal(frame: Keyframe, is_flexible: bool = False) -> Goal:
    return Goal(frame.contacts, frame.touches, True, is_flexible)


def _points(angles: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    points = skeleton.skin_points(*skeleton.forward(anatomy.to_rotmats(angles)))
    return points[[skeleton.SKIN_POINTS.index(name) for name in names]]


def test_a_good_stance_hardly_changes():
    frame = key(on="feet")
    start = np.array(frame.angles)
    settled, depth = settle(start, _goal(frame))
    assert np.abs(settled - start).max() < 4
    assert depth <= 0


def test_feet_come_level():
    frame = key(on="feet", left_hip=(14, 4), right_knee=25, left_ankle=-12)
    before, after = np.array(frame.angles), settle(np.array(frame.angles), _goal(frame), rounds=4)[0]
    assert np.ptp(_points(before, frame.contacts)[:, 1]) > 0.04
    assert np.ptp(_points(after, frame.contacts)[:, 1]) < 0.01


def test_a_hand_comes_to_the_hip():
    frame = key(on="feet", left_arm=(40, -20, -30), left_elbow=90, touch="left_palm=left_hipside")
    before, after = np.array(frame.angles), settle(np.array(frame.angles), _goal(frame), rounds=8)[0]
    gaps = [np.linalg.norm(np.diff(_points(a, frame.touches[0]), axis=0)) for a in (before, after)]
    assert gaps[0] > 0.1 and gaps[1] < 0.05
    legs = [anatomy.ANGLES.index(f"{side}_hip_flex") for side in ("left", "right")]
    assert np.abs((after - before)[legs]).max() < 5  # the hand comes to the hip, not the hip to the hand


def test_limbs_are_parted():
    frame = key(arms=(35, 80), elbows=(70, 0), left_arm=(35, 90, -40), right_arm=(35, 90, -40))
    _, before = settle(np.array(frame.angles), _goal(frame), rounds=0)
    settled, after = settle(np.array(frame.angles), _goal(frame), rounds=6)
    assert before > 0.02 and after < 0.008
    assert limits.violations(settled) == {}
