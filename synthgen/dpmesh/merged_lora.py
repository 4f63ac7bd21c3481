"""Low-rank updates added to the weights of small layers before these compute, not to what comes out of them.

Beside a small layer an update costs more than the layer itself: two more products and a sum over the whole
picture, and five in the backward pass. Added to the weight it costs one product of small matrices. The same
answers and gradients up to rounding; in bfloat16, which would round the sum, and in large layers, whose whole
weight would need a gradient, peft's own way stays.
"""

from typing import Any

import torch
from peft.tuners.lora.layer import Conv2d, Linear
from torch import Tensor, nn
from torch.nn.functional import linear

_NAME = "default"
_MOST = 4  # weights of a layer over those of its update; above, the gradient of the whole weight costs more


class MergedLinear(Linear):
    """A linear layer of peft with its update."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Map (..., C) to (..., D)."""
        if not _pays(self, x):
            return super().forward(x, *args, **kwargs)
        base: Any = self.base_layer
        return linear(x, _merged(self), base.bias)


class MergedConv2d(Conv2d):
    """A convolution of peft with its update."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Convolve (B, C, H, W)."""
        if not _pays(self, x):
            answer: Tensor = super().forward(x, *args, **kwargs)
            return answer
        base: Any = self.base_layer
        convolved: Tensor = base._conv_forward(x, _merged(self), base.bias)
        return convolved


def merge_small(layer: nn.Module) -> None:
    """Let a layer that peft gave an update compute as here; its weights and keys stay as they are."""
    for kind, merged in ((Linear, MergedLinear), (Conv2d, MergedConv2d)):
        if type(layer) is kind:
            layer.__class__ = merged


def _pays(layer: Any, x: Tensor) -> bool:
    weights = layer.base_layer.weight, layer.lora_A[_NAME].weight, layer.lora_B[_NAME].weight
    is_exact = all(one.dtype == torch.float32 for one in (x, *weights))
    kind = x.device.type  # "meta", of shapes alone, knows no autocast
    is_exact = is_exact and not (torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind))
    return is_exact and weights[0].numel() <= _MOST * (weights[1].numel() + weights[2].numel())


def _merged(layer: Any) -> Tensor:
    weight: Tensor = layer.base_layer.weight
    change = layer.lora_B[_NAME].weight.flatten(1) @ layer.lora_A[_NAME].weight.flatten(1)
    return weight + layer.scaling[_NAME] * change.view(weight.shape)
