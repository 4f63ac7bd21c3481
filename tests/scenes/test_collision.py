"""Self-collision: capsules and skin agree on what is free and what runs through the body."""

import numpy as np
import pytest

from synthgen.sample import Person
from synthgen.scenes import anatomy, skeleton
from synthgen.scenes.action import key
from synthgen.scenes.collision import CAPSULE_PAIRS, capsule_depths, self_penetration

_FREE = {
    "stance": key(),
    "star": key(arms=(95, 0), hips=(0, 35)),
    "seat": key(hips=(88, 10), knees=88, arms=(30, 60)),
}
_CROSSED = {
    "forearm in the belly": (key(left_arm=(10, 90, -80), left_elbow=80), ("left_forearm", "left_waist")),
    "hand in the head": (key(right_arm=(130, 20), right_elbow=138), ("right_hand", "skull")),
    "shin through shin": (key(left_hip=(0, -9), right_hip=(0, -9)), ("left_shin", "right_shin")),
}


def _capsules(frame) -> np.ndarray:
    return capsule_depths(*skeleton.forward(anatomy.to_rotmats(np.array(frame.angles))))


def _skin(body, frame) -> float:
    global_orient, body_pose = anatomy.to_axis_angle(np.array(frame.angles))
    posed = body.pose([Person(global_orient, body_pose, np.zeros(10), np.zeros(3))])
    return self_penetration(body, posed.vertices[0])


@pytest.mark.parametrize("name", _FREE)
def test_free_poses_are_free(body, name):
    assert _capsules(_FREE[name]).max() <= 0
    assert _skin(body, _FREE[name]) < 0.01


@pytest.mark.parametrize("name", _CROSSED)
def test_limbs_through_the_body_are_found(body, name):
    frame, pair = _CROSSED[name]
    assert _capsules(frame)[CAPSULE_PAIRS.index(pair)] > 0.02
    assert _skin(body, frame) > 0.025


def test_depth_does_not_depend_on_where_the_body_is(body):
    frame, _ = _CROSSED["forearm in the belly"]
    global_orient, body_pose = anatomy.to_axis_angle(np.array(frame.angles))
    moved = body.pose(
        [Person(np.array([0.3, 1.0, -0.5]), body_pose, np.zeros(10), np.array([1.0, 2.0, 3.0]))]
    )
    assert self_penetration(body, moved.vertices[0]) == pytest.approx(_skin(body, frame), abs=2e-3)


def test_a_subset_of_pairs_is_measured_alike():
    frame, _ = _CROSSED["hand in the head"]
    stick = skeleton.forward(anatomy.to_rotmats(np.array(frame.angles)))
    some = np.array([3, 17, 40])
    np.testing.assert_array_equal(capsule_depths(*stick, some), capsule_depths(*stick)[some])
