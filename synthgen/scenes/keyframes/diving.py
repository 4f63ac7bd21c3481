"""Diving from springboard and platform: tight shapes at every angle to the water."""

from synthgen.scenes.action import Action, key

LINE = key(hips=(0, 0, 4), knees=0, ankles=-62, toes=-20, arms=(174, 50), elbows=2, hands=0, wrists=0)
ENTRY = key(
    LINE, root=(180, 0, 0), spine=(2, 0, 0), head=(2, 0, 0), arms=(178, 70), touch="left_grip=right_grip",
)  # fmt: skip
PIKE = key(
    LINE, root=(90, 0, 0), hips=(132, 0, 4), spine=(64, 0, 0), head=(14, 0, 0), arms=(104, 68), elbows=48,
    hands=20,
)  # fmt: skip
TUCK = key(
    LINE, root=(90, 0, 0), hips=(130, 3, 2), knees=146, spine=(58, 0, 0), head=(26, 0, 0),
    arms=(52, 78, -8), elbows=88, hands=50, touch="left_palm=left_shin right_palm=right_shin",
)  # fmt: skip
TWIST = key(
    LINE, root=(150, 0, 0), spine=(-8, 0, 16), head=(4, 0, 24), left_arm=(150, 70), left_elbow=125,
    right_arm=(50, 80, -50), right_elbow=85, hips=(-4, 0, 4),
)  # fmt: skip
STAND = key(on="feet", hips=(0, 0, 4), knees=0, arms=(8, 0), elbows=4, hands=5)

ACTIONS = (
    Action(
        "pike", "somersaulting in a pike position",
        (
            PIKE,
            key(PIKE, root=(170, 0, 0)),
            key(PIKE, root=(250, 0, 0), hips=(118, 0, 4), spine=(56, 0, 0)),
            key(PIKE, root=(-60, 0, 0)),
            key(PIKE, root=(-150, 0, 0), hips=(126, 0, 4)),
            key(PIKE, root=(120, 0, 0), hips=(110, 0, 4), spine=(36, 0, 0), arms=(95, 5)),
        ),
        motion="variants", support="air", lift=(1.0, 6.0), apparatus="springboard", noise=0.6,
    ),
    Action(
        "tuck", "somersaulting in a tuck position",
        (
            TUCK,
            key(TUCK, root=(180, 0, 0)),
            key(TUCK, root=(270, 0, 0), hips=(126, 8, 2)),
            key(TUCK, root=(-80, 0, 0)),
            key(TUCK, root=(-170, 0, 0)),
            key(TUCK, root=(0, 0, 0)),
        ),
        motion="variants", support="air", lift=(1.0, 6.0), apparatus="springboard", noise=0.7,
    ),
    Action(
        "layout", "diving in a layout position",
        (
            key(LINE, root=(60, 0, 0), spine=(-18, 0, 0), hips=(-8, 0, 4), arms=(92, 5), head=(-24, 0, 0)),
            key(LINE, root=(110, 0, 0), spine=(-28, 0, 0), hips=(-14, 0, 4), arms=(94, 5), head=(-28, 0, 0)),
            key(
                LINE, root=(150, 0, 0), spine=(-12, 0, 0), hips=(-4, 0, 4), arms=(140, 30),
                head=(-10, 0, 0),
            ),
        ),
        support="air", lift=(0.8, 6.0), apparatus="springboard", noise=0.8,
    ),
    Action(
        "back_layout", "doing a back dive",
        (
            key(
                LINE, root=(-50, 0, 0), spine=(-42, 0, 0), hips=(-22, 0, 4), head=(-44, 0, 0),
                arms=(120, 10),
            ),
            key(
                LINE, root=(-110, 0, 0), spine=(-50, 0, 0), hips=(-24, 0, 4), head=(-48, 0, 0),
                arms=(150, 20),
            ),
            key(
                LINE, root=(-155, 0, 0), spine=(-22, 0, 0), hips=(-8, 0, 4), head=(-18, 0, 0),
                arms=(174, 50),
            ),
        ),
        support="air", lift=(0.8, 6.0), apparatus="springboard", noise=0.8,
    ),
    Action(
        "twist", "twisting in the air",
        (
            TWIST,
            key(TWIST, root=(110, 0, 120)),
            key(TWIST, root=(200, 0, -60)),
            key(TWIST, root=(-120, 0, 40)),
        ),
        motion="variants", support="air", lift=(1.0, 6.0), apparatus="springboard",
    ),
    Action(
        "entry", "entering the water head first",
        (
            ENTRY,
            key(ENTRY, root=(168, 0, 0), hips=(8, 0, 4)),
            key(ENTRY, root=(190, 0, 0), spine=(-8, 0, 0)),
        ),
        support="air", lift=(0.0, 0.8), apparatus="springboard", noise=0.4,
    ),
    Action(
        "takeoff", "taking off from the board",
        (
            key(
                on="toes", root=(14, 0, 0), hips=(34, 0, 4), knees=44, ankles=10, toes=30, arms=(150, 50),
                elbows=20, spine=(4, 0, 0), hands=5,
            ),
            key(
                on="toes", root=(10, 0, 0), hips=(6, 0, 4), knees=6, ankles=-45, toes=50, arms=(168, 55),
                elbows=6, spine=(-6, 0, 0), hands=5,
            ),
        ),
        support="apparatus", lift=(1.0, 3.0), apparatus="springboard",
    ),
    Action(
        "hurdle_step", "stepping into the hurdle on the board",
        (
            key(
                on="right_toes", left_hip=(88, 0, 4), left_knee=92, left_ankle=-50, right_hip=(-4, 0, 4),
                right_knee=4, right_ankle=-48, right_toe=45, arms=(160, 30), elbows=8, hands=5,
                head=(10, 0, 0),
            ),
            key(
                on="right_foot", left_hip=(60, 0, 4), left_knee=70, left_ankle=-50, right_hip=(10, 0, 4),
                right_knee=20, arms=(90, 10), elbows=10, hands=5, head=(12, 0, 0),
            ),
        ),
        support="apparatus", lift=(1.0, 3.0), apparatus="springboard",
    ),
    Action(
        "back_stand", "waiting backwards at the edge of the platform",
        (
            key(STAND, on="toes", ankles=-12, toes=20, arms=(92, 70), elbows=4),
            key(STAND, on="toes", ankles=-16, toes=24, arms=(172, 50), elbows=4, spine=(-6, 0, 0)),
            key(STAND, on="toes", ankles=-10, toes=16, arms=(6, 0)),
        ),
        support="apparatus", lift=(1.0, 5.0), apparatus="springboard", noise=0.5,
    ),
    Action(
        "armstand", "starting from an armstand on the platform",
        (
            key(LINE, root=(180, 0, 0), on="hands", arms=(176, 45), wrists=-84, head=(-28, 0, 0)),
            key(
                LINE, root=(172, 0, 0), on="hands", arms=(170, 60), wrists=-84, head=(-30, 0, 0),
                hips=(70, 0, 4), spine=(20, 0, 0),
            ),
        ),
        support="apparatus", lift=(2.0, 5.0), apparatus="springboard", noise=0.4,
    ),
)  # fmt: skip
