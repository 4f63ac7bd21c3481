"""Joint sets as data: names, parents, flip pairs, and how each joint follows from points of the body.

Every joint of every set is a fixed blend of POINT_NAMES: the 24 SMPL joints and 12 landmarks on the skin. A
body model only has to know these points (see `synthgen.body`); all sets follow. Indices are never literals:
`COCO17.index("left_hip")`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

ROOT = -1  # parent of a joint that has none

_SMPL_TREE = {  # child: parent, in SMPL's order
    "pelvis": None, "left_hip": "pelvis", "right_hip": "pelvis", "spine1": "pelvis",
    "left_knee": "left_hip", "right_knee": "right_hip", "spine2": "spine1",
    "left_ankle": "left_knee", "right_ankle": "right_knee", "spine3": "spine2",
    "left_foot": "left_ankle", "right_foot": "right_ankle", "neck": "spine3",
    "left_collar": "spine3", "right_collar": "spine3", "head": "neck",
    "left_shoulder": "left_collar", "right_shoulder": "right_collar",
    "left_elbow": "left_shoulder", "right_elbow": "right_shoulder",
    "left_wrist": "left_elbow", "right_wrist": "right_elbow",
    "left_hand": "left_wrist", "right_hand": "right_wrist",
}  # fmt: skip

LANDMARK_NAMES = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_top",
    "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip
POINT_NAMES = (*_SMPL_TREE, *LANDMARK_NAMES)


def mirrored(name: str) -> str:
    """Return the name of the joint on the other side; a joint on the midline is its own mirror image."""
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    return name


@dataclass(frozen=True)
class JointSet:
    """A named, ordered set of joints.

    Attributes:
        name: as written in configs and records.
        names: one per joint, in the order of the set.
        parents: index of each joint's parent, `ROOT` for none; empty where the set has no tree.
        blends: joints that are not one of POINT_NAMES by name: {joint: {point: weight}}, weights sum to 1.
    """

    name: str
    names: tuple[str, ...]
    parents: tuple[int, ...] = ()
    blends: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def index(self, joint: str) -> int:
        """Return the position of a joint.

        Raises:
            ValueError: the set has no such joint; the message lists those it has.
        """
        if joint not in self.names:
            raise ValueError(f"unknown joint {joint!r} in {self.name}; known: {', '.join(self.names)}")
        return self.names.index(joint)

    def flip_permutation(self) -> tuple[int, ...]:
        """Return indices p with `mirrored_joints = joints[..., p, :]` for a left-right flip."""
        return tuple(self.index(mirrored(name)) for name in self.names)

    def point_weights(self) -> np.ndarray:
        """Return the (J, len(POINT_NAMES)) float32 matrix that blends body points into this set's joints."""
        weights = np.zeros((len(self), len(POINT_NAMES)), np.float32)
        for row, joint in enumerate(self.names):
            for point, weight in self.blends.get(joint, {joint: 1.0}).items():
                weights[row, POINT_NAMES.index(point)] = weight
        return weights

    def indices_in(self, other: "JointSet") -> tuple[int, ...]:
        """Return, for each joint of this set, its position in `other`, which must have every one by name."""
        return tuple(other.index(name) for name in self.names)


def _tree(edges: Mapping[str, str | None]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    names = tuple(edges)
    return names, tuple(ROOT if parent is None else names.index(parent) for parent in edges.values())


SMPL24 = JointSet("smpl24", *_tree(_SMPL_TREE))

COCO17 = JointSet(
    "coco17",
    (
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
        "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
        "left_knee", "right_knee", "left_ankle", "right_ankle",
    ),
)  # fmt: skip

# Lines of a drawn skeleton.
COCO_BONES = tuple(
    (COCO17.index(first), COCO17.index(second))
    for first, second in (
        ("left_ankle", "left_knee"), ("left_knee", "left_hip"), ("right_ankle", "right_knee"),
        ("right_knee", "right_hip"), ("left_hip", "right_hip"), ("left_shoulder", "left_hip"),
        ("right_shoulder", "right_hip"), ("left_shoulder", "right_shoulder"),
        ("left_shoulder", "left_elbow"), ("right_shoulder", "right_elbow"),
        ("left_elbow", "left_wrist"), ("right_elbow", "right_wrist"),
        ("nose", "left_eye"), ("nose", "right_eye"), ("left_eye", "left_ear"),
        ("right_eye", "right_ear"), ("left_ear", "left_shoulder"), ("right_ear", "right_shoulder"),
    )
)  # fmt: skip

FEET6 = JointSet("feet6", LANDMARK_NAMES[6:])
COCO23 = JointSet("coco23", (*COCO17.names, *FEET6.names))  # body and feet of COCO-WholeBody

OPENPOSE25 = JointSet(
    "openpose25",
    (
        "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
        "left_wrist", "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee",
        "left_ankle", "right_eye", "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe",
        "left_heel",
        "right_big_toe", "right_small_toe", "right_heel",
    ),
    blends={"mid_hip": {"pelvis": 1.0}},  # as 4D-Humans and ScoreHMR take it from SMPL
)  # fmt: skip

# Human3.6M's 17 joints in the order of J_regressor_h36m_correct (right leg first). The spine joint lies
# between SMPL's first two, the jaw between the skull base and the nose.
H36M17 = JointSet(
    "h36m17",
    *_tree(
        {
            "pelvis": None, "right_hip": "pelvis", "right_knee": "right_hip", "right_ankle": "right_knee",
            "left_hip": "pelvis", "left_knee": "left_hip", "left_ankle": "left_knee",
            "spine": "pelvis", "thorax": "spine", "jaw": "thorax", "head_top": "jaw",
            "left_shoulder": "thorax", "left_elbow": "left_shoulder", "left_wrist": "left_elbow",
            "right_shoulder": "thorax", "right_elbow": "right_shoulder", "right_wrist": "right_elbow",
        }
    ),
    blends={
        "spine": {"spine1": 0.5, "spine2": 0.5},
        "thorax": {"neck": 1.0},
        "jaw": {"head": 0.5, "nose": 0.5},
    },
)  # fmt: skip

DPMESH30 = JointSet(
    "dpmesh30",
    (*SMPL24.names, "nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_top"),
)

JOINT_SETS = {joint_set.name: joint_set for joint_set in (SMPL24, COCO17, OPENPOSE25, H36M17, DPMESH30)}


def side(joint: int) -> str:
    """Return "left", "right" or "middle" for a COCO-17 joint."""
    name = COCO17.names[joint]
    return next((part for part in ("left", "right") if name.startswith(part)), "middle")
