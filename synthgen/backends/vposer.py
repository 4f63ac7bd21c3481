"""VPoser, the pose prior of SMPLify-X (Pavlakos et al., CVPR 2019): a variational auto-encoder of poses.

Versions 1 and 2 share one class: they differ in one layer, in the slope of the activations and in their keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn.functional import softplus

from synthgen.backends.rotations import rot6d_to_rotmat
from synthgen.checkpoints import Checkpoint, fit, read_checkpoint, read_folder, save_folder, split, wrong_kind

NUM_JOINTS = 21  # SMPL's body joints without root and hands: body_pose[:, :21]
Version = Literal["v1", "v2"]
_SLOPE = {"v1": 0.2, "v2": 0.01}  # of the leaky ReLUs
V1_NAMES = {  # layers of version 1 by their name in `VPoser`, which is that of version 2

    "bodyprior_enc_bn1": "encoder_net.1", "bodyprior_enc_fc1": "encoder_net.2",
    "bodyprior_enc_bn2": "encoder_net.4", "bodyprior_enc_fc2": "encoder_net.6",
    "bodyprior_enc_mu": "encoder_net.8.mu", "bodyprior_enc_logvar": "encoder_net.8.logvar",
    "bodyprior_dec_fc1": "decoder_net.0", "bodyprior_dec_fc2": "decoder_net.3",
    "bodyprior_dec_out": "decoder_net.5",
}  # fmt: skip
_V2_PREFIX = "vp_model."


@dataclass(frozen=True)
class VPoserConfig:
    """Sizes; the defaults are the published V02_05.

    Attributes:
        version: layout of the network.
        num_neurons: hidden channels.
        latent_dim: channels of the code.
        dropout: chance while training.
    """

    version: Version = "v2"
    num_neurons: int = 512
    latent_dim: int = 32
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.version not in get_args(Version):
            raise ValueError(f"version must be one of {get_args(Version)}, got {self.version!r}")
        if min(self.num_neurons, self.latent_dim) < 1:
            raise ValueError(f"sizes of a VPoser must be >= 1, got {self}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")


@dataclass(frozen=True)
class VPoserOutput:
    """Poses that went through the prior.

    Attributes:
        code: distribution over (B, latent_dim) codes, trained towards mean 0 and deviation 1.
        body_pose: (B, 21, 3, 3) rotation matrices, each relative to its parent joint.
    """

    code: Normal
    body_pose: Tensor


class _NormalHead(nn.Module):
    def __init__(self, width: int, latent_dim: int) -> None:
        super().__init__()
        self.mu = nn.Linear(width, latent_dim)
        self.logvar = nn.Linear(width, latent_dim)

    def forward(self, features: Tensor) -> Normal:
        scale = softplus(self.logvar(features))
        # Far from any pose it was trained on, softplus underflows to a deviation of 0, which is no Normal.
        return Normal(self.mu(features), scale.clamp(min=torch.finfo(scale.dtype).tiny))


class VPoser(nn.Module):
    """Encodes and decodes the rotations of SMPL's 21 body joints."""

    def __init__(self, config: VPoserConfig) -> None:
        """Build with weights for training; `from_checkpoint` and `from_folder` load trained ones."""
        super().__init__()
        self.config = config
        width, slope = config.num_neurons, _SLOPE[config.version]
        self.encoder_net = nn.Sequential(
            nn.Flatten(),
            nn.BatchNorm1d(3 * NUM_JOINTS),
            nn.Linear(3 * NUM_JOINTS, width),
            nn.LeakyReLU(slope),
            nn.BatchNorm1d(width),
            nn.Dropout(config.dropout),
            nn.Linear(width, width),
            nn.LeakyReLU(slope) if config.version == "v1" else nn.Linear(width, width),
            _NormalHead(width, config.latent_dim),
        )
        self.decoder_net = nn.Sequential(
            nn.Linear(config.latent_dim, width),
            nn.LeakyReLU(slope),
            nn.Dropout(config.dropout),
            nn.Linear(width, width),
            nn.LeakyReLU(slope),
            nn.Linear(width, 6 * NUM_JOINTS),
        )

    def encode(self, body_pose: Tensor) -> Normal:
        """Encode poses.

        Args:
            body_pose: (B, 21, 3) axis-angle [rad]; SMPL's `body_pose` without its two hands.

        Returns:
            Distribution over (B, latent_dim) codes.

        Raises:
            ValueError: the poses have another shape.
        """
        if body_pose.shape[1:] != (NUM_JOINTS, 3):
            raise ValueError(f"body_pose must be (B, {NUM_JOINTS}, 3), got {tuple(body_pose.shape)}")
        return self.encoder_net(body_pose)

    def decode(self, code: Tensor) -> Tensor:
        """Decode codes (B, latent_dim) to rotation matrices (B, 21, 3, 3)."""
        return rot6d_to_rotmat(self.decoder_net(code).unflatten(-1, (NUM_JOINTS, 6)), "rows")

    def forward(self, body_pose: Tensor) -> VPoserOutput:
        """Encode poses (B, 21, 3) [rad] and decode a code: a random one while training, else the mean."""
        code = self.encode(body_pose)
        return VPoserOutput(code, self.decode(code.rsample() if self.training else code.mean))

    @classmethod
    def from_checkpoint(cls, path: str | Path) -> Self:
        """Load a published VPoser, version 1 or 2; float32, on the CPU, in evaluation mode.

        Args:
            path: the downloaded folder (`V02_05`, `vposer_v1_0`), its `snapshots` folder, or a file inside.

        Raises:
            FileNotFoundError: nothing there.
            ValueError: not a VPoser checkpoint, damaged or unsafe to open; the message says which keys, what
                was expected, and what the file looks like.
        """
        checkpoint = read_checkpoint(_snapshot(Path(path)))
        version, weights = _named_as_v2(checkpoint)
        with torch.device("meta"):
            model = cls(_config_of(version, weights, checkpoint.path))
        return fit(model, weights, checkpoint.path)

    @classmethod
    def from_folder(cls, folder: str | Path) -> Self:
        """Load what `save_folder` wrote; float32, on the CPU, in evaluation mode.

        Raises:
            FileNotFoundError: the folder lacks a file.
            ValueError: a model of another class, or a damaged file.
        """
        config, weights = read_folder(Path(folder), cls.__name__, VPoserConfig)
        with torch.device("meta"):
            model = cls(config)
        return fit(model, weights, Path(folder))

    def save_folder(self, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
        """Write `config.json` and `model.safetensors`, weights in `dtype`."""
        save_folder(self, self.config, Path(folder), dtype)


def _snapshot(path: Path) -> Path:
    """Return the checkpoint file of a downloaded folder: the newest one, as the authors' loader takes it."""
    if not path.is_dir():
        return path
    folder = path / "snapshots" if (path / "snapshots").is_dir() else path
    files = [file for file in folder.iterdir() if file.suffix in (".ckpt", ".pt", ".pth")]
    if not files:
        raise FileNotFoundError(
            f"{path} has no VPoser snapshot: expected snapshots/*.ckpt (v2) or snapshots/*.pt (v1)"
        )
    return max(files, key=lambda file: (file.stat().st_mtime, file.name))


def _named_as_v2(checkpoint: Checkpoint) -> tuple[Version, dict[str, Tensor]]:
    """Return the version and the weights under the keys of `VPoser`."""
    tensors = checkpoint.tensors
    if checkpoint.kind == "a VPoser v1 checkpoint":
        split_keys = ((*key.partition("."), value) for key, value in tensors.items())
        return "v1", {
            V1_NAMES.get(layer, layer) + dot + name: value for layer, dot, name, value in split_keys
        }
    if checkpoint.kind != "a VPoser v2 checkpoint":
        raise wrong_kind(
            checkpoint, "a VPoser checkpoint", "Give the folder V02_05 or vposer_v1_0 as published"
        )
    if any(key.startswith(_V2_PREFIX) for key in tensors):
        others = [key[: key.find(".") + 1] or key for key in tensors if not key.startswith(_V2_PREFIX)]
        tensors = split(
            tensors, dict.fromkeys(others, "part of the trainer, not of the prior"), checkpoint.path
        )
    return "v2", {key.removeprefix(_V2_PREFIX): value for key, value in tensors.items()}


def _config_of(version: Version, weights: Mapping[str, Tensor], path: Path) -> VPoserConfig:
    key = "decoder_net.0.weight"
    if key not in weights or weights[key].ndim != 2:
        raise ValueError(
            f"{path} does not fit VPoser: {key} is missing or no matrix; give the file as published"
        )
    num_neurons, latent_dim = weights[key].shape
    return VPoserConfig(version, num_neurons, latent_dim)
