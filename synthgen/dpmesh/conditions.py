"""Observed keypoints as pictures: one Gaussian per joint, or a drawn stick figure."""

import torch
from torch import Tensor

from synthgen.joints import DPMESH30

# Limbs of the stick figure, by joints that detectors know.
_LIMBS = (
    ("head_top", "neck"), ("nose", "neck"), ("nose", "left_eye"), ("nose", "right_eye"),
    ("left_eye", "left_ear"), ("right_eye", "right_ear"), ("neck", "left_shoulder"),
    ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"), ("neck", "right_shoulder"),
    ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"), ("neck", "pelvis"),
    ("pelvis", "left_hip"), ("left_hip", "left_knee"), ("left_knee", "left_ankle"), ("pelvis", "right_hip"),
    ("right_hip", "right_knee"), ("right_knee", "right_ankle"), ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
)  # fmt: skip


def scaled_joints(
    keypoints_2d: Tensor, confidence: Tensor, crop_size: int, side: int
) -> tuple[Tensor, Tensor]:
    """Scale keypoints to a grid and find those that lie on it.

    Args:
        keypoints_2d: (B, J, 2) [px of the crop].
        confidence: (B, J), 0 where a joint was not observed.
        crop_size: side of the crop [px].
        side: of the grid [cells].

    Returns:
        (B, J, 2) [cells], and the mask (B, J) of joints that were observed inside the grid. Coordinates that
        are no numbers are 0.
    """
    points = torch.nan_to_num(keypoints_2d, posinf=0, neginf=0) * (side / crop_size)
    seen = (confidence > 0) & (points >= 0).all(-1) & (points < side).all(-1)
    return points, seen.to(points.dtype)


def heatmaps(points: Tensor, seen: Tensor, side: int, sigma: float) -> Tensor:
    """Draw Gaussians with peak 1 (paper, equation 4): (B, J, side, side) of points (B, J, 2) [cells]."""
    cells = torch.arange(side, device=points.device, dtype=points.dtype)
    across = torch.exp(-0.5 * ((cells - points[..., :1]) / sigma) ** 2)
    down = torch.exp(-0.5 * ((cells - points[..., 1:]) / sigma) ** 2)
    return down[..., :, None] * across[..., None, :] * seen[..., None, None]


def skeleton(points: Tensor, seen: Tensor, side: int) -> Tensor:
    """Draw a stick figure in colours, (B, 3, side, side) in [0, 1], without limbs that have an unseen end."""
    ends = torch.tensor([[DPMESH30.index(name) for name in limb] for limb in _LIMBS], device=points.device)
    start, end = points[:, ends[:, 0], None], points[:, ends[:, 1], None]  # (B, limbs, 1, 2)
    cells = torch.arange(side, device=points.device, dtype=points.dtype)
    grid = torch.stack(torch.meshgrid(cells, cells, indexing="xy"), -1).reshape(1, 1, -1, 2)
    along = end - start
    part = ((grid - start) * along).sum(-1) / (along**2).sum(-1).clamp(min=1e-6)
    distance = (grid - start - part.clamp(0, 1)[..., None] * along).norm(dim=-1)
    drawn = torch.exp(-0.5 * distance**2) * (seen[:, ends[:, 0]] * seen[:, ends[:, 1]])[..., None]
    hue = torch.linspace(0, 2 * torch.pi, len(_LIMBS) + 1, device=points.device, dtype=points.dtype)[:-1]
    third = 2 * torch.pi / 3
    colors = 0.5 + 0.5 * torch.cos(torch.stack([hue, hue - third, hue + third]))  # (3, limbs)
    return torch.unflatten((colors[None, :, :, None] * drawn[:, None]).amax(2), -1, (side, side))
