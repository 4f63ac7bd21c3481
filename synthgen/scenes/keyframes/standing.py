"""Everyday actions on the spot: gestures, work with the hands, looking, reaching, lifting."""

from synthgen.scenes.action import Action, key

STAND = key(on="feet")
RELAXED = key(
    STAND, left_hip=(0, -4, 8), right_hip=(14, 8, 18), right_knee=24, right_ankle=6, spine=(2, 6, 2), root=(0, -5, 0),
)  # fmt: skip
APART = key(STAND, hips=(4, 14, 12), knees=6)
STAGGER = key(
    STAND, left_hip=(16, 6, 8), left_knee=14, right_hip=(-10, 6, 12), right_knee=8, right_ankle=6,
)  # fmt: skip
HIPS = key(
    STAND, arms=(42, -35, -50), elbows=(100, 20), wrists=(-25, 0), hands=25,
    touch="left_palm=left_hipside right_palm=right_hipside",
)  # fmt: skip
WAVE = key(STAND, right_arm=(85, 15, 35), right_elbow=(95, 20), hands=0, head=(-4, 0, -8))
BEND = key(
    on="feet", root=(38, 0, 0), hips=(72, 8, 8), knees=38, ankles=10, spine=(42, 0, 0), head=(-10, 0, 0),
    arms=(70, 82), elbows=14, hands=30,
)  # fmt: skip
SQUAT_LIFT = key(
    on="feet", root=(28, 0, 0), hips=(100, 16, 12), knees=105, ankles=24, spine=(22, 0, 0), head=(-20, 0, 0),
    arms=(52, 75), elbows=25, hands=25,
)  # fmt: skip
CARRY = key(STAND, arms=(34, 70, -5), elbows=(78, -20), hands=15, spine=(-6, 0, 0), hips=(0, 8, 10))
THROW_BACK = key(
    on="feet", left_hip=(24, 10, 8), left_knee=14, right_hip=(-10, 12, 22), right_knee=22, spine=(-12, -8, -22),
    root=(-8, -6, -25), right_arm=(95, -15, 30), right_elbow=(95, 10), left_arm=(80, 60), left_elbow=25,
    head=(0, 0, 25), hands=35,
)  # fmt: skip
PUSH = key(
    on="left_foot right_toes", root=(18, 0, 0), left_hip=(45, 6, 8), left_knee=35, left_ankle=10, right_hip=(-8, 6, 10),
    right_knee=12, right_ankle=18, arms=(85, 75, -10), elbows=(35, 60), wrists=(-65, 0), hands=0, spine=(8, 0, 0),
    head=(-14, 0, 0),
)  # fmt: skip

