"""What goes into DPMesh and what is known of it: a batch of person crops, and its labels.

Crops are square, side S [px of the crop], origin at the centre of the top-left pixel. Joints are DPMESH30.
The 3D frame is the camera's, OpenCV axes, turned and mirrored with the crop's content.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from synthgen.joints import DPMESH30, JointSet

CASCADE15 = JointSet(
    "dpmesh_cascade15",
    (
        "pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
        "neck", "head_top", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
        "left_wrist", "right_wrist",
    ),
)  # fmt: skip
"""Joints of the cascade decoder, in the order of the published model."""
CASCADE_ROWS = CASCADE15.indices_in(DPMESH30)


@dataclass(frozen=True)
class Crops:
    """What the model sees.

    Attributes:
        images: (B, 3, S, S) RGB in [0, 1].
        keypoints_2d: (B, 30, 2) observed joints [px of the crop], the condition.
        confidence: (B, 30) in [0, 1]; 0 where a joint was not observed.
        cam_int: (B, 3, 3) camera of the crop [px of the crop]: the crop's affine times the intrinsics of the
            picture, so that points in the camera frame project straight into the crop. Where nobody knows the
            intrinsics, the focal length of the picture is its diagonal and its axis goes through its middle.
    """

    images: Tensor
    keypoints_2d: Tensor
    confidence: Tensor
    cam_int: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device | str) -> "Crops":
        """Return the batch on a device."""
        return Crops(*(value.to(device) for value in vars(self).values()))


@dataclass(frozen=True)
class Labels:
    """What is true of the crops, as far as it is known; what is not known is 0 and flagged.

    Attributes:
        rotmat: (B, 24, 3, 3) rotations relative to the parent joint, the root's first.
        betas: (B, 10).
        keypoints_3d: (B, 30, 3) [m], relative to the pelvis.
        confidence_3d: (B, 30) in [0, 1].
        keypoints_2d: (B, 30, 2) [px of the crop], also outside the crop.
        confidence_2d: (B, 30) in [0, 1].
        has_smpl: (B,) 1 where `rotmat` and `betas` are known, else 0.
        has_camera: (B,) 1 where the picture's true intrinsics are known, else 0.
    """

    rotmat: Tensor
    betas: Tensor
    keypoints_3d: Tensor
    confidence_3d: Tensor
    keypoints_2d: Tensor
    confidence_2d: Tensor
    has_smpl: Tensor
    has_camera: Tensor

    def to(self, device: torch.device | str) -> "Labels":
        """Return the labels on a device."""
        return Labels(*(value.to(device) for value in vars(self).values()))


@dataclass(frozen=True)
class Bodies:
    """What the model answers.

    Attributes:
        rotmat: (B, 24, 3, 3) rotations, the root's first.
        betas: (B, 10).
        transl: (B, 3) [m], camera frame of the crop; added to a body whose pelvis is at the origin.
        cascade: joints in the crop and in depth after each decoder layer, (B, L, 15, 3) in [0, 1]: x and y
            in sides of the crop, z in the model's depth range; L is 0 for a regressor without a decoder.
        features: (B, C, h, w) of the backbone, merged.
    """

    rotmat: Tensor
    betas: Tensor
    transl: Tensor
    cascade: Tensor
    features: Tensor

    def to(self, device: torch.device | str) -> "Bodies":
        """Return the answer on a device."""
        return Bodies(*(value.to(device) for value in vars(self).values()))
