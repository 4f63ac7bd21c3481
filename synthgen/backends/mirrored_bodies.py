"""Estimates of a crop and of its mirror image made one: the flip test of pose estimation, for bodies."""

import torch

from synthgen.backends.hmr2 import HMR2Output
from synthgen.backends.rotations import nearest_rotation
from synthgen.joints import SMPL24

_SIDES = SMPL24.flip_permutation()
_MIRROR = (-1.0, 1.0, 1.0)  # of the x axis


def averaged(output: HMR2Output, mirror: HMR2Output) -> HMR2Output:
    """Return the mean of what a model found in crops and in their mirror images.

    Args:
        output: of the crops.
        mirror: of the same crops, flipped left to right.

    Returns:
        The rotations nearest to the mean of both matrices (the chordal mean), mean shapes and cameras; the
        tokens of `output`.
    """
    rotations = [torch.cat([one.global_orient[:, None], one.body_pose], 1) for one in (output, mirror)]
    axes = rotations[0].new_tensor(_MIRROR)
    back = axes[:, None] * rotations[1][:, list(_SIDES)] * axes
    mean = nearest_rotation(rotations[0] + back)
    away = mirror.pred_cam * mirror.pred_cam.new_tensor([1.0, -1.0, 1.0])
    return HMR2Output(
        global_orient=mean[:, 0],
        body_pose=mean[:, 1:],
        betas=(output.betas + mirror.betas) / 2,
        pred_cam=(output.pred_cam + away) / 2,
        tokens=output.tokens,
    )
