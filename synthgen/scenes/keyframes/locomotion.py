"""Everyday actions that get somewhere: walking, running, climbing, jumping, dancing."""

from synthgen.scenes.action import Action, key

STEP = key(
    on="left_heel right_toes", left_hip=(26, 0, 6), left_knee=4, left_ankle=6, right_hip=(-14, 0, 6),
    right_knee=14, right_ankle=6, right_toe=25, left_arm=(20, -85), right_arm=(28, 85), left_elbow=14,
    right_elbow=28, spine=(3, 0, -5), root=(2, 0, 4),
)  # fmt: skip
PASS = key(
    on="left_foot", left_hip=(6, -1, 6), left_knee=8, left_ankle=4, right_hip=(20, 0, 6), right_knee=55,
    right_ankle=0, arms=(8, 20), elbows=(20, 10), spine=(3, 0, 0), root=(2, 0, 0),
)  # fmt: skip
JOG = key(
    on="right_toes", root=(6, 0, 4), spine=(6, 0, -6), left_hip=(48, 0, 4), left_knee=70,
    right_hip=(-14, 0, 4), right_knee=22, right_ankle=-18, left_arm=(42, -85), right_arm=(38, 80),
    elbows=(88, 5), hands=40,
)  # fmt: skip
JOG_PASS = key(
    on="left_foot", root=(8, 0, 0), spine=(6, 0, 0), left_hip=(24, 0, 4), left_knee=38, left_ankle=14,
    right_hip=(16, 0, 4), right_knee=95, right_ankle=-15, arms=(14, 0), elbows=(90, 5), hands=40,
)  # fmt: skip
RUN = key(
    on="right_toes", root=(12, 0, 6), spine=(6, 0, -10), head=(-10, 0, 4), left_hip=(72, 0, 2),
    left_knee=88, right_hip=(-20, 0, 2), right_knee=14, right_ankle=-28, left_arm=(58, -85),
    right_arm=(55, 78), elbows=(95, 5), hands=45,
)  # fmt: skip
RUN_PASS = key(
    on="left_foot", root=(12, 0, 0), spine=(6, 0, 0), head=(-8, 0, 0), left_hip=(30, 0, 2), left_knee=42,
    left_ankle=14, right_hip=(20, 0, 2), right_knee=118, right_ankle=-20, arms=(16, 10), elbows=(92, 5),
    hands=45,
)  # fmt: skip
CLIMB = key(
    on="right_foot", root=(8, 0, 0), spine=(8, 0, 0), left_hip=(68, 4, 6), left_knee=82, left_ankle=4,
    right_hip=(0, 2, 6), right_knee=6, right_ankle=8, left_arm=(14, -60), right_arm=(34, 85),
    elbows=(30, 10),
)  # fmt: skip
JUMP_UP = key(
    hips=(-4, 6, 5), knees=8, ankles=-45, arms=(150, 60), elbows=(15, 10), spine=(-6, 0, 0),
    head=(-12, 0, 0),
)  # fmt: skip
DANCE = key(
    on="right_foot left_toes", left_hip=(24, 22, 25), left_knee=38, left_ankle=-25, right_hip=(6, 6, 14),
    right_knee=14, left_arm=(100, 20), left_elbow=(60, 30), right_arm=(70, 40), right_elbow=(85, -20),
    spine=(4, 12, 14), head=(-4, -8, -10), root=(0, -5, 0),
)  # fmt: skip
KICK_BACK = key(
    on="left_foot", left_hip=(18, 2, 8), left_knee=22, left_ankle=10, right_hip=(-22, 12, 10),
    right_knee=80, right_ankle=-30, left_arm=(65, 40), right_arm=(40, -45), elbows=(25, 10),
    spine=(8, 4, -12), root=(6, 0, -10),
)  # fmt: skip
SIDE = key(
    on="feet", left_hip=(22, 30, 14), left_knee=28, right_hip=(14, 12, 6), right_knee=20, arms=(35, 30),
    elbows=(50, 15), spine=(8, 0, 0), root=(6, 0, 0),
)  # fmt: skip

