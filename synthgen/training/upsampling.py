"""Bilinear enlargement as one matrix product, which CPUs train through faster than torch's kernel."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torch.overrides import TorchFunctionMode

_MOST_WEIGHTS = 1 << 19  # of the matrix; beyond, a kernel that looks at four neighbours wins


class MatrixUpsampling(TorchFunctionMode):
    """While it is entered, small maps are enlarged by `enlarge`; all other interpolation is left to torch."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call `func`, or stand in for it."""
        options = dict(kwargs or {})
        if func is interpolate and len(args) == 1:
            values: Tensor = args[0]
            size = _wanted(values, options)
            if size is not None:
                return enlarge(values, size, bool(options.get("align_corners")))
        return func(*args, **options)


def enlarge(values: Tensor, size: tuple[int, int], align_corners: bool = False) -> Tensor:
    """Enlarge maps (B, C, h, w) to `size` (H, W), bilinear, as torch's `interpolate` up to rounding.

    Args:
        values: floating-point maps; under autocast the product runs in its dtype.
        size: (H, W), at least (h, w).
        align_corners: the middles of corner pixels stay in the corners, as for torch.
    """
    batch, channels, height, width = values.shape
    matrix = _matrix(height, width, *size, align_corners).to(values)
    return (values.reshape(batch * channels, height * width) @ matrix).view(batch, channels, *size)


def _wanted(values: Tensor, options: dict[str, Any]) -> tuple[int, int] | None:
    """Return the size (H, W) that a call asks for, if it is one that a matrix does as well."""
    known = {"size", "scale_factor", "mode", "align_corners"}
    asks = {name for name, value in options.items() if value not in (None, False)}
    if options.get("mode") != "bilinear" or not asks <= known or values.ndim != 4:
        return None
    height, width = values.shape[-2:]
    size, factor = options.get("size"), options.get("scale_factor")
    if size is None:
        down, across = factor if isinstance(factor, tuple | list) else (factor, factor)
        if down != int(down) or across != int(across):
            return None
        size = height * int(down), width * int(across)
    rows, columns = (size, size) if isinstance(size, int) else size
    is_larger = rows >= height and columns >= width
    is_small = height * width * rows * columns <= _MOST_WEIGHTS
    return (rows, columns) if is_larger and is_small else None


@lru_cache(maxsize=32)
def _matrix(height: int, width: int, rows: int, columns: int, align_corners: bool) -> Tensor:
    """Return (h * w, H * W): torch's own answer for each map with a single 1."""
    units = torch.eye(height * width).view(height * width, 1, height, width)
    with torch.no_grad(), torch._C.DisableTorchFunction():
        made = interpolate(units, (rows, columns), mode="bilinear", align_corners=align_corners)
    return made.flatten(1)
