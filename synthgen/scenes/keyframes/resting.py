"""Everyday actions near the ground or on a seat: sitting, kneeling, crouching, crawling, lying."""

from synthgen.scenes.action import Action, key

SIT = key(
    on="feet", hips=(88, 10, 6), knees=88, ankles=0, spine=(14, 0, 0), root=(-4, 0, 0), arms=(24, 76, -4),
    elbows=(34, 50), hands=10, touch="left_palm=left_thigh right_palm=right_thigh",
)  # fmt: skip
SQUAT = key(
    on="feet", root=(20, 0, 0), hips=(118, 18, 16), knees=138, ankles=30, spine=(30, 0, 0),
    head=(-16, 0, 0), arms=(82, 80), elbows=50,
)  # fmt: skip
KNEEL = key(
    on="knees insteps", hips=(2, 3, 0), knees=90, ankles=-45, spine=(4, 0, 0), arms=(14, 45), elbows=25,
)  # fmt: skip
KNIGHT = key(
    on="left_foot right_knee right_toes", left_hip=(92, 8, 8), left_knee=92, left_ankle=2,
    right_hip=(2, 6, 4), right_knee=92, right_ankle=22, right_toe=45, spine=(10, 0, 0), arms=(22, 60),
    elbows=40,
)  # fmt: skip
LIE = key(
    root=(-90, 0, 0), on="back seat heels", hips=(2, 10, 18), knees=4, ankles=-25, arms=(28, 5),
    elbows=(20, 30), spine=(0, 0, 0), head=(6, 0, 0),
)  # fmt: skip
CRAWL = key(
    on="hands knees insteps", root=(82, 0, 0), hips=(84, 4, 0), knees=88, ankles=-45, arms=(84, 86, -20),
    elbows=(8, 70), wrists=(-72, 0), hands=0, head=(-28, 0, 0), spine=(4, 0, 0),
)  # fmt: skip

