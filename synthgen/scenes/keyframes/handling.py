"""Everyday actions with things: reaching, lifting, throwing, pushing, phones."""

from synthgen.scenes.action import Action, key

STAND = key(on="feet")
RELAXED = key(
    STAND, left_hip=(0, -4, 8), right_hip=(14, 8, 18), right_knee=24, right_ankle=6, spine=(2, 6, 2),
    root=(0, -5, 0),
)  # fmt: skip
APART = key(STAND, hips=(4, 14, 12), knees=6)
STAGGER = key(STAND, left_hip=(16, 6, 8), left_knee=14, right_hip=(-10, 6, 12), right_knee=8, right_ankle=6)
BEND = key(
    on="feet", root=(38, 0, 0), hips=(72, 8, 8), knees=38, ankles=10, spine=(42, 0, 0), head=(-10, 0, 0),
    arms=(70, 82), elbows=14, hands=30,
)  # fmt: skip
SQUAT_LIFT = key(
    on="feet", root=(28, 0, 0), hips=(100, 16, 12), knees=105, ankles=24, spine=(22, 0, 0),
    head=(-20, 0, 0), arms=(52, 75), elbows=25, hands=25,
)  # fmt: skip
CARRY = key(STAND, arms=(34, 70, -5), elbows=(78, -20), hands=15, spine=(-6, 0, 0), hips=(0, 8, 10))
THROW_BACK = key(
    on="feet", left_hip=(24, 10, 8), left_knee=14, right_hip=(-10, 12, 22), right_knee=22,
    spine=(-12, -8, -22), root=(-8, -6, -25), right_arm=(95, -15, 30), right_elbow=(95, 10),
    left_arm=(80, 60), left_elbow=25, head=(0, 0, 25), hands=35,
)  # fmt: skip
PUSH = key(
    on="left_foot right_toes", root=(18, 0, 0), left_hip=(45, 6, 8), left_knee=35, left_ankle=10,
    right_hip=(-8, 6, 10), right_knee=12, right_ankle=18, arms=(85, 75, -10), elbows=(35, 60),
    wrists=(-65, 0), hands=0, spine=(8, 0, 0), head=(-14, 0, 0),
)  # fmt: skip

