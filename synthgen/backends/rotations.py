"""The 6D form of rotations as torch tensors, in the two orders in use; all other conversions are `roma`'s.

HMR2 and ScoreHMR store the first two columns of the matrix one after the other ("columns"); VPoser, SPIN and
DPMesh store the same (3, 2) block row by row ("rows").
"""

from typing import Literal

import roma
import torch
from torch import Tensor
from torch.nn.functional import normalize

Rot6DOrder = Literal["columns", "rows"]


def rot6d_to_rotmat(rot6d: Tensor, order: Rot6DOrder = "columns") -> Tensor:
    """Convert 6D (..., 6) to rotation matrices (..., 3, 3) by Gram-Schmidt (Zhou et al., CVPR 2019).

    Args:
        rot6d: (..., 6), any scale; the two columns must not be parallel.
        order: how the two columns are stored.
    """
    if order == "columns":
        first, second = rot6d[..., :3], rot6d[..., 3:]
    else:
        first, second = rot6d[..., 0::2], rot6d[..., 1::2]
    x = normalize(first, dim=-1)
    y = normalize(second - (x * second).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


def rotmat_to_rot6d(rotmat: Tensor, order: Rot6DOrder = "columns") -> Tensor:
    """Convert rotation matrices (..., 3, 3) to 6D (..., 6)."""
    block = rotmat[..., :2]
    return (block.transpose(-1, -2) if order == "columns" else block).flatten(-2)


def nearest_rotation(matrices: Tensor) -> Tensor:
    """Return the rotations (..., 3, 3) nearest to some matrices, as sums of rotations are.

    Half precision has no singular value decomposition; it is computed in float32.
    """
    full = matrices if matrices.dtype == torch.float64 else matrices.float()
    return torch.as_tensor(roma.special_procrustes(full)).to(matrices.dtype)
