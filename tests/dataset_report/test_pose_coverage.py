"""Poses in a frame of their own, how far apart they are, and what covers what; hand-made cases."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from synthgen.body import Body
from synthgen.dataset_report.cameras import view_of
from synthgen.dataset_report.coverage import lay_out, nearest, nearest_within
from synthgen.dataset_report.doubles import rms_distances
from synthgen.dataset_report.poses import JOINTS, bend_angles, joint, normalized, of_camera, pose_of, skeleton
from synthgen.joints import SMPL24
from synthgen.observation import ObservedPerson
from synthgen.sample import Person, Sample
from synthgen.shards.observation_records import notes_of_sample

MakeSample = Callable[..., Sample]


def standing() -> np.ndarray:
    """Return JOINTS of somebody upright, arms spread level, in their own frame [m]."""
    places = {
        "hip": (0.1, 0, 0), "knee": (0.1, -0.4, 0), "ankle": (0.1, -0.8, 0),
        "shoulder": (0.2, 0.5, 0), "elbow": (0.45, 0.5, 0), "wrist": (0.7, 0.5, 0),
    }  # fmt: skip
    rows = [(name, places[name.partition("_")[2]]) for name in JOINTS]
    return np.array([(x if name.startswith("left") else -x, y, z) for name, (x, y, z) in rows])


@pytest.fixture
def person(make_sample: MakeSample) -> ObservedPerson:
    return notes_of_sample(make_sample(3)).people[0]


def test_where_the_camera_stands_and_how_large_somebody_is_does_not_matter() -> None:
    pose = normalized(standing())
    turned = 1.3 * Rotation.from_euler("xyz", [0.4, 2.0, -1.1]).apply(standing()) + np.array([1.0, -2.0, 6.0])
    assert pose is not None
    np.testing.assert_allclose(normalized(turned), pose, atol=1e-9)
    assert pose[joint("left_wrist"), 0] > 0 > pose[joint("right_wrist"), 0]
    assert pose[joint("left_shoulder"), 1] > 0


def test_joints_without_a_direction_are_no_pose() -> None:
    assert normalized(np.zeros((12, 3))) is None
    flat = standing()
    flat[:, 0] = 0  # left and right hip in one place
    assert normalized(flat) is None


def test_the_skeleton_is_that_of_the_body(body: Body, make_sample: MakeSample) -> None:
    person = replace(make_sample(1).scene.people[0], betas=np.zeros(10, np.float32))
    points = body.pose([person]).points[0, : len(SMPL24)]
    np.testing.assert_allclose(skeleton(person), points[[SMPL24.index(name) for name in JOINTS]], atol=1e-4)


def test_smpl_parameters_come_before_measured_joints_and_nothing_is_made_up(person: ObservedPerson) -> None:
    from_smpl = pose_of(person)
    from_joints = pose_of(replace(person, person=None))
    assert from_smpl is not None and from_joints is not None
    assert rms_distances(from_smpl[None], from_joints[None])[0, 0] < 60  # shape and skinning apart
    unsure = person.confidence_3d.copy()
    unsure[SMPL24.index("left_wrist")] = 0
    assert of_camera(replace(person, person=None, confidence_3d=unsure)) is None
    blind = replace(person, person=None, keypoints_3d=None, confidence_3d=np.zeros(24, np.float32))
    assert pose_of(blind) is None


def test_distances_are_root_mean_squares_in_millimetres() -> None:
    first, second = np.zeros((1, 12, 3)), np.zeros((2, 12, 3))
    second[1, 0, 0] = 0.12  # one joint of twelve
    np.testing.assert_allclose(rms_distances(first, second), [[0, 120 / np.sqrt(12)]])


def test_nearest_neighbours() -> None:
    line = np.zeros((4, 12, 3))
    line[:, :, 0] = np.array([0.0, 0.1, 0.3, 0.7])[:, None]
    np.testing.assert_allclose(nearest_within(line), [100, 100, 200, 400])
    np.testing.assert_allclose(nearest(line, line[1:2]), [100, 0, 200, 600])
    assert len(nearest(line[:0], line)) == 0


def test_the_map_keeps_the_largest_differences_and_its_sides() -> None:
    rng = np.random.default_rng(0)
    poses = np.zeros((200, 12, 3))
    poses[:, 0, 0], poses[:, 1, 1] = rng.normal(0, 0.3, 200), rng.normal(0, 0.1, 200)
    layout = lay_out(poses, poses[:0])
    assert layout.shown == pytest.approx(1)
    assert abs(np.corrcoef(layout.places[:, 0], poses[:, 0, 0])[0, 1]) > 0.99
    assert layout.places[:, 0].std() == pytest.approx(1, rel=0.02)
    np.testing.assert_allclose(lay_out(poses, poses[:0]).places, layout.places)
    apart = lay_out(poses, poses + 5.0)
    assert abs(apart.places[:, 0].mean() - apart.others[:, 0].mean()) > 1
    assert lay_out(poses[:1], poses[:0]).places.shape == (1, 2)


def test_angles_of_straight_and_bent_limbs() -> None:
    pose = standing()
    pose[joint("left_ankle")] = pose[joint("left_knee")] + np.array([0, 0, -0.4])
    angles = bend_angles(pose[None])
    assert angles["left_knee"][0] == pytest.approx(90) and angles["right_knee"][0] == pytest.approx(180)
    assert angles["left_elbow"][0] == pytest.approx(180)


@pytest.mark.parametrize(
    ("turn", "elevation", "azimuth"),
    [((0, 0), 0, 0), ((90, 0), 0, 90), ((-90, 0), 0, -90), ((180, 0), 0, 180), ((0, 30), 30, 0)],
)
def test_directions_of_the_camera(turn: tuple[float, float], elevation: float, azimuth: float) -> None:
    """Somebody 4 m before the camera, upright, turned about their vertical and bowed to it."""
    yaw, bow = turn
    facing = Rotation.from_euler("x", 180, degrees=True)  # y down, front to the camera
    own = Rotation.from_euler("y", -yaw, degrees=True)
    moved = (Rotation.from_euler("x", bow, degrees=True) * facing * own).apply(standing()) + [0, 0, 4]
    view = view_of(moved)
    assert view is not None
    assert view[0] == pytest.approx(4)
    assert view[1] == pytest.approx(elevation, abs=1e-6)
    assert abs(view[2]) == pytest.approx(abs(azimuth), abs=1e-6)
    assert abs(azimuth) == 180 or view[2] == pytest.approx(azimuth, abs=1e-6)
    assert view_of(moved - [0, 0, 8]) is None


def test_people_are_not_mixed_up(body: Body, make_sample: MakeSample) -> None:
    people = make_sample(0, num_people=2).scene.people
    assert isinstance(people[1], Person)
    assert rms_distances(*(np.asarray(pose)[None] for pose in map(_pose, people)))[0, 0] > 20


def _pose(person: Person) -> np.ndarray:
    pose = normalized(skeleton(person))
    assert pose is not None
    return pose
