from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from synthgen.body import Body
from synthgen.joints import COCO17
from synthgen.render import Renderer, make_renderer
from synthgen.report.contact_sheet import (
    COCO_BONES,
    SIDE_COLORS,
    bone_side,
    contact_sheet,
    draw_skeletons,
    label_views,
    side,
    views,
)
from synthgen.sample import Sample


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return make_renderer("warp")


def test_bones_join_all_joints_and_mirror_each_other():
    assert {joint for bone in COCO_BONES for joint in bone} == set(range(len(COCO17)))
    flip = COCO17.flip_permutation()
    bones = {frozenset(bone) for bone in COCO_BONES}
    assert {frozenset(flip[joint] for joint in bone) for bone in bones} == bones


def test_sides():
    left, right = COCO17.index("left_knee"), COCO17.index("right_hip")
    assert side(left) == "left" and side(COCO17.index("nose")) == "middle"
    assert bone_side(left, COCO17.index("left_hip")) == "left" and bone_side(left, right) == "middle"


def test_skeleton_is_drawn_at_the_joints_and_nowhere_else(sample: Sample):
    image = np.full((96, 128, 3), 128, np.uint8)
    label = replace(sample.labels[0], visibility=np.ones(17, np.float32))
    drawn = draw_skeletons(image, [label])
    joint = COCO17.index("left_ankle")
    x, y = np.rint(label.keypoints_2d[joint]).astype(int)
    np.testing.assert_allclose(drawn[y, x], SIDE_COLORS["left"], atol=30)
    changed = np.argwhere((drawn != image).any(-1))
    low, high = label.keypoints_2d.min(0) - 4, label.keypoints_2d.max(0) + 4
    assert (changed[:, ::-1] >= low).all() and (changed[:, ::-1] <= high).all()


def test_hidden_joint_is_hollow(sample: Sample):
    image = np.full((96, 128, 3), 128, np.uint8)
    label = replace(sample.labels[0], visibility=np.zeros(17, np.float32))
    x, y = np.rint(label.keypoints_2d[COCO17.index("left_ankle")]).astype(int)
    assert draw_skeletons(image, [label])[y, x].max() < 60


def test_overlay_lies_on_the_mask(sample: Sample, body: Body, renderer: Renderer):
    shown = views(sample, body, renderer)
    assert {view.shape for view in vars(shown).values()} == {(96, 128, 3)}
    changed = (shown.overlay != sample.image).any(-1)
    people = sample.mask > 0
    assert changed[people].mean() > 0.9
    assert (changed & ~people).sum() < 0.5 * people.sum()  # the fixture draws vertices, not surfaces
    np.testing.assert_array_equal(shown.picture, sample.image)
    np.testing.assert_array_equal(label_views(sample).overlay, sample.image)


def test_sheet_is_a_grid_of_triplets(make_sample: Callable[..., Sample], body: Body, renderer: Renderer):
    samples = [make_sample(index) for index in range(3)]
    one, two = (contact_sheet(samples, body, renderer, columns) for columns in (1, 2))
    assert one.dtype == np.uint8 and one.shape[2] == 3
    assert two.shape[1] == 2 * one.shape[1]
    assert two.shape[0] < one.shape[0]
    np.testing.assert_array_equal(two[: two.shape[0] // 2, : one.shape[1]], one[: two.shape[0] // 2])


def test_nothing_to_show_is_refused(body: Body, renderer: Renderer):
    with pytest.raises(ValueError, match="needs samples and columns, got 0 and 2"):
        contact_sheet([], body, renderer, 2)