ACTIONS = (
    Action(
        "phone_call", "talking on the phone",
        (
            key(
                RELAXED, right_arm=(100, 82, 34), right_elbow=(134, 10), right_hand=40, right_wrist=(0, 10),
                head=(6, 0, 0), touch="right_grip=right_ear",
            ),
            key(
                STAND, right_arm=(98, 86, 36), right_elbow=(134, 10), right_hand=40, left_arm=(30, 60, -50),
                left_elbow=80, touch="right_grip=right_ear",
            ),
        ),
        apparatus="phone", noise=0.8,
    ),
    Action(
        "text", "looking at a phone",
        (
            key(
                RELAXED, arms=(32, 65, -22), elbows=(105, -30), wrists=(10, 0), hands=45, head=(32, 0, 0),
                spine=(12, 0, 0),
            ),
            key(
                STAND, right_arm=(35, 60, -15), right_elbow=(110, -20), right_hand=45, head=(30, 0, -8),
                spine=(8, 0, 0),
            ),
        ),
        apparatus="phone", noise=0.8,
    ),
    Action(
        "take_photo", "taking a photo",
        (
            key(
                STAND, arms=(70, 70, -28), elbows=(100, 10), hands=45, head=(4, 0, 0),
                touch="left_grip=face right_grip=face",
            ),
            key(
                APART, arms=(62, 70, -25), elbows=(105, 10), hands=45, hips=(28, 12, 12), knees=35,
                spine=(14, 0, 0), root=(12, 0, 0), touch="left_grip=face right_grip=face",
            ),
        ),
        apparatus="phone", noise=0.7,
    ),
    Action(
        "drink", "drinking",
        (
            key(RELAXED, right_arm=(45, 70, -15), right_elbow=(90, 0), right_hand=50),
            key(
                STAND, right_arm=(62, 62, -12), right_elbow=(130, 0), right_hand=50, head=(-20, 0, 0),
                touch="right_grip=mouth",
            ),
        ),
        noise=0.8,
    ),
    Action(
        "reach", "reaching for something",
        (
            key(STAND, right_arm=(70, 75), right_elbow=30, hands=10),
            key(
                STAGGER, right_arm=(95, 75), right_elbow=6, right_collar=(0, 12), spine=(16, 0, 12),
                root=(12, 0, 6), hands=5,
            ),
            key(
                STAND, right_arm=(172, 60), right_elbow=8, right_collar=(15, 0), spine=(-4, 8, 0),
                head=(-26, 0, -8), ankles=-25, on="toes", hands=5,
            ),
            key(APART, arms=(165, 55), elbows=12, spine=(-6, 0, 0), head=(-22, 0, 0), hands=10),
            key(
                STAND, right_arm=(75, -5), right_elbow=10, spine=(4, -24, 0), head=(0, 0, -40),
                left_arm=(30, 10), root=(0, -5, 0), right_hip=(4, 14, 12),
            ),
        ),
    ),
    Action(
        "bend_down", "bending down",
        (
            BEND,
            key(BEND, root=(62, 0, 0), hips=(98, 8, 8), knees=22, spine=(55, 0, 0), arms=(95, 85)),
            key(BEND, left_arm=(60, 80), right_arm=(30, 40), right_elbow=70, spine=(38, 0, 14)),
        ),
    ),
    Action(
        "lift_box", "lifting a box",
        (
            SQUAT_LIFT,
            key(
                SQUAT_LIFT, root=(30, 0, 0), hips=(70, 14, 10), knees=60, ankles=16, arms=(55, 78),
                elbows=30,
            ),
        ),
        apparatus="box", noise=0.8,
    ),
    Action(
        "carry_box", "carrying a box",
        (
            CARRY,
            key(
                CARRY, left_hip=(24, 4, 6), left_knee=10, right_hip=(-8, 4, 6), right_knee=14,
                right_ankle=8, on="left_heel right_toes",
            ),
        ),
        apparatus="box", noise=0.7,
    ),
    Action(
        "throw", "throwing a ball",
        (
            THROW_BACK,
            key(
                on="left_foot right_toes", left_hip=(38, 6, 8), left_knee=22, right_hip=(-12, 8, 14),
                right_knee=25, right_ankle=-10, right_toe=20, spine=(12, 6, 10), root=(10, 0, 12),
                right_arm=(130, 55), right_elbow=40, left_arm=(25, -30), left_elbow=50, head=(-8, 0, -6),
            ),
            key(
                on="left_foot right_toes", left_hip=(50, 4, 8), left_knee=30, right_hip=(-5, 8, 14),
                right_knee=35, right_ankle=-15, right_toe=20, spine=(26, 8, 24), root=(20, 0, 22),
                right_arm=(55, 110), right_elbow=15, left_arm=(30, -70), left_elbow=60, head=(-24, 0, -20),
            ),
        ),
        apparatus="ball",
    ),
    Action(
        "push", "pushing",
        (
            PUSH,
            key(
                PUSH, root=(30, 0, 0), left_hip=(65, 6, 8), left_knee=45, arms=(100, 78, -5),
                elbows=(12, 60),
            ),
        ),
    ),
    Action(
        "pull", "pulling",
        (
            key(
                on="feet", root=(-16, 0, 0), left_hip=(42, 8, 8), left_knee=20, left_ankle=-14,
                right_hip=(28, 10, 16), right_knee=62, right_ankle=12, arms=(68, 82), elbows=(20, 20),
                hands=60, spine=(12, 0, 0),
            ),
            key(
                on="feet", root=(-10, 0, 0), left_hip=(40, 8, 8), left_knee=30, left_ankle=-8,
                right_hip=(24, 10, 16), right_knee=50, right_ankle=12, arms=(34, 70), elbows=(100, 20),
                hands=60, spine=(2, 0, 0),
            ),
        ),
    ),
)  # fmt: skip
