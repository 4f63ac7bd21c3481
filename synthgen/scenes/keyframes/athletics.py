"""Athletics: running, hurdling, jumping, vaulting, throwing."""

from synthgen.scenes.action import Action, key

DRIVE = key(
    on="right_toes", root=(12, 0, 8), spine=(4, 0, -14), head=(-6, 0, 6), left_hip=(92, 0, 0),
    left_knee=108, left_ankle=8, right_hip=(-22, 0, 2), right_knee=8, right_ankle=-38, right_toe=30,
    left_arm=(66, -85), right_arm=(72, 80), elbows=(96, 0), hands=15,
)  # fmt: skip
SWING = key(
    on="left_toes", root=(10, 0, 0), spine=(4, 0, 0), left_hip=(30, 0, 0), left_knee=28, left_ankle=4,
    left_toe=10, right_hip=(24, 0, 2), right_knee=138, right_ankle=-10, arms=(16, 10), elbows=(92, 0),
    hands=15,
)  # fmt: skip
BLOCKS = key(
    on="left_fingers right_fingers left_toes right_toes right_knee", root=(62, 0, 0), left_hip=(118, 0, 0),
    left_knee=106, left_ankle=10, left_toe=40, right_hip=(70, 0, 0), right_knee=98, right_ankle=10,
    right_toe=50, arms=(78, 84, 0), elbows=(4, 40), wrists=-50, hands=-10, spine=(36, 0, 0), head=(4, 0, 0),
)  # fmt: skip
FLOP = key(
    root=(-96, 0, 0), spine=(-56, 0, 0), head=(-40, 0, 0), hips=(-24, 12, 14), knees=84, ankles=-45,
    arms=(34, 0), elbows=10, hands=5,
)  # fmt: skip
VAULT = key(
    root=(-150, 0, 0), hips=(60, 2, 4), knees=10, ankles=-50, spine=(16, 0, 0), left_arm=(82, 84),
    right_arm=(60, 80), left_elbow=14, right_elbow=50, hands=70, head=(4, 0, 0),
)  # fmt: skip
SPIN = key(
    on="left_foot right_toes", root=(6, 0, -10), left_hip=(34, 8, 10), left_knee=48, left_ankle=16,
    right_hip=(20, 14, 18), right_knee=52, right_ankle=-6, right_toe=30, spine=(10, -4, -34),
    right_arm=(72, -45), right_elbow=8, left_arm=(78, 70), left_elbow=20, hands=40, head=(0, 0, 10),
)  # fmt: skip

