"""Layers whose weights lie as the CPU's matrix kernels (oneDNN) want them; for inference only.

A plain layer brings its weights into that order at every call, which over the few places of a diffusion U-Net
at these crops takes several times longer than the arithmetic. Here it is done once, at the first call, when
the size of the input is known; other sizes stay right, and may be slower.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn


class PackedConv2d(nn.Module):
    """A convolution; `weight` is an opaque tensor after the first call."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight.detach(), _detached(layer.bias)
        sizes = (layer.padding, layer.stride, layer.dilation)
        self._sizes = [list(cast(tuple[int, ...], size)) for size in sizes]

    def forward(self, image: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        image = image.to(self.weight.dtype).contiguous(memory_format=torch.channels_last)
        if not self.weight.is_mkldnn:
            self.weight = _pack_filters(self.weight, self._sizes, list(image.shape))
        convolve: Any = torch.ops.mkldnn._convolution_pointwise
        answer: Tensor = convolve(image, self.weight, self.bias, *self._sizes, 1, "none", [], "")
        return answer


class PackedLinear(nn.Module):
    """A linear layer; `weight` is an opaque tensor after the first call."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight.detach(), _detached(layer.bias)

    def forward(self, rows: Tensor) -> Tensor:
        """Map (..., C) to (..., D)."""
        rows = rows.to(self.weight.dtype)
        if not self.weight.is_mkldnn:
            with torch.inference_mode(False), torch.no_grad():
                count = rows.numel() // rows.shape[-1]
                self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, count)
        answer: Tensor = torch.ops.mkldnn._linear_pointwise(rows, self.weight, self.bias, "none", [], "")
        return answer


def pack(model: nn.Module) -> None:
    """Replace linear layers and, in bfloat16, plain convolutions on the CPU; nothing on other devices.

    Convolutions stay as they are in float32: packed ones are no faster than `ProductConv2d` then, and answer
    with channels last, where torch's GroupNorm loses a digit.
    """
    is_available: Any = torch.backends.mkldnn.is_available
    if not is_available():
        return
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.Linear) and layer.weight.device.type == "cpu":
                setattr(parent, name, PackedLinear(layer))
            elif isinstance(layer, nn.Conv2d) and _is_plain(layer):
                setattr(parent, name, PackedConv2d(layer))


def _is_plain(layer: nn.Conv2d) -> bool:
    is_half = layer.weight.device.type == "cpu" and layer.weight.dtype == torch.bfloat16
    is_zeros = layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return is_half and is_zeros and layer.groups == 1


def _pack_filters(weight: Tensor, sizes: list[list[int]], shape: list[int]) -> Tensor:
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    with torch.inference_mode(False), torch.no_grad():
        return cast(Tensor, reorder(weight.to_mkldnn(), *sizes, 1, shape))


def _detached(bias: Tensor | None) -> Tensor | None:
    return None if bias is None else bias.detach()
