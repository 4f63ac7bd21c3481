"""Yoga postures on hands, seat, back and head."""

from synthgen.scenes.action import Action, key

PLANK = key(
    on="hands toes", root=(76, 0, 0), hips=(2, 0, 2), knees=0, ankles=22, toes=50, arms=(78, 84, 0),
    elbows=(2, 60), wrists=-72, hands=0, spine=(2, 0, 0), head=(-10, 0, 0),
)  # fmt: skip
COBRA = key(
    on="hands thighs insteps", root=(82, 0, 0), hips=(-10, 2, 2), knees=0, ankles=-50, spine=(-58, 0, 0),
    head=(-34, 0, 0), arms=(36, 70, 0), elbows=(34, 60), wrists=-70, hands=0,
)  # fmt: skip

ACTIONS = (
    Action(
        "downward_dog", "holding the downward dog",
        (
            key(
                on="hands feet", root=(128, 0, 0), hips=(104, 4, 4), knees=2, ankles=20, arms=(168, 60, 0),
                elbows=(2, 40), wrists=-58, hands=0, spine=(2, 0, 0), head=(4, 0, 0),
            ),
            key(
                on="hands toes", root=(130, 0, 0), hips=(106, 4, 4), knees=16, ankles=6, toes=35,
                arms=(168, 60, 0), elbows=(2, 40), wrists=-58, hands=0, spine=(2, 0, 0), head=(4, 0, 0),
            ),
            key(
                on="hands left_foot", root=(132, 0, 0), left_hip=(106, 4, 4), left_knee=2, left_ankle=20,
                right_hip=(-8, 4, 8), right_knee=2, right_ankle=-40, arms=(168, 60, 0), elbows=(2, 40),
                wrists=-58, hands=0, spine=(4, 0, 0),
            ),
        ),
        motion="variants", apparatus="mat", noise=0.5,
    ),
    Action(
        "cobra", "holding the cobra pose",
        (
            COBRA,
            key(
                COBRA, root=(84, 0, 0), hips=(-8, 2, 2), spine=(-36, 0, 0), arms=(30, 60, 0),
                elbows=(70, 60),
            ),
        ),
        apparatus="mat", noise=0.5,
    ),
    Action(
        "upward_dog", "holding the upward dog",
        (
            key(
                COBRA, on="hands insteps", root=(60, 0, 0), hips=(-24, 2, 2), spine=(-58, 0, 0),
                head=(-40, 0, 0), arms=(22, 60, 0), elbows=(2, 40), wrists=-80,
            ),
        ),
        apparatus="mat", noise=0.5,
    ),
    Action(
        "plank", "holding a plank",
        (PLANK, key(PLANK, root=(84, 0, 0), arms=(46, 70, 35), elbows=(88, 60), wrists=-60)),
        motion="variants", apparatus="mat", noise=0.5,
    ),
    Action(
        "forearm_plank", "holding a forearm plank",
        (
            key(
                PLANK, on="elbows forearms toes", root=(84, 0, 0), arms=(82, 74, 38), elbows=(90, 70),
                wrists=0,
            ),
        ),
        apparatus="mat", noise=0.5,
    ),
    Action(
        "side_plank", "holding a side plank",
        (
            key(
                on="left_hand left_ball_out", root=(0, 66, 0), hips=(0, 0, 2), left_hip=(0, -2, 2),
                right_hip=(0, -4, 2), knees=0, ankles=(10, 0), left_arm=(88, 2, 0), right_arm=(92, 0, 0),
                elbows=(2, 0), left_wrist=-75, hands=0, spine=(0, -6, 0),
            ),
            key(
                on="left_hand left_ball_out", root=(0, 64, 0), left_hip=(0, -4, 2), right_hip=(10, 40, 10),
                knees=0, ankles=(10, 0), left_arm=(86, 2, 0), right_arm=(100, 0, 0), elbows=(2, 0),
                left_wrist=-75, hands=0, spine=(0, -8, 0),
            ),
        ),
        motion="variants", apparatus="mat", noise=0.4,
    ),
    Action(
        "crow", "balancing in the crow pose",
        (
            key(
                on="hands", root=(78, 0, 0), hips=(122, 44, 6), knees=140, ankles=-45, spine=(52, 0, 0),
                head=(-44, 0, 0), arms=(66, 80, 16), elbows=(70, 60), wrists=-84, hands=0,
            ),
        ),
        apparatus="mat", noise=0.4,
    ),
    Action(
        "lotus", "sitting in the lotus position",
        (
            key(
                on="seat knees", root=(0, 0, 0), left_hip=(92, 42, 84), right_hip=(92, 40, 99),
                left_knee=138, right_knee=132, ankles=(-30, 20), spine=(8, 0, 0), arms=(38, 40, 10),
                elbows=(36, -50), hands=10, touch="left_palm=left_knee right_palm=right_knee",
            ),
            key(
                on="seat knees", root=(0, 0, 0), left_hip=(92, 42, 84), right_hip=(92, 40, 99),
                left_knee=138, right_knee=132, ankles=(-30, 20), spine=(6, 0, 0), arms=(46, 66, -20),
                elbows=(118, 0), wrists=-55, hands=0, touch="left_palm=right_palm",
            ),
        ),
        motion="variants", apparatus="mat", noise=0.5,
    ),
    Action(
        "boat", "holding the boat pose",
        (
            key(
                on="seat", root=(-42, 0, 0), hips=(88, 0, 4), knees=4, ankles=-40, spine=(14, 0, 0),
                head=(4, 0, 0), arms=(52, 82), elbows=4, hands=0,
            ),
            key(
                on="seat", root=(-38, 0, 0), hips=(96, 0, 4), knees=86, ankles=-30, spine=(14, 0, 0),
                head=(4, 0, 0), arms=(50, 82), elbows=4, hands=0,
            ),
        ),
        apparatus="mat", noise=0.6,
    ),
    Action(
        "child", "resting in the child's pose",
        (
            key(
                on="knees insteps hands", root=(60, 0, 0), hips=(126, 14, 0), knees=152, ankles=-58,
                spine=(48, 0, 0), head=(-4, 0, 0), arms=(165, 60), elbows=(10, 40), hands=0,
            ),
            key(
                on="knees insteps", root=(62, 0, 0), hips=(128, 10, 0), knees=153, ankles=-58,
                spine=(56, 0, 0), head=(0, 0, 0), arms=(34, 70, -20), elbows=14, hands=10,
            ),
        ),
        motion="variants", apparatus="mat", noise=0.5,
    ),
    Action(
        "pigeon", "holding the pigeon pose",
        (
            key(
                on="left_knee right_knee left_ankle right_instep", root=(6, 0, 0), left_hip=(88, 24, 46),
                left_knee=96, right_hip=(-44, 2, 4), right_knee=6, right_ankle=-50, spine=(-22, 0, 0),
                head=(-12, 0, 0), arms=(22, 30), elbows=8, hands=0,
            ),
            key(
                on="left_knee right_knee left_ankle right_instep hands", root=(58, 0, 0),
                left_hip=(128, 24, 46), left_knee=100, right_hip=(-8, 2, 4), right_knee=4, right_ankle=-50,
                spine=(34, 0, 0), arms=(130, 70), elbows=14, hands=0,
            ),
        ),
        motion="variants", apparatus="mat", noise=0.5,
    ),
    Action(
        "wheel", "holding the wheel pose",
        (
            key(
                root=(-98, 0, 0), on="hands feet", hips=(-40, 8, 6), knees=72, ankles=0, spine=(-60, 0, 0),
                head=(-46, 0, 0), arms=(164, 28, 0), elbows=(10, 0), wrists=-82, hands=0,
            ),
        ),
        apparatus="mat", noise=0.5,
    ),
    Action(
        "shoulder_bridge", "holding a bridge on the shoulders",
        (
            key(
                root=(-118, 0, 0), on="shoulders feet", hips=(-14, 4, 4), knees=84, ankles=-4,
                spine=(8, 0, 0), head=(44, 0, 0), arms=(22, -60), elbows=4, hands=0,
            ),
        ),
        apparatus="mat", noise=0.5,
    ),
    Action(
        "shoulder_stand", "holding a shoulder stand",
        (
            key(
                root=(-188, 0, 0), on="shoulders occiput", hips=(40, 0, 4), knees=0, ankles=-45,
                spine=(26, 0, 0), head=(55, 0, 0), arms=(52, -82, 0), elbows=(112, 0), hands=0,
            ),
        ),
        apparatus="mat", noise=0.4,
    ),
    Action(
        "headstand", "holding a headstand",
        (
            key(
                root=(180, 0, 0), on="crown forearms", hips=(0, 0, 4), knees=0, ankles=-45, spine=(0, 0, 0),
                head=(0, 0, 0), arms=(128, 62, 0), elbows=(92, 0), hands=20,
            ),
            key(
                root=(176, 0, 0), on="crown forearms", hips=(90, 6, 4), knees=130, ankles=-30,
                spine=(10, 0, 0), head=(0, 0, 0), arms=(128, 62, 0), elbows=(92, 0), hands=20,
            ),
        ),
        motion="variants", apparatus="mat", noise=0.4,
    ),
    Action(
        "seated_fold", "folding forward over straight legs",
        (
            key(
                on="seat heels", root=(30, 0, 0), hips=(122, 2, 4), knees=2, ankles=10, spine=(58, 0, 0),
                head=(8, 0, 0), arms=(126, 84), elbows=16, hands=20,
                touch="left_palm=left_ankle right_palm=right_ankle",
            ),
            key(
                on="seat heels", root=(18, 0, 0), hips=(108, 52, 26), knees=2, ankles=0, spine=(50, 0, 0),
                head=(-6, 0, 0), arms=(118, 70), elbows=12, hands=0,
            ),
        ),
        motion="variants", apparatus="mat", noise=0.5,
    ),
    Action(
        "camel", "holding the camel pose",
        (
            key(
                on="knees insteps", root=(-14, 0, 0), hips=(-22, 4, 0), knees=84, ankles=-50,
                spine=(-60, 0, 0), head=(-50, 0, 0), arms=(38, -82), elbows=2, hands=10,
                touch="left_palm=left_heel right_palm=right_heel",
            ),
        ),
        apparatus="mat", noise=0.5,
    ),
    Action(
        "cat", "arching the back on all fours",
        (
            key(
                on="hands knees insteps", root=(84, 0, 0), hips=(70, 2, 0), knees=88, ankles=-50,
                arms=(78, 86, 0), elbows=(4, 60), wrists=-76, hands=0, spine=(56, 0, 0), head=(34, 0, 0),
            ),
            key(
                on="hands knees insteps", root=(92, 0, 0), hips=(96, 2, 0), knees=92, ankles=-50,
                arms=(92, 86, 0), elbows=(4, 60), wrists=-76, hands=0, spine=(-28, 0, 0), head=(-44, 0, 0),
            ),
        ),
        apparatus="mat", noise=0.6,
    ),
)  # fmt: skip
