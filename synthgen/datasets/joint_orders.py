"""Joint orders of data sets as joint sets, in this package's names: maps go by name, never by number.

COCO-17, OpenPose-25, SMPL-24 and Human3.6M's 17 (also Ski-PosePTZ's and AthletePose3D's) are in
`synthgen.joints`.
"""

from synthgen.joints import JointSet

OPENPOSE18 = JointSet(
    "openpose18",
    (
        "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
        "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
        "right_eye", "left_eye", "right_ear", "left_ear",
    ),
)  # fmt: skip

# MPII's pelvis is the middle of the hips, its thorax the middle of the shoulders, its upper neck the chin.
MPII16 = JointSet(
    "mpii16",
    (
        "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "mid_hip",
        "thorax", "upper_neck", "head_top", "right_wrist", "right_elbow", "right_shoulder",
        "left_shoulder", "left_elbow", "left_wrist",
    ),
    blends={
        "mid_hip": {"left_hip": 0.5, "right_hip": 0.5},
        "thorax": {"left_shoulder": 0.5, "right_shoulder": 0.5},
        "upper_neck": {"neck": 0.5, "head": 0.5},
    },
)  # fmt: skip
