"""Geometry: invariants, round trips, agreement with naive twins."""

import numpy as np
import pytest

from synthgen import geometry


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_rotation_conversions_round_trip_over_batch_dims(rng):
    rotvec = rng.normal(size=(2, 3, 3))
    R = geometry.rotvec_to_rotmat(rotvec)
    assert R.shape == (2, 3, 3, 3)
    np.testing.assert_allclose(R @ np.swapaxes(R, -1, -2), np.broadcast_to(np.eye(3), R.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(R), 1)
    np.testing.assert_allclose(geometry.rotmat_to_rotvec(R), rotvec, atol=1e-12)
    np.testing.assert_allclose(geometry.rot6d_to_rotmat(geometry.rotmat_to_rot6d(R)), R, atol=1e-12)


def test_rotvec_turns_by_the_right_hand_rule():
    quarter = geometry.rotvec_to_rotmat(np.array([0, 0, np.pi / 2]))
    np.testing.assert_allclose(quarter @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_rot6d_holds_the_first_two_columns():
    R = geometry.rotvec_to_rotmat(np.array([0.3, -0.2, 0.9]))
    np.testing.assert_array_equal(geometry.rotmat_to_rot6d(R), np.concatenate([R[:, 0], R[:, 1]]))


def test_project_and_unproject_are_inverse(rng):
    cam_int = geometry.intrinsics(300.0, (200, 256))
    points = rng.uniform([-1, -1, 2], [1, 1, 9], size=(4, 7, 3))
    pixels = geometry.project(points, cam_int)
    np.testing.assert_allclose(geometry.unproject(pixels, points[..., 2], cam_int), points, atol=1e-12)


def test_principal_point_is_the_middle_of_the_picture():
    pixel = geometry.project(np.array([[0, 0, 3.0]]), geometry.intrinsics(300.0, (200, 256)))
    np.testing.assert_allclose(pixel, [[127.5, 99.5]])


def test_look_at_makes_an_upright_opencv_camera():
    R, t = geometry.look_at(np.array([0, 1.0, 4]), np.array([0, 1.0, 0]), np.array([0, 1.0, 0]))
    np.testing.assert_allclose(np.linalg.det(R), 1)
    world = np.array([[0, 1.0, 0], [0, 2.0, 0], [1.0, 1, 0]])
    center, above, body_left = geometry.transform_points(R, t, world)
    np.testing.assert_allclose(center, [0, 0, 4], atol=1e-12)
    assert above[1] < 0  # world up is image up, y points down
    assert body_left[0] > 0  # someone who faces the camera has the left hand on the picture's right


def test_transform_root_moves_the_whole_body(rng):
    R, t = geometry.rotvec_to_rotmat(rng.normal(size=3)), rng.normal(size=3)
    orient, transl, pelvis = rng.normal(size=3), rng.normal(size=3), rng.normal(size=3)
    rest = rng.normal(size=(10, 3))

    def posed(orient, transl):
        return (rest - pelvis) @ geometry.rotvec_to_rotmat(orient).T + pelvis + transl

    moved = posed(*geometry.transform_root(R, t, orient, transl, pelvis))
    np.testing.assert_allclose(moved, geometry.transform_points(R, t, posed(orient, transl)), atol=1e-12)


def test_bbox_is_clipped_to_the_picture():
    box = geometry.bbox_of_points(np.array([[-5, 3.0], [300, 50]]), (100, 200))
    np.testing.assert_array_equal(box, [0, 3, 199, 50])


def test_crop_affine_sends_center_to_center_and_scales():
    affine = geometry.crop_affine(np.array([50.0, 20]), np.array(40.0), 81)
    corners = np.array([[50, 20, 1], [70, 20, 1.0]]) @ affine.T
    np.testing.assert_allclose(corners, [[40, 40], [80.5, 40]])


def test_procrustes_undoes_any_similarity(rng):
    target = rng.normal(size=(2, 14, 3))
    R = geometry.rotvec_to_rotmat(rng.normal(size=(2, 3)))
    source = 1.7 * target @ np.swapaxes(R, -1, -2) + rng.normal(size=(2, 1, 3))
    np.testing.assert_allclose(geometry.procrustes(source, target), target, atol=1e-10)


def test_procrustes_never_reflects_and_is_a_local_minimum(rng):
    source, target = rng.normal(size=(14, 3)), rng.normal(size=(14, 3))
    mirrored = geometry.procrustes(target * [-1, 1, 1], target)
    assert np.abs(mirrored - target).max() > 0.1
    aligned = geometry.procrustes(source, target)
    best = ((aligned - target) ** 2).sum()
    for _ in range(50):
        nudge = geometry.rotvec_to_rotmat(rng.normal(scale=0.02, size=3))
        center = aligned.mean(0)
        moved = (aligned - center) @ nudge.T * rng.normal(1, 0.02) + center + rng.normal(scale=0.02, size=3)
        assert ((moved - target) ** 2).sum() >= best
