"""What turns the regressed code into rotations of the body: a table of pose heads."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, Self, cast

import torch
from torch import Tensor, nn

from synthgen.backends.model_files import BUNDLED, BUNDLED_FOLDER
from synthgen.backends.rotations import rot6d_to_rotmat
from synthgen.backends.vposer import NUM_JOINTS, VPoser
from synthgen.checkpoints import CONFIG_FILE
from synthgen.dpmesh.codebook import PoseCodebook
from synthgen.dpmesh.codebook_head import CodebookHead
from synthgen.dpmesh.config import DPMeshConfig

NUM_ROTATIONS = 23  # of SMPL's body_pose


class PoseHead(Protocol):
    """A module that reads `width` numbers per person."""

    width: int

    def __call__(self, code: Tensor) -> Tensor:
        """Return rotations (B, 23, 3, 3), identity where the head does not know the joint."""
        ...

    def parameters(self) -> Any:
        """Return what a module returns."""
        ...


class VPoserHead(nn.Module):
    """The released model's head: a frozen VPoser decodes 21 joints, the hands stay straight."""

    def __init__(self, vposer: VPoser) -> None:
        super().__init__()
        self.vposer = vposer.requires_grad_(False).eval()
        self.width = vposer.config.latent_dim

    def train(self, mode: bool = True) -> Self:
        """Leave the frozen decoder in evaluation mode: its dropout must not act."""
        super().train(mode)
        self.vposer.eval()
        return self

    def forward(self, code: Tensor) -> Tensor:
        """Decode codes (B, 32) to rotations (B, 23, 3, 3)."""
        body = self.vposer.decode(code)
        hands = torch.eye(3, dtype=body.dtype, device=body.device)
        return torch.cat([body, hands.expand(len(body), NUM_ROTATIONS - NUM_JOINTS, 3, 3)], 1)


class Rot6DHead(nn.Module):
    """No prior: the code is what to add to the 6D form of no rotation, joint by joint."""

    identity: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.width = 6 * NUM_ROTATIONS
        identity = torch.tensor([1.0, 0, 0, 1, 0, 0], device="cpu")
        self.register_buffer("identity", identity, persistent=False)

    def forward(self, code: Tensor) -> Tensor:
        """Convert codes (B, 138) to rotations (B, 23, 3, 3)."""
        return rot6d_to_rotmat(torch.unflatten(code, -1, (NUM_ROTATIONS, 6)) + self.identity, "rows")


def _vposer(config: DPMeshConfig) -> nn.Module:
    if not config.pose_prior:
        return VPoserHead(VPoser(config.vposer))
    path = prior_path(config.pose_prior)
    load = VPoser.from_folder if (path / CONFIG_FILE).is_file() else VPoser.from_checkpoint
    return VPoserHead(load(path))


def _codebook(config: DPMeshConfig) -> nn.Module:
    if not config.pose_prior:
        return CodebookHead(PoseCodebook(config.codebook), config.width)
    return CodebookHead(PoseCodebook.from_folder(prior_path(config.pose_prior)), config.width)


_HEADS: dict[str, Callable[[DPMeshConfig], nn.Module]] = {
    "vposer": _vposer, "rot6d": lambda _: Rot6DHead(), "codebook": _codebook,
}  # fmt: skip


def build_pose_head(config: DPMeshConfig) -> PoseHead:
    """Build the pose head that a config names."""
    return cast(PoseHead, _HEADS[config.pose_head](config))


def with_sizes_of(head: PoseHead, config: DPMeshConfig) -> DPMeshConfig:
    """Return the config with the sizes of the head's prior, so that it can be built without the prior."""
    if isinstance(head, VPoserHead):
        return replace(config, vposer=head.vposer.config)
    if isinstance(head, CodebookHead):
        return replace(config, codebook=head.codebook.config)
    return config


def prior_path(name: str) -> Path:
    """Return where a pose prior lies: a path, or embedded/<name> in this package."""
    return BUNDLED_FOLDER / name.removeprefix(BUNDLED) if name.startswith(BUNDLED) else Path(name)
