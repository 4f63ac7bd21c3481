import numpy as np
import pytest

from synthgen.geometry import intrinsics, look_at
from synthgen.sample import Camera
from synthgen.scenes.cameras import View
from synthgen.scenes.settings import backdrop_of, draw_setting, extent_of, ground_of
from synthgen.scenes.venues import BEACH, GYM, PARK, SLOPE


def view_from(eye, target, size=(40, 56)) -> View:
    camera = Camera(intrinsics(45.0, size), size)
    rotation, shift = look_at(np.asarray(eye, float), np.asarray(target, float), np.array([0.1, 1, 0]))
    return View(camera, rotation, shift, np.asarray(eye, float))


def sees_ground(view: View, half_x: float, half_z: float) -> np.ndarray:
    """Cast every pixel onto y=0, one by one."""
    height, width = view.camera.image_size
    seen = np.zeros((height, width), bool)
    for row in range(height):
        for column in range(width):
            ray = view.rotation.T @ np.linalg.inv(view.camera.cam_int) @ (column, row, 1.0)
            if ray[1] < 0:
                x, _, z = view.eye - view.eye[1] / ray[1] * ray
                seen[row, column] = abs(x) < half_x and abs(z) < half_z
    return seen


@pytest.mark.parametrize("eye", [(3, 1.5, 2), (0.5, 4, -6)])
@pytest.mark.parametrize("venue", [PARK, GYM, BEACH])
def test_backdrops_are_painted_wherever_the_ground_ends(venue, eye):
    setting = draw_setting(venue, np.random.default_rng(3))
    view = view_from(eye, (0, 0.8 * eye[1], 0))
    hall = setting.hall(view.eye, 1.8) if venue.is_indoor else None
    extent = extent_of(setting, hall)
    painted = backdrop_of(setting, view, hall).any(-1)
    bare = ~sees_ground(view, extent.half_x, extent.half_z)
    if venue is BEACH:
        bare = ~sees_ground(view, 24.0, 24.0)
    assert bare.any()
    assert painted[bare].all()


def test_slopes_tilt_gravity_and_keep_the_sun_above_them():
    for seed in range(30):
        setting = draw_setting(SLOPE, np.random.default_rng(seed))
        np.testing.assert_allclose(setting.to_sky @ setting.to_sky.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(setting.to_sky) == pytest.approx(1)
        assert 5 < np.rad2deg(np.arccos(setting.up[1])) < 29
        assert (setting.to_sky.T @ setting.weather.sun)[1] > 0


def test_level_places_are_level():
    setting = draw_setting(PARK, np.random.default_rng(0))
    np.testing.assert_allclose(setting.up, (0, 1, 0), atol=1e-12)


def test_same_seed_same_place():
    first, second = (draw_setting(GYM, np.random.default_rng(4)) for _ in range(2))
    assert first.weather.sky == second.weather.sky
    eye = np.array([1.0, 1.5, 2.0])
    assert first.hall(eye, 2.0) == second.hall(eye, 2.0)
    grounds = [ground_of(s, extent_of(s, s.hall(eye, 2.0))) for s in (first, second)]
    for a, b in zip(*grounds, strict=True):
        np.testing.assert_array_equal(a.vertices, b.vertices)
