import numpy as np
import pytest
from shapes import ball, camera

from synthgen.render import colorize_depth, colorize_mask, make_renderer, overlay
from synthgen.render.views import OCCLUDER_COLOR, PERSON_COLORS, outlined, person_color
from synthgen.sample import OCCLUDER


@pytest.fixture(scope="module")
def warp():
    return make_renderer("warp")


@pytest.fixture
def photo():
    return np.random.default_rng(3).integers(0, 256, (48, 64, 3)).astype(np.uint8)


def two_balls():
    return [ball((-0.6, 0, 3.0), 0.4), ball((0.6, 0, 3.0), 0.4)]


def test_overlay_changes_the_picture_only_where_bodies_are(warp, photo):
    drawn = overlay(photo, two_balls(), camera(), warp)
    depth, _ = warp.depth(two_balls(), camera())
    padded = np.pad(depth > 0, 1)
    near = np.any([padded[a : a + 48, b : b + 64] for a in range(3) for b in range(3)], axis=0)
    assert (drawn[~near] == photo[~near]).all()
    assert (drawn[depth > 0] != photo[depth > 0]).any(-1).mean() > 0.9
    assert drawn.dtype == np.uint8 and drawn.shape == photo.shape


def test_overlay_weight_runs_from_nothing_to_opaque(warp, photo):
    assert (overlay(photo, two_balls(), camera(), warp, alpha=0.0) == photo).all()
    opaque = overlay(photo, two_balls(), camera(), warp, alpha=1.0)
    other = overlay(255 - photo, two_balls(), camera(), warp, alpha=1.0)
    assert (opaque[24, 20] == other[24, 20]).all()


def test_people_differ_in_colour_and_have_relief(warp):
    drawn = overlay(np.zeros((48, 64, 3), np.uint8), two_balls(), camera(), warp, alpha=1.0).astype(int)
    left, right = drawn[24, 20], drawn[24, 44]
    assert np.abs(left - right).max() > 80
    assert left.argmax() == np.argmax(PERSON_COLORS[0]) and right.argmax() == np.argmax(PERSON_COLORS[1])
    assert np.ptp(drawn[20:29, 16:25].sum(-1)) > 30


def test_overlay_of_nobody_is_the_picture(warp, photo):
    assert (overlay(photo, [], camera(), warp) == photo).all()


def test_near_bodies_are_bright_far_ones_darker_and_the_rest_black():
    depth = np.array([[0.0, 2.0, 4.0, 8.0]], np.float32)
    empty, near, middle, far = colorize_depth(depth)[0, :, 0].astype(int)
    assert (empty, near) == (0, 255)
    assert near > middle > far > 40
    assert (colorize_depth(np.zeros((3, 5), np.float32)) == 0).all()
    assert colorize_depth(np.full((3, 5), 4, np.float32)).min() > 40  # one plane alone is seen, too


def test_mask_colours_are_distinct():
    mask = np.array([[0, 1, 2, 7, 8, OCCLUDER]], np.uint8)
    background, first, second, last, again, occluder = map(tuple, colorize_mask(mask)[0].tolist())
    assert background == (0, 0, 0) and occluder == OCCLUDER_COLOR
    assert len({background, first, second, last, occluder}) == 5
    assert again == first


def test_outlines_lie_around_each_person_and_leave_them_as_they_are():
    image, mask = np.full((160, 160, 3), 77, np.uint8), np.zeros((160, 160), np.uint8)
    mask[40:80, 40:80], mask[100:140, 100:140], mask[10:20, 10:20] = 1, 2, OCCLUDER
    drawn = outlined(image, mask)
    assert (drawn[mask > 0] == 77).all() and (image == 77).all()
    assert drawn[60, 39].tolist() == list(person_color(1)) and drawn[60, 38].tolist() == [255, 255, 255]
    assert drawn[99, 120].tolist() == list(person_color(2))
    assert (drawn[60, 36] == 77).all() and (drawn[15, 20:24] == 77).all()
