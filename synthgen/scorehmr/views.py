"""One body out of its views: after a refinement they agree nearly, after this exactly."""

import torch
from torch import Tensor

from synthgen.scorehmr.cameras import Extrinsics
from synthgen.scorehmr.groups import Groups


def share_pose(rotmat: Tensor, groups: Groups, extrinsics: Extrinsics | None = None) -> Tensor:
    """Give all views of a body the mean of their poses.

    Args:
        rotmat: (B, 24, 3, 3) rotations relative to the parent joint, the root's to each view's camera.
        groups: which people are views of one body.
        extrinsics: of the views' cameras; with them the roots are averaged too, in the world. Without, each
            view keeps its own.

    Returns:
        (B, 24, 3, 3).

    Raises:
        ValueError: groups or extrinsics of another number of views.
    """
    if len(groups) != len(rotmat) or (extrinsics is not None and len(extrinsics) != len(rotmat)):
        raise ValueError(f"{len(rotmat)} bodies need as many views in groups and extrinsics")
    body = mean_rotation(rotmat[:, 1:], groups)
    root = rotmat[:, :1]
    if extrinsics is not None:
        turn = extrinsics.rotation[:, None]
        root = turn @ mean_rotation(turn.transpose(-1, -2) @ root, groups)
    return torch.cat([root, body], 1)


def mean_rotation(rotmat: Tensor, groups: Groups) -> Tensor:
    """Return rotations (B, ..., 3, 3) with everybody's replaced by the mean of the group.

    The mean is the rotation nearest to the arithmetic mean of the matrices (chordal L2 mean).
    """
    left, _, right = torch.linalg.svd(groups.mean(rotmat))
    sign = torch.ones_like(left[..., 0, :])
    sign[..., 2] = torch.linalg.det(left @ right).sign()
    return ((left * sign[..., None, :]) @ right)[groups.members]
