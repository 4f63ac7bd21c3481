import numpy as np
import pytest

from synthgen.geometry import intrinsics, look_at, transform_points
from synthgen.sample import Camera
from synthgen.scenes import poses
from synthgen.scenes.cameras import LOWEST_EYE, Room, View, draw_view, fault
from synthgen.scenes.posing import pose_alone

ROOM = Room(8.0, 3.0)
UP = np.array([0.0, 1.0, 0.0])


@pytest.fixture(scope="module")
def figure(casting):
    rng = np.random.default_rng(1)
    return pose_alone(
        casting.player(poses.draw_action("everyday", "walk", rng), "everyday", 0.5, 0.0, rng), casting.body
    ).figure


@pytest.fixture(scope="module")
def views(figure):
    return [draw_view([figure.cloth], 128, UP, ROOM, np.random.default_rng(seed)) for seed in range(120)]


def test_views_stand_all_around_at_plausible_places(figure, views):
    eyes = np.array([view.eye for view in views])
    distance = np.linalg.norm(eyes - figure.cloth.mean(0), axis=1)
    assert 0.9 < distance.min() < 2.5
    assert 5 < distance.max() < 9
    assert eyes[:, 1].min() >= LOWEST_EYE
    assert eyes[:, 1].max() <= ROOM.max_height
    headings = np.sort(np.arctan2(eyes[:, 0], eyes[:, 2]))
    assert np.diff(headings).max() < 0.5


def test_most_views_show_the_whole_person_large(figure, views):
    heights, inside = [], []
    for view in views:
        pixels = view.pixels(figure.points)
        inside.append(((pixels > 0) & (pixels < 127)).all(-1).mean())
        heights.append(np.ptp(view.pixels(figure.cloth), axis=0).max() / 128)
    assert np.mean(np.array(inside) > 0.99) > 0.75
    assert 0.55 < np.median(heights) < 0.9
    assert min(heights) < 0.5
    assert max(heights) > 0.95


def test_the_horizon_is_nearly_level_and_intrinsics_are_true(views):
    tilt = [np.arcsin(view.rotation[0] @ UP) for view in views]
    assert np.std(tilt) < np.deg2rad(5)
    for view in views[:5]:
        np.testing.assert_allclose(view.rotation @ view.eye + view.shift, 0, atol=1e-9)
        assert view.camera.cam_int[0, 2] == 63.5
        point = np.array([[0.1, 0.9, 0.0]])
        seen = transform_points(view.rotation, view.shift, point)[0]
        u = view.camera.cam_int[0, 0] * seen[0] / seen[2] + 63.5
        assert view.pixels(point)[0, 0] == pytest.approx(u)


def test_same_seed_same_view(figure):
    first, second = (draw_view([figure.cloth], 128, UP, ROOM, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.rotation, second.rotation)
    np.testing.assert_array_equal(first.camera.cam_int, second.camera.cam_int)


def view_at(eye, target, focal: float) -> View:
    camera = Camera(intrinsics(focal, (128, 128)), (128, 128))
    eye = np.asarray(eye, float)
    rotation, shift = look_at(eye, np.asarray(target, float), UP)
    return View(camera, rotation, shift, eye)


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (view_at((0, 1, 3), (0, 1, 0), 160.0), ""),
        (view_at((0, 1, 0.2), (0, 1, 0), 160.0), "person too near the camera"),
        (view_at((0, 1, 3), (2.5, 1, 0), 160.0), "person outside the picture"),
        (view_at((0, 1, 12), (0, 1, 0), 100.0), "person too small"),
    ],
)
def test_useless_views_are_named(figure, view, reason):
    assert fault(view, figure.points, figure.cloth) == reason