ACTIONS = (
    Action(
        "sit", "sitting",
        (
            SIT,
            key(
                SIT, hips=(86, 16, 10), spine=(34, 0, 0), root=(16, 0, 0), arms=(40, 78), elbows=(75, 20),
                head=(-20, 0, 0), touch="left_forearm=left_thigh right_forearm=right_thigh",
            ),
            key(
                SIT, left_hip=(74, 8, 6), left_knee=62, right_hip=(98, 12, 34), right_knee=104,
                right_ankle=-10, on="left_foot", root=(-14, 0, 0), spine=(16, 4, 0), touch="",
            ),
            key(
                SIT, hips=(76, 10, 10), knees=66, ankles=0, root=(-20, 0, 0), spine=(20, 0, 0),
                arms=(20, 20), elbows=(60, 30), head=(4, 0, 0), touch="",
            ),
            key(SIT, arms=(45, 75, -10), elbows=(80, 45), head=(12, 0, 0), spine=(18, 0, 0), touch=""),
        ),
        motion="variants", apparatus="chair",
    ),
    Action(
        "stand_up", "standing up from a chair",
        (
            key(
                on="feet", root=(30, 0, 0), hips=(102, 10, 8), knees=88, ankles=16, spine=(30, 0, 0),
                head=(-20, 0, 0), arms=(30, 70), elbows=45,
            ),
            key(
                on="feet", root=(26, 0, 0), hips=(62, 10, 8), knees=56, ankles=18, spine=(24, 0, 0),
                head=(-16, 0, 0), arms=(28, 60), elbows=30,
            ),
        ),
    ),
    Action(
        "crouch", "crouching",
        (
            SQUAT,
            key(
                SQUAT, on="left_foot right_toes", right_hip=(84, 14, 6), right_knee=146, right_ankle=26,
                right_toe=60, root=(12, 0, 0),
            ),
            key(SQUAT, hips=(95, 18, 14), knees=105, ankles=28, arms=(50, 60), elbows=75),
        ),
    ),
    Action(
        "kneel", "kneeling",
        (
            KNEEL,
            key(
                KNEEL, hips=(40, 6, 0), knees=148, ankles=-52, root=(10, 0, 0), spine=(12, 0, 0),
                arms=(28, 75), elbows=40,
            ),
            key(
                KNEEL, hips=(28, 3, 0), root=(26, 0, 0), spine=(26, 0, 0), arms=(70, 80), elbows=25,
                head=(-14, 0, 0),
            ),
        ),
    ),
    Action(
        "kneel_one", "kneeling on one knee",
        (
            KNIGHT,
            key(
                KNIGHT, root=(24, 0, 0), left_hip=(118, 8, 8), spine=(44, 0, 0), head=(4, 0, 0),
                arms=(62, 88), elbows=20, hands=40,
                touch="left_fingers=left_instep right_fingers=left_instep",
            ),
            key(
                KNIGHT, root=(10, 0, 0), left_hip=(98, 8, 8), spine=(22, 0, 0), left_arm=(48, 75),
                left_elbow=60, right_arm=(30, 60), touch="left_forearm=left_thigh",
            ),
        ),
        motion="variants",
    ),
    Action(
        "sit_ground", "sitting on the ground",
        (
            key(
                on="seat heels hands", root=(-28, 0, 0), hips=(66, 10, 12), knees=4, ankles=-15,
                spine=(10, 0, 0), arms=(48, -70, 10), elbows=(4, 30), wrists=(-60, 0), hands=0,
                head=(8, 0, 0),
            ),
            key(
                on="seat feet", root=(-12, 0, 0), hips=(112, 8, 6), knees=105, ankles=0, spine=(38, 0, 0),
                arms=(72, 80, -30), elbows=(70, 20), head=(-6, 0, 0),
                touch="left_grip=right_shin right_grip=left_shin",
            ),
            key(
                on="seat heels", root=(-8, 0, 0), hips=(97, 14, 12), knees=8, ankles=-10, spine=(26, 0, 0),
                arms=(34, 75), elbows=(24, 50), touch="left_palm=left_thigh right_palm=right_thigh",
            ),
        ),
        motion="variants", noise=0.8,
    ),
    Action(
        "sit_cross_legged", "sitting cross-legged",
        (
            key(
                on="seat left_ankle right_ankle", root=(-6, 0, 0), left_hip=(106, 40, 48),
                right_hip=(104, 42, 48), left_knee=130, right_knee=106, ankles=-15, spine=(26, 0, 0),
                arms=(40, 55, 0), elbows=(40, 40), touch="left_palm=left_knee right_palm=right_knee",
                head=(-6, 0, 0),
            ),
            key(
                on="seat left_ankle right_ankle", root=(4, 0, 0), left_hip=(106, 40, 48),
                right_hip=(104, 42, 48), left_knee=130, right_knee=106, ankles=-15, spine=(44, 0, 0),
                arms=(52, 75, -25), elbows=(80, 20), head=(-14, 0, 0),
            ),
        ),
        motion="variants", noise=0.6,
    ),
    Action(
        "crawl", "crawling on hands and knees",
        (
            CRAWL,
            key(
                CRAWL, left_hip=(104, 4, 0), right_hip=(66, 4, 0), left_knee=100, right_knee=76,
                left_arm=(68, 86, -20), right_arm=(104, 86, -20),
            ),
        ),
        motion="cycle", noise=0.7,
    ),
    Action(
        "lie_back", "lying on the back",
        (
            LIE,
            key(
                LIE, on="back seat left_heel right_foot", right_hip=(50, 6, 4), right_knee=92,
                right_ankle=-5, left_arm=(110, 10), left_elbow=70,
            ),
            key(
                LIE, on="back seat feet", hips=(52, 6, 0), knees=96, ankles=-5, arms=(55, 20, -40),
                elbows=90,
            ),
            key(LIE, arms=(125, 5, 20), elbows=120, touch="left_palm=occiput right_palm=occiput"),
        ),
        motion="variants",
    ),
    Action(
        "lie_front", "lying on the front",
        (
            key(
                root=(90, 0, 0), on="chest thighs", hips=(0, 10, 8), knees=8, ankles=-50,
                arms=(108, 16, 25), elbows=(95, 70), head=(-6, 0, 60),
            ),
            key(
                root=(90, 0, 0), on="belly thighs forearms", hips=(0, 8, 8), knees=30, ankles=-45,
                arms=(88, 55, 0), elbows=(80, 60), spine=(-30, 0, 0), head=(-16, 0, 0),
            ),
        ),
        motion="variants",
    ),
    Action(
        "lie_side", "lying on the side",
        (
            key(
                root=(0, 90, 0), on="left_hipside left_outer_thigh left_ribs", left_hip=(45, 0, 0),
                right_hip=(58, -14, 0), left_knee=70, right_knee=85, ankles=-20, left_arm=(105, 85),
                left_elbow=95, right_arm=(50, 80), right_elbow=60, spine=(12, 4, 0), head=(4, 14, 0),
            ),
            key(
                root=(0, 78, 0), on="left_hipside left_outer_thigh left_elbow", left_hip=(10, 0, 0),
                right_hip=(14, -12, 0), left_knee=15, right_knee=30, ankles=-30, left_arm=(95, 30, 0),
                left_elbow=125, right_arm=(25, 60), right_elbow=50, spine=(4, -26, 0), head=(0, -18, 0),
                touch="left_palm=left_ear",
            ),
        ),
        motion="variants",
    ),
)  # fmt: skip
