"""A U-Net of Stable Diffusion 1 as a feature extractor: one step at t = 1, tapped instead of finished.

Tapped are the second residual block of each decoder level, before its upsampler, and the last one of all:
blocks 1, 4, 7 and 11 of Stable Diffusion's twelve. Cross-attention of encoder and decoder (not of the middle)
below the latents' full size is kept too, averaged over heads and over layers of the same size.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from synthgen.backends.model_files import find_model
from synthgen.dpmesh.config import UNTRAINED, DPMeshConfig

_TIMESTEP = 1


class KeptAttention:
    """Attention processor of diffusers that keeps its weights, averaged over heads."""

    def __init__(self) -> None:
        self.kept: Tensor | None = None

    def keep(self, weights: Tensor) -> None:
        """Keep weights (B, N, T)."""
        self.kept = weights

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Tensor:
        """Attend from (B, N, C) to (B, T, D) and keep (B, N, T)."""
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            projected.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for projected in (attn.to_q(hidden_states), attn.to_k(context), attn.to_v(context))
        )
        weights = torch.softmax((query * attn.scale) @ key.transpose(-1, -2), -1)
        self.keep(weights.mean(1))
        mixed = (weights.to(value.dtype) @ value).transpose(1, 2).flatten(2)
        return attn.to_out[1](attn.to_out[0](mixed))


def load_unet(config: DPMeshConfig) -> tuple[Any, Any]:
    """Return VAE and U-Net of diffusers, without what a single step does not use.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: it holds no VAE and U-Net that belong together.
    """
    import diffusers

    from synthgen.dpmesh.frozen_blocks import use_frozen_blocks

    vae_class: Any = diffusers.AutoencoderKL
    unet_class: Any = diffusers.UNet2DConditionModel
    if config.folder == UNTRAINED:
        vae, unet = vae_class(**_vae_sizes(config)), unet_class(**_unet_sizes(config))
    else:
        folder = find_model(config.folder, "", _no_fetching)
        vae, unet = (_load(kind, folder, part) for kind, part in ((vae_class, "vae"), (unet_class, "unet")))
        if unet.config.in_channels != vae.config.latent_channels:
            raise ValueError(
                f"{folder}: its U-Net takes {unet.config.in_channels} channels, expected the latents' "
                f"{vae.config.latent_channels}; give the plain model, not one for inpainting or depth"
            )
    del vae.decoder, vae.post_quant_conv, unet.conv_norm_out, unet.conv_out
    use_frozen_blocks(vae.encoder)
    return vae, unet


def _load(kind: Any, folder: Path, part: str) -> Any:
    if not (folder / part / "config.json").is_file():
        raise FileNotFoundError(
            f"{folder} has no {part}/config.json; give a Stable Diffusion 1 folder in the layout of diffusers"
        )
    try:
        return kind.from_pretrained(folder / part, torch_dtype=torch.float32, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"{folder / part} cannot be opened: {error}") from error


def _no_fetching(model_id: str, revision: str | None) -> str:
    raise FileNotFoundError(f"{model_id}: no such folder; backbones are read from folders only")


def _vae_sizes(config: DPMeshConfig) -> dict[str, Any]:
    widths = tuple(config.vae_width * factor for factor in (1, 2, 4, 4))
    return {
        "block_out_channels": widths, "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4, "layers_per_block": 2, "latent_channels": 4,
    }  # fmt: skip


def _unet_sizes(config: DPMeshConfig) -> dict[str, Any]:
    return {
        "block_out_channels": tuple(config.unet_width * factor for factor in (1, 2, 4, 4)),
        "cross_attention_dim": 768, "attention_head_dim": 8, "in_channels": 4, "out_channels": 4,
    }  # fmt: skip


def time_embedding(unet: Any, like: Tensor) -> Tensor | None:
    """Return the embedding (1, C) of t = 1; None where it has been folded into the layers."""
    if unet.time_embedding is None:
        return None
    step = torch.full((1,), _TIMESTEP, device=like.device)
    return unet.time_embedding(unet.time_proj(step).to(like.dtype))


def encode(
    unet: Any, hidden: Tensor, embedding: Tensor | None, context: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """Run encoder and middle of a U-Net or ControlNet after its first layer.

    Returns:
        What the middle says, and the skip connections, first ones first.
    """
    skips = [hidden]
    for block in unet.down_blocks:
        if getattr(block, "has_cross_attention", False):
            hidden, added = block(hidden, embedding, encoder_hidden_states=context)
        else:
            hidden, added = block(hidden, embedding)
        skips += added
    return unet.mid_block(hidden, embedding, encoder_hidden_states=context), skips


def decode(
    unet: Any, hidden: Tensor, skips: Sequence[Tensor], embedding: Tensor | None, context: Tensor
) -> list[Tensor]:
    """Run the decoder and return what is tapped, coarsest first."""
    left, tapped = list(skips), []
    for level, block in enumerate(unet.up_blocks):
        is_last = level + 1 == len(unet.up_blocks)
        attentions = getattr(block, "attentions", [None] * len(block.resnets))
        for number, (resnet, attention) in enumerate(zip(block.resnets, attentions, strict=True)):
            hidden = torch.cat([hidden, left.pop()], 1)
            hidden = _resnet(block, resnet, hidden, embedding)
            if attention is not None:
                hidden = attention(hidden, encoder_hidden_states=context, return_dict=False)[0]
            if number == (len(block.resnets) - 1 if is_last else 1):
                tapped.append(hidden)
        for upsampler in block.upsamplers or ():
            hidden = upsampler(hidden)
    return tapped


def _resnet(block: Any, resnet: Any, hidden: Tensor, embedding: Tensor | None) -> Tensor:
    if torch.is_grad_enabled() and block.gradient_checkpointing:
        return block._gradient_checkpointing_func(resnet, hidden, embedding)
    return resnet(hidden, embedding)


class AttentionMaps:
    """The cross-attention layers whose weights are features, by the level they look at."""

    def __init__(self, unet: Any) -> None:
        self._by_level: dict[int, list[KeptAttention]] = defaultdict(list)
        last = len(unet.down_blocks) - 1
        for level, block in [*enumerate(unet.down_blocks), *enumerate(unet.up_blocks[::-1])]:
            if level == 0 or level > last:
                continue
            for attention in getattr(block, "attentions", ()):
                for layer in attention.transformer_blocks:
                    processor = KeptAttention()
                    layer.attn2.set_processor(processor)
                    self._by_level[level].append(processor)

    def levels(self) -> tuple[int, ...]:
        """Return the levels that have maps; level k is 2 ** k times smaller than the latents."""
        return tuple(sorted(self._by_level))

    def take(self, level: int) -> Tensor:
        """Return the mean map (B, T, h, w) of the last run at a level and forget it."""
        maps = [processor.kept for processor in self._by_level[level]]
        for processor in self._by_level[level]:
            processor.kept = None
        found = torch.stack([map for map in maps if map is not None]).mean(0).transpose(1, 2)
        side = round(found.shape[-1] ** 0.5)
        return torch.unflatten(found, -1, (side, side))


def checkpoint_blocks(model: nn.Module, enabled: bool) -> None:
    """Recompute residual blocks in the backward pass instead of keeping what they computed."""
    from torch.utils.checkpoint import checkpoint

    def again(module: nn.Module, *args: Any) -> Any:
        return checkpoint(module, *args, use_reentrant=False)

    for module in model.modules():
        if hasattr(module, "gradient_checkpointing"):
            block: Any = module
            block.gradient_checkpointing, block._gradient_checkpointing_func = enabled, again
