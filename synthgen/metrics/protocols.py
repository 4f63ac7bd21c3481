"""How each data set is evaluated: joints, root, alignment. A table by name.

Joints are those of `synthgen.joints`, by name. Papers blend Human3.6M's joints from the mesh by a matrix that
may not be given away; without that file they are the joints of the same names that `joints.H36M17` blends.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synthgen.geometry import Array
from synthgen.joints import H36M17, SMPL24, JointSet

# In the order of LSP: what is left of Human3.6M's 17 joints without pelvis, spine and jaw.
LSP14 = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle",
    "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
    "thorax", "head_top",
)  # fmt: skip


@dataclass(frozen=True)
class Protocol:
    """Which joints count, and where both bodies are laid onto each other.

    Attributes:
        name: as written in configs.
        joint_set: set that the joints and the root are taken from.
        joints: names of those that count.
        root: names of the joints whose middle is the root.
        note: where it comes from, and what it leaves open, in words.
    """

    name: str
    joint_set: JointSet
    joints: tuple[str, ...]
    root: tuple[str, ...]
    note: str

    def __post_init__(self) -> None:
        for joint in (*self.joints, *self.root):
            self.joint_set.index(joint)

    @property
    def indices(self) -> tuple[int, ...]:
        """Positions of the joints in the joint set."""
        return tuple(self.joint_set.index(joint) for joint in self.joints)

    @property
    def root_indices(self) -> tuple[int, ...]:
        """Positions of the root's joints in the joint set."""
        return tuple(self.joint_set.index(joint) for joint in self.root)

    def centred(self, joints: Array) -> Array:
        """Return the joints that count (..., len(joints), 3), root at the origin, of a set (..., J, 3)."""
        root = joints[..., list(self.root_indices), :].mean(-2, keepdims=True)
        return joints[..., list(self.indices), :] - root

    def confidence(self, points: Array) -> Array:
        """Return how surely joints of the set follow from points: as surely as the least known of these.

        Args:
            points: (..., len(POINT_NAMES)) confidence of each point.

        Returns:
            (..., len(joint_set)), see `chosen`.
        """
        needs = self.joint_set.point_weights() != 0  # (J, points)
        return np.where(needs, points[..., None, :], np.inf).min(-1)

    def chosen(self, confidence: Array) -> tuple[Array, Array]:
        """Return the confidences (..., len(joints)) of the joints that count, and (...) of the root.

        Args:
            confidence: (..., len(joint_set)).
        """
        root = confidence[..., list(self.root_indices)].min(-1)
        return confidence[..., list(self.indices)], root


_3DPW = (
    "MPJPE and PA-MPJPE over 14 of Human3.6M's 17 joints, root Human3.6M's pelvis; MPVPE from SMPL's pelvis"
)
_TABLE = (
    Protocol(
        "3dpw", H36M17, LSP14, ("pelvis",),
        f"{_3DPW}; also 3DPW-OC, -PC and -Crowd (DPMesh, HMR2, ScoreHMR).",
    ),
    Protocol("3doh", H36M17, LSP14, ("pelvis",), f"{_3DPW}; DPMesh says no more of it than that of 3DPW."),
    Protocol(
        "cmu_panoptic", H36M17, H36M17.names, ("pelvis",),
        "MPJPE over all 17 joints of Human3.6M, root its pelvis, for each activity and their mean: the "
        "public evaluation of Jiang et al. (2020), which DPMesh follows without saying more; joints that the "
        "data set lacks (spine, jaw, top of the head) count where annotations were completed by fits.",
    ),
    Protocol(
        "h36m", H36M17, LSP14, ("pelvis",),
        "MPJPE and PA-MPJPE over 14 of Human3.6M's 17 joints, root Human3.6M's pelvis (ScoreHMR).",
    ),
    Protocol(
        "mannequin", H36M17, H36M17.names, ("pelvis",),
        "MPJPE and PA-MPJPE over the 17 joints of Human3.6M, root its pelvis (ScoreHMR).",
    ),
    Protocol(
        "ski_poseptz", H36M17, H36M17.names, ("pelvis",),
        "All 17 joints of Human3.6M, as the data set labels them, root its hip; right leg first.",
    ),
    Protocol(
        "ski_diffusion_hpc", H36M17, tuple(name for name in H36M17.names if name != "jaw"), ("pelvis",),
        "16 of Human3.6M's 17 joints as the data set labels them, without its joint 9 (jaw, which the "
        "evaluation calls head), root its hip (Diffusion-HPC, eval_diffusion.py).",
    ),
    Protocol(
        "emdb", SMPL24, SMPL24.names, ("pelvis",),
        "All 24 joints of SMPL, root its pelvis, frames marked as good only.",
    ),
    Protocol("smpl24", SMPL24, SMPL24.names, ("pelvis",), "All 24 joints of SMPL, root its pelvis."),
)  # fmt: skip
PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in _TABLE}
