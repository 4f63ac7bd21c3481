"""Gymnastics on floor, beam, bars and rings."""

from synthgen.scenes.action import Action, key

ACTIONS = (
    Action(
        "split_leap",
        "doing a split leap",
        (
            key(
                left_hip=(95, 0, 10), right_hip=(-70, 0, 10), knees=0, ankles=-60, arms=(95, 0), elbows=0,
                spine=(-15, 0, 0), hands=0,
            ),
        ),
        support="air", lift=(0.4, 0.9),
    ),
    Action(
        "handstand",
        "doing a handstand",
        (
            key(
                root=(180, 0, 0), arms=(178, 45), elbows=0, hips=(0, 0, 5), knees=0, ankles=-60, wrists=-85, hands=0,
                head=(-20, 0, 0), on="hands",
            ),
        ),
        apparatus="mat", noise=0.5,
    ),
)  # fmt: skip
