"""What DPMesh learns from: the losses of the paper's equations 6 to 8, each as far as labels are known.

Every loss is a mean absolute difference over the whole batch: what is not known counts as no difference, so a
person weighs the same whoever shares its batch, and batches of equal size add up to their union. Lengths are
metres, lengths in the picture sides of the crop.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from synthgen.body_points import BodyPoints, blend
from synthgen.dpmesh.batch import CASCADE_ROWS, Bodies, Crops, Labels
from synthgen.joints import DPMESH30

PARTS = ("keypoints_2d", "keypoints_3d", "smpl", "cascade")
_PELVIS = DPMESH30.index("pelvis")


@dataclass(frozen=True)
class LossOptions:
    """Weights of the losses and how they are taken.

    Attributes:
        keypoints_2d: weight of the projected joints, as in the paper (appendix, section 6).
        keypoints_3d: weight of the joints relative to the pelvis, as in the paper.
        smpl: weight of rotations and shape together, as in the paper.
        reasoning: weight of both losses of noisy key-point reasoning, as in the paper.
        cascade: weight of the joints after each layer of the cascade decoder. The paper does not name it;
            the published code gives these joints the weight of projected ones.
        betas: part of the shape within `smpl`; the paper adds pose and shape as they are.
        depth_range: what the whole range [0, 1] of the cascade's depth spans [m], the pelvis in its middle.
        nearest: least depth at which points are projected [m]. Nearer ones, and those behind the camera, are
            projected as if they were there, with gradients that still move them.
        unknown_camera: error of a projected joint [sides of the crop] below which a picture without a known
            camera says little, because the assumed camera alone causes as much (TokenHMR, Dwivedi et al.,
            CVPR 2024); 0 for none. About 0.01 fits focal lengths guessed from the diagonal.
        slack: what the 2D loss of such joints is multiplied by.
    """

    keypoints_2d: float = 5.0
    keypoints_3d: float = 2.0
    smpl: float = 1.0
    reasoning: float = 0.1
    cascade: float = 5.0
    betas: float = 1.0
    depth_range: float = 2.0
    nearest: float = 0.25
    unknown_camera: float = 0.0
    slack: float = 0.01

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        names = (*PARTS, "reasoning", "betas", "unknown_camera")
        found = [
            f"{name} must be at least 0, got {getattr(self, name)}"
            for name in names
            if not getattr(self, name) >= 0
        ]
        found += [
            f"{name} must be above 0, got {getattr(self, name)}"
            for name in ("depth_range", "nearest")
            if not getattr(self, name) > 0
        ]
        if not 0 <= self.slack <= 1:
            found.append(f"slack must be in [0, 1], got {self.slack}")
        return found

    def weight(self, part: str) -> float:
        """Return the weight of a part by its name.

        Raises:
            ValueError: no such part; the message lists those there are.
        """
        known = {name: float(getattr(self, name)) for name in PARTS}
        known |= {"reasoning_simclr": self.reasoning, "reasoning_mse": self.reasoning}
        if part not in known:
            raise ValueError(f"unknown loss {part!r}; known: {', '.join(known)}")
        return known[part]


def losses(
    bodies: Bodies, crops: Crops, labels: Labels, points: BodyPoints, options: LossOptions
) -> dict[str, Tensor]:
    """Compare an answer of the model with what is known.

    Args:
        bodies: the answer.
        crops: what was asked; only size and camera count here.
        labels: what is known of it.
        points: body model that the labels belong to, on the same device.
        options: how to compare.

    Returns:
        {name of PARTS: scalar, not weighted}; 0, with gradients of 0, where nothing is known.
    """
    side = crops.images.shape[-1]
    with torch.autocast(crops.images.device.type, enabled=False):
        joints = pelvis_relative(bodies, points)
        pixels = project(joints + bodies.transl.float()[:, None], crops.cam_int.float(), options.nearest)
        return {
            "keypoints_2d": keypoints_2d_loss(pixels / side, labels, side, options),
            "keypoints_3d": mean_difference(
                joints, labels.keypoints_3d.float(), labels.confidence_3d.float()[..., None]
            ),
            "smpl": smpl_loss(bodies, labels, options.betas),
            "cascade": cascade_loss(bodies.cascade, labels, side, options.depth_range),
        }


def total(parts: Mapping[str, Tensor], options: LossOptions) -> Tensor:
    """Add up losses by their weights (equation 6); parts of `reasoning_loss` may be among them.

    Raises:
        ValueError: no parts, or one without a weight.
    """
    if not parts:
        raise ValueError(f"no losses to add up; expected some of {', '.join(PARTS)}")
    return torch.stack([options.weight(name) * value.float() for name, value in parts.items()]).sum()


def pelvis_relative(bodies: Bodies, points: BodyPoints) -> Tensor:
    """Return joints (B, 30, 3) [m] of an answer, axes of the camera, pelvis at the origin."""
    joints = blend(points(bodies.rotmat.float(), bodies.betas.float()), DPMESH30)
    return joints - joints[:, _PELVIS, None]


def project(joints: Tensor, cam_int: Tensor, nearest: float) -> Tensor:
    """Project points (B, N, 3) [m], camera frame, to (B, N, 2) [px]; see `LossOptions.nearest`."""
    depth = joints[..., 2:]
    # The value of the clamped depth with the gradient of the depth: too near a body still moves away.
    depth = depth + (depth.clamp(min=nearest) - depth).detach()
    return (torch.cat([joints[..., :2] / depth, torch.ones_like(depth)], -1) @ cam_int.mT)[..., :2]


def mean_difference(found: Tensor, true: Tensor, weight: Tensor) -> Tensor:
    """Return the mean of weighted absolute differences over all elements, known or not.

    Args:
        found: (...) with gradients.
        true: (...); may be anything where the weight is 0, NaN as well.
        weight: broadcasts to (...).
    """
    weight = weight.expand_as(found)
    known = torch.where(weight > 0, true, found.detach())
    return (weight * (found - known).abs()).sum() / max(1, found.numel())


def keypoints_2d_loss(found: Tensor, labels: Labels, side: int, options: LossOptions) -> Tensor:
    """Compare projected joints (B, 30, 2) [sides of the crop] with the labelled ones."""
    true, weight = labels.keypoints_2d.float() / side, labels.confidence_2d.float()
    if options.unknown_camera > 0:
        distance = torch.linalg.vector_norm((found - true).detach(), dim=-1)
        is_small = (distance < options.unknown_camera) & (labels.has_camera[:, None] == 0)
        weight = torch.where(is_small, options.slack * weight, weight)
    return mean_difference(found, true, weight[..., None])


def smpl_loss(bodies: Bodies, labels: Labels, betas: float) -> Tensor:
    """Compare rotations and shape (equation 8).

    Rotations are compared as matrices: the axis-angle form of the paper jumps at half a turn.
    """
    has_smpl = labels.has_smpl.float()
    pose = mean_difference(bodies.rotmat.float(), labels.rotmat.float(), has_smpl[:, None, None, None])
    return pose + betas * mean_difference(bodies.betas.float(), labels.betas.float(), has_smpl[:, None])


def cascade_loss(cascade: Tensor, labels: Labels, side: int, depth_range: float) -> Tensor:
    """Compare the joints (B, L, 15, 3) after each decoder layer, where the labels lie in their range."""
    rows = list(CASCADE_ROWS)
    place = labels.keypoints_2d[:, rows].float() / side
    depth = labels.keypoints_3d[:, rows, 2:].float() / depth_range + 0.5
    true = torch.cat([place, depth], -1)
    is_inside = torch.cat([_in_range(place).expand_as(place), _in_range(depth)], -1)
    confidence = torch.cat(
        [labels.confidence_2d[:, rows, None].expand_as(place), labels.confidence_3d[:, rows, None]], -1
    )
    weight = confidence.float() * is_inside
    return mean_difference(cascade.float(), true[:, None].expand_as(cascade), weight[:, None])


def _in_range(value: Tensor) -> Tensor:
    return ((value >= 0) & (value <= 1)).all(-1, keepdim=True)
