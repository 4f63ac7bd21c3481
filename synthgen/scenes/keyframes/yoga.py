"""Yoga postures on the feet."""

from synthgen.scenes.action import Action, key

STAND = key(on="feet", hips=(0, 0, 4), knees=0, arms=(10, 0, 10), elbows=4, hands=0)
LUNGE = key(
    on="left_foot right_foot", left_hip=(84, 6, 6), left_knee=84, right_hip=(-24, 6, 26), right_knee=2,
    right_ankle=20, hands=0, elbows=2, arms=(168, 45),
)  # fmt: skip

ACTIONS = (
    Action(
        "tree", "holding the tree pose",
        (
            key(
                STAND, on="left_foot", left_hip=(0, -6, 4), right_hip=(54, 58, 44), right_knee=132,
                right_ankle=-30, arms=(172, 50), elbows=12,
                touch="right_ball_in=left_inner_thigh left_palm=right_palm",
            ),
            key(
                STAND, on="left_foot", left_hip=(0, -6, 4), right_hip=(46, 56, 44), right_knee=120,
                right_ankle=-30, arms=(42, 66, -20), elbows=(118, 0), wrists=-50,
                touch="right_ball_in=left_inner_thigh left_palm=right_palm",
            ),
            key(
                STAND, on="left_foot", left_hip=(0, -6, 4), right_hip=(50, 56, 44), right_knee=128,
                right_ankle=-30, arms=(150, 20), elbows=6, touch="right_ball_in=left_inner_thigh",
            ),
        ),
        motion="variants", apparatus="mat", noise=0.6,
    ),
    Action(
        "warrior_1", "holding the warrior I pose",
        (LUNGE, key(LUNGE, spine=(-18, 0, 0), head=(-28, 0, 0), arms=(176, 50))), apparatus="mat",
        noise=0.7,
    ),
    Action(
        "warrior_2", "holding the warrior II pose",
        (
            key(
                on="feet", left_hip=(54, 62, 40), left_knee=88, right_hip=(12, 52, 26), right_knee=2,
                arms=(90, 2, -20), elbows=(2, 30), hands=0, head=(0, 0, 72),
            ),
            key(
                on="feet", left_hip=(44, 56, 40), left_knee=70, right_hip=(12, 48, 26), right_knee=2,
                arms=(92, 2, -20), elbows=(2, 30), hands=0, head=(0, 0, 70),
            ),
        ),
        apparatus="mat", noise=0.6,
    ),
    Action(
        "reverse_warrior", "holding the reverse warrior pose",
        (
            key(
                on="feet", left_hip=(54, 60, 40), left_knee=84, right_hip=(12, 52, 26), right_knee=2,
                left_arm=(165, 10), right_arm=(20, -10), elbows=4, hands=0, spine=(-6, -38, 0),
                head=(-14, -10, 30),
            ),
        ),
        apparatus="mat", noise=0.7,
    ),
    Action(
        "warrior_3", "holding the warrior III pose",
        (
            key(
                STAND, on="left_foot", root=(86, 0, 0), left_hip=(86, -4, 4), left_knee=2,
                right_hip=(0, 0, 4), right_ankle=10, arms=(176, 50), spine=(-4, 0, 0), head=(-16, 0, 0),
            ),
            key(
                STAND, on="left_foot", root=(82, 0, 0), left_hip=(82, -4, 4), left_knee=4,
                right_hip=(-4, 0, 4), right_ankle=10, arms=(88, 5), spine=(-8, 0, 0), head=(-20, 0, 0),
            ),
        ),
        apparatus="mat", noise=0.6,
    ),
    Action(
        "triangle", "holding the triangle pose",
        (
            key(
                on="feet", root=(0, 38, 0), left_hip=(44, 78, 40), right_hip=(4, 8, 20), knees=2,
                left_arm=(92, 8), right_arm=(94, 4), elbows=2, hands=0, spine=(4, 38, 0), head=(0, 6, -60),
            ),
            key(
                on="feet", root=(0, 30, 0), left_hip=(38, 72, 40), right_hip=(4, 14, 20), knees=4,
                left_arm=(92, 8), right_arm=(94, 4), elbows=2, hands=0, spine=(6, 34, 0), head=(0, 6, -30),
            ),
        ),
        apparatus="mat", noise=0.5,
    ),
    Action(
        "standing_fold", "folding forward from a stand",
        (
            key(
                STAND, root=(92, 0, 0), hips=(100, 2, 4), spine=(70, 0, 0), head=(24, 0, 0), arms=(128, 84),
                elbows=8,
            ),
            key(
                STAND, root=(84, 0, 0), hips=(92, 2, 4), spine=(6, 0, 0), head=(-24, 0, 0), arms=(82, 84),
                elbows=4, touch="left_palm=left_shin right_palm=right_shin",
            ),
        ),
        motion="variants", apparatus="mat", noise=0.5,
    ),
    Action(
        "chair", "holding the chair pose",
        (
            key(
                STAND, root=(30, 0, 0), hips=(82, 0, 2), knees=84, ankles=26, spine=(6, 0, 0),
                head=(-16, 0, 0), arms=(168, 55), elbows=4,
            ),
        ),
        apparatus="mat", noise=0.7,
    ),
    Action(
        "dancer", "holding the dancer pose",
        (
            key(
                STAND, on="left_foot", root=(36, 0, 0), left_hip=(38, -4, 4), right_hip=(-46, 8, 6),
                right_knee=98, right_ankle=-40, spine=(-40, 0, 0), head=(-16, 0, 0), left_arm=(118, 72),
                right_arm=(62, -85), right_elbow=8, touch="right_palm=right_instep",
            ),
        ),
        apparatus="mat", noise=0.5,
    ),
    Action(
        "half_moon", "holding the half moon pose",
        (
            key(
                on="left_foot", root=(8, 86, 0), left_hip=(30, 88, 40), right_hip=(0, 4, 10), knees=2,
                right_ankle=10, left_arm=(92, 10), right_arm=(92, 0), elbows=2, hands=0, spine=(4, 20, 0),
                head=(0, 0, -30),
            ),
        ),
        apparatus="mat", noise=0.4,
    ),
)  # fmt: skip
