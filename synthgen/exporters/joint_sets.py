"""The joint sets of other trainers, and a person's joints in them: with confidence 0 where nobody knows.

OpenPose's 25 are SMPL's own joints and landmarks, as 4D-Humans and ScoreHMR take them. Of the further joints
of SPIN and 4D-Humans, ankles, knees, wrists, elbows and shoulders are SMPL's too; hips, neck, pelvis, thorax,
spine, jaw and head are blended there by matrices of the licensed body. Here SMPL's hip, neck and head top
stand for them and the middle of the hips for the pelvis, which lies within a few centimetres.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from synthgen.exporters.figures import Figure
from synthgen.geometry import project
from synthgen.joints import COCO17, OPENPOSE25, POINT_NAMES, SMPL24, JointSet
from synthgen.sample import Float

Float32 = NDArray[np.float32]
MIN_DEPTH_M = 0.05  # nearer points, or points behind the camera, have no place in the picture

_LSP14 = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist",
    "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "neck_lsp", "head_top",
)  # fmt: skip
_BLENDS = {
    "neck_lsp": {"neck": 1.0},
    "pelvis_mpii": {"left_hip": 0.5, "right_hip": 0.5},
    "thorax_mpii": {"neck": 1.0},
    "spine_h36m": {"spine1": 0.5, "spine2": 0.5},
    "jaw_h36m": {"head": 0.5, "nose": 0.5},
    "head_h36m": {"head_top": 1.0},
}
EXTRA19 = JointSet(
    "extra19",
    (*_LSP14, "pelvis_mpii", "thorax_mpii", "spine_h36m", "jaw_h36m", "head_h36m"),
    blends=_BLENDS,
)
SPIN24 = JointSet(
    "spin24",
    (*EXTRA19.names, "nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    blends=_BLENDS,
)
SETS44 = (OPENPOSE25, EXTRA19)  # one behind the other: 4D-Humans', ScoreHMR's and CameraHMR's 44 joints
FACE_FEET = JointSet(
    "face_feet",
    (
        "nose", "right_eye", "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe",
        "left_heel", "right_big_toe", "right_small_toe", "right_heel",
    ),
)  # fmt: skip
_SETS = {one.name: one for one in (SMPL24, COCO17, OPENPOSE25, EXTRA19, SPIN24, FACE_FEET)}


@dataclass(frozen=True)
class _Recipe:
    """How a set follows from points: weights (J, 36) and (J, 17), and which joints need COCO's only."""

    weights: Float32
    is_used: NDArray[np.bool_]
    coco_weights: Float32
    is_coco_used: NDArray[np.bool_]
    is_of_coco: NDArray[np.bool_]
    is_one_of_coco: NDArray[np.bool_]


@cache
def _recipe(name: str) -> _Recipe:
    joint_set = _SETS[name]
    weights = joint_set.point_weights()
    columns = [POINT_NAMES.index(point) for point in COCO17.names]
    coco = weights[:, columns]
    is_of_coco = np.isclose(coco.sum(1), 1)
    return _Recipe(
        weights=weights,
        is_used=weights != 0,
        coco_weights=coco,
        is_coco_used=coco != 0,
        is_of_coco=is_of_coco,
        is_one_of_coco=is_of_coco & (coco.max(1) == 1),
    )


def joints_3d(figure: Figure, joint_set: JointSet) -> Float32:
    """Return (J, 4): x, y, z [m, camera frame] and confidence of each joint; 0 where nobody knows."""
    recipe = _recipe(joint_set.name)
    confidence = np.where(recipe.is_used, figure.confidence, 1).min(1)
    joints = np.column_stack([recipe.weights @ figure.points, confidence])
    joints[confidence == 0] = 0
    return joints.astype(np.float32)


def joints_2d(figure: Figure, joint_set: JointSet) -> Float32:
    """Return (J, 3): x, y [px] and confidence of each joint; all 0 where nobody knows.

    COCO's joints are the labels themselves. Others are the projection of their place in space, or, without
    one, blends of labels. A person without any trusted 2D label has none.
    """
    recipe, person = _recipe(joint_set.name), figure.observed
    rows = np.zeros((len(joint_set), 3), np.float32)
    if not person.confidence_2d.any():
        return rows
    if figure.camera is not None:
        spatial = joints_3d(figure, joint_set)
        known = (spatial[:, 3] > 0) & (spatial[:, 2] > MIN_DEPTH_M)
        rows[known, :2] = project(spatial[known, :3].astype(np.float64), figure.camera.cam_int)
        rows[known, 2] = spatial[known, 3]
    confidence = np.where(recipe.is_coco_used, person.confidence_2d, 1).min(1)
    blended = recipe.coco_weights @ np.where(person.confidence_2d[:, None] > 0, person.keypoints_2d, 0)
    taken = recipe.is_of_coco & (confidence > 0) & (recipe.is_one_of_coco | (rows[:, 2] == 0))
    rows[taken, :2], rows[taken, 2] = blended[taken], confidence[taken]
    return rows


def all_44_2d(figure: Figure) -> tuple[Float32, Float32]:
    """Return OpenPose's (25, 3) and the further (19, 3); see `joints_2d`."""
    body, extra = (joints_2d(figure, joint_set) for joint_set in SETS44)
    return body, extra


def all_44_3d(figure: Figure) -> tuple[Float32, Float32]:
    """Return OpenPose's (25, 4) and the further (19, 4); see `joints_3d`."""
    body, extra = (joints_3d(figure, joint_set) for joint_set in SETS44)
    return body, extra


def pose_of(figure: Figure) -> Float:
    """Return (72,) axis-angle [rad], the root's first; 0 without SMPL parameters."""
    person = figure.observed.person
    if person is None:
        return np.zeros(72, np.float32)
    return np.concatenate([person.global_orient, person.body_pose.ravel()]).astype(np.float32)
