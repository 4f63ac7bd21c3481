"""The diffusion model of ScoreHMR (Stathopoulos, Han and Metaxas, CVPR 2024): which poses fit a picture.

It predicts the noise in a vector x of a person: 24 rotations in 6D form (the first two columns of each
matrix, one after the other; root first, in the camera's frame), and 10 betas scaled to [-1, 1] where it
models shape. It reads features of the picture. One class for published weights and for small ones of ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from synthgen.checkpoints import fit, read_checkpoint, read_folder, save_folder
from synthgen.joints import SMPL24
from synthgen.scorehmr.official import config_of, statistics_of, weights_of
from synthgen.scorehmr.rotations import rot6d_to_rotmat, rotmat_to_rot6d
from synthgen.scorehmr.sizes import NUM_BETAS, POSE_WIDTH, SHAPE_TIME_WIDTH, DenoiserConfig
from synthgen.scorehmr.tower import Tower

__all__ = ["NUM_BETAS", "POSE_WIDTH", "DenoiserConfig", "ScoreDenoiser"]

Prepared = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Pose:
    """What a vector x says.

    Attributes:
        rotmat: (B, 24, 3, 3) rotations relative to the parent joint, the root's first.
        betas: (B, 10), or None where the model knows no shape.
    """

    rotmat: Tensor
    betas: Tensor | None


class ScoreDenoiser(nn.Module):
    """Predicts noise, section 3.2 of the paper."""

    feature_mean: Tensor
    feature_std: Tensor
    betas_min: Tensor
    betas_max: Tensor

    def __init__(self, config: DenoiserConfig) -> None:
        """Build with weights drawn for training; `from_checkpoint` and `from_folder` load trained ones."""
        super().__init__()
        self.config = config
        sizes = (config.hidden, config.num_blocks, config.time_width)
        self.pose = Tower(POSE_WIDTH, config.pose_features, *sizes)
        self.register_buffer("feature_mean", torch.zeros(config.num_features))
        self.register_buffer("feature_std", torch.ones(config.num_features))
        if config.use_betas:
            sizes = (config.hidden, config.num_shape_blocks, SHAPE_TIME_WIDTH)
            self.shape = Tower(NUM_BETAS, config.shape_features, *sizes)
            self.register_buffer("betas_min", torch.full((NUM_BETAS,), -1.0))
            self.register_buffer("betas_max", torch.ones(NUM_BETAS))

    def forward(self, x: Tensor, times: Tensor, features: Tensor) -> Tensor:
        """Predict noise.

        Args:
            x: (B, config.width) noisy vectors.
            times: (B,) time steps, whole numbers below `config.num_steps`.
            features: (B, config.num_features), standardised (see `standardise`).

        Returns:
            (B, config.width).

        Raises:
            ValueError: other shapes.
        """
        self._check(features)
        if x.shape != (len(features), self.config.width) or times.shape != (len(x),):
            raise ValueError(
                f"x must be ({len(features)}, {self.config.width}) and times ({len(features)},), got "
                f"{tuple(x.shape)} and {tuple(times.shape)}"
            )
        pose, shape = self._split(features)
        noise = self.pose(x[:, :POSE_WIDTH], times, pose)
        if not self.config.use_betas:
            return noise
        return torch.cat([noise, self.shape(x[:, POSE_WIDTH:], times, shape)], 1)

    def prepare(self, features: Tensor, times: Sequence[int]) -> Prepared:
        """Return a function of x (B, width) and one of `times` that predicts noise, much faster than forward.

        Args:
            features: (B, num_features), standardised; their part of the network is computed here, once.
            times: time steps that will be asked for.
        """
        self._check(features)
        pose_features, shape_features = self._split(features)
        pose = self.pose.prepare(pose_features, times)
        if not self.config.use_betas:
            return pose
        shape = self.shape.prepare(shape_features, times)
        return lambda x, time: torch.cat([pose(x[:, :POSE_WIDTH], time), shape(x[:, POSE_WIDTH:], time)], 1)

    def standardise(self, features: Tensor) -> Tensor:
        """Return features (B, num_features) with the mean and deviation of the training data taken out."""
        self._check(features)
        return (features - self.feature_mean) / self.feature_std

    def encode(self, rotmat: Tensor, betas: Tensor) -> Tensor:
        """Return x (B, width) of rotations (B, 24, 3, 3) and betas (B, 10)."""
        pose = rotmat_to_rot6d(rotmat).flatten(1)
        if not self.config.use_betas:
            return pose
        return torch.cat([pose, 2 * (betas - self.betas_min) / (self.betas_max - self.betas_min) - 1], 1)

    def decode(self, x: Tensor) -> Pose:
        """Return the rotations and betas of x (B, width)."""
        rotmat = rot6d_to_rotmat(x[:, :POSE_WIDTH].reshape(-1, len(SMPL24), 6))
        return Pose(rotmat, self.decode_betas(x) if self.config.use_betas else None)

    def decode_betas(self, x: Tensor) -> Tensor:
        """Return the betas (B, 10) in x (B, width) of a model that knows shape."""
        return 0.5 * (self.betas_max - self.betas_min) * (x[:, POSE_WIDTH:] + 1) + self.betas_min

    def _split(self, features: Tensor) -> tuple[Tensor, Tensor]:
        config = self.config
        start = config.pose_features if config.is_split else 0
        return features[:, : config.pose_features], features[:, start : start + config.shape_features]

    def _check(self, features: Tensor) -> None:
        if features.ndim != 2 or features.shape[1] != self.config.num_features:
            raise ValueError(
                f"features must be (B, {self.config.num_features}), got {tuple(features.shape)}; "
                "the denoiser reads the features that it was trained with and no others"
            )

    @classmethod
    def from_checkpoint(
        cls,
        path: str | Path,
        feature_stats: str | Path | None = None,
        betas_stats: str | Path | None = None,
    ) -> Self:
        """Load a checkpoint of ScoreHMR as published (its EMA weights); float32, CPU, evaluation mode.

        Args:
            path: `model-100.pt`, {'step', 'model', 'opt', 'ema'}.
            feature_stats: `pare_feat_stats.npz` or `prohmr_feat_stats.npz`; without it, `standardise` leaves
                features as they are.
            betas_stats: `betas_stats_eft_fits.npz`; needed by a model that knows shape.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not a ScoreHMR checkpoint, damaged, unsafe to open, or of another layout.
        """
        checkpoint = read_checkpoint(Path(path))
        weights = weights_of(checkpoint)
        config = config_of(checkpoint, weights)
        with torch.device("meta"):
            model = cls(config)
        statistics = statistics_of(config, feature_stats, betas_stats)
        return fit(model, weights | statistics, checkpoint.path)

    @classmethod
    def from_folder(cls, folder: str | Path) -> Self:
        """Load what `save_folder` wrote; float32, on the CPU, in evaluation mode.

        Raises:
            FileNotFoundError: the folder lacks a file.
            ValueError: a model of another class, or a damaged file.
        """
        config, weights = read_folder(Path(folder), cls.__name__, DenoiserConfig)
        with torch.device("meta"):
            model = cls(config)
        return fit(model, weights, Path(folder))

    def save_folder(self, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
        """Write `config.json` and `model.safetensors`, weights in `dtype`."""
        save_folder(self, self.config, Path(folder), dtype)