ACTIONS = (
    Action("stand", "standing", (STAND, RELAXED, key(APART, arms=(15, -50), elbows=25, spine=(-4, 0, 0)), STAGGER), motion="cycle"),
    Action("look_around", "looking over the shoulder", (
        key(STAND, spine=(2, 0, 18), head=(-2, 0, 40)),
        key(STAGGER, spine=(4, 6, 34), head=(0, -4, 62), root=(0, 0, 8), left_arm=(18, -60), right_arm=(22, 70)),
        key(STAND, spine=(-8, 0, 6), head=(-42, 0, 15)),
    )),
    Action("wave", "waving", (WAVE, key(WAVE, right_arm=(90, 15, 10), right_elbow=(75, 20)), key(WAVE, right_arm=(150, 30), right_elbow=(30, 20))), motion="cycle"),
    Action("point", "pointing ahead", (
        key(RELAXED, right_arm=(88, 70), right_elbow=8, right_hand=25, head=(-2, 0, -10)),
        key(STAGGER, right_arm=(80, 15), right_elbow=6, right_hand=25, head=(-2, 0, -55), spine=(0, 0, -8)),
        key(STAND, right_arm=(128, 60), right_elbow=8, right_hand=25, head=(-22, 0, -12)),
    )),
    Action("phone_call", "talking on the phone", (
        key(RELAXED, right_arm=(82, 66, 8), right_elbow=(136, 10), right_hand=40, right_wrist=(0, 10), head=(8, -12, 0), touch="right_grip=right_ear"),
        key(STAND, right_arm=(78, 80, 4), right_elbow=(138, 10), right_hand=40, left_arm=(30, 60, -50), left_elbow=80, touch="right_grip=right_ear"),
    ), apparatus="phone", noise=0.8),
    Action("text", "looking at a phone", (
        key(RELAXED, arms=(32, 65, -22), elbows=(105, -30), wrists=(10, 0), hands=45, head=(32, 0, 0), spine=(12, 0, 0)),
        key(STAND, right_arm=(35, 60, -15), right_elbow=(110, -20), right_hand=45, head=(30, 0, -8), spine=(8, 0, 0)),
    ), apparatus="phone", noise=0.8),
    Action("take_photo", "taking a photo", (
        key(STAND, arms=(70, 70, -28), elbows=(100, 10), hands=45, head=(4, 0, 0), touch="left_grip=face right_grip=face"),
        key(APART, arms=(62, 70, -25), elbows=(105, 10), hands=45, hips=(28, 12, 12), knees=35, spine=(14, 0, 0), root=(12, 0, 0), touch="left_grip=face right_grip=face"),
    ), apparatus="phone", noise=0.7),
    Action("drink", "drinking", (
        key(RELAXED, right_arm=(45, 70, -15), right_elbow=(90, 0), right_hand=50),
        key(STAND, right_arm=(62, 62, -12), right_elbow=(130, 0), right_hand=50, head=(-20, 0, 0), touch="right_grip=mouth"),
    ), noise=0.8),
    Action("think", "thinking with a hand at the chin", (
        key(RELAXED, right_arm=(35, 70, -20), right_elbow=(140, 0), right_hand=40, left_arm=(32, 65, -60), left_elbow=(95, 30), head=(10, 4, 8),
            touch="right_fingers=chin"),
    ), noise=0.8),
    Action("cross_arms", "standing with crossed arms", (
        key(STAND, left_arm=(32, 66, -52), right_arm=(38, 60, -52), elbows=(112, 40), hands=20, touch="left_palm=right_upperarm right_grip=left_elbow"),
        key(RELAXED, left_arm=(36, 66, -52), right_arm=(32, 60, -52), elbows=(112, 40), hands=20, touch="left_palm=right_upperarm right_grip=left_elbow"),
    ), noise=0.7),
    Action("hands_on_hips", "standing with hands on the hips", (HIPS, key(HIPS, left_hip=(4, 14, 14), right_hip=(4, 14, 14), spine=(-4, 0, 8)), key(HIPS, root=(12, 0, 0), hips=(20, 12, 10), knees=12, spine=(14, 0, 0))), motion="cycle", noise=0.8),
    Action("hands_behind", "standing with hands behind the back", (
        key(STAND, arms=(24, -75, -45), elbows=(62, 20), hands=20, spine=(-3, 0, 0), touch="left_palm=loin right_palm=loin"),
        key(RELAXED, arms=(26, -75, -48), elbows=(66, 20), hands=20, touch="left_palm=loin right_palm=loin"),
    ), noise=0.7),
    Action("hands_behind_head", "holding hands behind the head", (
        key(STAND, arms=(118, 0, 30), elbows=(140, 0), head=(6, 0, 0), spine=(-6, 0, 0), touch="left_fingers=occiput right_fingers=occiput"),
    ), noise=0.8),
    Action("clap", "clapping", (
        key(STAND, arms=(40, 70, -14), elbows=(95, 0), wrists=-25, hands=5, touch="left_palm=right_palm left_fingers=right_fingers"),
        key(STAND, arms=(55, 55, -5), elbows=(70, 0), hands=5, touch=""),
        key(STAND, arms=(130, 65), elbows=(45, 0), hands=5, head=(-15, 0, 0), touch="left_palm=right_palm left_fingers=right_fingers"),
    ), motion="cycle"),
    Action("cheer", "cheering with raised arms", (
        key(APART, arms=(155, 25), elbows=20, spine=(-10, 0, 0), head=(-22, 0, 0)),
        key(STAND, arms=(140, 35), elbows=75, hands=60, spine=(-6, 0, 0), head=(-12, 0, 0)),
        key(RELAXED, right_arm=(170, 50), right_elbow=10, left_arm=(40, 30), left_elbow=90, hands=60, spine=(-4, 6, 0)),
    ), motion="cycle", noise=1.2),
    Action("reach", "reaching for something", (
        key(STAND, right_arm=(70, 75), right_elbow=30, hands=10),
        key(STAGGER, right_arm=(95, 75), right_elbow=6, right_collar=(0, 12), spine=(16, 0, 12), root=(12, 0, 6), hands=5),
        key(STAND, right_arm=(172, 60), right_elbow=8, right_collar=(15, 0), spine=(-4, 8, 0), head=(-26, 0, -8), ankles=-25, on="toes", hands=5),
        key(APART, arms=(165, 55), elbows=12, spine=(-6, 0, 0), head=(-22, 0, 0), hands=10),
        key(STAND, right_arm=(75, -5), right_elbow=10, spine=(4, -24, 0), head=(0, 0, -40), left_arm=(30, 10), root=(0, -5, 0), right_hip=(4, 14, 12)),
    )),
    Action("bend_down", "bending down", (BEND, key(BEND, root=(62, 0, 0), hips=(98, 8, 8), knees=22, spine=(55, 0, 0), arms=(95, 85)), key(BEND, left_arm=(60, 80), right_arm=(30, 40), right_elbow=70, spine=(38, 0, 14)))),
    Action("lift_box", "lifting a box", (SQUAT_LIFT, key(SQUAT_LIFT, root=(30, 0, 0), hips=(70, 14, 10), knees=60, ankles=16, arms=(55, 78), elbows=30)), apparatus="box", noise=0.8),
    Action("carry_box", "carrying a box", (CARRY, key(CARRY, left_hip=(24, 4, 6), left_knee=10, right_hip=(-8, 4, 6), right_knee=14, right_ankle=8, on="left_heel right_toes")), apparatus="box", noise=0.7),
    Action("throw", "throwing a ball", (
        THROW_BACK,
        key(
            on="left_foot right_toes", left_hip=(38, 6, 8), left_knee=22, right_hip=(-12, 8, 14), right_knee=25, right_ankle=-10, right_toe=20,
            spine=(12, 6, 10), root=(10, 0, 12), right_arm=(130, 55), right_elbow=40, left_arm=(25, -30), left_elbow=50, head=(-8, 0, -6),
        ),
        key(
            on="left_foot right_toes", left_hip=(50, 4, 8), left_knee=30, right_hip=(-5, 8, 14), right_knee=35, right_ankle=-15, right_toe=20,
            spine=(26, 8, 24), root=(20, 0, 22), right_arm=(55, 110), right_elbow=15, left_arm=(30, -70), left_elbow=60, head=(-24, 0, -20),
        ),
    ), apparatus="ball"),
    Action("push", "pushing", (PUSH, key(PUSH, root=(30, 0, 0), left_hip=(65, 6, 8), left_knee=45, arms=(100, 78, -5), elbows=(12, 60)))),
    Action("pull", "pulling", (
        key(
            on="feet", root=(-16, 0, 0), left_hip=(42, 8, 8), left_knee=20, left_ankle=-14, right_hip=(28, 10, 16), right_knee=62, right_ankle=12,
            arms=(68, 82), elbows=(20, 20), hands=60, spine=(12, 0, 0),
        ),
        key(
            on="feet", root=(-10, 0, 0), left_hip=(40, 8, 8), left_knee=30, left_ankle=-8, right_hip=(24, 10, 16), right_knee=50, right_ankle=12,
            arms=(34, 70), elbows=(100, 20), hands=60, spine=(2, 0, 0),
        ),
    )),
    Action("stretch", "stretching", (
        key(STAND, arms=(172, 35), elbows=14, spine=(-12, 0, 0), head=(-20, 0, 0), hands=5),
        key(APART, left_arm=(165, 20), left_elbow=20, right_arm=(30, 5, -20), right_elbow=70, spine=(0, -34, 0), root=(0, -6, 0)),
        key(STAND, left_arm=(72, 118), left_elbow=20, right_arm=(60, 75, -20), right_elbow=115, head=(0, 0, -20), touch="right_forearm=left_upperarm"),
        key(on="left_foot", left_hip=(0, 0, 6), left_knee=4, right_hip=(-12, 4, 6), right_knee=128, right_ankle=-35, right_arm=(32, -85), right_elbow=20,
            left_arm=(50, 20), left_elbow=15, hands=40, touch="right_palm=right_instep"),
    ), motion="variants", noise=0.8),
    Action("gesture", "explaining with both hands", (
        key(STAND, arms=(32, 55), elbows=(85, -20), hands=10),
        key(RELAXED, left_arm=(42, 35), left_elbow=(75, -40), right_arm=(30, 65), right_elbow=(95, 10), head=(0, 8, 10)),
        key(STAGGER, left_arm=(15, 20), right_arm=(65, 55), right_elbow=(70, -20), head=(-4, 0, 8), spine=(0, 0, 8)),
    ), motion="cycle", noise=1.4),
    Action("scratch_head", "scratching the head", (
        key(RELAXED, right_arm=(105, 30, 10), right_elbow=(138, 10), head=(12, -8, 0), touch="right_fingers=crown"),
        key(STAND, right_arm=(95, 45, 10), right_elbow=(140, 10), head=(10, 0, 0), touch="right_fingers=occiput"),
    ), motion="variants", noise=0.7),
)  # fmt: skip
