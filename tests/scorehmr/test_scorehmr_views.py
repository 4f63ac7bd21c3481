import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from synthgen.scorehmr.cameras import Extrinsics
from synthgen.scorehmr.groups import Groups
from synthgen.scorehmr.views import mean_rotation, share_pose


def rotations(*shape: int, size: float = 1.0) -> Tensor:
    rng = np.random.default_rng(0)
    flat = Rotation.from_rotvec(size * rng.normal(size=(int(np.prod(shape)), 3))).as_matrix()
    return torch.from_numpy(flat.reshape(*shape, 3, 3))


def test_the_mean_of_a_group_is_scipy_s() -> None:
    rotmat, names = rotations(5, 2, size=0.8), ["a", "b", "a", "a", "b"]
    found = mean_rotation(rotmat, Groups.of(names))
    for row, name in enumerate(names):
        group = [other for other in range(5) if names[other] == name]
        for joint in range(2):
            expected = Rotation.from_matrix(rotmat[group, joint].numpy()).mean().as_matrix()
            assert np.allclose(found[row, joint], expected, atol=1e-9)


def test_uncalibrated_views_share_the_body_and_keep_their_roots() -> None:
    rotmat = rotations(4, 24, size=0.5)
    found = share_pose(rotmat, Groups.of([0, 0, 1, 0]))
    assert torch.equal(found[:, 0], rotmat[:, 0])
    assert torch.equal(found[0, 1:], found[1, 1:]) and torch.allclose(found[2], rotmat[2], atol=1e-9)
    assert not torch.allclose(found[0, 1:], rotmat[0, 1:])


def test_calibrated_views_share_the_root_in_the_world() -> None:
    turn, world = rotations(3), rotations(1, 24, size=0.5)
    rotmat = world.repeat(3, 1, 1, 1)
    rotmat[:, 0] = turn @ rotmat[:, 0]
    noisy = rotmat @ rotations(3, 24, size=0.05)
    cameras, one = Extrinsics(turn, torch.zeros(3, 3).double()), Groups.of([0] * 3)
    assert torch.allclose(share_pose(rotmat, one, cameras), rotmat, atol=1e-9)
    found = share_pose(noisy, one, cameras)
    roots = turn.transpose(1, 2) @ found[:, 0]
    assert torch.allclose(roots[0], roots[2], atol=1e-9)
    assert (found - rotmat).norm() < (noisy - rotmat).norm()


def test_views_that_do_not_match_are_named() -> None:
    with pytest.raises(ValueError, match="3 bodies need as many views"):
        share_pose(rotations(3, 24), Groups.of([0, 0]))
