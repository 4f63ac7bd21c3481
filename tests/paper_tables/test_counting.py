"""Who counts, and what an estimator is given: boxes and joints as the papers' evaluations make them."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synthgen.backends.protocols import Keypoints
from synthgen.joints import COCO17, OPENPOSE25
from synthgen.observation import MeasuredJoints, Observation, ObservedPerson
from synthgen.paper_tables.counting import LEFT_OUT, counted
from synthgen.paper_tables.given import Input, around, asking

SIZE = (240, 320)


def person(scale: float = 1.0, **known: Any) -> ObservedPerson:
    """Return somebody upright, 150 px high times `scale`, all joints visible."""
    rng = np.random.default_rng(3)
    points = rng.uniform(0, 150, (len(COCO17), 2)) * [0.4, 1] * scale + 20
    for name, place in (("shoulder", 30), ("hip", 80)):
        for side in ("left", "right"):
            points[COCO17.index(f"{side}_{name}")] = 20 + scale * np.array([30.0, place])
    none = np.zeros(24, np.float32)
    sure = np.ones(len(COCO17), np.float32)
    return ObservedPerson(
        np.array([5, 6, 100, 200.0]), points.astype(np.float32), sure, None, none, None, **known
    )


def picture(*people: ObservedPerson) -> Observation:
    return Observation("a", np.zeros((*SIZE, 3), np.uint8), None, people, "smpl", "test")


def test_divers_who_are_small_or_hidden_do_not_count() -> None:
    hidden = np.zeros(len(COCO17), np.float32)
    hidden[[COCO17.index(name) for name in ("left_shoulder", "left_hip", "nose")]] = 1
    legs = np.zeros(len(COCO17), np.float32)
    legs[[COCO17.index(f"{side}_{name}") for side in ("left", "right") for name in ("knee", "ankle")]] = 1
    three, no_torso = (replace(person(), confidence_2d=one) for one in (hidden, legs))
    left_out: Counter[str] = Counter()
    pictures = [picture(person(), person(0.3), three), picture(no_torso)]
    [one] = counted(pictures, "divers", left_out)
    assert len(one.people) == 1 and left_out == {LEFT_OUT: 3}
    assert [len(one.people) for one in counted(pictures, "all", left_out)] == [3, 1]


def test_boxes_around_joints_as_dpmesh_makes_them() -> None:
    """1.2 times the box around the joints that are sure, within the picture."""
    points, sure = np.zeros((17, 2)), np.zeros(17)
    points[:3], sure[:3] = [[50, 50], [70, 150], [300, 200]], [0.9, 0.06, 0.05]
    labelled = np.array([1, 2, 3, 4.0])
    np.testing.assert_allclose(around(points, sure, labelled, SIZE), [48, 40, 72, 160])
    np.testing.assert_allclose(around(points + [-45, 80], sure, labelled, SIZE), [3, 120, 27, 239])
    sure[1] = 0
    np.testing.assert_allclose(around(points, sure, labelled, SIZE), labelled, err_msg="one joint is no box")


def test_given_joints_are_the_detections_that_come_with_the_data() -> None:
    names = OPENPOSE25.names
    places = np.arange(2 * len(names), dtype=np.float32).reshape(-1, 2)
    own = MeasuredJoints(
        names, places, np.full(len(names), 0.5, np.float32), None, np.zeros(len(names), np.float32)
    )
    known, plain = person(joints=own), person()
    boxes, [joints] = Input("given")([picture(known, plain)])
    wrist = COCO17.index("left_wrist")
    np.testing.assert_allclose(joints.keypoints_2d[0, wrist], places[names.index("left_wrist")])
    np.testing.assert_allclose(joints.keypoints_2d[1], plain.keypoints_2d, err_msg="it has none: labels")
    assert joints.confidence[0, wrist] == 0.5 and boxes[0].tolist() == [[5, 6, 100, 200]] * 2
    _, [joints] = Input("labels")([picture(known)])
    np.testing.assert_allclose(joints.keypoints_2d[0], known.keypoints_2d)
    with pytest.raises(ValueError, match="detected joints need a keypoint model"):
        Input("detected")([picture(known)])


def test_estimators_are_asked_with_what_they_look_at() -> None:
    asked: list[tuple[Any, ...]] = []

    class Blind:
        def __call__(self, *given: Any) -> list[Any]:
            asked.append(given)
            return []

    class Guided(Blind):
        def with_keypoints(self, *given: Any) -> list[Any]:
            return self(*given)

    one = picture(person())
    for estimator, keypoints in ((Blind(), "given"), (Guided(), "given"), (Guided(), "detected")):
        asking(estimator, Input(keypoints, "joints"))([one])
    assert [len(given) for given in asked] == [3, 4, 3]
    assert isinstance(asked[1][3][0], Keypoints)
    assert asked[0][1][0][0].tolist() == asked[1][1][0][0].tolist() != [5, 6, 100, 200]
    assert asked[2][1][0][0].tolist() == [5, 6, 100, 200], "its own keypoint model looks into labelled boxes"
