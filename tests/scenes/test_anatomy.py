"""Angles mean what a physiotherapist means by them, on both sides, and can be read back."""

import numpy as np
import pytest

from synthgen.joints import SMPL24
from synthgen.scenes import anatomy, skeleton


def _pose(**angles: float) -> np.ndarray:
    pose = np.zeros(len(anatomy.ANGLES))
    for name, value in angles.items():
        pose[anatomy.ANGLES.index(name)] = value
    return pose


def _at(joint: str, **angles: float) -> np.ndarray:
    position, _ = skeleton.forward(anatomy.to_rotmats(_pose(**angles)))
    return position[SMPL24.index(joint)]


def _sided(side: str, **angles: float) -> dict[str, float]:
    return {f"{side}_{name}": value for name, value in angles.items()}


@pytest.mark.parametrize("side", ["left", "right"])
def test_zero_angles_stand_upright_with_hanging_arms(side):
    shoulder, wrist = _at(f"{side}_shoulder"), _at(f"{side}_wrist")
    assert wrist[1] < shoulder[1] - 0.45
    assert abs(wrist[0] - shoulder[0]) < 0.03 and abs(wrist[2] - shoulder[2]) < 0.03


@pytest.mark.parametrize("side", ["left", "right"])
def test_hip_flexion_brings_the_knee_forward_and_abduction_outward(side):
    outward = 1 if side == "left" else -1
    hip = _at(f"{side}_hip")
    forward = _at(f"{side}_knee", **_sided(side, hip_flex=90)) - hip
    aside = _at(f"{side}_knee", **_sided(side, hip_abduction=45)) - hip
    assert forward[2] > 0.38 and abs(forward[1]) < 0.06
    assert aside[0] * outward > 0.25
    knee = _at(f"{side}_knee", **_sided(side, hip_flex=90, knee_flex=90))
    ankle = _at(f"{side}_ankle", **_sided(side, hip_flex=90, knee_flex=90))
    assert knee[1] - ankle[1] > 0.4  # the shin hangs: knees bend backward


@pytest.mark.parametrize("side", ["left", "right"])
def test_external_hip_rotation_turns_the_toes_outward(side):
    outward = 1 if side == "left" else -1
    straight = _at(f"{side}_foot") - _at(f"{side}_ankle")
    turned = _at(f"{side}_foot", **_sided(side, hip_rotation=40)) - _at(
        f"{side}_ankle", **_sided(side, hip_rotation=40)
    )
    assert (turned - straight)[0] * outward > 0.05


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("plane", [0, 45, 90])
def test_a_raised_arm_ends_overhead_whichever_way_it_went(side, plane):
    wrist = _at(f"{side}_wrist", **_sided(side, arm_raise=178, arm_plane=plane))
    assert wrist[1] > _at("head")[1] + 0.3
    bent = _sided(side, arm_raise=178, arm_plane=plane, elbow_flex=120)
    inward = -1 if side == "left" else 1
    assert (_at(f"{side}_wrist", **bent) - _at(f"{side}_elbow", **bent))[0] * inward > 0.1  # towards the head


@pytest.mark.parametrize("side", ["left", "right"])
def test_planes_of_a_half_raised_arm(side):
    outward = 1 if side == "left" else -1
    shoulder = _at(f"{side}_shoulder")
    aside, forward, back, across = (
        _at(f"{side}_wrist", **_sided(side, arm_raise=r, arm_plane=p)) - shoulder
        for r, p in ((90, 0), (90, 90), (45, -90), (80, 130))
    )
    assert aside[0] * outward > 0.45 and forward[2] > 0.4 and back[2] < -0.25 and across[0] * outward < -0.2


@pytest.mark.parametrize("side", ["left", "right"])
def test_elbow_flexion_brings_the_hand_to_the_shoulder(side):
    for raised, plane in ((0, 0), (60, 60), (90, 0)):
        arm = _sided(side, arm_raise=raised, arm_plane=plane)
        near = _at(f"{side}_wrist", **arm, **_sided(side, elbow_flex=145)) - _at(f"{side}_shoulder", **arm)
        assert np.linalg.norm(near) < 0.2
    forward = _at(f"{side}_wrist", **_sided(side, elbow_flex=90)) - _at(
        f"{side}_elbow", **_sided(side, elbow_flex=90)
    )
    assert forward[2] > 0.2


def test_spine_and_root_signs():
    assert _at("head", spine_flex=40)[2] > 0.15
    assert _at("head", spine_side=30)[0] > 0.1  # to the left
    assert _at("left_shoulder", spine_twist=40)[2] < -0.02  # turning left
    assert _at("head", root_pitch=90)[2] > 0.5
    assert _at("head", root_roll=90)[0] > 0.5


def test_mirror_flips_joints_and_is_its_own_inverse():
    rng = np.random.default_rng(1)
    angles = rng.uniform(-30, 60, (20, len(anatomy.ANGLES)))
    position, _ = skeleton.forward(anatomy.to_rotmats(angles))
    mirrored, _ = skeleton.forward(anatomy.to_rotmats(anatomy.mirror(angles)))
    np.testing.assert_allclose(mirrored[:, SMPL24.flip_permutation()] * [-1, 1, 1], position, atol=1e-12)
    np.testing.assert_array_equal(anatomy.mirror(anatomy.mirror(angles)), angles)


def test_angles_are_read_back_from_a_body_pose():
    rng = np.random.default_rng(2)
    angles = rng.uniform(-20, 60, (40, len(anatomy.ANGLES)))
    angles[:, anatomy.columns("root")] = 0
    for side in ("left", "right"):
        angles[:, anatomy.ANGLES.index(f"{side}_arm_raise")] = rng.uniform(5, 170, 40)
    _, body_pose = anatomy.to_axis_angle(angles)
    assert body_pose.shape == (40, 23, 3)
    np.testing.assert_allclose(anatomy.from_body_pose(body_pose), angles, atol=1e-6)
