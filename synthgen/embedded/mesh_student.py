"""HMR2 while it is trained: beside its body it draws heatmaps, and shows where its decoder looks.

Bodies alone are a weak teacher for a transformer that starts from nothing: the decoder averages all patches
until some of them tell it something, and no patch learns to before the decoder looks at it. HMR 2.0 itself
starts from ViTPose (Goel et al., ICCV 2023, section 3.1); here both are learned at once.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from synthgen.backends.hmr2 import HMR2, HMR2Output

_SIGMA = 0.6  # of the spot around a joint that a head is to look at [patches]


class Answer(NamedTuple):
    """What the student says about B crops.

    Attributes:
        output: parameters of the bodies.
        heatmaps: (B, 17, h, w).
        looks: (B, heads, N) logits over the N patches, row by row.
    """

    output: HMR2Output
    heatmaps: Tensor
    looks: Tensor


class MeshStudent(nn.Module):
    """HMR2 with ViTPose's head on the same patches."""

    def __init__(self, hmr2: HMR2, head: nn.Module) -> None:
        super().__init__()
        self.hmr2, self.head = hmr2, head

    def forward(self, images: Tensor) -> Answer:
        """Answer for normalised crops (B, 3, S, S)."""
        output = self.hmr2(images)
        maps = output.tokens.transpose(1, 2).unflatten(2, self.hmr2.config.backbone.grid)
        return Answer(output, self.head(maps), self.hmr2.smpl_head.first_look(output.tokens))


def look_error(looks: Tensor, joints: Tensor, is_inside: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return the cross entropy of looks against a spot around each joint.

    Args:
        looks: (B, heads, N) logits; the first J heads count.
        joints: (B, J, 2) x and y [patches], 0 in the middle of the first.
        is_inside: (B, J) 1 or 0; joints outside the picture are left out.
        grid: rows and columns of patches.
    """
    y, x = torch.meshgrid(*(torch.arange(side, device=looks.device) for side in grid), indexing="ij")
    patches = torch.stack([x.flatten(), y.flatten()], -1)
    distance = ((patches - joints[:, :, None]) ** 2).sum(-1)
    spots = torch.softmax(-distance / (2 * _SIGMA**2), -1)
    entropy = -(spots * log_softmax(looks[:, : joints.shape[1]], -1)).sum(-1)
    return (entropy * is_inside).sum() / is_inside.sum().clamp(min=1)
