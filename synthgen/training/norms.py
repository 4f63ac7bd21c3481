"""Group norms computed channels first, whose backward pass CPUs take many times faster.

Convolutions train faster on pictures laid out channels last; torch's backward pass of a group norm of these
is slow, in bfloat16 above all, so that two copies are the shorter way. Without one they are for nothing.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import group_norm
from torch.overrides import TorchFunctionMode


class PlanarNorms(TorchFunctionMode):
    """While it is entered, group norms of pictures channels last that learn go through `planar_norm`."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call `func`, or stand in for it."""
        options = dict(kwargs or {})
        if func is group_norm and torch.is_grad_enabled() and args and is_interleaved(args[0]):
            return planar_norm(*args, **options)
        return func(*args, **options)


def is_interleaved(values: Tensor) -> bool:
    """Tell whether these are pictures laid out channels last, and no other way."""
    return (
        values.ndim == 4
        and not values.is_contiguous()
        and values.is_contiguous(memory_format=torch.channels_last)
    )


def planar_norm(values: Tensor, *args: Any, **options: Any) -> Tensor:
    """Normalise pictures (B, C, H, W) as torch's `group_norm`, up to rounding; they stay channels last."""
    normed = group_norm(values.contiguous(), *args, **options)
    return normed.contiguous(memory_format=torch.channels_last)
