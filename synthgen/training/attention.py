"""Attention spelled out, which CPUs train through faster than through torch's own kernels.

The fused kernel's backward pass is slow on CPUs, and its plain stand-in looks for rows in which everything is
masked, which costs as much as the products themselves. Only in float32, and where the weights of all pairs
are too many for a cache, is the fused kernel, which never writes them down, the faster one.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

_MORE = ("attn_mask", "dropout_p", "is_causal")  # arguments behind query, key and value
_MANY_KEYS, _MANY_PAIRS = 256, 4 << 20  # from both on the fused kernel is faster


class SpelledOut(TorchFunctionMode):
    """While it is entered, attention is two products and a softmax where that is faster; all else stays."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call `func`, or stand in for it; attention with dropout or grouped heads is left to torch."""
        options = dict(kwargs or {})
        if func is scaled_dot_product_attention:
            options |= dict(zip(_MORE, args[3:], strict=False))
            args = args[:3]
        is_plain = not options.get("dropout_p") and not options.get("enable_gqa")
        if func is scaled_dot_product_attention and len(args) == 3 and is_plain and not _is_large(*args[:2]):
            names = ("attn_mask", "is_causal", "scale")
            return attend(*args, **{name: options[name] for name in names if options.get(name) is not None})
        return func(*args, **options)


def _is_large(query: Tensor, key: Tensor) -> bool:
    pairs = query.shape[:-1].numel() * key.shape[-2]
    return query.dtype == torch.float32 and key.shape[-2] >= _MANY_KEYS and pairs >= _MANY_PAIRS


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """Mix values (..., N, D) by the softmax of products of queries (..., M, C) and keys (..., N, C).

    Args:
        query: what asks.
        key: what is asked.
        value: what is mixed.
        attn_mask: (..., M, N) of booleans, False where nothing is to be seen, or numbers to add. No row may
            be wholly masked.
        is_causal: each query sees the keys up to its own place.
        scale: of the products; None for 1 / sqrt(C).

    Returns:
        (..., M, D), the same as torch's `scaled_dot_product_attention` without dropout.
    """
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    products = (query * factor) @ key.transpose(-1, -2)
    if is_causal:
        attn_mask = torch.ones(products.shape[-2:], dtype=torch.bool, device=products.device).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        products = products.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        products = products + attn_mask
    return torch.softmax(products, -1).to(value.dtype) @ value
