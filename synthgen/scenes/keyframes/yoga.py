"""Yoga postures."""

from synthgen.scenes.action import Action, key

ACTIONS = (
    Action(
        "tree",
        "holding the tree pose",
        (
            key(
                on="left_foot", left_hip=(0, 0, 0), left_knee=0, right_hip=(50, 55, 60), right_knee=135, right_ankle=-30,
                arms=(170, 45), elbows=15, hands=0,
            ),
        ),
        apparatus="mat", noise=0.6,
    ),
)  # fmt: skip
