"""3x3 convolutions by fewer multiplications: Winograd's F(4x4, 3x3) (Lavin and Gray, CVPR 2016, section 4).

Sixteen neighbouring answers take 36 multiplications a pair of channels instead of 144. The customary points
0, 1, -1, 2, -2 lose two bits beside convolutions of oneDNN over pictures channels last, these less than one;
beside those channels first, which are more exact, three (Barabasz et al., "Error analysis and improving
the accuracy of Winograd convolution", 2020, on why the points matter). Forward only: what is frozen and needs
no gradient, as the VAE, which half of a DPMesh's forward pass is.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

TILE = 4  # a tile of TILE x TILE answers is made at a time
_WINDOW = TILE + 2
_POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)  # and infinity
_FEWEST_PLACES = 1024  # of a picture; below, bringing the filters into their form outweighs the gain
_FEWEST_CHANNELS = 128  # twice as many where pictures lie channels first and must be brought into order
_STRIP = 1 << 19  # numbers that the windows of a strip may have, so that it stays in the cache
_FEWEST_TILES = 128  # of a strip; products of fewer rows are slower


def pays(layer: nn.Conv2d, images: Tensor, weight: Tensor) -> bool:
    """Tell whether `convolve` does what a layer would do to images (B, C, H, W), and faster.

    Args:
        layer: neither grouped nor dilated.
        images: its input.
        weight: used in place of its own.
    """
    learns = torch.is_grad_enabled() and (images.requires_grad or weight.requires_grad)
    if learns or images.device.type != "cpu" or {images.dtype, weight.dtype} != {torch.float32}:
        return False
    if (layer.kernel_size, layer.stride, layer.padding) != ((3, 3), (1, 1), (1, 1)):
        return False
    height, width = images.shape[2:]
    if height % TILE or width % TILE or height * width < _FEWEST_PLACES:
        return False
    is_interleaved = images.is_contiguous(memory_format=torch.channels_last)
    return min(weight.shape[:2]) >= (_FEWEST_CHANNELS if is_interleaved else 2 * _FEWEST_CHANNELS)


@torch.no_grad()
def convolve(images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve pictures with 3x3 filters, with zeros around them; each picture for itself.

    Args:
        images: (B, C, H, W); H and W are multiples of `TILE`.
        weight: (D, C, 3, 3).
        bias: (D,), or None.

    Returns:
        (B, D, H, W), laid out as the images are.
    """
    filters = _transformed(weight)
    answer = images.new_empty(len(images), *images.shape[2:], len(weight))
    is_interleaved = images.is_contiguous(memory_format=torch.channels_last)
    for picture, out in zip(images, answer, strict=True):
        _fill(out, picture.permute(1, 2, 0).contiguous(), filters)
    if bias is not None:
        answer += bias
    answer = answer.movedim(-1, 1)
    return answer if is_interleaved else answer.contiguous()


def _fill(out: Tensor, picture: Tensor, filters: Tensor) -> None:
    """Write the convolution of a picture (H, W, C) into `out` (H, W, D), a strip of tiles after the other."""
    (height, width, channels), made = picture.shape, out.shape[2]
    across, windows = width // TILE, _WINDOW**2
    most = max(-(-_FEWEST_TILES // across), _STRIP // (windows * across * max(channels, made)))
    into, _, back = (matrix.to(picture.dtype) for matrix in _matrices())
    for top in range(0, height // TILE, most):
        down = min(most, height // TILE - top)
        first, last = TILE * top - 1, TILE * (top + down) + 1
        edges = (0, 0, 1, 1, int(first < 0), int(last > height))
        strip = pad(picture[max(first, 0) : last], edges)
        tiles = strip.unfold(0, _WINDOW, TILE).unfold(1, _WINDOW, TILE).permute(3, 4, 0, 1, 2)
        spread = into @ tiles.reshape(windows, -1)
        mixed = torch.bmm(spread.view(windows, -1, channels), filters)
        parts = (back @ mixed.view(windows, -1)).view(TILE, TILE, down, across, made)
        rows = out[TILE * top : TILE * (top + down)].view(down, TILE, across, TILE, made)
        rows.copy_(parts.permute(2, 0, 3, 1, 4))


def _transformed(weight: Tensor) -> Tensor:
    """Return filters (D, C, 3, 3) as (36, C, D)."""
    matrix = _matrices()[1].to(weight.dtype)
    taps = weight.permute(0, 2, 3, 1).reshape(len(weight), 9, -1)
    return (matrix @ taps).permute(1, 2, 0)


@cache
def _matrices() -> tuple[Tensor, Tensor, Tensor]:
    """Return what brings windows (36, 36), filters (36, 9) and products (16, 36) into their forms."""
    points = np.array(_POINTS)
    others = [np.delete(points, one) for one in range(len(points))]
    answers = np.vander(points, TILE, increasing=True).T
    answers = np.column_stack([answers, np.eye(TILE)[-1]])
    scale = np.array([np.prod(point - rest) for point, rest in zip(points, others, strict=True)])
    filters = np.vstack([np.vander(points, 3, increasing=True) / scale[:, None], np.eye(3)[-1]])
    windows = np.zeros((_WINDOW, _WINDOW))
    for row, rest in enumerate(others):
        windows[row, :-1] = np.poly(rest)[::-1]
    windows[-1] = np.poly(points)[::-1]
    into, form, back = (torch.from_numpy(np.kron(one, one)) for one in (windows, filters, answers))
    return into, form, back
