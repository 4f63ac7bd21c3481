"""Keyframes say what they mean and refuse what they do not know."""

import numpy as np
import pytest

from synthgen.scenes import anatomy
from synthgen.scenes.action import key


def _angle(frame, name: str) -> float:
    return frame.angles[anatomy.ANGLES.index(name)]


def test_singles_win_over_plurals_in_any_order():
    frame = key(left_hip=(90, 10), hips=(20, 5, 3), knees=80)
    assert [_angle(frame, f"left_hip_{n}") for n in ("flex", "abduction", "rotation")] == [90, 10, 3]
    assert _angle(frame, "right_hip_flex") == 20
    assert _angle(frame, "right_knee_flex") == 80


def test_a_base_is_kept_where_nothing_is_said():
    base = key(hips=(40, 5), on="feet")
    frame = key(base, knees=30)
    assert _angle(frame, "left_hip_flex") == 40 and frame.contacts == base.contacts
    assert key(base, on="").contacts == ()


def test_the_mirror_image_exchanges_contacts_and_touches():
    frame = key(on="left_foot", touch="right_palm=chin", right_arm=(90, 30)).mirrored()
    assert set(frame.contacts) == {"right_heel", "right_ball_in", "right_ball_out"}
    assert frame.touches == (("left_palm", "chin"),)
    assert _angle(frame, "left_arm_raise") == 90
    np.testing.assert_array_equal(frame.mirrored().angles, key(right_arm=(90, 30)).angles)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"hipz": 3}, "unknown keyframe part 'hipz'"),
        ({"knees": (1, 2)}, "left_knee"),
        ({"on": "foots"}, "unknown contact 'foots'"),
        ({"touch": "left_palm=moon"}, "unknown contact 'moon'"),
    ],
)
def test_mistakes_are_named(parts, message):
    with pytest.raises(ValueError, match=message):
        key(**parts)
