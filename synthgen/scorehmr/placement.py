"""How translations follow from what is optimised: each free, or one body before several cameras."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from synthgen.scorehmr.cameras import Cameras, Extrinsics
from synthgen.scorehmr.groups import Groups


class Placement(Protocol):
    """Turns parameters into translations."""

    def parameters(self, transl: Tensor, rest_pelvis: Tensor) -> Tensor:
        """Return the parameters (N, 3) that come nearest to translations (B, 3)."""
        ...

    def transl(self, parameters: Tensor, rest_pelvis: Tensor) -> Tensor:
        """Return the translations (B, 3) [m] of parameters (N, 3), differentiable."""
        ...


@dataclass(frozen=True)
class FreePlacement:
    """Everybody has a translation of their own."""

    def parameters(self, transl: Tensor, rest_pelvis: Tensor) -> Tensor:
        """Return the translations themselves."""
        return transl

    def transl(self, parameters: Tensor, rest_pelvis: Tensor) -> Tensor:
        """Return the parameters themselves."""
        return parameters


@dataclass(frozen=True)
class SharedPlacement:
    """Calibrated views of the same bodies: the parameters are their pelvises in the world, one per group.

    Attributes:
        groups: which views show the same body at the same moment.
        extrinsics: of each view.
    """

    groups: Groups
    extrinsics: Extrinsics

    def __post_init__(self) -> None:
        if len(self.groups) != len(self.extrinsics):
            raise ValueError(f"{len(self.groups)} views have {len(self.extrinsics)} extrinsics")

    def parameters(self, transl: Tensor, rest_pelvis: Tensor) -> Tensor:
        """Return the means of the views' pelvises in the world (G, 3) [m]."""
        return self.groups.mean(self.extrinsics.to_world(transl + rest_pelvis))

    def transl(self, parameters: Tensor, rest_pelvis: Tensor) -> Tensor:
        """Return the translation in each view's frame."""
        return self.extrinsics.to_camera(parameters[self.groups.members]) - rest_pelvis


def least_squares_transl(
    points: Tensor, keypoints_2d: Tensor, confidence: Tensor, cameras: Cameras
) -> Tensor:
    """Return the translations that bring points nearest to keypoints, by linear least squares.

    With pixel u = f (x + t_x) / (z + t_z) + c, f t_x - (u - c) t_z = (u - c) z - f x is linear in t.

    Args:
        points: (B, P, 3) [m] without translation, camera axes.
        keypoints_2d: (B, P, 2) [px].
        confidence: (B, P); a point with confidence 0 has no say.
        cameras: of each person.

    Returns:
        (B, 3) [m]; NaN where fewer than two points have a say.
    """
    pixels = (keypoints_2d - cameras.center[:, None]) / cameras.focal_length[:, None]
    weight = torch.where(torch.isfinite(pixels).all(-1), confidence, torch.zeros_like(confidence))
    pixels = torch.nan_to_num(pixels)
    ones, zeros = torch.ones_like(pixels[..., 0]), torch.zeros_like(pixels[..., 0])
    rows_x = torch.stack([ones, zeros, -pixels[..., 0]], -1)
    rows_y = torch.stack([zeros, ones, -pixels[..., 1]], -1)
    rows = torch.stack([rows_x, rows_y], 2) * weight[..., None, None]  # (B, P, 2, 3)
    right = (pixels * points[..., 2:] - points[..., :2]) * weight[..., None]
    normal = torch.einsum("bpki,bpkj->bij", rows, rows).double()
    target = torch.einsum("bpki,bpk->bi", rows, right).double()
    enough = (weight > 0).sum(1) >= 2
    safe = torch.where(enough[:, None, None], normal, torch.eye(3, device=normal.device).double())
    found = (torch.linalg.pinv(safe) @ target[..., None])[..., 0].to(points)
    return torch.where(enough[:, None], found, torch.nan)
