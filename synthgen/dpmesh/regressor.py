"""From features to body parameters: what both regressors answer, and the recurrent one (HMR, CVPR 2018)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from synthgen.dpmesh.config import NUM_LIFTED, DPMeshConfig

NUM_BETAS = 10
UPRIGHT = (1.0, 0, 0, -1, 0, 0)  # 6D ("rows") of a body that stands before an OpenCV camera, facing it


@dataclass(frozen=True)
class Regressed:
    """Parameters of B bodies, and how the joints were found.

    Attributes:
        root: (B, 6) root rotation in 6D, row order.
        code: (B, width of the pose head).
        betas: (B, 10).
        cam: (B, 3), see `camera_translation`.
        cascade: (B, L, 15, 3) joints in [0, 1] after each layer; L is 0 where nothing follows joints.
        thought: (B, lifter_width) what a lifter made of the keypoints; lifter_width is 0 without one.
    """

    root: Tensor
    code: Tensor
    betas: Tensor
    cam: Tensor
    cascade: Tensor
    thought: Tensor

    def answer(self) -> Tensor:
        """Return root, code, betas and cam side by side."""
        return torch.cat([self.root, self.code, self.betas, self.cam], 1)


class Recurrent(nn.Module):
    """Linear layers that correct their own answer a few times (Table 7, RLL)."""

    mean: Tensor

    def __init__(self, config: DPMeshConfig, code_width: int) -> None:
        super().__init__()
        self.sizes = [6, code_width, NUM_BETAS, 3]
        self.num_iterations = config.decoder_layers
        total, width = sum(self.sizes), 4 * config.width
        self.layers = nn.Sequential(
            nn.Linear(config.feature_channels + total, width),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(config.dropout),
        )
        self.out = nn.Linear(width, total)
        nn.init.xavier_uniform_(self.out.weight, gain=0.01)
        nn.init.zeros_(self.out.bias)
        mean = torch.tensor([*UPRIGHT, *[0.0] * (total - 6)], device="cpu")
        self.register_buffer("mean", mean, persistent=False)

    @torch.no_grad()
    def correct_nothing(self) -> None:
        """Let it answer what was lifted, as it is."""
        for parameter in self.out.parameters():
            parameter.zero_()

    def forward(self, features: Tensor, lifted: Regressed | None = None) -> Regressed:
        """Regress from averages of features (B, C, s, s), and from what keypoints were lifted to."""
        pooled = features.mean((2, 3))
        mean = self.mean.expand(len(pooled), -1) if lifted is None else lifted.answer()
        answer = mean.to(pooled.dtype)
        for _ in range(self.num_iterations):
            answer = answer + self.out(self.layers(torch.cat([pooled, answer], 1)))
        root, code, betas, cam = torch.split(answer, self.sizes, 1)
        joints = answer.new_zeros(len(answer), 0, NUM_LIFTED, 3)
        return Regressed(root, code, betas, cam, joints, answer.new_zeros(len(answer), 0))
