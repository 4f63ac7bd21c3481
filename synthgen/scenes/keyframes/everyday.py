"""Everyday actions on two feet."""

from synthgen.scenes.action import Action, key

STAND = key(on="feet")
_CONTACT = key(
    on="left_heel right_toes",
    left_hip=(25, 2, 4), left_knee=5, left_ankle=5, right_hip=(-12, 2, 4), right_knee=12, right_ankle=8, right_toe=20,
    left_arm=(18, -80), right_arm=(28, 85), elbows=(22, 10), spine=(3, 0, -4),
)  # fmt: skip
_PASS = key(
    on="left_foot",
    left_hip=(5, 2, 4), left_knee=8, left_ankle=3, right_hip=(18, 2, 4), right_knee=55, right_ankle=0,
    arms=(10, 60), elbows=(20, 10), spine=(3, 0, 0),
)  # fmt: skip

ACTIONS = (
    Action(
        "stand",
        "standing",
        (
            STAND,
            key(
                STAND,
                left_hip=(0, 4, 10),
                right_hip=(14, 12, 22),
                right_knee=22,
                spine=(2, 4, 0),
                root=(0, -3, 0),
            ),
            key(STAND, arms=(15, -60), elbows=(30, 20), spine=(-4, 0, 0)),
        ),
        motion="cycle",
    ),
    Action("walk", "walking", (_CONTACT, _PASS), motion="stride"),
    Action(
        "sit",
        "sitting on a chair",
        (
            key(
                hips=(88, 10, 5),
                knees=88,
                ankles=0,
                spine=(12, 0, 0),
                arms=(28, 70),
                elbows=(70, 30),
                on="feet",
            ),
            key(
                hips=(80, 14, 8),
                knees=72,
                ankles=-6,
                spine=(22, 0, 0),
                arms=(35, 75),
                elbows=(60, 40),
                on="feet",
            ),
        ),
        motion="cycle",
        apparatus="chair",
    ),
    Action(
        "reach",
        "reaching up",
        (
            key(STAND, right_arm=(60, 70), right_elbow=40),
            key(STAND, right_arm=(165, 70), right_elbow=10, spine=(-6, 6, 0), head=(-15, 0, -10)),
        ),
    ),
)
