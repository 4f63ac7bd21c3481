"""Where DPMesh's camera numbers put a body before the camera of the crop."""

import torch
from torch import Tensor

_DEPTH = 2.5  # [m] that the side of the crop spans at the greatest depth the model can say


def camera_translation(cam: Tensor, cam_int: Tensor, crop_size: int) -> Tensor:
    """Turn camera numbers into a translation.

    The depth is sigmoid(cam_z) * f * 2.5 / S, and x and y count from the ray through the middle of the crop.
    Where the camera's axis goes through that middle this is the released model's formula.

    Args:
        cam: (B, 3) as regressed.
        cam_int: (B, 3, 3) camera of the crop [px of the crop].
        crop_size: side S of the crop [px].

    Returns:
        (B, 3) [m], OpenCV camera frame.
    """
    focal = torch.stack([cam_int[:, 0, 0], cam_int[:, 1, 1]], -1)
    ray = (crop_size / 2 - cam_int[:, :2, 2]) / focal
    depth = torch.sigmoid(cam[:, 2:]) * focal.mean(-1, keepdim=True) * (_DEPTH / crop_size)
    return torch.cat([cam[:, :2] + ray * depth, depth], -1)
