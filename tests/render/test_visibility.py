import numpy as np
import pytest
from shapes import ball, camera, quad, stage, surface

from synthgen.geometry import intrinsics, look_at, project, transform_points
from synthgen.joints import COCO17, JOINT_SETS, SMPL24
from synthgen.render import joint_visibility, make_renderer
from synthgen.render.visibility import flesh
from synthgen.sample import Camera, Person

SIZE = 128


@pytest.fixture(scope="module")
def warp():
    return make_renderer("warp")


def blank(joints, value=0, skin=0.0):
    """A picture of one colour, and a camera under which all joints lie inside it."""
    view = camera(SIZE, SIZE, 100.0)
    depth = np.full(view.image_size, skin, np.float32)
    mask = np.full(view.image_size, value, np.uint8)
    return joints, depth, mask, view


def joints_at(point, people=1):
    return np.broadcast_to(np.array(point, np.float64), (people, len(COCO17), 3)).copy()


@pytest.mark.parametrize(
    ("value", "skin", "expected"),
    [
        (1, 3.0, 1.0),  # own skin at the joint
        (1, 2.96, 1.0),  # own skin over the joint
        (1, 2.5, 0.0),  # another part of the own body in front
        (1, 3.6, 0.0),  # own body only far behind: the limb itself is hidden by something unmarked
        (2, 2.9, 0.0),  # someone else in front
        (2, 3.3, 0.0),  # someone else behind, own limb nowhere
        (255, 0.0, 0.0),  # a prop in front
        (0, 0.0, 0.0),  # a wall in front
    ],
)
def test_visibility_of_a_joint_follows_what_the_picture_shows_there(value, skin, expected):
    visibility = joint_visibility(*blank(joints_at((0, 0, 3.0)), value, skin))
    np.testing.assert_allclose(visibility, expected)


def test_half_covered_joint_is_half_visible():
    joints, depth, mask, view = blank(joints_at((0.005, 0, 1.0)), 1, 1.0)
    mask[:, SIZE // 2 :] = 255
    visibility = joint_visibility(joints, depth, mask, view)
    np.testing.assert_allclose(visibility, 0.5, atol=0.2)


def test_limb_before_a_distant_background_is_fully_visible():
    joints, depth, mask, view = blank(joints_at((0, 0, 1.0)))
    mask[:, SIZE // 2 - 2 : SIZE // 2 + 2] = 1
    depth[mask == 1] = 0.97
    np.testing.assert_allclose(joint_visibility(joints, depth, mask, view), 1.0)


def test_joint_outside_the_picture_or_behind_the_camera_is_not_visible():
    for point in ((9.0, 0, 3.0), (0, 0, -3.0), (0, 0, 0.0)):
        assert not joint_visibility(*blank(joints_at(point), 1, 3.0)).any()


def test_joint_on_the_rim_of_the_picture_is_partly_visible():
    joints, depth, mask, view = blank(joints_at((-0.635, 0, 1.0)), 1, 1.0)
    visibility = joint_visibility(joints, depth, mask, view)
    assert (visibility > 0.3).all() and (visibility < 0.8).all()


def test_each_person_is_judged_by_the_own_mask_value():
    visibility = joint_visibility(*blank(joints_at((0, 0, 3.0), people=2), 2, 3.0))
    assert visibility.shape == (2, len(COCO17))
    assert not visibility[0].any() and visibility[1].all()


def test_prop_hides_only_what_is_behind_it(warp):
    view = camera(SIZE, SIZE, 100.0)
    person, prop = surface(ball((0, 0, 3.0), 0.1), 1), surface(quad((0, 0, 2.0), 0.4, 0.4), 255)
    joints = joints_at((0, 0, 3.05))
    for surfaces, expected in (([person], 1.0), ([person, prop], 0.0)):
        drawing = warp.draw(stage(surfaces, view))
        visibility = joint_visibility(joints, drawing.depth, drawing.mask, view)
        assert visibility[0, COCO17.index("left_hip")] == expected


def test_every_joint_of_every_set_has_a_depth_of_flesh():
    for joint_set in JOINT_SETS.values():
        thickness = flesh(joint_set)
        assert thickness.shape == (len(joint_set),)
        assert (thickness > 0.02).all() and (thickness < 0.25).all()


def test_wrong_number_of_joints_is_refused():
    joints, depth, mask, view = blank(np.ones((1, 24, 3)))
    with pytest.raises(ValueError, match=r"joints must be \(P, 17, 3\) for coco17, got \(1, 24, 3\)"):
        joint_visibility(joints, depth, mask, view)
    assert joint_visibility(joints, depth, mask, view, SMPL24).shape == (1, 24)


def seen_from(body, renderer, azimuth, pose):
    """Visibility by name of a posed person alone, 3 m from a camera at chest height."""
    body_pose = np.zeros((23, 3))
    for joint, rotvec in pose.items():
        body_pose[SMPL24.index(joint) - 1] = rotvec
    posed = body.pose([Person(np.zeros(3), body_pose, np.zeros(10), np.zeros(3))])
    eye = np.array([3 * np.sin(azimuth), 0.2, 3 * np.cos(azimuth)])
    rotation, shift = look_at(eye, np.array([0, -0.2, 0.0]), np.array([0, 1.0, 0]))
    view = Camera(intrinsics(300.0, (256, 256)), (256, 256))
    vertices = transform_points(rotation, shift, posed.vertices[0]).astype(np.float32)
    depth, mask = renderer.depth([(vertices, body.faces)], view)
    joints = transform_points(rotation, shift, body.joints(posed.points, COCO17))
    assert ((project(joints, view.cam_int) > 0) & (project(joints, view.cam_int) < 255)).all()
    return dict(zip(COCO17.names, joint_visibility(joints, depth, mask, view)[0], strict=True))


ARMS_DOWN = {"left_shoulder": (0, 0, -1.2), "right_shoulder": (0, 0, 1.2)}


def test_body_seen_from_the_front_shows_all_of_it(body, warp):
    visible = seen_from(body, warp, 0.0, ARMS_DOWN)
    ears = {"left_ear", "right_ear"}
    assert all(value > 0.7 for joint, value in visible.items() if joint not in ears)


def test_body_seen_from_behind_hides_the_face(body, warp):
    visible = seen_from(body, warp, np.pi, ARMS_DOWN)
    assert visible["nose"] == visible["left_eye"] == visible["right_eye"] == 0
    assert all(visible[joint] > 0.7 for joint in ("left_shoulder", "right_hip", "left_knee", "right_wrist"))


def test_body_seen_from_its_left_hides_the_right_side(body, warp):
    visible = seen_from(body, warp, np.pi / 2, ARMS_DOWN)
    near = [visible[f"left_{part}"] for part in ("ear", "shoulder", "elbow", "wrist", "knee", "ankle")]
    far = [visible[f"right_{part}"] for part in ("ear", "shoulder", "elbow", "wrist", "hip")]
    assert min(near) > 0.7
    assert max(far) < 0.3


def test_hand_on_the_chest_is_seen_from_the_front_and_hidden_from_behind(body, warp):
    hand_on_chest = {**ARMS_DOWN, "left_shoulder": (0, -0.4, -1.1), "left_elbow": (0, -1.9, -0.6)}
    assert seen_from(body, warp, 0.0, hand_on_chest)["left_wrist"] > 0.7
    assert seen_from(body, warp, np.pi, hand_on_chest)["left_wrist"] < 0.3
