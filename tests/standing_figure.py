"""A figure that stands in a picture of 120 px, an arm stretched out to the right: its COCO joints (x, y)."""

PLACES = {
    "nose": (40, 24), "left_eye": (41, 23), "right_eye": (39, 23), "left_ear": (43, 24),
    "right_ear": (37, 24),
    "left_shoulder": (49, 44), "left_elbow": (64, 44), "left_wrist": (76, 44),
    "right_shoulder": (32, 44), "right_elbow": (32, 58), "right_wrist": (32, 70),
    "left_hip": (45, 66), "left_knee": (45, 82), "left_ankle": (45, 97),
    "right_hip": (35, 66), "right_knee": (35, 82), "right_ankle": (35, 97),
}  # fmt: skip