ACTIONS = (
    Action("sprint", "sprinting", (DRIVE, SWING), motion="stride"),
    Action(
        "finish", "dipping at the finish line",
        (
            key(
                DRIVE, root=(34, 0, 0), spine=(26, 0, -10), head=(-20, 0, 0), arms=(58, -70), elbows=40,
                left_hip=(84, 0, 0),
            ),
            key(
                DRIVE, root=(18, 0, 0), spine=(-16, 0, 0), head=(-18, 0, 0), arms=(135, 15), elbows=20,
                left_hip=(50, 0, 0), left_knee=60,
            ),
        ),
        motion="variants",
    ),
    Action(
        "start_blocks", "waiting in the starting blocks",
        (
            BLOCKS,
            key(
                BLOCKS, on="left_fingers right_fingers left_toes right_toes", root=(84, 0, 0),
                left_hip=(114, 0, 0), left_knee=88, right_hip=(80, 0, 0), right_knee=58, arms=(92, 84, 0),
                spine=(28, 0, 0),
            ),
        ),
        apparatus="blocks", noise=0.6,
    ),
    Action(
        "start_drive", "bursting out of the starting blocks",
        (
            key(
                DRIVE, root=(52, 0, 8), left_hip=(98, 0, 0), left_knee=100, right_hip=(-16, 0, 2),
                right_knee=6, right_ankle=-30, right_arm=(95, 80), right_elbow=80, left_arm=(75, -85),
                left_elbow=30, head=(-4, 0, 0),
            ),
            key(
                DRIVE, root=(40, 0, 8), left_hip=(96, 0, 0), left_knee=104, right_hip=(-20, 0, 2),
                right_knee=6, head=(-6, 0, 0),
            ),
        ),
        apparatus="blocks",
    ),
    Action(
        "hurdle", "clearing a hurdle",
        (
            key(
                root=(36, 0, 0), left_hip=(108, 0, 0), left_knee=12, left_ankle=0, right_hip=(36, 72, 12),
                right_knee=112, right_ankle=12, spine=(34, 0, 0), head=(-28, 0, 0), right_arm=(92, 80),
                right_elbow=14, left_arm=(40, -70), left_elbow=85, hands=10,
            ),
            key(
                root=(26, 0, 0), left_hip=(96, 0, 0), left_knee=30, left_ankle=5, right_hip=(-14, 26, 12),
                right_knee=86, right_ankle=-20, spine=(24, 0, -8), head=(-20, 0, 0), right_arm=(86, 82),
                right_elbow=30, left_arm=(52, -80), left_elbow=85, hands=10,
            ),
            key(
                root=(24, 0, 0), left_hip=(56, 0, 0), left_knee=4, left_ankle=-20, right_hip=(88, 46, 10),
                right_knee=118, right_ankle=8, spine=(24, 0, 8), head=(-20, 0, 0), right_arm=(55, 60),
                left_arm=(50, 60), elbows=70, hands=10,
            ),
        ),
        support="air", lift=(0.3, 0.6), apparatus="hurdle",
    ),
    Action(
        "long_jump", "flying in a long jump",
        (
            key(
                DRIVE, on="", root=(-4, 0, 0), left_hip=(86, 0, 0), left_knee=98, right_hip=(-28, 0, 2),
                right_knee=10, right_ankle=-40, head=(-12, 0, 0), spine=(-8, 0, -6), left_arm=(80, -60),
                right_arm=(120, 70),
            ),
            key(
                root=(-12, 0, 0), hips=(-22, 6, 4), knees=78, ankles=-30, spine=(-30, 0, 0),
                head=(-14, 0, 0), arms=(165, 40), elbows=12, hands=5,
            ),
            key(
                root=(22, 0, 0), hips=(116, 8, 4), knees=22, ankles=5, spine=(44, 0, 0), head=(-16, 0, 0),
                arms=(96, 80), elbows=8, hands=5,
            ),
            key(
                root=(14, 0, 0), hips=(104, 8, 4), knees=38, ankles=5, spine=(44, 0, 0), head=(-12, 0, 0),
                arms=(40, -75), elbows=8, hands=5,
            ),
        ),
        support="air", lift=(0.2, 0.9), apparatus="pit",
    ),
    Action(
        "triple_jump", "bounding in a triple jump",
        (
            key(
                DRIVE, on="", root=(2, 0, 6), left_hip=(98, 0, 0), left_knee=92, right_hip=(-34, 0, 2),
                right_knee=58, right_ankle=-30, left_arm=(70, -80), right_arm=(85, 75), elbows=60,
            ),
            key(
                DRIVE, on="", root=(4, 0, 6), left_hip=(84, 0, 0), left_knee=62, right_hip=(-26, 0, 2),
                right_knee=90, arms=(70, -50), elbows=35,
            ),
        ),
        support="air", lift=(0.15, 0.5), apparatus="pit",
    ),
    Action(
        "high_jump", "clearing the bar in the high jump",
        (
            FLOP,
            key(
                FLOP, root=(-72, 0, 0), spine=(-46, 0, 0), hips=(-6, 12, 14), knees=72, left_arm=(120, 20),
                right_arm=(40, 0), head=(-20, 0, 20),
            ),
            key(
                FLOP, root=(-122, 0, 0), spine=(-30, 0, 0), hips=(28, 12, 10), knees=50, head=(14, 0, 0),
                arms=(50, -20),
            ),
        ),
        support="air", lift=(1.0, 1.8), apparatus="high_bar",
    ),
    Action(
        "high_jump_takeoff", "taking off for the high jump",
        (
            key(
                on="right_toes", root=(-10, 8, -30), left_hip=(92, 0, -8), left_knee=100, left_ankle=5,
                right_hip=(-6, 0, 6), right_knee=4, right_ankle=-42, right_toe=45, arms=(135, 55),
                elbows=60, spine=(-8, 6, 0), head=(-8, 0, 30),
            ),
            key(
                on="right_foot", root=(-18, 10, -20), left_hip=(40, 0, 0), left_knee=95,
                right_hip=(22, 0, 6), right_knee=24, right_ankle=4, arms=(48, -60), elbows=70,
                spine=(2, 6, 0), head=(0, 0, 20),
            ),
        ),
        apparatus="high_bar",
    ),
    Action(
        "pole_vault", "vaulting with a pole",
        (
            key(
                VAULT, root=(-62, 0, 0), left_hip=(92, 0, 4), left_knee=92, right_hip=(-10, 0, 4),
                right_knee=10, left_arm=(128, 80), right_arm=(168, 70), left_elbow=30, right_elbow=6,
                spine=(-10, 0, 0),
            ),
            VAULT,
            key(
                VAULT, root=(-176, 0, 0), hips=(16, 2, 4), knees=2, spine=(4, 0, 0), left_arm=(40, 80),
                right_arm=(20, 60), left_elbow=30, right_elbow=60,
            ),
            key(
                VAULT, root=(-196, 0, 120), hips=(2, 4, 4), knees=2, spine=(4, 0, 0), left_arm=(30, 70),
                right_arm=(14, 40), left_elbow=90, right_elbow=40,
            ),
        ),
        motion="variants", support="hang", lift=(1.5, 3.5), apparatus="pole",
    ),
    Action(
        "pole_clear", "clearing the bar in the pole vault",
        (
            key(
                root=(118, 0, 0), hips=(74, 4, 4), knees=6, ankles=-50, spine=(30, 0, 0), arms=(150, 60),
                elbows=20, hands=5, head=(-8, 0, 0),
            ),
            key(
                root=(70, 0, 0), hips=(30, 6, 4), knees=20, ankles=-50, spine=(-8, 0, 0), arms=(160, 30),
                elbows=20, hands=5, head=(-24, 0, 0),
            ),
        ),
        support="air", lift=(3.0, 4.5), apparatus="high_bar",
    ),
    Action(
        "pole_run", "running up with a pole",
        (
            key(
                DRIVE, right_arm=(30, -70), right_elbow=78, left_arm=(56, 70), left_elbow=88,
                spine=(0, 0, -10), hands=70,
            ),
            key(
                SWING, right_arm=(30, -70), right_elbow=78, left_arm=(56, 70), left_elbow=88,
                spine=(0, 0, -10), hands=70,
            ),
            key(
                DRIVE, on="left_toes", left_hip=(-20, 0, 2), left_knee=8, left_ankle=-38, left_toe=30,
                right_hip=(88, 0, 0), right_knee=104, right_ankle=5, right_toe=0, right_arm=(30, -70),
                right_elbow=78, left_arm=(56, 70), left_elbow=88, spine=(0, 0, -10), root=(10, 0, 0),
                hands=70,
            ),
        ),
        motion="variants", apparatus="pole",
    ),
    Action(
        "javelin", "throwing the javelin",
        (
            key(
                on="left_heel right_foot", root=(-16, -10, -40), left_hip=(58, 10, 6), left_knee=14,
                left_ankle=5, right_hip=(20, 12, 30), right_knee=48, spine=(-10, -10, -26),
                right_arm=(86, -35, 10), right_elbow=14, right_hand=60, left_arm=(88, 55), left_elbow=18,
                head=(0, 0, 55),
            ),
            key(
                on="left_foot right_toes", root=(-8, -6, -6), left_hip=(44, 6, 6), left_knee=4,
                left_ankle=5, right_hip=(-28, 8, 22), right_knee=40, right_ankle=-20, right_toe=40,
                spine=(-32, -6, -12), right_arm=(112, -14, 40), right_elbow=72, right_hand=60,
                left_arm=(42, 20), left_elbow=80, head=(-8, 0, 12),
            ),
            key(
                on="left_foot right_toes", root=(16, 6, 16), left_hip=(50, 4, 6), left_knee=10,
                left_ankle=0, right_hip=(-14, 8, 16), right_knee=36, right_ankle=-20, right_toe=40,
                spine=(14, 10, 20), right_arm=(138, 66), right_elbow=12, left_arm=(36, -60), left_elbow=80,
                head=(-18, 0, -14),
            ),
        ),
        apparatus="javelin",
    ),
    Action(
        "shot_put", "putting the shot",
        (
            key(
                on="right_foot left_toes", root=(48, -6, -30), right_hip=(96, 6, 12), right_knee=86,
                right_ankle=24, left_hip=(6, 18, 10), left_knee=30, left_ankle=-10, left_toe=30,
                spine=(24, 0, -20), right_arm=(76, 25, -10), right_elbow=140, right_wrist=-60,
                left_arm=(66, 80), left_elbow=16, head=(-14, 0, -20), hands=20,
            ),
            key(
                on="feet", root=(-4, -12, -20), left_hip=(30, 12, 10), left_knee=8, right_hip=(16, 14, 26),
                right_knee=58, right_ankle=8, spine=(-14, -14, -24), right_arm=(82, 15, -6),
                right_elbow=138, right_wrist=-60, left_arm=(95, 25), left_elbow=20, head=(-18, 0, 20),
                hands=20,
            ),
            key(
                on="left_foot right_toes", root=(8, 8, 18), left_hip=(14, 6, 10), left_knee=2,
                right_hip=(-16, 12, 18), right_knee=20, right_ankle=-34, right_toe=45, spine=(-10, 10, 20),
                right_arm=(124, 60), right_elbow=8, right_wrist=-30, left_arm=(40, -40), left_elbow=90,
                head=(-26, 0, -10), hands=5,
            ),
        ),
        motion="variants", apparatus="shot",
    ),
    Action(
        "discus", "throwing the discus",
        (
            SPIN,
            key(
                SPIN, on="left_foot", root=(10, 8, 30), right_hip=(52, 18, 10), right_knee=70,
                right_ankle=0, right_toe=0, right_arm=(66, -55), left_arm=(92, 30),
            ),
            key(
                SPIN, root=(-8, 4, 20), left_hip=(14, 6, 10), left_knee=4, right_hip=(-10, 10, 16),
                right_knee=34, spine=(-14, 4, 26), right_arm=(96, 30), right_elbow=4, left_arm=(60, -30),
                left_elbow=80, head=(-20, 0, 0),
            ),
        ),
        motion="variants", apparatus="discus",
    ),
    Action(
        "hammer", "throwing the hammer",
        (
            key(
                on="feet", root=(-14, 0, 0), hips=(54, 12, 12), knees=68, ankles=14, spine=(10, 0, 14),
                arms=(78, 92), elbows=4, hands=70, head=(0, 0, 10), touch="left_grip=right_grip",
            ),
            key(
                on="feet", root=(-10, 0, 0), hips=(36, 12, 12), knees=48, ankles=14, spine=(2, 0, -30),
                arms=(88, 92), elbows=4, hands=70, head=(0, 0, -10), touch="left_grip=right_grip",
            ),
            key(
                on="toes", root=(-12, -8, 20), hips=(4, 8, 14), knees=8, ankles=-20, toes=30,
                spine=(-24, -6, 24), arms=(136, 86), elbows=6, hands=40, head=(-24, 0, 10),
                touch="left_grip=right_grip",
            ),
        ),
        motion="variants", apparatus="hammer",
    ),
    Action(
        "distance_run", "running a distance race",
        (
            key(
                DRIVE, root=(6, 0, 6), left_hip=(58, 0, 0), left_knee=78, right_hip=(-20, 0, 2),
                right_knee=16, right_ankle=-30, arms=(40, 80), left_arm=(42, -85), elbows=(100, 0),
                spine=(4, 0, -8), hands=40,
            ),
            key(SWING, root=(6, 0, 0), right_knee=112, elbows=(100, 0), hands=40),
        ),
        motion="stride",
    ),
    Action(
        "race_walk", "race walking",
        (
            key(
                on="left_heel right_toes", root=(4, 4, 12), spine=(4, -6, -18), left_hip=(34, -6, 4),
                left_knee=0, left_ankle=18, right_hip=(-24, -4, 4), right_knee=8, right_ankle=-18,
                right_toe=40, left_arm=(50, -80), right_arm=(46, 84), elbows=(92, 0), hands=45,
            ),
            key(
                on="left_foot", root=(4, 6, 0), spine=(4, -8, 0), left_hip=(4, -10, 4), left_knee=0,
                right_hip=(14, 0, 4), right_knee=62, arms=(14, 10), elbows=(92, 0), hands=45,
            ),
        ),
        motion="stride",
    ),
)  # fmt: skip
