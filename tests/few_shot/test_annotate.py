"""Pictures as somebody with a mouse would have labelled them."""

import numpy as np
import pytest

from synthgen.few_shot.annotate import SOURCE, Annotator, annotated
from synthgen.joints import COCO17, SMPL24
from synthgen.observation import Observation, ObservedPerson
from synthgen.sample import Camera, Person

HIDDEN = COCO17.index("left_wrist")
OUTSIDE = COCO17.index("right_ankle")


def truth(key: str = "one") -> Observation:
    points = np.linspace((30, 20), (60, 90), len(COCO17)).astype(np.float32)
    points[OUTSIDE] = (40, 140)
    visibility = np.ones(len(COCO17), np.float32)
    visibility[HIDDEN] = 0.1
    person = ObservedPerson(
        bbox=np.array([25, 15, 65, 95], np.float32),
        keypoints_2d=points,
        confidence_2d=np.ones(len(COCO17), np.float32),
        keypoints_3d=np.zeros((len(SMPL24), 3), np.float32),
        confidence_3d=np.ones(len(SMPL24), np.float32),
        person=Person(np.zeros(3), np.zeros((23, 3)), np.zeros(10), np.array([0, 0, 3.0])),
        family="ski",
        action="tuck",
        visibility=visibility,
    )
    camera = Camera(np.array([[100.0, 0, 50], [0, 100, 50], [0, 0, 1]]), (100, 100))
    return Observation(
        key, np.zeros((100, 100, 3), np.uint8), camera, (person,), "open", "synthgen", caption="x"
    )


def noted(annotator: Annotator, count: int, seed: int = 3) -> list[ObservedPerson]:
    pictures = annotated((truth(f"p{n}") for n in range(count)), annotator, seed)
    return [one.people[0] for one in pictures]


def test_only_what_was_noted_is_left():
    (one,) = annotated([truth()], Annotator(), 0)
    person = one.people[0]
    assert one.camera is None and one.source == SOURCE and one.caption == "" and one.key == "one"
    assert person.person is None and person.keypoints_3d is None and not person.confidence_3d.any()
    assert person.visibility is None
    assert (person.family, person.action) == ("ski", "unknown")
    assert person.confidence_2d[OUTSIDE] == 0
    assert not person.keypoints_2d[person.confidence_2d == 0].any()  # no trace of the truth


def test_errors_have_the_stated_size_and_hidden_joints_twice_that():
    people = noted(Annotator(noise=0.5, skipped=0.0), 300)
    true = truth().people[0].keypoints_2d
    off = np.stack([person.keypoints_2d for person in people]) - true
    nose, knee = COCO17.index("nose"), COCO17.index("left_knee")
    side = np.sqrt(0.53 * 40 * 80)
    assert off[:, nose].std() == pytest.approx(0.5 * 0.026 * side, rel=0.15)
    assert off[:, knee].std() == pytest.approx(0.5 * 0.087 * side, rel=0.15)
    assert off[:, HIDDEN].std() == pytest.approx(2 * 0.5 * 0.062 * side, rel=0.15)


def test_hidden_joints_are_sometimes_left_out():
    people = noted(Annotator(skipped=0.4), 200)
    confidence = np.stack([person.confidence_2d for person in people])
    assert confidence[:, HIDDEN].mean() == pytest.approx(0.6, abs=0.1)
    assert confidence[:, COCO17.index("nose")].all()


def test_an_exact_annotator_moves_nothing():
    (person,) = noted(Annotator(0.0, 0.0, 0.0), 1)
    true = truth().people[0]
    kept = person.confidence_2d > 0
    np.testing.assert_allclose(person.keypoints_2d[kept], true.keypoints_2d[kept])
    np.testing.assert_allclose(person.bbox, true.bbox)
    assert kept.sum() == len(COCO17) - 1


def test_errors_follow_from_the_seed():
    first, again, other = (noted(Annotator(), 2, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[1].keypoints_2d, again[1].keypoints_2d)
    assert not np.array_equal(first[1].keypoints_2d, other[1].keypoints_2d)
    assert not np.array_equal(first[0].keypoints_2d, first[1].keypoints_2d)


def test_boxes_stay_inside_and_upright():
    for person in noted(Annotator(box_noise=0.2), 50):
        assert (person.bbox[2:] > person.bbox[:2]).all()
        assert person.bbox.min() >= 0 and person.bbox.max() <= 100


def test_bad_options_are_named():
    found = Annotator(noise=-1, skipped=2, box_noise=float("nan")).problems()
    assert [one.split(" ")[0] for one in found] == ["noise", "skipped", "box_noise"]
