"""Athletics: running, jumping, throwing."""

from synthgen.scenes.action import Action, key

ACTIONS = (
    Action(
        "sprint",
        "sprinting",
        (
            key(
                root=(10, 0, 0), left_hip=(85, 0, 0), left_knee=105, left_ankle=5, right_hip=(-20, 0, 0), right_knee=10,
                right_ankle=-35, left_arm=(50, -85), right_arm=(60, 80), elbows=(90, 10), on="right_toes",
            ),
            key(
                root=(10, 0, 0), left_hip=(30, 0, 0), left_knee=10, right_hip=(5, 0, 0), right_knee=125,
                arms=(12, 70), elbows=(90, 10), on="left_toes",
            ),
        ),
        motion="stride",
    ),
)  # fmt: skip
