"""Skies, panoramas, halls and floors."""

import numpy as np
import pytest

from synthgen.geometry import intrinsics, look_at, unproject
from synthgen.sample import Camera
from synthgen.scenes.grounds import GROUND_COLORS, GROUNDS, Extent
from synthgen.scenes.interiors import CEILING, INTERIORS, Hall, hit
from synthgen.scenes.lights import draw_weather
from synthgen.scenes.outdoors import PANORAMAS
from synthgen.scenes.skies import make_rays
from synthgen.scenes.venues import VENUES

SIZE = (48, 64)
CAMERA = Camera(intrinsics(50.0, SIZE), SIZE)
EYE = np.array([1.0, 1.6, -2.0])


def rays_towards(target, rows=slice(None)):
    rotation, _ = look_at(EYE, np.asarray(target, float), np.array([0, 1.0, 0]))
    return make_rays(CAMERA, rotation.T, rows), rotation


def test_rays_are_those_of_the_camera():
    rays, rotation = rays_towards((0, 1.2, 3))
    v, u = np.mgrid[: SIZE[0], : SIZE[1]].astype(float)
    expected = unproject(np.stack([u, v], -1).reshape(-1, 2), np.ones(u.size), CAMERA.cam_int) @ rotation
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(rays.directions.reshape(-1, 3), expected, atol=1e-5)
    x, y, z = rays.directions[5, 9]
    assert rays.slope[5, 9] == pytest.approx(y / np.hypot(x, z), rel=1e-4)
    assert rays.turn[5, 9] * 2 * np.pi == pytest.approx(np.arctan2(x, z) % (2 * np.pi), abs=1e-4)


def test_some_rows_are_rows_of_all():
    every, _ = rays_towards((0, 1, 3))
    some, _ = rays_towards((0, 1, 3), slice(7, 20))
    np.testing.assert_array_equal(some.directions, every.directions[7:20])
    np.testing.assert_array_equal(some.turn, every.turn[7:20])


def test_rays_hit_the_box_they_are_in():
    rays, _ = rays_towards((3, 2.2, 1))
    hall = Hall(4.0, 5.0, 3.0)
    walls = hit(rays, EYE, hall)
    axis = np.array([0, 0, 2, 2, 1])[walls.wall]
    limit = np.array([4.0, -4.0, 5.0, -5.0, 3.0])[walls.wall]
    away = np.take_along_axis(rays.directions, axis[..., None], -1)[..., 0]
    distance = (limit - EYE[axis]) / away
    assert (distance > 0).all()
    point = EYE + distance[..., None] * rays.directions
    on_wall = walls.wall != CEILING
    assert (np.abs(point[..., 0]) <= 4.001).all()
    assert (np.abs(point[..., 2]) <= 5.001).all()
    np.testing.assert_allclose(walls.y[on_wall], point[on_wall][:, 1], atol=1e-3)
    assert set(np.unique(walls.wall)) >= {0, 2, CEILING}


def test_halls_grow_to_hold_the_camera():
    hall = Hall(2, 3, 2.5).holding(np.array([4.0, 1.0, -1.0]))
    assert hall == Hall(4.5, 3, 2.5)


@pytest.mark.parametrize("name", [*PANORAMAS, *INTERIORS])
def test_backdrops_repeat_by_seed_and_differ_between_seeds(name):
    def paint(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        rays, _ = rays_towards((0.5, 1.9, 4))
        if name in INTERIORS:
            return INTERIORS[name](rays, EYE, Hall(4, 6, 3), rng)
        return PANORAMAS[name](rays, draw_weather("cloudy", (0.5, 0.5, 0.5), rng), rng)

    pictures = [paint(seed) for seed in range(4)]
    np.testing.assert_array_equal(pictures[0], paint(0))
    for picture in pictures:
        assert picture.dtype == np.float32
        assert picture.shape == (*SIZE, 3)
        assert np.isfinite(picture).all()
        assert picture.min() > -0.05
        assert picture.max() < 1.3
        assert picture.std() > 0.02
    assert min(np.abs(pictures[0] - other).mean() for other in pictures[1:]) > 0.01


@pytest.mark.parametrize("name", GROUNDS)
def test_grounds_are_level_under_the_person_and_face_up(name):
    for seed in range(4):
        extent = Extent(12, 15) if name in ("sports_floor", "pool", "parquet") else Extent()
        ground, *more = GROUNDS[name](extent, np.random.default_rng(seed))
        a, b, c = (ground.vertices[ground.faces[:, k]] for k in range(3))
        normals = np.cross(b - a, c - a)
        assert (normals[:, 1] > 0).all()
        near = np.linalg.norm(ground.vertices[:, [0, 2]], axis=1) < 0.8
        assert np.abs(ground.vertices[near, 1]).max(initial=0) < 0.05
        assert np.abs(ground.vertices[:, 1]).max() < 0.4
        assert {mesh.layer for mesh in (ground, *more)} == {0}
        assert max(mesh.face_material.max() for mesh in (ground, *more)) < max(
            len(m.materials) for m in (ground, *more)
        )
        np.testing.assert_allclose(
            np.abs(ground.coordinates[:, :2]), np.abs(ground.vertices[:, [0, 2]]), atol=1e-9
        )


def test_every_venue_can_be_built():
    venues = {venue for choices in VENUES.values() for venue, _ in choices}
    for venue in venues:
        assert venue.ground in GROUNDS
        assert venue.ground in GROUND_COLORS
        assert venue.backdrop in (INTERIORS if venue.is_indoor else PANORAMAS)
