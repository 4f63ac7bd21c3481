from dataclasses import replace

import numpy as np
import pytest
from fake_models import known, standing

from synthgen.backends.denoising import stretch
from synthgen.render import make_renderer
from synthgen.sample import OCCLUDER
from synthgen.stages.depth import Conditioning, in_front, near, plan_picture, region, repaint

SIZE = 64


@pytest.fixture(scope="module")
def renderer():
    return make_renderer("warp", "cpu")


@pytest.fixture
def plan(body, renderer):
    def make(bodies, **keys):
        return plan_picture(bodies, body, renderer, Conditioning(**keys))

    return make


def block(top: int, bottom: int, left: int = 0, right: int = SIZE) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_the_papers_map_is_linear_in_depth_and_spans_60_levels_above_50():
    """Of 2, 2.5 and 3 m the repository makes 150, 180 and 210, then 260 less that: nearer is larger."""
    depth = np.array([[0, 2.0], [2.5, 3.0]], np.float32)
    levels = near(depth, depth > 0, "paper")
    np.testing.assert_allclose(levels, [[0, 110], [80, 50]], atol=1e-4)
    # diffusers stretches over background and bodies together: 110 becomes 1, 50 becomes -1/11
    np.testing.assert_allclose(2 * stretch(levels[None])[0, 0] - 1, [[-1, 1], [5 / 11, -1 / 11]], atol=1e-6)
    np.testing.assert_allclose(near(7 * depth, depth > 0, "paper"), levels, atol=1e-3)


def test_the_papers_map_is_that_of_the_whole_body_also_behind_a_thing():
    """Things are punched out last, so that the levels of what shows do not depend on what is in front."""
    depth = np.array([[2.0, 2.5, 3.0, 0]], np.float32)
    levels = near(depth, np.array([[False, True, True, False]]), "paper")
    np.testing.assert_allclose(levels, [[0, 80, 50, 0]], atol=1e-4)


@pytest.mark.parametrize("form", ["paper", "disparity"])
def test_flat_and_empty_maps_have_no_holes(form):
    flat = np.array([[0, 3.0], [3.0, 3.0]], np.float32)
    levels = near(flat, flat > 0, form)
    assert np.isfinite(levels).all() and levels[0, 0] == 0 and (levels[flat > 0] > 0).all()
    assert np.ptp(levels[flat > 0]) == 0
    assert stretch(levels[None])[0, 0].tolist() == [[0, 1], [1, 1]]
    everywhere = np.full((2, 2), 3.0, np.float32)
    assert np.isfinite(stretch(near(everywhere, everywhere > 0, form)[None]).numpy()).all()
    nothing = near(np.zeros((2, 2), np.float32), np.zeros((2, 2), bool), form)
    assert not nothing.any() and not stretch(nothing[None]).any()


def test_a_thing_is_in_front_where_it_shows_inside_a_silhouette():
    body = block(8, 56, 24, 40)[None]
    across, beside, behind = block(30, 34), block(8, 56, 44, 60), block(0, 64) & ~body[0]
    decide = Conditioning()
    assert np.array_equal(in_front(across[None], body, False, decide), across)
    assert not in_front(beside[None], body, False, decide).any()
    assert not in_front(behind[None], body, False, decide).any(), "the segmenter gave the body's pixels to it"
    assert np.array_equal(in_front(np.stack([across, beside]), body, False, decide), across)
    assert np.array_equal(in_front(np.stack([across, beside]), body, True, decide), across | beside)


def test_what_only_touches_the_rim_is_not_in_front():
    """Estimated silhouettes are off by a little; a thing behind then shows in their rim."""
    body = block(4, 60, 24, 40)[None]
    rim = block(4, 60, 38, 60)
    assert not in_front(rim[None], body, False, Conditioning(edge=0.05)).any()
    assert in_front(rim[None], body, False, Conditioning(edge=0.0)).any()
    speck = block(30, 31, 30, 32)
    assert not in_front(speck[None], body, False, Conditioning()).any()
    assert in_front(speck[None], body, False, Conditioning(min_hidden=0.0)).any()


def test_things_in_front_are_punched_out_of_depth_and_mask(plan):
    free = plan(known([standing()]))
    bar, wall = block(30, 36), block(0, 64) & (free.drawing.mask == 0) & ~block(30, 36)
    planned = plan(known([standing()], things=np.stack([bar, wall])))
    assert np.array_equal(planned.drawing.mask == OCCLUDER, bar), "all that shows of it"
    assert np.array_equal(planned.drawing.hidden, bar & (free.drawing.mask == 1))
    inside = planned.drawing.mask == 1
    assert np.array_equal(inside, (free.drawing.mask == 1) & ~bar)
    assert np.array_equal(planned.drawing.depth, np.where(inside, free.drawing.depth, 0))
    assert np.array_equal(planned.nearness > 0, inside)
    part = inside.sum() / (free.drawing.mask == 1).sum()
    assert planned.drawing.visible[0] == pytest.approx(part) and 0.5 < part < 1
    ignored = plan(known([standing()], things=bar[None]), occluders=False)
    assert np.array_equal(ignored.drawing.mask, free.drawing.mask)


def test_a_body_partly_outside_is_measured_by_its_part_inside(plan):
    planned = plan(known([standing(x=1.1)]))
    assert planned.drawing.visible[0] == 1
    assert planned.drawing.mask[:, -1].any() and not planned.drawing.mask[:, : SIZE // 2].any()
    assert plan(known([standing(x=9.0)])) == "body outside the picture"
    assert (
        plan(known([standing()], things=block(0, SIZE)[None], is_in_front=True)) == "body hidden altogether"
    )


def test_of_two_people_the_nearer_one_hides_the_other(plan):
    near_one, far_one = standing(x=0.1, z=2.5), standing(x=-0.1, z=4.0)
    for people, front in (((near_one, far_one), 0), ((far_one, near_one), 1)):
        planned = plan(known(people))
        rear = 1 - front
        assert planned.drawing.visible[front] == 1 and 0.1 < planned.drawing.visible[rear] < 0.9
        depth, mask = planned.drawing.depth, planned.drawing.mask
        assert depth[mask == front + 1].max() < depth[mask == rear + 1].min()
        assert planned.nearness[mask == front + 1].min() > planned.nearness[mask == rear + 1].max()


def test_a_second_person_outside_the_picture_is_noticed(plan):
    assert plan(known([standing(), standing(x=9.0)])) == "body outside the picture"


def test_nothing_of_people_in_the_old_picture_may_survive(plan):
    """No limb of a draft that is elsewhere than the new body; but what is in front of somebody stays."""
    arm, bar = block(10, 16, 2, 62), block(30, 36)
    bodies = known([standing()], things=bar[None], figures=arm | block(28, 40, 28, 36))
    planned = plan(bodies)
    renewed = region([planned])[0]
    assert np.array_equal(renewed, ((planned.drawing.mask == 1) | bodies.figures) & ~bar)
    assert renewed[12, 3] and planned.drawing.mask[12, 3] == 0
    again = repaint(planned, np.zeros((SIZE, SIZE, 3), np.uint8))
    assert np.array_equal(region([again])[0], renewed) and not again.drawing.image.any()
    alone = replace(planned, bodies=replace(bodies, figures=None))
    assert np.array_equal(region([alone])[0], planned.drawing.mask == 1)


def test_limits_are_checked():
    assert Conditioning().problems() == []
    assert Conditioning(edge=2, min_hidden=-1).problems() == [
        "min_hidden must be in [0, 1], got -1",
        "edge must be in [0, 1], got 2",
    ]
