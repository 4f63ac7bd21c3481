"""Everyday actions on the spot: standing, gestures, looking around."""

from synthgen.scenes.action import Action, key

STAND = key(on="feet")
RELAXED = key(
    STAND, left_hip=(0, -4, 8), right_hip=(14, 8, 18), right_knee=24, right_ankle=6, spine=(2, 6, 2),
    root=(0, -5, 0),
)  # fmt: skip
APART = key(STAND, hips=(4, 14, 12), knees=6)
STAGGER = key(STAND, left_hip=(16, 6, 8), left_knee=14, right_hip=(-10, 6, 12), right_knee=8, right_ankle=6)
HIPS = key(
    STAND, arms=(42, -35, -50), elbows=(100, 20), wrists=(-25, 0), hands=25,
    touch="left_palm=left_hipside right_palm=right_hipside",
)  # fmt: skip
WAVE = key(STAND, right_arm=(85, 15, 35), right_elbow=(95, 20), hands=0, head=(-4, 0, -8))

ACTIONS = (
    Action(
        "stand", "standing",
        (STAND, RELAXED, key(APART, arms=(15, -50), elbows=25, spine=(-4, 0, 0)), STAGGER), motion="cycle",
    ),
    Action(
        "look_around", "looking over the shoulder",
        (
            key(STAND, spine=(2, 0, 18), head=(-2, 0, 40)),
            key(
                STAGGER, spine=(4, 6, 34), head=(0, -4, 62), root=(0, 0, 8), left_arm=(18, -60),
                right_arm=(22, 70),
            ),
            key(STAND, spine=(-8, 0, 6), head=(-42, 0, 15)),
        ),
    ),
    Action(
        "wave", "waving",
        (
            WAVE,
            key(WAVE, right_arm=(90, 15, 10), right_elbow=(75, 20)),
            key(WAVE, right_arm=(150, 30), right_elbow=(30, 20)),
        ),
        motion="cycle",
    ),
    Action(
        "point", "pointing ahead",
        (
            key(RELAXED, right_arm=(88, 70), right_elbow=8, right_hand=25, head=(-2, 0, -10)),
            key(
                STAGGER, right_arm=(80, 15), right_elbow=6, right_hand=25, head=(-2, 0, -55),
                spine=(0, 0, -8),
            ),
            key(STAND, right_arm=(128, 60), right_elbow=8, right_hand=25, head=(-22, 0, -12)),
        ),
    ),
    Action(
        "think", "thinking with a hand at the chin",
        (
            key(
                RELAXED, right_arm=(35, 70, -20), right_elbow=(140, 0), right_hand=40,
                left_arm=(32, 65, -60), left_elbow=(95, 30), head=(10, 4, 8), touch="right_fingers=chin",
            ),
        ),
        noise=0.8,
    ),
    Action(
        "cross_arms", "standing with crossed arms",
        (
            key(
                STAND, left_arm=(32, 66, -52), right_arm=(38, 60, -52), elbows=(112, 40), hands=20,
                touch="left_palm=right_upperarm right_grip=left_elbow",
            ),
            key(
                RELAXED, left_arm=(36, 66, -52), right_arm=(32, 60, -52), elbows=(112, 40), hands=20,
                touch="left_palm=right_upperarm right_grip=left_elbow",
            ),
        ),
        noise=0.7,
    ),
    Action(
        "hands_on_hips", "standing with hands on the hips",
        (
            HIPS,
            key(HIPS, left_hip=(4, 14, 14), right_hip=(4, 14, 14), spine=(-4, 0, 8)),
            key(HIPS, root=(12, 0, 0), hips=(20, 12, 10), knees=12, spine=(14, 0, 0)),
        ),
        motion="cycle", noise=0.8,
    ),
    Action(
        "hands_behind", "standing with hands behind the back",
        (
            key(
                STAND, left_arm=(38, -80, -62), right_arm=(40, -75, -55), elbows=(82, 10), hands=20,
                spine=(-3, 0, 0), touch="right_palm=left_forearm",
            ),
            key(
                RELAXED, left_arm=(34, -80, -60), right_arm=(36, -75, -55), elbows=(76, 10), hands=20,
                touch="right_palm=left_forearm",
            ),
        ),
        noise=0.7,
    ),
    Action(
        "hands_behind_head", "holding hands behind the head",
        (
            key(
                STAND, arms=(118, 0, 30), elbows=(140, 0), head=(6, 0, 0), spine=(-6, 0, 0),
                touch="left_fingers=occiput right_fingers=occiput",
            ),
        ),
        noise=0.8,
    ),
    Action(
        "clap", "clapping",
        (
            key(
                STAND, arms=(40, 70, -14), elbows=(95, 0), wrists=-25, hands=5,
                touch="left_palm=right_palm left_fingers=right_fingers",
            ),
            key(STAND, arms=(55, 55, -5), elbows=(70, 0), hands=5, touch=""),
            key(
                STAND, arms=(130, 65), elbows=(45, 0), hands=5, head=(-15, 0, 0),
                touch="left_palm=right_palm left_fingers=right_fingers",
            ),
        ),
        motion="cycle",
    ),
    Action(
        "cheer", "cheering with raised arms",
        (
            key(APART, arms=(155, 25), elbows=20, spine=(-10, 0, 0), head=(-22, 0, 0)),
            key(STAND, arms=(140, 35), elbows=75, hands=60, spine=(-6, 0, 0), head=(-12, 0, 0)),
            key(
                RELAXED, right_arm=(170, 50), right_elbow=10, left_arm=(40, 30), left_elbow=90, hands=60,
                spine=(-4, 6, 0),
            ),
        ),
        motion="cycle", noise=1.2,
    ),
    Action(
        "stretch", "stretching",
        (
            key(STAND, arms=(172, 35), elbows=14, spine=(-12, 0, 0), head=(-20, 0, 0), hands=5),
            key(
                APART, left_arm=(165, 20), left_elbow=20, right_arm=(30, 5, -20), right_elbow=70,
                spine=(0, -34, 0), root=(0, -6, 0),
            ),
            key(
                STAND, left_arm=(72, 118), left_elbow=20, right_arm=(60, 75, -20), right_elbow=115,
                head=(0, 0, -20), touch="right_forearm=left_upperarm",
            ),
            key(
                on="left_foot", left_hip=(0, 0, 6), left_knee=4, right_hip=(-12, 4, 6), right_knee=128,
                right_ankle=-35, right_arm=(32, -85), right_elbow=20, left_arm=(50, 20), left_elbow=15,
                hands=40, touch="right_palm=right_instep",
            ),
        ),
        motion="variants", noise=0.8,
    ),
    Action(
        "gesture", "explaining with both hands",
        (
            key(STAND, arms=(32, 55), elbows=(85, -20), hands=10),
            key(
                RELAXED, left_arm=(42, 35), left_elbow=(75, -40), right_arm=(30, 65), right_elbow=(95, 10),
                head=(0, 8, 10),
            ),
            key(
                STAGGER, left_arm=(15, 20), right_arm=(65, 55), right_elbow=(70, -20), head=(-4, 0, 8),
                spine=(0, 0, 8),
            ),
        ),
        motion="cycle", noise=1.4,
    ),
    Action(
        "scratch_head", "scratching the head",
        (
            key(
                RELAXED, right_arm=(105, 30, 10), right_elbow=(138, 10), head=(12, -8, 0),
                touch="right_fingers=crown",
            ),
            key(
                STAND, right_arm=(95, 45, 10), right_elbow=(140, 10), head=(10, 0, 0),
                touch="right_fingers=occiput",
            ),
        ),
        motion="variants", noise=0.7,
    ),
)  # fmt: skip
