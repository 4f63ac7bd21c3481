"""The pose codebook: a VQ-VAE of body poses made of linear layers (DPMesh, appendix, section 6).

Rotations go in, tokens come out, each the number of one of a set of learned codes; and back again. The layers
are those of Pose as Compositional Tokens (Geng et al., CVPR 2023), on which the paper builds.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from synthgen.backends.rotations import rot6d_to_rotmat
from synthgen.checkpoints import WEIGHTS_FILE, fit, read_folder, save_folder
from synthgen.joints import SMPL24

NUM_JOINTS = len(SMPL24)
_ROTATION = 9  # numbers of a rotation matrix


@dataclass(frozen=True)
class CodebookConfig:
    """Sizes; tokens, codes and code_dim are the paper's, which names no others.

    Attributes:
        tokens: of a pose.
        codes: to choose from.
        code_dim: channels of a code.
        width: channels of a joint or token inside.
        depth: mixer layers of the encoder, and of the decoder.
    """

    tokens: int = 48
    codes: int = 2048
    code_dim: int = 256
    width: int = 512
    depth: int = 4

    def problems(self) -> list[str]:
        """Return what is wrong with these sizes, one message each."""
        return [
            f"{field.name} must be at least 1, got {getattr(self, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) < 1
        ]

    def __post_init__(self) -> None:
        if problems := self.problems():
            raise ValueError(f"sizes of a pose codebook: {'; '.join(problems)}")


def embedded_codebook_config() -> CodebookConfig:
    """Return the sizes of the bundled codebook: below 0.5 MB at half precision."""
    return CodebookConfig(tokens=24, codes=256, code_dim=32, width=96, depth=2)


@dataclass(frozen=True)
class Coded:
    """Poses that went through the codebook.

    Attributes:
        rotmat: (B, 24, 3, 3) decoded rotations.
        tokens: (B, T) int64 numbers of codes.
        features: (B, T, D) what the encoder gave, before the nearest codes took its place.
        codes: (B, T, D) these codes.
    """

    rotmat: Tensor
    tokens: Tensor
    features: Tensor
    codes: Tensor


class MixerLayer(nn.Module):
    """Mixes (B, N, C) over N, then over C (Tolstikhin et al., NeurIPS 2021)."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.rows = nn.Sequential(nn.Linear(count, 2 * count), nn.GELU(), nn.Linear(2 * count, count))
        self.columns = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.row_norm, self.column_norm = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, N, C)."""
        x = x + self.rows(self.row_norm(x).mT).mT
        return x + self.columns(self.column_norm(x))


class _Mixer(nn.Module):
    """Turns (B, inputs, in_width) into (B, outputs, out_width); the layers mix the 24 joints."""

    def __init__(self, config: CodebookConfig, shapes: tuple[int, int, int, int]) -> None:
        super().__init__()
        inputs, in_width, outputs, out_width = shapes
        self.inputs = nn.Linear(inputs, NUM_JOINTS) if inputs != NUM_JOINTS else nn.Identity()
        self.start = nn.Linear(in_width, config.width)
        self.layers = nn.Sequential(*(MixerLayer(NUM_JOINTS, config.width) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)
        self.outputs = nn.Linear(NUM_JOINTS, outputs) if outputs != NUM_JOINTS else nn.Identity()
        self.end = nn.Linear(config.width, out_width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.layers(self.start(self.inputs(x.mT).mT)))
        return self.end(self.outputs(x.mT).mT)


class PoseCodebook(nn.Module):
    """Encodes rotations to tokens and decodes them.

    Attributes:
        codes: (K, D) the codes, a buffer: they follow what is encoded, no gradient reaches them.
    """

    codes: Tensor

    def __init__(self, config: CodebookConfig) -> None:
        """Build with weights for training, from torch's own generator; `from_folder` loads trained ones."""
        super().__init__()
        self.config = config
        tokens, dim = config.tokens, config.code_dim
        self.encoder = _Mixer(config, (NUM_JOINTS, _ROTATION, tokens, dim))
        self.decoder = _Mixer(config, (tokens, dim, NUM_JOINTS, 6))
        self.register_buffer("codes", torch.randn(config.codes, dim))

    def encode(self, rotmat: Tensor) -> Tensor:
        """Encode rotations.

        Args:
            rotmat: (B, 24, 3, 3), each relative to the parent joint, the root's first.

        Returns:
            Features (B, T, D).

        Raises:
            ValueError: rotations of another shape.
        """
        if rotmat.shape[1:] != (NUM_JOINTS, 3, 3):
            raise ValueError(f"rotmat must be (B, {NUM_JOINTS}, 3, 3), got {tuple(rotmat.shape)}")
        return self.encoder(rotmat.flatten(2))

    def quantize(self, features: Tensor) -> Tensor:
        """Return the numbers (B, T) of the codes nearest to features (B, T, D)."""
        rows = features.detach().float()
        codes = self.codes.float()
        return ((codes**2).sum(-1) - 2 * rows @ codes.mT).argmin(-1)

    def decode(self, codes: Tensor) -> Tensor:
        """Decode codes (B, T, D), or blends of codes, to rotations (B, 24, 3, 3)."""
        return rot6d_to_rotmat(self.decoder(codes))

    def decode_tokens(self, tokens: Tensor) -> Tensor:
        """Decode tokens (B, T) to rotations (B, 24, 3, 3)."""
        return self.decode(self.codes[tokens])

    def forward(self, rotmat: Tensor) -> Coded:
        """Encode and decode rotations (B, 24, 3, 3); gradients pass the choice of codes straight through."""
        features = self.encode(rotmat)
        tokens = self.quantize(features)
        codes = self.codes[tokens].to(features.dtype)
        return Coded(self.decode(features + (codes - features).detach()), tokens, features, codes)

    def save_folder(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        """Write `config.json` and `model.safetensors`."""
        save_folder(self, self.config, folder, dtype)

    @classmethod
    def from_folder(cls, folder: str | Path) -> Self:
        """Load what `save_folder` wrote: float32, on the CPU, in evaluation mode.

        Raises:
            FileNotFoundError: one of the two files is missing.
            ValueError: the folder holds something else, or is damaged.
        """
        config, weights = read_folder(Path(folder), cls.__name__, CodebookConfig)
        with torch.device("meta"):
            model = cls(config)
        return fit(model, weights, Path(folder) / WEIGHTS_FILE)
