"""The weak camera of HMR models: how (s, tx, ty) of a square crop becomes a translation in metres.

Axes: OpenCV camera frame. The translation is added to the body as SMPL places it around its own origin.
"""

import torch
from torch import Tensor

FOCAL_LENGTH = 5000.0  # [px] that HMR2 was trained with, for a crop of 256 px
CROP_SIZE = 256.0  # [px]


def crop_translation(
    pred_cam: Tensor, focal_length: float = FOCAL_LENGTH, crop_size: float = CROP_SIZE
) -> Tensor:
    """Place the body before the camera of its own crop, whose axis goes through the crop's middle.

    Args:
        pred_cam: (..., 3) scale s, then tx, ty [m].
        focal_length: of the crop's camera [px of the crop].
        crop_size: side of the crop [px].

    Returns:
        (..., 3) translation [m], crop camera frame.
    """
    scale, shift = pred_cam[..., :1], pred_cam[..., 1:]
    return torch.cat([shift, 2 * focal_length / (crop_size * scale + 1e-9)], -1)


def picture_translation(pred_cam: Tensor, center: Tensor, size: Tensor, cam_int: Tensor) -> Tensor:
    """Place the body before the camera of the whole picture, so that it projects as it did into its crop.

    The picture's own focal length decides the depth. When it is not known, the demos of 4D-Humans take
    5000 / 256 * max(H, W) px and ScoreHMR 5000 px; put the one you mean into `cam_int`.

    Args:
        pred_cam: (..., 3) scale s, then tx, ty [m], as predicted from a square crop.
        center: (..., 2) middle of the crop [px of the picture].
        size: (...) side of the crop [px of the picture], after it was widened to the square.
        cam_int: (..., 3, 3) intrinsics of the picture [px]; one focal length for both axes.

    Returns:
        (..., 3) translation [m], camera frame of the picture.
    """
    scale = (size * pred_cam[..., 0] + 1e-9)[..., None]
    shift = pred_cam[..., 1:] + 2 * (center - cam_int[..., :2, 2]) / scale
    return torch.cat([shift, 2 * cam_int[..., 0, 0, None] / scale], -1)
