"""Skiing: on the slope, in the air and in the snow. Hands hold poles, feet stand on skis."""

from synthgen.scenes.action import Action, key

TUCK = key(
    on="feet", root=(35, 0, 0), hips=(80, 8, 0), knees=115, ankles=25, spine=(40, 0, 0), head=(-45, 0, 0),
    arms=(75, 85, -20), elbows=(95, 20), hands=60,
)  # fmt: skip
TURN = key(
    on="feet", root=(22, 28, 0), left_hip=(70, 0, 0), left_knee=85, right_hip=(35, 6, 0), right_knee=45,
    ankles=18, spine=(25, -18, -12), head=(-25, -8, 5), left_arm=(50, 55), right_arm=(55, 55), elbows=(60, 20), hands=60,
)  # fmt: skip

ACTIONS = (
    Action(
        "tuck",
        "racing downhill in a tuck",
        (TUCK, key(TUCK, hips=(70, 8, 0), knees=95, root=(28, 0, 0))),
        apparatus="skis",
    ),
    Action(
        "slalom_turn",
        "carving a turn",
        (TURN, key(TURN, root=(18, 40, 0), left_hip=(95, 0, 0), left_knee=110)),
        apparatus="skis",
    ),
)
