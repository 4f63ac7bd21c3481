"""Diving from board and platform."""

from synthgen.scenes.action import Action, key

ACTIONS = (
    Action(
        "pike",
        "somersaulting in a pike position",
        (
            key(
                root=(60, 0, 0), hips=(135, 0, 0), knees=0, ankles=-60, spine=(60, 0, 0), head=(20, 0, 0),
                arms=(95, 90), elbows=10, hands=20,
            ),
        ),
        support="air", lift=(1.5, 4.0), apparatus="springboard", noise=0.6,
    ),
)  # fmt: skip
