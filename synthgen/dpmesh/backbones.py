"""Backbones by name: the paper's and the ones it is compared with (Tables 4 and 7), behind one interface."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from synthgen.dpmesh.conditions import heatmaps, scaled_joints, skeleton
from synthgen.dpmesh.config import NUM_JOINTS, UNTRAINED, DPMeshConfig

_STICK_CHANNELS = 3


class FeatureBackbone(Protocol):
    """A module that makes features (B, feature_channels, side, side) of crops and keypoints."""

    side: int

    def __call__(self, images: Tensor, keypoints_2d: Tensor, confidence: Tensor) -> Tensor:
        """See `DiffusionBackbone.forward`."""
        ...

    def parameters(self) -> Any:
        """Return what a module returns."""
        ...


class _Conditioned(nn.Module):
    """Mixes keypoint maps into early features, as the paper does for its comparisons (section 6)."""

    def __init__(self, config: DPMeshConfig, channels: int) -> None:
        super().__init__()
        self.config = config
        added = {"none": 0, "skeleton": _STICK_CHANNELS}.get(config.control, NUM_JOINTS)
        if config.control == "heatmap_added":
            self.mix: nn.Module = nn.Conv2d(added, channels, 3, padding=1)
        else:
            self.mix = nn.Conv2d(channels + added, channels, 3, padding=1)

    def forward(self, early: Tensor, keypoints_2d: Tensor, confidence: Tensor) -> Tensor:
        config, side = self.config, early.shape[-1]
        points, seen = scaled_joints(keypoints_2d, confidence, config.crop_size, side)
        if config.control == "none":
            return self.mix(early)
        if config.control == "skeleton":
            drawn = skeleton(points, seen, side)
        else:
            drawn = heatmaps(points, seen, side, config.sigma)
        drawn = drawn.to(early.dtype)
        if config.control == "heatmap_added":
            return early + self.mix(drawn)
        return self.mix(torch.cat([early, drawn], 1))


class ResNetBackbone(nn.Module):
    """ResNet of transformers; keypoint maps join the 64-channel features at a quarter of the crop."""

    def __init__(self, config: DPMeshConfig) -> None:
        super().__init__()
        import transformers

        net = _load(config, transformers.ResNetModel, transformers.ResNetConfig())
        self.embedder, self.encoder = net.embedder, net.encoder
        self.condition = _Conditioned(config, net.config.embedding_size)
        widest = net.config.hidden_sizes[-1]
        self.out = nn.Conv2d(widest, config.feature_channels, 1)
        self.side = config.crop_size // 32

    def forward(self, images: Tensor, keypoints_2d: Tensor, confidence: Tensor) -> Tensor:
        """Extract features; see `DiffusionBackbone.forward`."""
        early = self.condition(self.embedder(images), keypoints_2d, confidence)
        return self.out(self.encoder(early).last_hidden_state)


class ViTBackbone(nn.Module):
    """Vision transformer of transformers; keypoint maps join its patches."""

    def __init__(self, config: DPMeshConfig) -> None:
        super().__init__()
        import transformers

        large = transformers.ViTConfig(
            hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096,
            image_size=config.crop_size, patch_size=16,
        )  # fmt: skip
        net = _load(config, transformers.ViTModel, large)
        self.grid = config.crop_size // net.config.patch_size
        if config.crop_size % (2 * net.config.patch_size):
            raise ValueError(
                f"crop_size must be a multiple of twice the ViT's patch_size {net.config.patch_size}, got "
                f"{config.crop_size}"
            )
        self.side = self.grid // 2
        self.net = net
        if getattr(net, "pooler", None) is not None:
            net.pooler = None
        self.condition = _Conditioned(config, net.config.hidden_size)
        self.out = nn.Conv2d(net.config.hidden_size, config.feature_channels, 3, 2, 1)

    def forward(self, images: Tensor, keypoints_2d: Tensor, confidence: Tensor) -> Tensor:
        """Extract features; see `DiffusionBackbone.forward`."""
        tokens = self.net.embeddings(images, interpolate_pos_encoding=True)
        patches = tokens[:, 1:].transpose(1, 2).unflatten(2, (self.grid, self.grid))
        patches = self.condition(patches, keypoints_2d, confidence).flatten(2).transpose(1, 2)
        tokens = torch.cat([tokens[:, :1], patches], 1)
        for layer in self.net.layers if hasattr(self.net, "layers") else self.net.encoder.layer:
            found = layer(tokens)
            tokens = found[0] if isinstance(found, tuple) else found
        patches = self.net.layernorm(tokens)[:, 1:].transpose(1, 2).unflatten(2, (self.grid, self.grid))
        return self.out(patches)


def _load(config: DPMeshConfig, model: Any, sizes: Any) -> Any:
    """Return a model of transformers: fresh with `sizes`, or from the config's folder."""
    if config.folder == UNTRAINED:
        return model(sizes)
    if not (Path(config.folder) / "config.json").is_file():
        raise FileNotFoundError(
            f"{config.folder} has no config.json; give a folder of transformers' {model.__name__}"
        )
    try:
        return model.from_pretrained(config.folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"{config.folder} cannot be opened as {model.__name__}: {error}") from error


def _diffusion(config: DPMeshConfig) -> nn.Module:
    from synthgen.dpmesh.backbone import DiffusionBackbone

    return DiffusionBackbone(config)


_BACKBONES: dict[str, Callable[[DPMeshConfig], nn.Module]] = {
    "diffusion": _diffusion, "resnet50": ResNetBackbone, "vit_l": ViTBackbone,
}  # fmt: skip


def build_backbone(config: DPMeshConfig) -> FeatureBackbone:
    """Build the backbone that a config names."""
    return cast(FeatureBackbone, _BACKBONES[config.backbone](config))