ACTIONS = (
    Action("walk", "walking", (STEP, PASS), motion="stride"),
    Action(
        "stroll", "strolling with hands in the pockets",
        (
            key(
                STEP, arms=(18, -40, -10), elbows=(30, 20), hands=30,
                touch="left_palm=left_pocket right_palm=right_pocket",
            ),
            key(
                PASS, arms=(18, -40, -10), elbows=(30, 20), hands=30,
                touch="left_palm=left_pocket right_palm=right_pocket",
            ),
        ),
        motion="stride", noise=0.7,
    ),
    Action("jog", "jogging", (JOG, JOG_PASS), motion="stride"),
    Action("run", "running", (RUN, RUN_PASS), motion="stride"),
    Action(
        "climb_step", "climbing a step",
        (CLIMB, key(CLIMB, root=(20, 0, 0), left_hip=(80, 4, 6), right_ankle=-10, on="right_toes")),
        apparatus="step",
    ),
    Action(
        "jump", "jumping",
        (
            JUMP_UP,
            key(JUMP_UP, hips=(45, 10, 8), knees=70, ankles=-20, arms=(110, 40), elbows=30),
            key(
                JUMP_UP, hips=(-10, 8, 8), knees=80, ankles=-30, arms=(140, 30), elbows=20,
                spine=(-14, 0, 0),
            ),
            key(JUMP_UP, hips=(10, 34, 14), knees=10, arms=(125, 10), elbows=8),
        ),
        support="air", lift=(0.05, 0.45),
    ),
    Action(
        "dance", "dancing",
        (
            DANCE,
            key(
                DANCE, left_arm=(160, 40), left_elbow=40, right_arm=(60, 0), right_elbow=50,
                spine=(-6, -10, -16), root=(0, 6, 0),
            ),
            key(
                on="feet", hips=(28, 16, 22), knees=42, ankles=10, left_arm=(85, 60), right_arm=(120, 20),
                elbows=(95, 10), spine=(8, -10, 12), root=(6, 0, 0),
            ),
        ),
        motion="stride", noise=1.3,
    ),
    Action(
        "kick", "kicking a ball",
        (
            KICK_BACK,
            key(
                on="left_foot", left_hip=(8, 4, 8), left_knee=14, left_ankle=6, right_hip=(62, 2, 8),
                right_knee=12, right_ankle=-30, left_arm=(55, 75), right_arm=(50, -40), elbows=(25, 10),
                spine=(14, 0, 10), root=(-10, 0, 12),
            ),
        ),
        apparatus="ball",
    ),
    Action(
        "sidestep", "stepping aside", (SIDE, key(SIDE, left_hip=(18, 6, 6), right_hip=(18, 6, 6))),
        motion="cycle",
    ),
    Action(
        "balance", "balancing on one leg",
        (
            key(
                on="left_foot", left_hip=(4, -2, 6), left_knee=6, right_hip=(60, 8, 6), right_knee=80,
                arms=(75, 10), elbows=12,
            ),
            key(
                on="left_foot", left_hip=(8, -2, 6), left_knee=12, right_hip=(-12, 14, 8), right_knee=45,
                arms=(60, 15), elbows=25, root=(10, 0, 0),
            ),
            key(
                on="left_foot", left_hip=(2, -6, 6), left_knee=6, right_hip=(20, 38, 8), right_knee=10,
                arms=(80, 5), elbows=15, root=(0, 8, 0),
            ),
        ),
    ),
    Action(
        "stumble", "stumbling",
        (
            key(
                on="left_foot", root=(38, 8, 0), left_hip=(70, 4, 6), left_knee=45, left_ankle=10,
                right_hip=(-5, 10, 6), right_knee=50, right_ankle=-30, arms=(75, 55), elbows=35, wrists=-30,
                spine=(14, 0, 10), head=(-30, 0, 0), hands=0,
            ),
            key(
                on="left_foot right_toes", root=(-14, -8, 0), left_hip=(10, 8, 10), left_knee=30,
                right_hip=(45, 14, 6), right_knee=20, right_ankle=-10, left_arm=(95, 20),
                right_arm=(60, 50), elbows=30, spine=(18, 6, -12), head=(14, 0, 0), hands=0,
            ),
        ),
        noise=1.3,
    ),
)  # fmt: skip
