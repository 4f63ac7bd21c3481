"""Skiing: on the slope, in the air and in the snow. Hands hold poles, feet stand on skis."""

from synthgen.scenes.action import Action, key

READY = key(
    on="feet", root=(16, 0, 0), hips=(48, 6, 4), knees=58, ankles=24, spine=(26, 0, 0), head=(-26, 0, 0),
    arms=(44, 52), elbows=(62, 10), hands=60,
)  # fmt: skip
TUCK = key(
    on="feet", root=(48, 0, 0), hips=(116, 8, 2), knees=112, ankles=28, spine=(46, 0, 0), head=(-52, 0, 0),
    arms=(132, 78, -10), elbows=(104, 10), hands=60, touch="left_grip=right_grip",
)  # fmt: skip
EDGES = "left_ball_out left_heel right_ball_in right_heel"
CARVE = key(
    on=EDGES, root=(14, 34, 0), left_hip=(82, -2, 0), left_knee=88, right_hip=(36, 8, 0), right_knee=34,
    ankles=20, left_ankle=(22, 24), right_ankle=(18, -18), spine=(24, -24, -10), head=(-18, -10, 6),
    left_arm=(58, 60), right_arm=(46, 45), elbows=(52, 10), hands=60,
)  # fmt: skip
AIR = key(
    root=(16, 0, 0), hips=(70, 8, 4), knees=78, ankles=18, spine=(24, 0, 0), head=(-20, 0, 0),
    arms=(62, 30), elbows=(40, 10), hands=60,
)  # fmt: skip
SKATE = key(
    on="left_foot", root=(24, 10, 0), left_hip=(48, 4, 22), left_knee=52, left_ankle=22,
    right_hip=(-6, 34, 24), right_knee=14, right_ankle=10, spine=(24, 4, -8), head=(-22, 0, 0),
    left_arm=(58, 78), right_arm=(40, -70), elbows=(35, 10), hands=60,
)  # fmt: skip
CLASSIC = key(
    on="left_foot right_toes", root=(26, 0, 0), left_hip=(50, 0, 4), left_knee=38, left_ankle=18,
    right_hip=(-22, 2, 4), right_knee=10, right_ankle=-22, right_toe=20, spine=(20, 0, -8),
    head=(-24, 0, 0), left_arm=(46, -85), right_arm=(82, 84), left_elbow=12, right_elbow=35, hands=60,
)  # fmt: skip
FALL = key(
    root=(-12, 72, 0), on="left_hipside left_outer_thigh", left_hip=(62, 8, 6), left_knee=58,
    right_hip=(40, 34, 18), right_knee=46, ankles=10, spine=(20, -16, 16), head=(12, -18, 0),
    left_arm=(95, 25), left_elbow=40, right_arm=(115, 30), right_elbow=30, hands=30,
)  # fmt: skip

