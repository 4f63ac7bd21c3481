"""Residual blocks of a VAE that only ever looks: the same numbers, with no new map for each activation."""

from typing import Any

import torch
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn
from torch.nn.functional import silu


class FrozenBlock(ResnetBlock2D):
    """A block of diffusers that works in place while no gradient is wanted, and is itself otherwise."""

    def forward(self, input_tensor: Tensor, temb: Any = None, *args: Any, **kwargs: Any) -> Tensor:
        """Return (B, D, h, w) of an input (B, C, h, w)."""
        if torch.is_grad_enabled() or self.training:
            answer: Tensor = super().forward(input_tensor, temb, *args, **kwargs)
            return answer
        hidden = input_tensor
        for norm, convolution in ((self.norm1, self.conv1), (self.norm2, self.conv2)):
            hidden = convolution(silu(norm(hidden), inplace=True))
        skipped = input_tensor if self.conv_shortcut is None else self.conv_shortcut(input_tensor)
        return hidden.add_(skipped) if hidden.dtype == skipped.dtype else hidden + skipped


def use_frozen_blocks(encoder: nn.Module) -> None:
    """Let an encoder's plain residual blocks work in place; weights and keys stay as they are."""
    for module in encoder.modules():
        if type(module) is ResnetBlock2D and _is_plain(module):
            module.__class__ = FrozenBlock


def _is_plain(block: Any) -> bool:
    """Tell whether a block resizes nothing, scales nothing and takes no time step."""
    is_plain = block.upsample is None and block.downsample is None and block.time_emb_proj is None
    return is_plain and block.output_scale_factor == 1 and isinstance(block.nonlinearity, nn.SiLU)
