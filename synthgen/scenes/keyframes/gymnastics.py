"""Gymnastics on floor, beam, bars, rings and vault: extreme ranges, straight knees, pointed feet."""

from synthgen.scenes.action import Action, key

LINE = key(
    hips=(0, 0, 8), knees=0, ankles=-62, toes=-20, arms=(172, 45), elbows=2, hands=0, spine=(0, 0, 0),
    wrists=0,
)  # fmt: skip
LEAP = key(
    LINE, left_hip=(98, 0, 12), right_hip=(-62, 0, 18), spine=(-24, 0, 0), head=(-14, 0, 0),
    left_arm=(98, 5), right_arm=(110, 55), root=(6, 0, 0),
)  # fmt: skip
HANDSTAND = key(
    LINE, root=(180, 0, 0), on="hands", arms=(176, 45, 0), elbows=(2, 0), wrists=-84, head=(-26, 0, 0),
)  # fmt: skip
SCALE = key(
    LINE, on="left_foot", root=(78, 0, 0), left_hip=(82, -4, 12), left_ankle=4, left_toe=0,
    right_hip=(-28, 4, 14), arms=(96, 10), spine=(-28, 0, 0), head=(-34, 0, 0),
)  # fmt: skip
HANG = key(
    LINE, arms=(176, 70, 0), wrists=0, hands=70, elbows=(2, 60), head=(6, 0, 0), hips=(6, 0, 6),
    spine=(6, 0, 0),
)  # fmt: skip
CARTWHEEL = key(
    LINE, root=(0, 180, 0), on="left_hand right_hand", hips=(4, 62, 20), arms=(158, 8, 0), wrists=-80,
    elbows=(2, 0), head=(-20, 0, 0),
)  # fmt: skip
SUPPORT = key(LINE, arms=(14, -30, 10), elbows=2, hands=70, collars=(-8, 0))

