"""Frozen weights while a network computes in bfloat16: half the memory, and the same numbers bit for bit.

Autocast rounds the weights of linear layers and convolutions to bfloat16 at every use and keeps what it
rounded for the backward pass, beside the float32 ones. Weights that nothing moves can be rounded once.
"""

import torch
from torch import nn

_ROUNDED = (nn.Linear, nn.Conv2d)  # of these autocast rounds weights and biases; not of norms


def halve(module: nn.Module) -> None:
    """Round frozen weights that autocast to bfloat16 rounds anyway; parts that share them still do."""
    for layer in module.modules():
        if isinstance(layer, _ROUNDED):
            for value in (layer.weight, layer.bias):
                if value is not None and not value.requires_grad and value.dtype == torch.float32:
                    value.data = value.data.to(torch.bfloat16)


def restore(module: nn.Module, source: nn.Module) -> None:
    """Take frozen weights back from a module of the same kind that was not rounded."""
    own = dict(source.named_parameters())
    for name, value in module.named_parameters():
        if value.dtype == torch.bfloat16:
            value.data = own[name].data
