"""The ControlNet beside the U-Net (Zhang et al., ICCV 2023); its first layer reads latents and keypoints.

A trainable copy of the U-Net's encoder and middle (or, for small files, low-rank updates of them); 1x1
convolutions that begin at zero add what it says to the U-Net's skip connections. There is no block for a
hint: the keypoints have the size of the latents.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from synthgen.dpmesh.conditions import heatmaps, skeleton
from synthgen.dpmesh.config import NUM_JOINTS, DPMeshConfig
from synthgen.dpmesh.lora import ENCODER, add_lora
from synthgen.dpmesh.unet import encode, time_embedding

_STICK_CHANNELS = 3
_COPIED = ("time_proj", "time_embedding", "down_blocks", "mid_block")


class Control(nn.Module):
    """Copies the encoder of a U-Net and reads keypoints beside the latents."""

    def __init__(self, unet: Any, config: DPMeshConfig) -> None:
        """Copy `unet`, which has no LoRA yet and whose attention keeps nothing yet."""
        super().__init__()
        self.config = config
        first = unet.conv_in
        added = 0 if config.control == "heatmap_added" else NUM_JOINTS
        self.conv_in = nn.Conv2d(first.in_channels + added, first.out_channels, 3, padding=1)
        self._start_as(first)
        encoder = nn.ModuleDict({name: getattr(unet, name) for name in _COPIED})
        # With a rank the copy has layers of its own, but their weights are the U-Net's.
        shared = {id(value): value for value in encoder.parameters()} if config.control_rank else {}
        copied = copy.deepcopy(encoder, shared).requires_grad_(not config.control_rank)
        add_lora(copied, config.control_rank, ENCODER)
        for name, module in copied.items():
            setattr(self, name, module)
        if config.control == "heatmap_added":
            self.hint: nn.Module = zero(nn.Conv2d(NUM_JOINTS, first.out_channels, 3, padding=1))
        if config.control == "skeleton":
            self.hint = nn.Sequential(
                nn.Conv2d(_STICK_CHANNELS, NUM_JOINTS, 3, padding=1),
                nn.SiLU(),
                nn.Conv2d(NUM_JOINTS, NUM_JOINTS, 3, padding=1),
            )
        widths = _skip_channels(unet)
        self.controlnet_down_blocks = nn.ModuleList(zero(nn.Conv2d(width, width, 1)) for width in widths)
        self.controlnet_mid_block = zero(nn.Conv2d(widths[-1], widths[-1], 1))

    @torch.no_grad()
    def _start_as(self, first: nn.Conv2d) -> None:
        self.conv_in.weight[:, : first.in_channels] = first.weight
        if first.bias is not None and self.conv_in.bias is not None:
            self.conv_in.bias.copy_(first.bias)

    def forward(
        self, latents: Tensor, points: Tensor, seen: Tensor, context: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Return what to add after the middle and to each skip connection.

        Args:
            latents: (B, C, s, s).
            points: (B, 30, 2) joints [px of the latents].
            seen: (B, 30) mask.
            context: (B, T, D) tokens of the cross-attention.
        """
        side = latents.shape[-1]
        if self.config.control == "skeleton":
            drawn = self.hint(skeleton(points, seen, side).to(latents.dtype))
        else:
            drawn = heatmaps(points, seen, side, self.config.sigma).to(latents.dtype)
        if self.config.control == "heatmap_added":
            hidden = self.conv_in(latents) + self.hint(drawn)
        else:
            hidden = self.conv_in(torch.cat([latents, drawn], 1))
        middle, skips = encode(self, hidden, time_embedding(self, latents), context)
        added = [layer(skip) for layer, skip in zip(self.controlnet_down_blocks, skips, strict=True)]
        return self.controlnet_mid_block(middle), added


def zero(layer: nn.Conv2d) -> nn.Conv2d:
    """Set a convolution to zero, so that training begins at the U-Net as it is."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _skip_channels(unet: Any) -> list[int]:
    widths = [unet.conv_in.out_channels]
    for block in unet.down_blocks:
        widths += [resnet.out_channels for resnet in block.resnets]
        widths += [resample.conv.out_channels for resample in block.downsamplers or ()]
    return widths
