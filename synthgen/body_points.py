"""Joints and landmarks of a body from its parameters, differentiable and without its other vertices.

The same skinning as `synthgen.body` for the few points that losses look at; rotations are matrices.
"""

import numpy as np
import torch
from torch import Tensor, nn

from synthgen.body import LANDMARK_VERTICES
from synthgen.body_file import BodyArrays
from synthgen.joints import LANDMARK_NAMES, SMPL24, JointSet


class BodyPoints(nn.Module):
    """Poses the points of `joints.POINT_NAMES` of one body model."""

    joints: Tensor
    joint_dirs: Tensor
    landmarks: Tensor
    landmark_dirs: Tensor
    pose_dirs: Tensor
    weights: Tensor

    def __init__(self, body: BodyArrays) -> None:
        super().__init__()
        rows = [LANDMARK_VERTICES[name] for name in LANDMARK_NAMES]
        self._buffer("joints", body.J_regressor @ body.v_template)
        self._buffer("joint_dirs", np.einsum("jv,vab->jab", body.J_regressor, body.shapedirs))
        self._buffer("landmarks", body.v_template[rows])
        self._buffer("landmark_dirs", body.shapedirs[rows])
        self._buffer("pose_dirs", body.posedirs[rows])
        self._buffer("weights", body.weights[rows])

    def _buffer(self, name: str, value: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(value, np.float32)))

    def forward(self, rotmat: Tensor, betas: Tensor) -> Tensor:
        """Pose bodies that stand where SMPL puts them without translation.

        Args:
            rotmat: (B, 24, 3, 3) rotations relative to the parent joint, the root's first.
            betas: (B, 10).

        Returns:
            (B, len(POINT_NAMES), 3) [m], in the frame of the root's rotation.
        """
        joints = self.joints + (self.joint_dirs @ betas[:, None, :, None])[..., 0]
        turns, places = [rotmat[:, 0]], [joints[:, 0]]
        for child, parent in list(enumerate(SMPL24.parents))[1:]:
            offset = (joints[:, child] - joints[:, parent])[..., None]
            places.append(places[parent] + (turns[parent] @ offset)[..., 0])
            turns.append(turns[parent] @ rotmat[:, child])
        turn, place = torch.stack(turns, 1), torch.stack(places, 1)
        bend = (rotmat[:, 1:] - torch.eye(3, device=rotmat.device)).flatten(1)
        rest = self.landmarks + (self.landmark_dirs @ betas[:, None, :, None])[..., 0]
        rest = rest + (self.pose_dirs @ bend[:, None, :, None])[..., 0]
        moved = (
            turn[:, None] @ (rest[:, :, None] - joints[:, None])[..., None]
        )  # (B, landmarks, joints, 3, 1)
        skinned = (self.weights[..., None] * (moved[..., 0] + place[:, None])).sum(2)
        return torch.cat([place, skinned], 1)


def blend(points: Tensor, joint_set: JointSet) -> Tensor:
    """Blend points (..., len(POINT_NAMES), 3) into the joints (..., J, 3) of a set."""
    return torch.from_numpy(joint_set.point_weights()).to(points) @ points