ACTIONS = (
    Action(
        "split_leap", "doing a split leap",
        (
            LEAP,
            key(
                LEAP, left_hip=(108, 0, 12), right_hip=(-74, 0, 18), arms=(150, 30), spine=(-34, 0, 0),
                root=(14, 0, 0),
            ),
        ),
        support="air", lift=(0.35, 0.9), noise=0.8,
    ),
    Action(
        "ring_leap", "doing a ring leap",
        (
            key(
                LEAP, left_hip=(88, 0, 8), right_hip=(-66, 0, 16), right_knee=98, spine=(-62, 0, 0),
                head=(-62, 0, 0), arms=(165, 40), root=(4, 0, 0),
            ),
            key(
                LEAP, left_hip=(96, 0, 8), right_hip=(-72, 0, 16), right_knee=112, spine=(-72, 0, 0),
                head=(-66, 0, 0), arms=(150, 10), root=(4, 0, 0),
            ),
        ),
        support="air", lift=(0.4, 0.9), noise=0.7,
    ),
    Action(
        "straddle_jump", "doing a straddle jump",
        (
            key(LINE, hips=(96, 62, 28), spine=(26, 0, 0), arms=(98, 55), root=(22, 0, 0), head=(-16, 0, 0)),
            key(LINE, hips=(90, 74, 30), spine=(18, 0, 0), arms=(100, 8), root=(10, 0, 0), head=(-10, 0, 0)),
        ),
        support="air", lift=(0.4, 0.9), noise=0.8,
    ),
    Action(
        "tuck", "somersaulting in a tuck",
        (
            key(
                LINE, root=(90, 0, 0), hips=(126, 4, 4), knees=140, spine=(52, 0, 0), head=(22, 0, 0),
                arms=(52, 78, -8), elbows=84, hands=40, touch="left_palm=left_shin right_palm=right_shin",
            ),
            key(
                LINE, root=(220, 0, 0), hips=(122, 8, 4), knees=136, spine=(50, 0, 0), head=(14, 0, 0),
                arms=(52, 78, -8), elbows=84, hands=40, touch="left_palm=left_shin right_palm=right_shin",
            ),
            key(
                LINE, root=(-80, 0, 0), hips=(128, 8, 4), knees=132, spine=(34, 0, 0), head=(-24, 0, 0),
                arms=(70, 70), elbows=40,
            ),
            key(
                LINE, root=(-190, 0, 0), hips=(122, 6, 4), knees=136, spine=(44, 0, 0), head=(-20, 0, 0),
                arms=(52, 78, -8), elbows=84, hands=40, touch="left_palm=left_shin right_palm=right_shin",
            ),
        ),
        motion="variants", support="air", lift=(0.6, 1.6),
    ),
    Action(
        "layout", "doing a layout somersault with a twist",
        (
            key(
                LINE, root=(-110, 0, 0), spine=(-26, 0, 0), head=(-20, 0, 0), arms=(40, 75, -35), elbows=85,
                hips=(-14, 0, 6),
            ),
            key(
                LINE, root=(-200, 0, 40), spine=(-18, 0, 10), head=(-14, 0, 24), arms=(34, 70, -40),
                elbows=100, hips=(-8, 0, 6),
            ),
            key(
                LINE, root=(-150, 0, 0), spine=(-40, 0, 0), head=(-34, 0, 0), arms=(60, 20),
                hips=(-18, 0, 6),
            ),
        ),
        support="air", lift=(0.6, 1.6),
    ),
    Action(
        "handstand", "doing a handstand",
        (
            HANDSTAND,
            key(HANDSTAND, root=(178, 0, 0), hips=(-6, 4, 8), spine=(-16, 0, 0), head=(-34, 0, 0)),
            key(
                HANDSTAND, root=(184, 0, 0), left_hip=(72, 0, 10), right_hip=(-58, 0, 14),
                spine=(-10, 0, 0),
            ),
            key(HANDSTAND, root=(178, 0, 0), hips=(30, 74, 30), spine=(4, 0, 0)),
            key(
                HANDSTAND, root=(182, 0, 0), left_hip=(20, 0, 10), left_knee=100, right_hip=(-28, 0, 10),
                right_knee=60, spine=(-14, 0, 0),
            ),
        ),
        motion="variants", apparatus="mat", noise=0.5,
    ),
    Action(
        "beam_handstand", "doing a handstand on the beam",
        (
            key(
                HANDSTAND, arms=(176, 62, 0), left_hip=(66, 0, 10), right_hip=(-56, 0, 14),
                spine=(-12, 0, 0),
            ),
            key(HANDSTAND, arms=(176, 62, 0)),
        ),
        support="apparatus", lift=(1.25, 1.25), apparatus="beam", noise=0.4,
    ),
    Action(
        "bridge", "holding a bridge",
        (
            key(
                LINE, root=(-94, 0, 0), on="hands feet", hips=(-34, 6, 8), knees=66, ankles=-12, toes=0,
                spine=(-66, 0, 0), head=(-52, 0, 0), arms=(166, 32, 0), elbows=(6, 0), wrists=-80,
            ),
            key(
                LINE, root=(-97, 0, 0), on="hands feet", hips=(-38, 4, 8), knees=44, ankles=-20, toes=0,
                spine=(-78, 0, 0), head=(-58, 0, 0), arms=(166, 32, 0), elbows=(2, 0), wrists=-74,
            ),
            key(
                LINE, root=(-96, 0, 0), on="hands left_foot", left_hip=(-38, 4, 8), left_knee=60,
                left_ankle=-14, left_toe=0, right_hip=(86, 0, 8), spine=(-70, 0, 0), head=(-54, 0, 0),
                arms=(166, 32, 0), elbows=(4, 0), wrists=-78,
            ),
        ),
        motion="variants", apparatus="mat", noise=0.6,
    ),
    Action(
        "cartwheel", "doing a cartwheel",
        (
            CARTWHEEL,
            key(
                CARTWHEEL, root=(0, 132, 0), left_hip=(10, 50, 20), right_hip=(6, 66, 20),
                spine=(0, -14, 0), on="left_hand",
            ),
            key(
                CARTWHEEL, root=(0, 232, 0), left_hip=(6, 66, 20), right_hip=(10, 50, 20), spine=(0, 14, 0),
                on="right_hand",
            ),
        ),
        motion="variants", apparatus="mat", noise=0.7,
    ),
    Action(
        "arabesque", "holding an arabesque",
        (
            key(
                SCALE, root=(32, 0, 0), left_hip=(36, -4, 12), right_hip=(-46, 4, 16), spine=(-44, 0, 0),
                head=(-12, 0, 0),
            ),
            SCALE,
        ),
        apparatus="mat", noise=0.6,
    ),
    Action(
        "beam_scale", "holding a scale on the beam",
        (
            SCALE,
            key(
                SCALE, root=(100, 0, 0), left_hip=(106, -4, 12), right_hip=(-56, 4, 16), spine=(-14, 0, 0),
                left_arm=(110, 80), right_arm=(60, -40),
            ),
            key(
                LINE, on="left_foot", left_hip=(0, -4, 14), left_ankle=0, left_toe=0,
                right_hip=(128, 48, 50), right_arm=(155, 20), left_arm=(100, 0), root=(0, 12, 0),
                spine=(0, 14, 0),
            ),
        ),
        motion="variants", support="apparatus", lift=(1.25, 1.25), apparatus="beam", noise=0.5,
    ),
    Action(
        "beam_pose", "posing on the balance beam",
        (
            key(
                LINE, on="left_foot right_toes", left_ankle=0, left_toe=0, left_hip=(8, -4, 14),
                right_hip=(20, 2, 14), right_knee=36, right_ankle=-50, arms=(150, 30), spine=(-14, 0, 0),
                head=(-14, 0, 0),
            ),
            key(
                LINE, on="left_toes", left_ankle=-45, left_toe=50, left_hip=(0, -4, 14),
                right_hip=(62, 8, 20), right_knee=118, arms=(165, 40), spine=(-4, 0, 0),
            ),
            key(
                LINE, on="left_foot", left_ankle=0, left_toe=0, left_hip=(20, -2, 10), left_knee=30,
                right_hip=(34, 6, 10), right_ankle=-60, arms=(95, 5), spine=(6, 0, 0),
            ),
        ),
        motion="variants", support="apparatus", lift=(1.25, 1.25), apparatus="beam", noise=0.6,
    ),
    Action(
        "wolf_turn", "doing a wolf turn on the beam",
        (
            key(
                LINE, on="left_toes", root=(14, 0, 0), left_hip=(128, 0, 6), left_knee=150, left_ankle=24,
                left_toe=45, right_hip=(104, 6, 8), spine=(34, 0, 0), arms=(70, 55), elbows=50,
                head=(-14, 0, 0),
            ),
            key(
                LINE, on="left_toes", root=(8, 0, 0), left_hip=(124, 0, 6), left_knee=150, left_ankle=22,
                left_toe=45, right_hip=(98, 6, 8), spine=(26, 0, 0), left_arm=(150, 40), right_arm=(90, 10),
                head=(-10, 0, 0),
            ),
        ),
        support="apparatus", lift=(1.25, 1.25), apparatus="beam", noise=0.6,
    ),
    Action(
        "bar_hang", "swinging on the bar",
        (
            HANG,
            key(HANG, root=(-42, 0, 0), hips=(-8, 0, 6), spine=(-20, 0, 0)),
            key(HANG, root=(-62, 0, 0), hips=(58, 0, 6), spine=(10, 0, 0)),
            key(HANG, root=(50, 0, 0), hips=(-12, 0, 6), spine=(-22, 0, 0), head=(-10, 0, 0)),
        ),
        motion="cycle", support="hang", lift=(0.2, 0.6), apparatus="bar", noise=0.5,
    ),
    Action(
        "giant", "swinging a giant on the high bar",
        (
            key(HANG, root=(180, 0, 0), spine=(4, 0, 0), hips=(4, 0, 6)),
            key(HANG, root=(120, 0, 0), spine=(-14, 0, 0), hips=(-8, 0, 6)),
            key(HANG, root=(-110, 0, 0), spine=(12, 0, 0), hips=(26, 0, 6), arms=(168, 80)),
            key(HANG, root=(-140, 0, 0), hips=(98, 58, 24), spine=(20, 0, 0), arms=(130, 80)),
        ),
        motion="variants", support="hang", lift=(1.6, 2.4), apparatus="bar", noise=0.5,
    ),
    Action(
        "ring_cross", "holding an iron cross on the rings",
        (
            key(SUPPORT, arms=(90, 5, 20), elbows=(0, 30), hips=(4, 0, 4)),
            key(SUPPORT, arms=(90, 5, 20), elbows=(0, 30), hips=(92, 2, 4), spine=(6, 0, 0)),
            key(SUPPORT, arms=(24, 5, 15), hips=(92, 2, 4), spine=(10, 0, 0)),
            key(HANG, root=(176, 0, 0), arms=(14, -10, 0), spine=(-8, 0, 0), head=(-30, 0, 0)),
        ),
        motion="variants", support="hang", lift=(1.2, 1.8), apparatus="rings", noise=0.5,
    ),
    Action(
        "l_sit", "holding an L-sit",
        (
            key(
                SUPPORT, on="hands", root=(-6, 0, 0), hips=(96, 2, 4), spine=(16, 0, 0), arms=(18, -55, 10),
                wrists=-78, hands=0,
            ),
            key(
                SUPPORT, on="hands", root=(4, 0, 0), hips=(112, 44, 20), spine=(28, 0, 0),
                arms=(20, 55, 10), wrists=-78, hands=0, head=(-16, 0, 0),
            ),
        ),
        motion="variants", apparatus="mat", noise=0.4,
    ),
    Action(
        "floor_split", "sitting in a split",
        (
            key(
                LINE, on="left_heel right_knee", root=(0, 0, 0), left_hip=(88, 0, 10),
                right_hip=(-78, 0, 16), spine=(-8, 0, 0), arms=(95, 5),
            ),
            key(
                LINE, on="left_heel right_knee", root=(10, 0, 0), left_hip=(98, 0, 10),
                right_hip=(-70, 0, 16), spine=(-24, 0, 0), arms=(168, 40), head=(-14, 0, 0),
            ),
            key(LINE, on="heels seat", root=(6, 0, 0), hips=(88, 78, 30), spine=(10, 0, 0), arms=(92, 10)),
        ),
        motion="variants", apparatus="mat", noise=0.5,
    ),
    Action(
        "vault_flight", "flying over the vault",
        (
            key(
                LINE, root=(110, 0, 0), spine=(-18, 0, 0), hips=(-10, 0, 6), head=(-26, 0, 0),
                arms=(160, 60),
            ),
            key(HANDSTAND, on="hands", root=(165, 0, 0), spine=(-10, 0, 0)),
            key(
                LINE, root=(250, 0, 0), spine=(30, 0, 0), hips=(70, 0, 6), head=(6, 0, 0), arms=(80, 80),
                elbows=20,
            ),
        ),
        motion="variants", support="air", lift=(1.2, 1.9), apparatus="vault",
    ),
    Action(
        "back_handspring", "doing a back handspring",
        (
            key(
                LINE, root=(-62, 0, 0), hips=(-18, 2, 8), knees=24, spine=(-58, 0, 0), head=(-48, 0, 0),
                arms=(172, 45),
            ),
            key(
                LINE, root=(-110, 0, 0), hips=(-30, 2, 8), knees=20, spine=(-74, 0, 0), head=(-54, 0, 0),
                arms=(176, 45), wrists=-50,
            ),
            key(
                LINE, root=(-216, 0, 0), hips=(30, 2, 8), knees=6, spine=(14, 0, 0), arms=(172, 60),
                wrists=-70,
            ),
        ),
        motion="variants", support="air", lift=(0.05, 0.5), apparatus="mat", noise=0.8,
    ),
    Action(
        "landing", "sticking the landing",
        (
            key(
                on="feet", root=(20, 0, 0), hips=(66, 6, 8), knees=72, ankles=24, spine=(20, 0, 0),
                head=(-16, 0, 0), arms=(85, 70), elbows=8, hands=0,
            ),
            key(
                on="feet", hips=(0, 0, 14), knees=0, spine=(-18, 0, 0), head=(-20, 0, 0), arms=(155, 25),
                elbows=4, hands=0,
            ),
        ),
        apparatus="mat",
    ),
)  # fmt: skip
