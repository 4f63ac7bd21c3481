"""What a DPMesh is made of; the defaults are the released model."""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from synthgen.backends.vposer import VPoserConfig
from synthgen.dpmesh.codebook import CodebookConfig, embedded_codebook_config

Backbone = Literal["diffusion", "resnet50", "vit_l"]
Control = Literal["none", "heatmap", "heatmap_added", "skeleton"]
Regressor = Literal["cascade", "recurrent"]
PoseHead = Literal["vposer", "rot6d", "codebook"]

UNTRAINED = "untrained"  # in place of a folder: the published sizes with fresh weights
NUM_JOINTS = 30  # joints.DPMESH30, the tokens of the prompt and the channels of the heatmaps
NUM_LIFTED = 15  # joints that the cascade follows in 3D


@dataclass(frozen=True)
class DPMeshConfig:
    """Sizes and switches of a DPMesh.

    Attributes:
        backbone: diffusion (the paper's), or resnet50 or vit_l, which see the heatmaps beside early features.
        folder: what the backbone starts from: a Stable Diffusion 1 pipeline folder of diffusers or
            embedded/<name>, of which VAE and U-Net are used; a folder of transformers for the other
            backbones; or untrained, with the sizes of Stable Diffusion 1, ResNet-50 or ViT-L.
        unet_width: channels of an untrained U-Net's first level.
        vae_width: channels of an untrained VAE's first level.
        crop_size: side of the crops [px].
        control: what the ControlNet reads beside the latents: none (there is no ControlNet), heatmap
            (concatenated, the paper's), heatmap_added (to the first layer's output), or skeleton (a drawn
            stick figure, concatenated).
        control_rank: 0 for a ControlNet that is a copy of the U-Net's encoder, as published; else it is that
            encoder itself with low-rank updates, which keeps small models small.
        prompt: whether keypoint coordinates are the text of the cross-attention; else learnt tokens are.
        prompt_unobserved: whether coordinates of joints with confidence 0 reach the prompt as they are, which
            the released model was trained with; else they are 0.
        sigma: width of the heatmaps' Gaussians [px of the latents].
        lora_rank: of the U-Net's attention and gated layers; 0 leaves them frozen.
        train_resnets: whether the U-Net's residual blocks learn too (Table 8).
        feature_channels: of the merged features.
        regressor: cascade (transformer with 3D lifting) or recurrent (linear layers, as in HMR).
        width: channels of the regressor's tokens; hidden channels of the recurrent one.
        num_heads: of its attention.
        encoder_layers: of its two encoders.
        decoder_layers: of its decoder; iterations of the recurrent regressor.
        lifting_width: hidden channels in the encoder of the lifted features.
        mlp_width: hidden channels in the other layers.
        dropout: chance in the regressor while training.
        lifter_width: hidden channels of the network that lifts observed keypoints to a first estimate, which
            the regressor corrects; 0 for none, as published. Small backbones see too little without it.
        pose_head: what turns the regressed code into rotations: vposer (the released model's), codebook (the
            paper's) or rot6d (none).
        vposer: sizes of the VPoser; those of `pose_prior` win.
        codebook: sizes of the codebook; those of `pose_prior` win.
        pose_prior: folder or file with the trained VPoser or codebook; empty for fresh weights.
        frozen_sample: a few weights of the frozen diffusion model, by which it is known again; written by
            `save_folder`, empty where nothing is frozen or known.
    """

    backbone: Backbone = "diffusion"
    folder: str = UNTRAINED
    unet_width: int = 320
    vae_width: int = 128
    crop_size: int = 256
    control: Control = "heatmap"
    control_rank: int = 0
    prompt: bool = True
    prompt_unobserved: bool = False
    sigma: float = 2.5
    lora_rank: int = 64
    train_resnets: bool = False
    feature_channels: int = 2048
    regressor: Regressor = "cascade"
    width: int = 256
    num_heads: int = 8
    encoder_layers: int = 2
    decoder_layers: int = 4
    lifting_width: int = 1024
    mlp_width: int = 2048
    dropout: float = 0.1
    lifter_width: int = 0
    pose_head: PoseHead = "vposer"
    vposer: VPoserConfig = field(default_factory=lambda: VPoserConfig("v1"))
    codebook: CodebookConfig = field(default_factory=CodebookConfig)
    pose_prior: str = ""
    frozen_sample: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if found := self.problems():
            raise ValueError("; ".join(found))

    def problems(self) -> list[str]:
        """Return everything that is wrong with the fields, one line each."""
        kinds = {"backbone": Backbone, "control": Control, "regressor": Regressor, "pose_head": PoseHead}
        found = [
            f"{name} must be one of {', '.join(get_args(kind))}, got {getattr(self, name)!r}"
            for name, kind in kinds.items()
            if getattr(self, name) not in get_args(kind)
        ]
        for name, low in _LOWEST.items():
            if getattr(self, name) < low:
                found.append(f"{name} must be at least {low}, got {getattr(self, name)}")
        found += [
            f"{name} must be a multiple of {factor}, got {getattr(self, name)}"
            for name, factor in {
                "crop_size": 32,
                "unet_width": 32,
                "vae_width": 32,
                "feature_channels": 16,
            }.items()
            if getattr(self, name) % factor
        ]
        if self.num_heads >= 1 and self.width % (2 * self.num_heads):
            found.append(
                f"width must be a multiple of 2 * num_heads = {2 * self.num_heads}, got {self.width}"
            )
        if self.width % 4:
            found.append(f"width must be a multiple of 4, got {self.width}")
        if not 0 <= self.dropout < 1:
            found.append(f"dropout must be in [0, 1), got {self.dropout}")
        if not 0 < self.sigma < 100:
            found.append(f"sigma must be in (0, 100) [px of the latents], got {self.sigma}")
        if not self.folder:
            found.append(f"folder must be a folder, embedded/<name> or {UNTRAINED!r}, got ''")
        return found


_FACTORS = {"crop_size": 32, "unet_width": 32, "vae_width": 32, "feature_channels": 16}
_LOWEST = {
    "unet_width": 32, "vae_width": 32, "crop_size": 64, "lora_rank": 0, "control_rank": 0,
    "feature_channels": 16, "width": 8, "num_heads": 1, "encoder_layers": 1, "decoder_layers": 1,
    "lifting_width": 1, "mlp_width": 1, "lifter_width": 0,
}  # fmt: skip


def embedded_config() -> DPMeshConfig:
    """Return the small model beside the packaged draft model: 128 px crops, 2.3 M weights of its own."""
    return replace(
        DPMeshConfig(),
        folder="embedded/draft",
        crop_size=128,
        control_rank=32,
        lora_rank=8,
        feature_channels=192,
        width=96,
        num_heads=4,
        encoder_layers=1,
        decoder_layers=3,
        lifting_width=192,
        mlp_width=256,
        dropout=0.0,
        lifter_width=208,
        pose_head="rot6d",
        codebook=embedded_codebook_config(),
    )
