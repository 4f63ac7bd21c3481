"""HMR2.0, the mesh estimator of "Humans in 4D" (Goel et al., ICCV 2023): picture crop to SMPL parameters.

One class for the published weights and for small ones of our own; only config and weights differ. It ends at
parameters: `synthgen.body` makes the mesh, `synthgen.backends.crop_camera` places it before a camera.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from synthgen.backends.hmr2_layout import IGNORED, check_is_hmr2, configs_of
from synthgen.backends.mesh_decoder import DecoderConfig, MeshDecoder
from synthgen.backends.rotations import rot6d_to_rotmat
from synthgen.backends.vit import ViT, ViTConfig
from synthgen.checkpoints import fit, read_checkpoint, read_folder, save_folder, split


@dataclass(frozen=True)
class HMR2Config:
    """Sizes; the defaults are the published HMR2.0.

    Attributes:
        backbone: vision transformer; it sees the middle columns of a square crop as high as its `image_size`.
        decoder: head that reads out the parameters.
    """

    backbone: ViTConfig = field(default_factory=ViTConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)

    def __post_init__(self) -> None:
        height, width = self.backbone.image_size
        if width > height or (height - width) % 2:
            raise ValueError(f"image_size must be upright with an even difference, got {(height, width)}")


@dataclass(frozen=True)
class HMR2Output:
    """SMPL parameters of B crops. Rotations are relative to the parent joint, the root's to the crop camera.

    Attributes:
        global_orient: (B, 3, 3) rotation matrices, OpenCV camera axes.
        body_pose: (B, 23, 3, 3) rotation matrices.
        betas: (B, 10).
        pred_cam: (B, 3) weak camera: scale s, then tx, ty [m] (see `synthgen.backends.crop_camera`).
        tokens: (B, N, width) picture tokens, row by row.
    """

    global_orient: Tensor
    body_pose: Tensor
    betas: Tensor
    pred_cam: Tensor
    tokens: Tensor


class HMR2(nn.Module):
    """Vision transformer and cross-attention decoder (sections 3.1 and 3.2 of the paper)."""

    def __init__(self, config: HMR2Config) -> None:
        """Build with weights drawn for training; `from_checkpoint` and `from_folder` load trained ones."""
        super().__init__()
        self.config = config
        self.backbone = ViT(config.backbone)
        self.smpl_head = MeshDecoder(config.decoder, config.backbone.width)

    def forward(self, image: Tensor) -> HMR2Output:
        """Estimate the body in the middle of each crop.

        Args:
            image: (B, 3, S, S) RGB, S the height in the backbone's `image_size` (256), minus ImageNet's mean
                (0.485, 0.456, 0.406) over its deviation (0.229, 0.224, 0.225) for values in [0, 1]. The crop
                is centred on the person's box, which is widened to 3:4 (w:h), then to a square.

        Returns:
            Parameters of the body, in the camera of the crop.

        Raises:
            ValueError: the crops have another shape.
        """
        height, width = self.config.backbone.image_size
        if image.shape[1:] != (3, height, height):
            raise ValueError(f"image must be (B, 3, {height}, {height}), got {tuple(image.shape)}")
        side = (height - width) // 2
        tokens = self.backbone(image[..., side : side + width])
        estimate = self.smpl_head(tokens)
        rotmat = rot6d_to_rotmat(estimate.pose.unflatten(-1, (-1, 6)), "columns")
        return HMR2Output(rotmat[:, 0], rotmat[:, 1:], estimate.betas, estimate.cam, tokens)

    @classmethod
    def from_checkpoint(cls, path: str | Path, config: HMR2Config | None = None) -> Self:
        """Load a checkpoint of 4D-Humans, as published; float32, on the CPU, in evaluation mode.

        Args:
            path: the Lightning `.ckpt` or a bare state dict.
            config: sizes; read from the file when not given. A small model needs it: its number of attention
                heads cannot be seen in the weights.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not an HMR2 checkpoint, damaged, unsafe to open, or of other sizes; the message says
                which keys, what was expected, and what the file looks like.
        """
        checkpoint = read_checkpoint(Path(path))
        check_is_hmr2(checkpoint)
        config = config or HMR2Config(*configs_of(checkpoint))
        with torch.device("meta"):
            model = cls(config)
        return fit(
            model, split(checkpoint.tensors, IGNORED, checkpoint.path), checkpoint.path, checkpoint.mapped
        )

    @classmethod
    def from_folder(cls, folder: str | Path) -> Self:
        """Load what `save_folder` wrote; float32, on the CPU, in evaluation mode.

        Raises:
            FileNotFoundError: the folder lacks a file.
            ValueError: a model of another class, or a damaged file.
        """
        config, weights = read_folder(Path(folder), cls.__name__, HMR2Config)
        with torch.device("meta"):
            model = cls(config)
        return fit(model, weights, Path(folder))

    def save_folder(self, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
        """Write `config.json` and `model.safetensors`, weights in `dtype`."""
        save_folder(self, self.config, Path(folder), dtype)
