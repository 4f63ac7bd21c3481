import numpy as np
import pytest

from synthgen.geometry import intrinsics, look_at, transform_points
from synthgen.sample import Camera
from synthgen.scenes import poses
from synthgen.scenes.cameras import View
from synthgen.scenes.figure import dress, joint_rotations
from synthgen.scenes.meshes import turn
from synthgen.scenes.people import draw_other_pose, place_beside
from synthgen.scenes.posing import pose_alone


@pytest.fixture(scope="module")
def jumper(casting):
    rng = np.random.default_rng(8)
    return pose_alone(
        casting.player(poses.draw_action("gymnastics", "split_leap", rng), "gymnastics", 0.5, 0.7, rng),
        casting.body,
    )


def test_rotations_carry_the_bones_of_the_body(body, jumper):
    figure = jumper.figure
    rest = body.pose(
        [type(figure.person)(np.zeros(3), np.zeros((23, 3)), figure.person.betas, np.zeros(3))]
    ).points[0]
    names = ("shoulder", "elbow", "hip", "knee")
    from synthgen.joints import POINT_NAMES

    for side in ("left", "right"):
        for first, second in zip(names[::2], names[1::2], strict=True):
            a, b = (POINT_NAMES.index(f"{side}_{joint}") for joint in (first, second))
            bone = figure.rotation(f"{side}_{first}") @ (rest[b] - rest[a])
            np.testing.assert_allclose(bone, figure.points[b] - figure.points[a], atol=1e-4)


def test_clothes_turn_with_the_body(body_map, jumper):
    figure = jumper.figure
    naked = dress(body_map, np.zeros_like(body_map.vertices), figure.skin, figure.rotations)
    np.testing.assert_array_equal(naked, figure.skin)
    push = 0.02 * body_map.normals
    here = dress(body_map, push, figure.skin, figure.rotations)
    rotation = turn(1.1)
    there = dress(body_map, push, figure.skin @ rotation.T, rotation @ figure.rotations)
    np.testing.assert_allclose(there, here @ rotation.T, atol=1e-9)
    offset = np.linalg.norm(here - figure.skin, axis=1)
    assert np.median(offset) == pytest.approx(0.02, rel=0.05)


def test_people_stand_where_their_pose_says(casting):
    for seed, (family, action) in enumerate(
        [("everyday", "walk"), ("gymnastics", "split_leap"), ("yoga", "tree")]
    ):
        rng = np.random.default_rng(seed)
        pose = poses.draw_action(family, action, rng)
        figure = pose_alone(casting.player(pose, family, 0.5, 0.0, rng), casting.body).figure
        assert figure.cloth[:, 1].min() == pytest.approx(pose.lift, abs=1e-9)
        middle = (figure.cloth.min(0) + figure.cloth.max(0)) / 2
        np.testing.assert_allclose(middle[[0, 2]], 0, atol=1e-9)
        np.testing.assert_allclose(joint_rotations(figure.person), figure.rotations, atol=1e-12)


def test_labels_in_the_camera_are_posed_from_what_is_stored(body, casting, jumper):
    eye = np.array([2.0, 1.5, 3.0])
    rotation, shift = look_at(eye, np.zeros(3), np.array([0, 1.0, 0]))
    view = View(Camera(intrinsics(200.0, (128, 128)), (128, 128)), rotation, shift, eye)
    seen = pose_alone(casting.into_view([jumper.figure], view), casting.body)[0]
    assert seen.person.transl.dtype == np.float32
    posed = body.pose([seen.person])
    np.testing.assert_array_equal(posed.vertices[0], seen.skin)
    np.testing.assert_array_equal(posed.points[0], seen.points)
    np.testing.assert_allclose(transform_points(rotation, shift, jumper.figure.skin), seen.skin, atol=1e-4)
    np.testing.assert_allclose(transform_points(rotation, shift, jumper.figure.cloth), seen.cloth, atol=1e-4)


@pytest.mark.parametrize("behind", [0.0, 2.5])
def test_others_do_not_touch(casting, behind):
    placed = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        crowd = [pose_alone(casting.player(poses.draw_pose("ski", rng), "ski", 0.5, 0.0, rng), casting.body)]
        other = pose_alone(casting.player(draw_other_pose("ski", rng), "ski", 0.5, 0.4, rng), casting.body)
        moved = place_beside(other, crowd, behind, rng)
        if moved is None:
            continue
        placed += 1
        first, second = crowd[0].figure.cloth, moved.figure.cloth
        gap = np.linalg.norm(first[::25, None] - second[None, ::25], axis=-1).min()
        assert gap > 0.02
        np.testing.assert_allclose(np.ptp(moved.outline, axis=0), np.ptp(other.outline, axis=0))
        assert moved.figure.cloth[:, 1].min() == pytest.approx(other.figure.cloth[:, 1].min())
        if behind:
            assert moved.figure.point("pelvis")[2] < -1
    assert placed >= 4


def test_others_keep_their_feet_on_the_ground():
    for family in poses.FAMILIES:
        pose = draw_other_pose(family, np.random.default_rng(2))
        assert pose.support == "ground"
