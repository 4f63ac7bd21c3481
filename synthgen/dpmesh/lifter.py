"""A first estimate of the body from its 2D keypoints alone, which the regressor then corrects.

Residual layers as in Martinez et al., "A simple yet effective baseline for 3d human pose estimation" (ICCV
2017), but to body parameters in place of joints. Not part of the published DPMesh. A lifter sees
hundreds of thousands of keypoint sets in the time in which a diffusion backbone sees a few thousand crops.
"""

import torch
from torch import Tensor, nn

from synthgen.dpmesh.config import NUM_JOINTS, NUM_LIFTED
from synthgen.dpmesh.regressor import NUM_BETAS, UPRIGHT, Regressed
from synthgen.training.options import TrainingOptions

_SPAN = 4.0  # what a coordinate spans over the crop; observed joints then vary by about one
_NUM_BLOCKS = 2


class Lifter(nn.Module):
    """Residual layers over coordinates.

    Args:
        width: hidden channels.
        code_width: of the pose head.
    """

    upright: Tensor

    def __init__(self, width: int, code_width: int) -> None:
        super().__init__()
        self.sizes = [6, code_width, NUM_BETAS, 3]
        self.enter = nn.Linear(3 * NUM_JOINTS, width)
        self.blocks = nn.ModuleList(nn.Sequential(*_half(width), *_half(width)) for _ in range(_NUM_BLOCKS))
        self.out = nn.Linear(width, sum(self.sizes))
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.out.bias)
        upright = torch.tensor([*UPRIGHT, *[0.0] * (sum(self.sizes) - 6)], device="cpu")
        self.register_buffer("upright", upright, persistent=False)

    def forward(self, keypoints_2d: Tensor, confidence: Tensor, crop_size: int) -> Regressed:
        """Lift keypoints.

        Args:
            keypoints_2d: (B, 30, 2) [px of the crop].
            confidence: (B, 30), 0 where a joint was not observed; such coordinates do not count.
            crop_size: side of the crop [px].
        """
        seen = (confidence > 0)[..., None]
        known = torch.nan_to_num(keypoints_2d, posinf=0, neginf=0)
        places = torch.where(seen, _SPAN * (known / crop_size - 0.5), 0.0)
        thought = self.enter(torch.cat([places, seen.to(places.dtype)], -1).flatten(1)).relu()
        for block in self.blocks:
            thought = thought + block(thought)
        root, code, betas, cam = torch.split(self.upright + self.out(thought), self.sizes, 1)
        joints = thought.new_zeros(len(thought), 0, NUM_LIFTED, 3)
        return Regressed(root, code, betas, cam, joints, thought)


def lifter_training() -> TrainingOptions:
    """Return how a lifter learns: many keypoint sets, which cost next to nothing."""
    return TrainingOptions(
        3000,
        batch_size=128,
        learning_rate=5e-3,
        weight_decay=1e-4,
        optimizer="muon",
        schedule="cosine",
        warmup=50,
        max_gradient=1.0,
    )


def _half(width: int) -> tuple[nn.Module, ...]:
    return nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU()
