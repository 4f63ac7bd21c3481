"""The targets of the pose blend shapes, and that fitting reaches them."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from synthgen.body import OPEN_FILE, load_body
from synthgen.body_file import read_body_file
from synthgen.joints import SMPL24
from synthgen.open_body.pose_correctives import (
    DeltaMush,
    Skin,
    draw_rotations,
    dual_quaternion_skin,
    fit_pose_shapes,
    follow_parts,
    pose_features,
    pose_transforms,
    soften_weights,
    spread_twist,
    twist_spread,
)
from synthgen.open_body.rest_pose import mirror_vertices, skin
from synthgen.sample import Person


@pytest.fixture(scope="module")
def body() -> Skin:
    arrays = read_body_file(OPEN_FILE)
    vertices = arrays.v_template.astype(np.float64)
    weights = arrays.weights.astype(np.float64)
    joints = arrays.J_regressor.astype(np.float64) @ vertices
    return Skin(vertices, arrays.faces.astype(np.int64), joints, weights, mirror_vertices(vertices))


@pytest.fixture(scope="module")
def mush(body) -> DeltaMush:
    return DeltaMush(body.vertices, body.faces)


def turned(**degrees) -> np.ndarray:
    rotations = np.tile(np.eye(3), (24, 1, 1))
    for joint, rotvec in degrees.items():
        rotations[SMPL24.index(joint)] = Rotation.from_rotvec(np.radians(rotvec)).as_matrix()
    return rotations


def test_skinning_and_features_are_those_of_smplx(body):
    rotations = draw_rotations(np.random.default_rng(0))
    posedirs = read_body_file(OPEN_FILE).posedirs.astype(np.float64)
    shaped = body.vertices + posedirs @ pose_features(rotations).ravel()
    ours = skin(shaped, body.weights, pose_transforms(body.joints, rotations))
    rotvecs = Rotation.from_matrix(rotations).as_rotvec()
    person = Person(rotvecs[0], rotvecs[1:], np.zeros(10), np.zeros(3))
    np.testing.assert_allclose(load_body("open").pose([person]).vertices[0], ours, atol=1e-5)


def test_dual_quaternions_move_rigid_parts_rigidly_and_keep_the_radius_of_a_twisted_tube():
    transforms = np.tile(np.eye(4), (24, 1, 1))
    transforms[1, :3, :3] = Rotation.from_rotvec([np.radians(120), 0, 0]).as_matrix()
    transforms[2, :3, :3] = Rotation.from_rotvec([0.3, -0.5, 0.2]).as_matrix()
    transforms[2, :3, 3] = [1, 2, 3]
    points = np.random.default_rng(0).normal(0, 1, (5, 3))
    rigid = np.tile(np.eye(24)[2], (5, 1))
    moved = dual_quaternion_skin(points, rigid, transforms)
    np.testing.assert_allclose(moved, points @ transforms[2, :3, :3].T + [1, 2, 3], atol=1e-12)
    ring = np.stack([np.zeros(8), *np.array([np.cos(np.arange(8)), np.sin(np.arange(8))])], axis=1)
    half = np.tile((np.eye(24)[0] + np.eye(24)[1]) / 2, (8, 1))
    np.testing.assert_allclose(np.linalg.norm(dual_quaternion_skin(ring, half, transforms), axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(skin(ring, half, transforms), axis=1), 0.5)


def test_delta_mush_leaves_rigid_motion_alone_and_smooths_a_dent(body, mush):
    np.testing.assert_allclose(mush(body.vertices), body.vertices, atol=1e-9)
    turn = Rotation.from_rotvec([0.4, -1.0, 0.7])
    moved = turn.apply(body.vertices) + [1, 2, 3]
    np.testing.assert_allclose(mush(moved), moved, atol=1e-6)
    dented = body.vertices.copy()
    belly = np.argmin(np.linalg.norm(body.vertices - [0, -0.1, 0.12], axis=1))
    dented[belly, 2] -= 0.03
    assert np.abs(mush(dented) - body.vertices).max() < 0.01


def test_softened_weights_blend_wider_and_still_sum_to_one(body, mush):
    hard = np.eye(24)[body.weights.argmax(1)]
    soft = soften_weights(hard, mush)
    np.testing.assert_allclose(soft.sum(1), 1)
    assert soft.min() >= 0
    assert (soft.max(1) < 0.99).sum() > 500


def test_a_joint_moves_everything_below_it(body):
    moved = follow_parts(body.weights)
    np.testing.assert_allclose(moved[:, 0], 1)
    hand = body.vertices[:, 0].argmax()
    for name in ("left_shoulder", "left_elbow", "left_wrist"):
        assert moved[hand, SMPL24.index(name)] == pytest.approx(1)
    assert moved[hand, SMPL24.index("right_elbow")] == 0


def test_twist_of_the_elbow_spreads_over_the_forearm(body):
    """After rolling the rest and skinning, the skin turns by a share that grows from elbow to mid-forearm."""
    rotations = turned(left_elbow=(60, 0, 0))
    rolled = spread_twist(body, twist_spread(body), rotations)
    posed = dual_quaternion_skin(rolled, body.weights, pose_transforms(body.joints, rotations))
    elbow, wrist = (body.joints[SMPL24.index(f"left_{name}")] for name in ("elbow", "wrist"))
    along = (body.vertices[:, 0] - elbow[0]) / (wrist[0] - elbow[0])
    before, after = body.vertices[:, 1:] - elbow[1:], posed[:, 1:] - elbow[1:]
    angle = np.arctan2(after[:, 1], after[:, 0]) - np.arctan2(before[:, 1], before[:, 0])
    angle = np.degrees((angle + np.pi) % (2 * np.pi) - np.pi)

    def mean_angle(low: float, high: float) -> float:
        return float(angle[(along > low) & (along < high)].mean())

    assert abs(mean_angle(-0.5, -0.2)) < 3
    assert 20 < mean_angle(0.1, 0.3) < 45
    assert 55 < mean_angle(0.65, 1.2) < 65
    np.testing.assert_array_equal(spread_twist(body, twist_spread(body), turned()), body.vertices)


def test_random_poses_are_rotations_within_reach_and_the_root_rests():
    drawn = np.stack([draw_rotations(np.random.default_rng(seed)) for seed in range(40)])
    np.testing.assert_allclose(np.linalg.det(drawn), 1)
    np.testing.assert_array_equal(drawn[:, 0], np.broadcast_to(np.eye(3), (40, 3, 3)))
    degrees = np.degrees(np.linalg.norm(Rotation.from_matrix(drawn.reshape(-1, 3, 3)).as_rotvec(), axis=1))
    knee = degrees.reshape(40, 24)[:, SMPL24.index("left_knee")]
    assert knee.max() < 150 and (knee == 0).any() and (knee > 60).any()


def test_fitted_shapes_are_symmetric_local_and_bring_skinning_closer_to_the_target(body, mush):
    posedirs = fit_pose_shapes(body, mush, poses=12, seed=0).reshape(-1, 3, 23, 3, 3)
    flip = [joint - 1 for joint in SMPL24.flip_permutation()[1:]]
    signs = np.array([-1, 1, 1])
    mirrored = posedirs[body.mirror][:, :, flip] * np.einsum("a,b,c->abc", signs, signs, signs)[:, None]
    np.testing.assert_allclose(mirrored, posedirs, atol=1e-3)
    hand = body.vertices[:, 0].argmax()
    assert not posedirs[hand].any()
    rotations = turned(left_shoulder=(0, 0, 60), right_knee=(70, 0, 0), left_hip=(-60, 0, 0))
    transforms = pose_transforms(body.joints, rotations)
    target = mush(dual_quaternion_skin(body.vertices, body.weights, transforms))
    shaped = body.vertices + posedirs.reshape(-1, 3, 207) @ pose_features(rotations).ravel()
    plain = np.linalg.norm(skin(body.vertices, body.weights, transforms) - target, axis=1)
    better = np.linalg.norm(skin(shaped, body.weights, transforms) - target, axis=1)
    assert (better**2).sum() < 0.5 * (plain**2).sum()
