from typing import Literal

import pytest
import roma
import torch

from synthgen.backends.rotations import rot6d_to_rotmat, rotmat_to_rot6d
from synthgen.geometry import rotmat_to_rot6d as numpy_rotmat_to_rot6d


@pytest.mark.parametrize("order", ["columns", "rows"])
def test_6d_round_trip_at_any_scale(order: Literal["columns", "rows"]) -> None:
    torch.manual_seed(0)
    rotmat = roma.random_rotmat((4, 5))
    assert torch.allclose(rot6d_to_rotmat(3 * rotmat_to_rot6d(rotmat, order), order), rotmat, atol=1e-6)
    noisy = rot6d_to_rotmat(torch.randn(50, 6), order)
    assert torch.allclose(noisy @ noisy.mT, torch.eye(3).expand(50, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(noisy), torch.ones(50), atol=1e-5)


def test_orders_are_columns_after_each_other_and_interleaved() -> None:
    rotmat = torch.arange(9.0).view(3, 3)
    assert rotmat_to_rot6d(rotmat, "columns").tolist() == [0, 3, 6, 1, 4, 7]
    assert rotmat_to_rot6d(rotmat, "rows").tolist() == [0, 1, 3, 4, 6, 7]
    assert numpy_rotmat_to_rot6d(rotmat.numpy()).tolist() == [0, 3, 6, 1, 4, 7]


def test_batches_of_three_are_like_any_other() -> None:
    rot6d = torch.randn(7, 6, generator=torch.Generator().manual_seed(1))
    assert torch.equal(rot6d_to_rotmat(rot6d[:3]), rot6d_to_rotmat(rot6d)[:3])