ACTIONS = (
    Action(
        "tuck", "racing downhill in a tuck",
        (
            TUCK,
            key(TUCK, hips=(88, 6, 2), knees=88, root=(34, 0, 0)),
            key(TUCK, arms=(62, -80, 0), elbows=20, touch=""),
        ),
        apparatus="skis", noise=0.7,
    ),
    Action(
        "slalom_turn", "carving a slalom turn",
        (
            key(
                CARVE, root=(16, 20, 0), left_hip=(64, 0, 0), left_knee=70, right_hip=(42, 4, 0),
                right_knee=44,
            ),
            CARVE,
            key(CARVE, root=(20, 30, -18), spine=(28, -22, 16), left_arm=(100, 75), left_elbow=40),
            READY,
        ),
        motion="cycle", apparatus="skis",
    ),
    Action(
        "carve", "carving a turn at full speed",
        (
            key(
                CARVE, root=(10, 48, 0), left_hip=(112, -6, 0), left_knee=112, right_hip=(34, 16, 0),
                right_knee=18, spine=(22, -30, -12), head=(-14, -14, 8),
            ),
            key(
                CARVE, root=(14, 58, 0), left_hip=(122, -6, 0), left_knee=124, right_hip=(38, 22, 0),
                right_knee=16, spine=(22, -34, -12), head=(-14, -20, 8), left_arm=(70, 20), left_elbow=30,
            ),
        ),
        apparatus="skis", noise=0.8,
    ),
    Action(
        "pole_plant", "planting a pole before the turn",
        (
            key(
                READY, left_arm=(70, 76), left_elbow=34, left_wrist=(0, -20), spine=(30, 8, 10),
                left_hip=(54, 6, 4), left_knee=62,
            ),
            key(
                READY, left_arm=(62, 80), left_elbow=12, left_wrist=(0, -25), spine=(34, 12, 14),
                hips=(64, 6, 4), knees=78, root=(20, 6, 0),
            ),
        ),
        apparatus="skis",
    ),
    Action(
        "snowplough", "braking in a snowplough",
        (
            key(
                READY, on="left_ball_in left_heel right_ball_in right_heel", hips=(38, 22, -26), knees=44,
                ankles=(20, -12), root=(12, 0, 0), arms=(38, 48),
            ),
            key(
                READY, on="left_ball_in left_heel right_ball_in right_heel", hips=(30, 28, -30), knees=30,
                ankles=(16, -12), root=(6, 0, 0), spine=(14, 0, 0), arms=(48, 40), elbows=45,
            ),
        ),
        apparatus="skis",
    ),
    Action(
        "hockey_stop", "stopping sideways in a spray of snow",
        (
            key(
                CARVE, root=(8, 42, -30), left_hip=(70, 0, -6), left_knee=74, right_hip=(44, 12, 0),
                right_knee=36, spine=(22, -28, 30), left_arm=(75, 30), right_arm=(80, 20),
            ),
            key(
                CARVE, root=(6, 32, -40), left_hip=(58, 0, -6), left_knee=60, right_hip=(40, 10, 0),
                right_knee=34, spine=(20, -22, 36),
            ),
        ),
        apparatus="skis",
    ),
    Action(
        "jump", "flying over a jump",
        (
            AIR,
            key(AIR, hips=(112, 10, 4), knees=118, arms=(48, 40), elbows=60),
            key(
                AIR, hips=(24, 6, 4), knees=22, ankles=8, arms=(105, 10), elbows=25, spine=(4, 0, 0),
                root=(8, 0, 0),
            ),
        ),
        support="air", lift=(0.5, 3.0), apparatus="skis", noise=1.2,
    ),
    Action(
        "spread_eagle", "doing a spread eagle",
        (
            key(
                AIR, hips=(20, 48, 18), knees=8, ankles=0, arms=(100, 0), elbows=10, spine=(-8, 0, 0),
                root=(0, 0, 0),
            ),
            key(
                AIR, hips=(34, 42, 20), knees=20, ankles=5, arms=(120, 5), elbows=15, spine=(4, 0, 0),
                root=(10, 0, 0),
            ),
        ),
        support="air", lift=(0.8, 3.0), apparatus="skis",
    ),
    Action(
        "freestyle_grab", "grabbing a ski in the air",
        (
            key(
                AIR, hips=(112, 14, 10), knees=124, right_arm=(48, 50), right_elbow=12, left_arm=(115, 0),
                left_elbow=20, spine=(38, -14, 0), root=(10, -12, 30), touch="right_grip=right_ball_out",
            ),
            key(
                AIR, hips=(108, 10, 0), left_knee=100, right_knee=138, right_arm=(45, -40), right_elbow=15,
                left_arm=(130, 20), left_elbow=25, spine=(12, -24, -20), root=(30, -20, 60),
                touch="right_grip=right_heel",
            ),
            key(
                AIR, hips=(116, 12, 0), knees=128, right_arm=(60, 95), right_elbow=12, left_arm=(110, -10),
                left_elbow=25, spine=(44, 0, 20), root=(-20, 24, -60), touch="right_grip=left_ball_out",
            ),
        ),
        motion="variants", support="air", lift=(1.0, 4.0), apparatus="skis", noise=0.8,
    ),
    Action(
        "backflip", "doing a backflip on skis",
        (
            key(
                AIR, root=(-100, 0, 0), hips=(40, 6, 4), knees=40, spine=(-14, 0, 0), head=(-42, 0, 0),
                arms=(110, 15),
            ),
            key(
                AIR, root=(-190, 0, 0), hips=(80, 8, 4), knees=90, spine=(6, 0, 0), head=(-38, 0, 0),
                arms=(60, 20),
            ),
            key(
                AIR, root=(-270, 0, 0), hips=(50, 8, 4), knees=60, spine=(14, 0, 0), head=(-26, 0, 0),
                arms=(80, 30),
            ),
        ),
        support="air", lift=(1.5, 4.0), apparatus="skis",
    ),
    Action(
        "ski_jump", "flying off the ski jump",
        (
            key(
                root=(56, 0, 0), hips=(34, 14, 10), knees=6, ankles=(28, -10), spine=(12, 0, 0),
                head=(-42, 0, 0), arms=(10, -40), elbows=6, hands=20,
            ),
            key(
                root=(66, 0, 0), hips=(26, 12, 10), knees=4, ankles=(28, -10), spine=(8, 0, 0),
                head=(-48, 0, 0), arms=(16, -20), elbows=6, hands=20,
            ),
        ),
        support="air", lift=(1.5, 6.0), apparatus="skis", noise=0.6,
    ),
    Action(
        "telemark", "landing in a telemark",
        (
            key(
                on="left_foot right_toes", root=(4, 0, 0), left_hip=(72, 0, 4), left_knee=80, left_ankle=14,
                right_hip=(-6, 0, 4), right_knee=92, right_ankle=18, right_toe=50, arms=(88, 5), elbows=10,
                spine=(10, 0, 0), hands=30,
            ),
            key(
                on="left_foot right_toes", root=(8, 0, 0), left_hip=(58, 0, 4), left_knee=60, left_ankle=12,
                right_hip=(-4, 0, 4), right_knee=66, right_ankle=16, right_toe=45, arms=(60, 30), elbows=45,
                spine=(16, 0, 0), hands=60,
            ),
        ),
        apparatus="skis",
    ),
    Action(
        "skate", "skating on skis",
        (
            SKATE,
            key(
                SKATE, on="feet", root=(22, 0, 0), left_hip=(44, 16, 24), left_knee=44,
                right_hip=(34, 18, 24), right_knee=40, arms=(56, 76), elbows=60,
            ),
        ),
        motion="stride", apparatus="skis",
    ),
    Action(
        "classic_stride", "cross-country skiing",
        (CLASSIC, key(READY, hips=(30, 2, 4), knees=34, root=(20, 0, 0), arms=(20, 30), elbows=30)),
        motion="stride", apparatus="skis",
    ),
    Action(
        "double_pole", "double poling on cross-country skis",
        (
            key(
                READY, root=(12, 0, 0), hips=(22, 2, 4), knees=18, ankles=10, arms=(95, 78), elbows=70,
                spine=(10, 0, 0),
            ),
            key(
                READY, root=(56, 0, 0), hips=(70, 2, 4), knees=26, ankles=12, arms=(46, 86), elbows=20,
                spine=(36, 0, 0), head=(-34, 0, 0),
            ),
            key(
                READY, root=(60, 0, 0), hips=(72, 2, 4), knees=22, ankles=8, arms=(48, -80), elbows=8,
                spine=(36, 0, 0), head=(-30, 0, 0),
            ),
        ),
        motion="cycle", apparatus="skis",
    ),
    Action(
        "mogul", "absorbing a mogul",
        (
            key(
                READY, hips=(112, 4, 2), knees=124, ankles=30, root=(18, 0, 0), spine=(40, 0, 0),
                arms=(66, 66), elbows=50,
            ),
            key(READY, hips=(30, 4, 2), knees=34, ankles=14, root=(10, 0, 12), spine=(14, 0, -12)),
        ),
        apparatus="skis",
    ),
    Action(
        "fall", "falling in the snow",
        (
            FALL,
            key(
                FALL, root=(-40, 60, 20), left_hip=(80, 12, 10), left_knee=30, right_hip=(95, 28, 10),
                right_knee=70, right_arm=(140, 10),
            ),
            key(
                root=(-62, 18, 0), on="seat left_elbow", hips=(78, 24, 14), knees=34, ankles=12,
                arms=(60, -50), left_elbow=60, right_elbow=20, spine=(26, 8, 10), head=(20, 0, 0), hands=30,
            ),
            key(
                root=(84, 10, 0), on="chest right_thigh", left_hip=(20, 34, 20), right_hip=(-4, 16, 10),
                left_knee=60, right_knee=40, ankles=-10, arms=(140, 30), elbows=30, head=(-24, 0, 30),
                hands=20,
            ),
        ),
        motion="variants", apparatus="skis", noise=1.3,
    ),
    Action(
        "wait", "resting on the poles",
        (
            key(
                READY, root=(4, 0, 0), hips=(12, 4, 6), knees=12, ankles=8, spine=(10, 0, 0),
                head=(-8, 0, 0), arms=(34, 50), elbows=70,
            ),
            key(
                READY, root=(24, 0, 0), hips=(40, 4, 6), knees=18, ankles=8, spine=(34, 0, 0),
                head=(-20, 0, 0), arms=(56, 74), elbows=55,
            ),
        ),
        apparatus="skis",
    ),
)  # fmt: skip
