"""DPMesh: crops and 2D keypoints to SMPL parameters, through one step of a diffusion model."""

from dataclasses import replace
from pathlib import Path
from typing import Self, cast

import torch
from torch import Tensor, nn

from synthgen.backends.rotations import rot6d_to_rotmat
from synthgen.checkpoints import fit, fitting, read_folder, save_weights
from synthgen.dpmesh import frozen_sample
from synthgen.dpmesh.backbone import DiffusionBackbone
from synthgen.dpmesh.backbones import build_backbone
from synthgen.dpmesh.batch import Bodies, Crops
from synthgen.dpmesh.camera import camera_translation
from synthgen.dpmesh.cascade import Cascade
from synthgen.dpmesh.config import NUM_JOINTS, DPMeshConfig
from synthgen.dpmesh.lifter import Lifter
from synthgen.dpmesh.pose_heads import build_pose_head, with_sizes_of
from synthgen.dpmesh.products import use_products
from synthgen.dpmesh.regressor import NUM_BETAS, Recurrent, Regressed

_COPIES = "backbone.control."  # frozen weights here are those of the U-Net


class DPMesh(nn.Module):
    """Backbone, regressor and pose head (paper, section 3)."""

    pelvis: Tensor
    pelvis_dirs: Tensor

    def __init__(self, config: DPMeshConfig) -> None:
        """Build: frozen parts from the config's folder, the others with fresh weights."""
        super().__init__()
        backbone, head = build_backbone(config), build_pose_head(config)
        self.config = with_sizes_of(head, config)
        self.backbone, self.pose_head = cast(nn.Module, backbone), cast(nn.Module, head)
        if config.regressor == "cascade":
            self.regressor: nn.Module = Cascade(config, backbone.side, head.width)
        else:
            self.regressor = Recurrent(config, head.width)
        # It learns by itself, from keypoints alone (`objective.LifterObjective`); all else corrects it.
        self.lifter = Lifter(config.lifter_width, head.width) if config.lifter_width else None
        if self.lifter is not None:
            self.lifter.requires_grad_(False)
        # Where the camera numbers place a body's origin instead of its pelvis: the pelvis in the body's rest
        # pose. Models of this project are trained with 0; the released one gets it from its checkpoint.
        self.register_buffer("pelvis", torch.zeros(3))
        self.register_buffer("pelvis_dirs", torch.zeros(3, NUM_BETAS))
        use_products(self)

    def forward(self, crops: Crops, latents: Tensor | None = None) -> Bodies:
        """Estimate the body in the middle of each crop.

        Args:
            crops: of people.
            latents: of their images, see `features`.

        Raises:
            ValueError: the crops have another size or other joints.
        """
        side = self.config.crop_size
        if crops.images.shape[1:] != (3, side, side):
            raise ValueError(f"images must be (B, 3, {side}, {side}), got {tuple(crops.images.shape)}")
        if crops.keypoints_2d.shape[1:] != (NUM_JOINTS, 2):
            raise ValueError(
                f"keypoints_2d must be (B, {NUM_JOINTS}, 2), got {tuple(crops.keypoints_2d.shape)}"
            )
        features = self.features(crops, latents)
        # The backbone may be in half precision (`model.backbone.to(torch.bfloat16)`); the rest is not.
        return self.bodies(self.regressed(features.float(), crops), features, crops.cam_int)

    def lifted(self, crops: Crops) -> Regressed | None:
        """Return what the lifter makes of the keypoints alone, in float32; None without one."""
        if self.lifter is None:
            return None
        with torch.autocast(crops.keypoints_2d.device.type, enabled=False):
            found: Regressed = self.lifter(crops.keypoints_2d, crops.confidence, self.config.crop_size)
        return found

    def lifted_bodies(self, crops: Crops) -> Bodies:
        """Estimate bodies from keypoints alone; the features (B, 0, 1, 1) are empty.

        Raises:
            ValueError: the model has no lifter.
        """
        lifted = self.lifted(crops)
        if lifted is None:
            raise ValueError("this DPMesh has no lifter (lifter_width is 0)")
        return self.bodies(lifted, lifted.thought.new_zeros(len(crops), 0, 1, 1), crops.cam_int)

    def regressed(self, features: Tensor, crops: Crops) -> Regressed:
        """Regress from features (B, C, h, w), float32, of crops."""
        found: Regressed = self.regressor(features, self.lifted(crops))
        return found

    def features(self, crops: Crops, latents: Tensor | None = None) -> Tensor:
        """Return the backbone's features (B, C, h, w).

        Args:
            crops: of people.
            latents: of their images from `DiffusionBackbone.latents` of the same frozen model, where they are
                known already; None computes them.
        """
        known = () if latents is None else (latents,)
        return self.backbone(crops.images, crops.keypoints_2d, crops.confidence, *known)

    def bodies(self, regressed: Regressed, features: Tensor, cam_int: Tensor) -> Bodies:
        """Turn what the regressor says into bodies; in float32 also under autocast."""
        with torch.autocast(features.device.type, enabled=False):
            betas = regressed.betas.float()
            root = rot6d_to_rotmat(regressed.root.float(), "rows")
            rotmat = torch.cat([root[:, None], self.pose_head(regressed.code.float())], 1)
            transl = camera_translation(regressed.cam.float(), cam_int.float(), self.config.crop_size)
            transl = transl + self.pelvis + betas @ self.pelvis_dirs.T
        return Bodies(rotmat, betas, transl, regressed.cascade.float(), features)

    def compact(self, dtype: torch.dtype = torch.float32) -> Self:
        """Make it smaller and faster for inference; it cannot be trained or saved any more.

        The answers stay the same up to rounding.

        Args:
            dtype: of a diffusion backbone from then on, bfloat16 or float32; the rest stays float32.
        """
        if isinstance(self.backbone, DiffusionBackbone):
            self.backbone.compact(dtype)
        return self.eval().requires_grad_(False)

    def trainable(self) -> dict[str, nn.Parameter]:
        """Return the parameters that learn, by name."""
        return {name: value for name, value in self.named_parameters() if value.requires_grad}

    def own_keys(self) -> list[str]:
        """Return the keys of the state dict that are not in the frozen model's folder."""
        frozen = self.backbone.frozen_keys() if isinstance(self.backbone, DiffusionBackbone) else set()
        return [key for key in self.state_dict() if key.removeprefix("backbone.") not in frozen]

    def _frozen_sample(self) -> tuple[float, ...]:
        """Return a sample of the frozen model's weights; empty for weights that are saved with the others."""
        own = set(self.own_keys())
        others = [key for key in self.state_dict() if key not in own and not key.startswith(_COPIES)]
        return frozen_sample.take(self, others)

    def save_folder(self, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
        """Write `config.json` and `model.safetensors`, weights in `dtype`, without the frozen model's own."""
        weights = self.state_dict()
        own = {key: weights[key] for key in self.own_keys()}
        config = replace(self.config, frozen_sample=self._frozen_sample())
        save_weights(own, type(self).__name__, config, Path(folder), dtype)

    @classmethod
    def from_folder(cls, folder: str | Path, diffusion: str | Path | None = None) -> Self:
        """Load what `save_folder` wrote; float32, on the CPU, in evaluation mode.

        Args:
            folder: with `config.json` and `model.safetensors`.
            diffusion: folder of the frozen model; None for the one the config names.

        Raises:
            FileNotFoundError: the folder, or the frozen model's, lacks a file.
            ValueError: a model of another class, a damaged file, or another frozen model than it was trained
                on.
        """
        config, weights = read_folder(Path(folder), cls.__name__, DPMeshConfig)
        if diffusion is not None:
            config = replace(config, folder=str(diffusion))
        model = cls(replace(config, pose_prior=""))
        model.config = replace(model.config, pose_prior=config.pose_prior)
        if config.frozen_sample:
            frozen_sample.check(model._frozen_sample(), config.frozen_sample, Path(folder), config.folder)
        state = model.state_dict()
        own = {key: state[key] for key in model.own_keys()}
        for key, value in fitting(own, cls.__name__, weights, Path(folder)):
            own[key].copy_(value)  # in place: weights that are shared stay so
        return model.eval()

    @classmethod
    def from_checkpoint(cls, path: str | Path) -> Self:
        """Load a released DPMesh as published; float32, on the CPU, in evaluation mode.

        Args:
            path: one of the files `*_best_ckpt.pth.tar`.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not a DPMesh checkpoint, damaged, unsafe to open, or of other sizes; the message says
                which keys, what was expected, and what the file looks like.
        """
        from synthgen.dpmesh.official import config_of, named_as_ours, read_official

        checkpoint = read_official(Path(path))
        config = config_of(checkpoint)
        with torch.device("meta"):
            model = cls(config)
        return fit(model, named_as_ours(checkpoint), checkpoint.path, checkpoint.mapped)
