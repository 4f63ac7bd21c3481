"""A relaxed stand becomes SMPL's T-pose; mirror images are found."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from synthgen.body import load_body
from synthgen.joints import SMPL24
from synthgen.open_body.rest_pose import (
    chain_transforms,
    mirror_vertices,
    move_joints,
    skin,
    symmetric_joints,
    symmetric_vertices,
    symmetric_weights,
    t_pose_turns,
)


@pytest.fixture(scope="module")
def rest_joints() -> np.ndarray:
    body = load_body("open")
    joints = body.pose([]).points  # shape only
    assert joints.shape[0] == 0
    from synthgen.sample import Person

    zero = Person(np.zeros(3), np.zeros((23, 3)), np.zeros(10), np.zeros(3))
    return body.pose([zero]).points[0, :24].astype(np.float64)


def relaxed(rest_joints: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Joints and knuckles of a body that stands with its arms hanging, elbows bent, legs apart."""
    local = {
        "left_shoulder": (20, 10, -50), "left_elbow": (10, -40, 0), "left_wrist": (30, 5, 5),
        "left_hip": (3, 0, 8), "left_knee": (6, 0, 0),
    }  # fmt: skip
    turns = [Rotation.identity()] * 24
    for row, (name, parent) in enumerate(zip(SMPL24.names, SMPL24.parents, strict=True)):
        degrees = local.get(name.replace("right", "left"), (0, 0, 0))
        sign = np.array([1, -1, -1]) if name.startswith("right") else 1
        own = Rotation.from_rotvec(np.radians(degrees) * sign)
        turns[row] = own if parent < 0 else turns[parent] * own
    matrices = np.stack([turn.as_matrix() for turn in turns])
    transforms = chain_transforms(rest_joints, matrices)
    knuckles = {}
    for side, sign in (("left", 1), ("right", -1)):
        wrist = SMPL24.index(f"{side}_wrist")
        for finger, forward in (("index", 0.03), ("middle", 0.0), ("pinky", -0.04)):
            place = rest_joints[wrist] + [sign * 0.1, 0, forward]
            knuckles[f"{side}_{finger}"] = transforms[wrist, :3, :3] @ place + transforms[wrist, :3, 3]
    return move_joints(rest_joints, transforms), knuckles


def test_relaxed_arms_and_legs_come_to_the_t_pose(rest_joints):
    joints, knuckles = relaxed(rest_joints)
    transforms = chain_transforms(joints, t_pose_turns(joints, knuckles))
    moved = dict(zip(SMPL24.names, move_joints(joints, transforms), strict=True))
    for side, sign in (("left", 1), ("right", -1)):
        arm = np.array([moved[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist")])
        assert np.abs(arm[:, 1:] - arm[0, 1:]).max() < 1e-9
        assert np.all(sign * np.diff(arm[:, 0]) > 0.1)
        wrist = SMPL24.index(f"{side}_wrist")
        palm = transforms[wrist, :3, :3] @ (knuckles[f"{side}_index"] - knuckles[f"{side}_pinky"])
        assert palm[2] > 0.06 and abs(palm[1]) < 1e-9, "the palm faces down, the index finger is in front"
        thigh = moved[f"{side}_knee"] - moved[f"{side}_hip"]
        assert 0 < sign * thigh[0] < 0.08 * -thigh[1] and abs(thigh[2]) < 1e-9
        foot = transforms[SMPL24.index(f"{side}_ankle"), :3, :3]
        np.testing.assert_allclose(foot, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(moved["head"], joints[SMPL24.index("head")])
    np.testing.assert_allclose(
        transforms[SMPL24.index("left_shoulder"), :3, :3],
        Rotation.from_rotvec(np.radians([20, 10, -50])).inv().as_matrix(),
        atol=0.12,  # the hinge is vertical afterwards, so the roll may differ a little
    )


def test_mirror_pairs_are_found_and_averaging_makes_symmetric():
    half = np.random.default_rng(0).uniform(0.1, 1, (20, 3))
    vertices = np.concatenate([half, half * [-1, 1, 1], [[0, 0.5, 0.5]]])
    mirror = mirror_vertices(vertices)
    np.testing.assert_array_equal(mirror, [*range(20, 40), *range(20), 40])
    uneven = vertices + np.random.default_rng(1).normal(0, 0.01, vertices.shape)
    even = symmetric_vertices(uneven, mirror)
    np.testing.assert_allclose(even[mirror] * [-1, 1, 1], even, atol=1e-15)
    weights = symmetric_weights(np.random.default_rng(2).uniform(0, 1, (41, 24)), mirror)
    np.testing.assert_array_equal(weights[mirror][:, SMPL24.flip_permutation()], weights)
    joints = symmetric_joints(np.random.default_rng(3).normal(0, 1, (24, 3)))
    assert joints[SMPL24.index("pelvis"), 0] == 0
    with pytest.raises(ValueError, match="mesh is not symmetric: a mirrored vertex is 5.00e-01 m"):
        mirror_vertices(np.array([[0.25, 0, 0]]))


def test_skin_blends_between_parts():
    transforms = np.tile(np.eye(4), (24, 1, 1))
    transforms[5, :3, 3] = [0, 0, 2]
    weights = np.zeros((2, 24))
    weights[0, 5], weights[1, [0, 5]] = 1, 0.5
    np.testing.assert_allclose(skin(np.zeros((2, 3)), weights, transforms), [[0, 0, 2], [0, 0, 1]])
