"""6D rotations to matrices with the gradient written out: a refinement asks for it hundreds of times.

The values are those of `synthgen.backends.rotations` ("columns": the first two columns one after the other).
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import normalize

from synthgen.backends.rotations import rotmat_to_rot6d

__all__ = ["rot6d_to_rotmat", "rotmat_to_rot6d"]

_TINY = 1e-12  # as torch's normalize


class _GramSchmidt(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rot6d: Tensor) -> Tensor:
        first, second = rot6d[..., :3], rot6d[..., 3:]
        x = normalize(first, dim=-1)
        along = (x * second).sum(-1, keepdim=True)
        rest = torch.addcmul(second, along, x, value=-1)
        y = normalize(rest, dim=-1)
        ctx.save_for_backward(rot6d, x, y, along, rest)
        return torch.stack([x, y, torch.linalg.cross(x, y)], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        rot6d, x, y, along, rest = ctx.saved_tensors
        to_x, to_y, to_z = gradient.unbind(-1)
        to_y = to_y + torch.linalg.cross(to_z, x)
        to_rest = _through_normalize(to_y, y, rest)
        to_along = -(to_rest * x).sum(-1, keepdim=True)
        to_x = to_x + torch.linalg.cross(y, to_z)
        to_x = to_x.addcmul_(along, to_rest, value=-1).addcmul_(to_along, rot6d[..., 3:])
        to_first = _through_normalize(to_x, x, rot6d[..., :3])
        return torch.cat([to_first, torch.addcmul(to_rest, to_along, x)], -1)


def _through_normalize(gradient: Tensor, unit: Tensor, vector: Tensor) -> Tensor:
    """Return the gradient of a vector, given that of the unit vector made of it."""
    flat = torch.addcmul(gradient, (gradient * unit).sum(-1, keepdim=True), unit, value=-1)
    return flat / vector.norm(dim=-1, keepdim=True).clamp_min(_TINY)


def rot6d_to_rotmat(rot6d: Tensor) -> Tensor:
    """Convert 6D (..., 6) to rotation matrices (..., 3, 3) by Gram-Schmidt (Zhou et al., CVPR 2019).

    Differentiable once.
    """
    return _GramSchmidt.apply(rot6d)  # type: ignore[no-untyped-call]
