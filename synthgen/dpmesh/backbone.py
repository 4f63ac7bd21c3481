"""The paper's backbone: a frozen diffusion model looks at the crop once, led by keypoints (section 3.2)."""

from collections.abc import Sequence
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate

from synthgen.dpmesh.conditions import scaled_joints
from synthgen.dpmesh.config import NUM_JOINTS, UNTRAINED, DPMeshConfig
from synthgen.dpmesh.control import Control
from synthgen.dpmesh.lora import ATTENTION, add_lora, fold_lora
from synthgen.dpmesh.packing import pack
from synthgen.dpmesh.products import fold_time
from synthgen.dpmesh.prompt_attention import coordinates, fold_prompt
from synthgen.dpmesh.unet import AttentionMaps, decode, encode, load_unet, time_embedding
from synthgen.training.allocator import trim

_SHRINK = 4  # the merged features are this much smaller than the latents
_GROUPS = 16


class DiffusionBackbone(nn.Module):
    """VAE encoder, U-Net with ControlNet in a single step, and convolutions that merge what is tapped."""

    def __init__(self, config: DPMeshConfig) -> None:
        """Build; VAE and U-Net come from the config's folder, the rest has fresh weights."""
        super().__init__()
        self.config = config
        vae, unet = load_unet(config)
        levels = len(unet.config.block_out_channels)
        if levels < 3:
            raise ValueError(f"{config.folder}: its U-Net has {levels} levels, expected at least 3")
        self.latent_side = config.crop_size // 2 ** (len(vae.config.block_out_channels) - 1)
        self.side = self.latent_side // _SHRINK
        if self.latent_side % 2 ** (levels - 1):
            raise ValueError(
                f"crop_size {config.crop_size} gives latents of {self.latent_side} px, expected a multiple "
                f"of {2 ** (levels - 1)}, which the U-Net of {config.folder} halves {levels - 1} times"
            )
        self.vae = vae.requires_grad_(False)
        self.control = Control(unet, config) if config.control != "none" else None
        unet.requires_grad_(False)
        add_lora(unet, config.lora_rank, ATTENTION)
        self.unet = unet
        if config.train_resnets:
            for block in (*unet.down_blocks, unet.mid_block, *unet.up_blocks):
                block.resnets.requires_grad_(True)
        self.maps = AttentionMaps(unet)
        width = int(unet.config.cross_attention_dim)
        if config.prompt:
            self.kp_lifting: nn.Linear | None = nn.Linear(2, width)
        else:
            self.tokens = nn.Parameter(0.02 * torch.randn(NUM_JOINTS, width))
        self.outmodules = Merge(self._tapped_channels(), config.feature_channels)

    def frozen_keys(self) -> set[str]:
        """Return the keys of the state dict that need no saving: in the frozen model's folder, or shared."""
        keys, learnt = list(self.state_dict()), {n for n, v in self.named_parameters() if v.requires_grad}
        frozen = {key for key in keys if key.startswith("control.") and self.config.control_rank}
        if self.config.folder != UNTRAINED:
            frozen |= {key for key in keys if key.startswith(("vae.", "unet."))}
        return frozen - learnt

    def _tapped_channels(self) -> list[int]:
        """Return the channels of each level, finest first: U-Net features and attention maps."""
        return [
            width + NUM_JOINTS * (level in self.maps.levels())
            for level, width in enumerate(self.unet.config.block_out_channels)
        ]

    def train(self, mode: bool = True) -> Self:
        """Leave the frozen VAE in evaluation mode."""
        super().train(mode)
        self.vae.eval()
        return self

    def forward(
        self, images: Tensor, keypoints_2d: Tensor, confidence: Tensor, latents: Tensor | None = None
    ) -> Tensor:
        """Extract features.

        Args:
            images: (B, 3, S, S) RGB in [0, 1], which is what the released model feeds its VAE.
            keypoints_2d: (B, 30, 2) [px of the crop].
            confidence: (B, 30), 0 where a joint was not observed.
            latents: of these images, where they are known already.

        Returns:
            (B, feature_channels, s, s), s a quarter of the latents' side.
        """
        return self.outmodules(self.tapped(images, keypoints_2d, confidence, latents))

    def tapped(
        self, images: Tensor, keypoints_2d: Tensor, confidence: Tensor, latents: Tensor | None = None
    ) -> list[Tensor]:
        """Return U-Net features with their attention maps behind them, finest first; see `forward`."""
        points, seen = scaled_joints(keypoints_2d, confidence, self.config.crop_size, self.latent_side)
        latents = self.latents(images) if latents is None else latents
        latents = latents.contiguous()  # from here on the U-Net's weights choose the layout
        context = self.context(points, confidence, latents.dtype)
        embedding = time_embedding(self.unet, latents)
        hidden = self.unet.conv_in(latents)
        if self.config.train_resnets and torch.is_grad_enabled():
            # torch 2.13 on CPUs crashes in the backward pass of a GroupNorm whose weights learn and whose
            # input, laid out channels last, does not.
            hidden = hidden.requires_grad_()
        hidden, skips = encode(self.unet, hidden, embedding, context)
        if self.control is not None:
            middle, added = self.control(latents, points, seen, context)
            hidden, skips = hidden + middle, [a + b for a, b in zip(skips, added, strict=True)]
        features = decode(self.unet, hidden, skips, embedding, context)[::-1]
        for level in self.maps.levels():
            features[level] = torch.cat([features[level], self.maps.take(level).to(features[level].dtype)], 1)
        return features

    def compact(self, dtype: torch.dtype) -> None:
        """Fold low-rank updates, time step and prompt into the weights, and pack these; for inference alone.

        Args:
            dtype: of all weights, and of what is computed, from then on.
        """
        attention = []
        for part in (self.unet, self.control):
            if part is not None:
                fold_lora(part)
                embedding = time_embedding(part, next(part.parameters()))
                if embedding is not None:
                    fold_time(part, embedding)
                if self.config.prompt and self.kp_lifting is not None:
                    attention += fold_prompt(part, self.kp_lifting)
        if attention:
            self.kp_lifting = None
        self.requires_grad_(False).to(dtype)
        for block, folded in attention:
            block.attn2 = folded
        for part in (self.vae.encoder, self.unet, self.control, self.outmodules):
            if part is not None:
                pack(part)
        trim()

    @torch.no_grad()
    def latents(self, images: Tensor) -> Tensor:
        """Return the mode of the VAE's latents, not scaled: (B, C, s, s)."""
        vae: Any = self.vae
        code, half = vae.encoder(images.to(vae.encoder.conv_in.weight.dtype)), vae.config.latent_channels
        if vae.quant_conv is None:
            return code[:, :half]
        return conv2d(code, vae.quant_conv.weight[:half], vae.quant_conv.bias[:half])

    def context(self, points: Tensor, confidence: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the tokens (B, 30, D) that the cross-attention looks at (paper, equation 6).

        Once the prompt is folded into the attention, they are the coordinates (B, 30, 3) in float32.
        """
        if not self.config.prompt:
            return cast(Tensor, self.tokens).expand(len(points), -1, -1).to(dtype)
        if not self.config.prompt_unobserved:
            points = torch.where((confidence > 0)[..., None], points, 0)
        points = points / self.latent_side
        if self.kp_lifting is None:
            return coordinates(points)
        return self.kp_lifting(points.to(self.kp_lifting.weight.dtype)).to(dtype)


class Merge(nn.ModuleList):
    """Brings the tapped levels to one size and mixes them.

    Entries: two strided convolutions of the finest level, one of the second, and the 1x1 convolution that
    mixes. Coarser levels are enlarged by repetition.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        first, second = channels[:2]
        super().__init__(
            [
                nn.Sequential(
                    nn.Conv2d(first, first, 3, 2, 1),
                    nn.GroupNorm(_GROUPS, first),
                    nn.ReLU(),
                    nn.Conv2d(first, first, 3, 2, 1),
                ),
                nn.Sequential(nn.Conv2d(second, second, 3, 2, 1)),
                nn.Sequential(nn.Conv2d(sum(channels), width, 1), nn.GroupNorm(_GROUPS, width), nn.ReLU()),
            ]
        )
        self.apply(_draw)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Merge features, finest first, to the size of the third."""
        size = features[2].shape[-2:]
        coarse = [interpolate(value, size=size, mode="nearest") for value in features[3:]]
        return self[2](torch.cat([self[0](features[0]), self[1](features[1]), features[2], *coarse], 1))


def _draw(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
