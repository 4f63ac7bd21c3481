"""Where patches lie: the position table of a vision transformer, as it starts out and at another size.

It starts out as sines and cosines of x and y. Random tables say nothing about which patches are neighbours,
and learning that takes long.
"""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

_LONGEST = 10000.0  # of the wavelengths, over 2 pi [patches]
_SIZE = 0.5  # of the sines; patches start out with values of this order


def position_table(rows: int, columns: int, width: int) -> Tensor:
    """Return (1, rows * columns + 1, width): zeros, then the patches row by row.

    A quarter of the channels each holds sines and cosines of x, then of y (as in He et al., "Masked
    autoencoders", CVPR 2022, appendix A.1). The first row is that of a class token, which these transformers
    add to all patches.

    Raises:
        ValueError: the width is no multiple of 4.
    """
    if width % 4:
        raise ValueError(f"width must be a multiple of 4, got {width}")
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    rates = _LONGEST ** -(torch.arange(width // 4) / (width // 4))
    angles = [part.reshape(-1, 1) * rates for part in (x, y)]
    table = torch.cat([wave(angle) for angle in angles for wave in (torch.sin, torch.cos)], 1)
    return torch.cat([torch.zeros(1, width), _SIZE * table])[None]


def resized_table(table: Tensor, grid: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Return a learned table for another number of patches: what lies between two places is interpolated.

    Args:
        table: (1, rows * columns + 1, width), see `position_table`.
        grid: (rows, columns) of it.
        size: (rows, columns) wanted.

    Returns:
        (1, rows * columns + 1, width) of the new numbers.
    """
    if grid == size:
        return table
    patches = table[:, 1:].reshape(1, *grid, -1).permute(0, 3, 1, 2)
    moved = interpolate(patches, size=size, mode="bicubic", align_corners=False)
    return torch.cat([table[:, :1], moved.flatten(2).transpose(1, 2)], 1)
