import numpy as np
import pytest

from synthgen.geometry import rotmat_to_rotvec, rotvec_to_rotmat
from synthgen.joints import SMPL24
from synthgen.sample import Person
from synthgen.stages.spoil import LIMBS, SHIFT, SPOILS, TURN_DEG, shift, swap_sides, turn_limb


@pytest.fixture
def person() -> Person:
    rng = np.random.default_rng(4)
    pose = rng.normal(0, 0.3, (23, 3)).astype(np.float32)
    return Person(
        np.array([np.pi, 0, 0], np.float32), pose, np.zeros(10, np.float32), np.array([0, 0, 3], np.float32)
    )


def test_one_limb_turns_by_its_angle_and_nothing_else(person, body):
    before = body.pose([person]).points[0, :24]
    turned = turn_limb(person, body, np.random.default_rng(0))
    changed = np.flatnonzero((turned.body_pose != person.body_pose).any(1))
    assert len(changed) == 1
    old, new = (rotvec_to_rotmat(one.body_pose[changed[0]].astype(float)) for one in (person, turned))
    assert np.degrees(np.linalg.norm(rotmat_to_rotvec(old.T @ new))) == pytest.approx(TURN_DEG, abs=1e-3)
    start = changed[0] + 1
    name = SMPL24.names[start]
    end = SMPL24.index(name.split("_")[0] + "_" + LIMBS[name.split("_")[1]])
    after = body.pose([turned]).points[0, :24]
    directions = [points[end] - points[start] for points in (before, after)]
    cosine = np.dot(*directions) / np.prod([np.linalg.norm(one) for one in directions])
    assert np.degrees(np.arccos(cosine)) == pytest.approx(TURN_DEG, abs=0.5)


def test_a_shifted_body_moves_by_a_tenth_of_its_height_across_the_view(person, body):
    moved = shift(person, body, np.random.default_rng(1))
    offset = moved.transl - person.transl
    rest = np.ptp(body.rest_vertices[:, 1])
    assert offset[2] == 0
    assert np.linalg.norm(offset) == pytest.approx(SHIFT * rest, rel=1e-3)
    assert (moved.body_pose == person.body_pose).all()


def test_swapping_sides_twice_gives_the_pose_back(person, body):
    rng = np.random.default_rng(2)
    swapped = swap_sides(person, body, rng)
    assert not np.allclose(swapped.body_pose, person.body_pose)
    np.testing.assert_array_equal(swap_sides(swapped, body, rng).body_pose, person.body_pose)
    left, right = SMPL24.index("left_elbow") - 1, SMPL24.index("right_elbow") - 1
    np.testing.assert_array_equal(swapped.body_pose[left], person.body_pose[right] * (1, -1, -1))


def test_spoiling_follows_from_its_generator(person, body):
    for spoil in SPOILS.values():
        one, other = (spoil(person, body, np.random.default_rng(5)) for _ in range(2))
        np.testing.assert_array_equal(one.body_pose, other.body_pose)
        np.testing.assert_array_equal(one.transl, other.transl)
