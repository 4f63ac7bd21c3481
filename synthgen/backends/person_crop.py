"""Cuts people out of pictures for top-down networks: boxes to affine maps, and the warp itself.

Affine maps go from pixels of the picture to pixels of the crop; both have their origin at the centre of the
top-left pixel.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from synthgen.backends.protocols import Image
from synthgen.geometry import Array

_TRUNCATE = 4.0  # standard deviations at which the blur ends
_BLUR_FROM = 1.1  # in units of twice the crop's size; HMR2 blurs larger boxes before they are scaled down


def square_around(bbox: Array, aspect: float) -> tuple[Array, float]:
    """Return middle (2,) and side of the square that HMR2 looks at [px].

    Args:
        bbox: (4,) xyxy [px].
        aspect: width over height that the box is widened to first.
    """
    width, height = float(bbox[2] - bbox[0]), float(bbox[3] - bbox[1])
    return (bbox[:2] + bbox[2:]) / 2, max(width, height * aspect, height, width / aspect)


def square_affine(center: Array, size: float, output_size: int) -> Array:
    """Return the (2, 3) affine of HMR2's crop: its camera looks at `output_size / 2`."""
    scale = output_size / size
    shift = output_size / 2 - scale * center
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def corner_affine(center: Array, size: Array, output_size: tuple[int, int]) -> Array:
    """Return the (2, 3) affine that puts a box's corners onto the middles of the crop's corner pixels.

    This is the unbiased crop of UDP (Huang et al., CVPR 2020), which ViTPose is trained with.

    Args:
        center: (2,) of the box [px].
        size: (2,) width and height of the box [px].
        output_size: (h, w) of the crop [px].
    """
    scale = (np.array(output_size[::-1]) - 1) / size
    shift = -scale * (center - size / 2)
    return np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])


def warp(image: NDArray[np.number], affine: Array, size: tuple[int, int]) -> Tensor:
    """Resample a picture bilinearly; what lies outside of it is black.

    Args:
        image: (H, W, 3), any number type.
        affine: (2, 3) picture to crop, without rotation.
        size: (h, w) of the crop.

    Returns:
        (3, h, w) float32 in the picture's units.
    """
    height, width = image.shape[:2]
    x = (np.arange(size[1]) - affine[0, 2]) / affine[0, 0]
    y = (np.arange(size[0]) - affine[1, 2]) / affine[1, 1]
    left, top = (int(np.clip(np.floor(one[0]) - 1, 0, side - 1)) for one, side in ((x, width), (y, height)))
    right, bottom = (int(np.clip(np.ceil(one[-1]) + 2, 1, side)) for one, side in ((x, width), (y, height)))
    window = np.ascontiguousarray(image[top : max(bottom, top + 1), left : max(right, left + 1)], np.float32)
    pixels = torch.from_numpy(window).permute(2, 0, 1)[None]
    grid_x = (2 * (x - left) + 1) / pixels.shape[3] - 1
    grid_y = (2 * (y - top) + 1) / pixels.shape[2] - 1
    grid = np.stack(np.meshgrid(grid_x, grid_y), -1)[None]
    return grid_sample(pixels, torch.from_numpy(grid).float(), "bilinear", "zeros", align_corners=False)[0]


def blurred_window(
    image: Image, center: Array, size: float, output_size: int
) -> tuple[NDArray[np.number], Array]:
    """Blur the part of a picture that a square crop will show, as HMR2 does where it scales down a lot.

    Args:
        image: (H, W, 3).
        center: (2,) of the square [px].
        size: side of the square [px].
        output_size: side of the crop [px].

    Returns:
        The window (h, w, 3) and the pixel (2,), x then y, of the picture at its top left.
    """
    from scipy.ndimage import gaussian_filter

    factor = size / output_size / 2
    if factor <= _BLUR_FROM:
        return image, np.zeros(2)
    sigma = (factor - 1) / 2
    reach = size / 2 + np.ceil(_TRUNCATE * sigma) + 2
    limit = np.array(image.shape[1::-1])
    low = np.clip(np.floor(center - reach), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(center + reach), 1, limit).astype(int)
    high = np.maximum(high, low + 1)
    window = image[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    return gaussian_filter(window, (sigma, sigma, 0), mode="nearest", truncate=_TRUNCATE), low
