import numpy as np
import pytest

from synthgen.agreement import (
    NEAR,
    Agreement,
    Verification,
    keypoint_agreement,
    least_support,
    limb_cover,
)
from synthgen.joints import COCO17
from synthgen.metrics import SIGMAS
from synthgen.trust import Trust

BOX = np.array([[0.0, 0, 100, 200]])  # a tenth of its longer side: 20 px
AREA = np.array([5000.0])


def agree(offset: np.ndarray, visibility: np.ndarray, confidence: float = 1.0):
    labelled = np.full((1, len(COCO17), 2), 50.0)
    sure = np.full((1, len(COCO17)), confidence)
    return keypoint_agreement(labelled + offset, sure, labelled, visibility[None], BOX, AREA)


def test_joints_in_place_agree_fully():
    found = agree(np.zeros((1, 17, 2)), np.ones(17))
    assert (found.pck[0], found.oks[0], found.worst[0]) == (1, 1, 0)


def test_pck_counts_visible_joints_within_a_tenth_of_the_box():
    offset, visibility = np.zeros((1, 17, 2)), np.ones(17)
    offset[0, COCO17.index("left_wrist")] = (20.1, 0)
    offset[0, COCO17.index("right_wrist")] = (0, 19.9)
    offset[0, COCO17.index("nose")] = (90, 0)
    visibility[COCO17.index("nose")] = 0.4
    found = agree(offset, visibility)
    assert found.pck[0] == pytest.approx(15 / 16)
    assert found.worst[0] == pytest.approx(20.1 / 200)
    assert pytest.approx(0.1) == NEAR


def test_oks_is_that_of_coco():
    offset, visibility = np.zeros((1, 17, 2)), np.zeros(17)
    knee = COCO17.index("left_knee")
    visibility[knee], offset[0, knee] = 1, (30, 40)
    expected = np.exp(-(50**2) / (2 * 5000 * (2 * 0.087) ** 2))
    assert SIGMAS[knee] == 0.087
    assert agree(offset, visibility).oks[0] == pytest.approx(expected)


def test_an_unsure_detection_alone_is_no_witness():
    offset = np.zeros((1, 17, 2))
    offset[0, 3] = (150, 0)
    assert agree(offset, np.ones(17), confidence=0.4).worst[0] == 0
    assert agree(offset, np.ones(17), confidence=0.6).worst[0] == pytest.approx(0.75)


def test_nobody_visible_cannot_disagree():
    found = agree(np.full((1, 17, 2), 99.0), np.zeros(17))
    assert (found.pck[0], found.oks[0], found.worst[0]) == (1, 1, 0)


def test_displacement_is_of_the_joint_that_the_model_is_surest_to_have_found_elsewhere():
    offset = np.zeros((17, 2))
    offset[4], offset[9] = (40.0, 0.0), (0.0, 150.0)  # a fifth and three quarters of the box
    assert agree(offset, np.ones(17), confidence=0.5).displacement[0] == pytest.approx(0.5 * 0.3), (
        "0.3 at most"
    )
    visible = np.ones(17)
    visible[9] = 0
    assert agree(offset, visible, confidence=0.5).displacement[0] == pytest.approx(0.1)
    assert agree(offset, np.zeros(17)).displacement[0] == 0


def test_the_least_supported_visible_joint_counts():
    support, visibility = np.full((2, 17), 0.9), np.ones((2, 17))
    support[0, 3], support[0, 5], visibility[0, 5] = 0.4, 0.1, 0.2
    assert least_support(support, visibility).tolist() == [0.4, 0.9]
    assert least_support(None, visibility).tolist() == [1, 1]
    assert least_support(support, np.zeros((2, 17))).tolist() == [1, 1]


GOOD = {
    "people_found": 1,
    "iou": 0.9,
    "pck": 1.0,
    "oks": 0.9,
    "worst_joint": 0.05,
    "mpvpe_mm": 50.0,
    "limb": 1.0,
    "support": 0.9,
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"people_found": 2}, "another number of people in the picture"),
        ({"iou": 0.1}, "body and picture overlap too little"),
        ({"pck": 0.1}, "too few joints in place"),
        ({"oks": 0.01}, "keypoints too far off"),
        ({"worst_joint": 3.0}, "a joint far out of place"),
        ({"limb": 0.2}, "a limb where the picture shows none"),
        ({"support": 0.2}, "a joint where the picture speaks against it"),
        ({"mpvpe_mm": 1900.0}, "the body in the picture is another one"),
    ],
)
def test_every_limit_has_its_reason(change, reason):
    values = {**GOOD, **change}
    arrays = {name: value if name == "people_found" else np.array([value]) for name, value in values.items()}
    assert Verification(min_limb=0.5).reason(Agreement(**arrays)) == reason


def test_limits_left_open_are_wider_beside_a_critic():
    """Between the two: overlap 0.72, a critic who trusts the label, and one who does not."""
    arrays = {name: value if name == "people_found" else np.array([value]) for name, value in GOOD.items()}
    arrays["iou"] = np.array([0.72])
    assert Verification().reason(Agreement(**arrays)) == "body and picture overlap too little"
    assert Verification().reason(Agreement(**arrays, trust=np.array([0.6]))) is None
    assert Verification().reason(Agreement(**arrays, trust=np.array([0.4]))) == (
        "outline and joints together speak against the label"
    )
    assert Verification(min_iou=0.71).reason(Agreement(**arrays)) is None
    assert Verification(min_iou=0.73).resolved(True).min_iou == 0.73
    alone, beside = Verification().resolved(False), Verification().resolved(True)
    for name in ("min_iou", "min_pck", "min_oks", "min_support"):
        assert 0 < getattr(beside, name) < getattr(alone, name)
    said = " ".join(str(Verification.__doc__).split())
    assert f"{alone.min_iou} (IoU), {alone.min_pck} (PCK), {alone.min_oks} (OKS)" in said
    assert f"{beside.min_iou}, {beside.min_pck}, {beside.min_oks} and {beside.min_support}" in said


def test_the_worst_person_decides():
    arrays = {
        name: value if name == "people_found" else np.array([value] * 2) for name, value in GOOD.items()
    }
    arrays["people_found"], arrays["iou"] = 2, np.array([0.9, 0.1])
    assert Verification().reason(Agreement(**arrays)) == "body and picture overlap too little"


def test_the_number_of_people_can_be_left_out():
    arrays = {name: value if name == "people_found" else np.array([value]) for name, value in GOOD.items()}
    arrays["people_found"] = 3
    assert Verification(same_people=False).reason(Agreement(**arrays)) is None


def test_scores_have_the_names_of_the_record():
    arrays = {name: value if name == "people_found" else np.array([value]) for name, value in GOOD.items()}
    scores = Agreement(**arrays).scores(0)
    assert scores == {
        "mask_iou": 0.9,
        "pck": 1.0,
        "oks": 0.9,
        "worst_joint": 0.05,
        "mpvpe_mm": 50.0,
        "limb": 1.0,
        "support": 0.9,
    }


def test_wrong_limits_are_named():
    wrong = Verification(min_iou=1.5, max_mpvpe_mm=0, retries=-1)
    assert wrong.problems() == [
        "min_iou must be in [0, 1], got 1.5",
        "max_mpvpe_mm must be above 0, got 0",
        "retries must be at least 0, got -1",
    ]
    assert Verification().problems() == []
    wrong = Verification(rectified=Trust(min_evidence=-1))
    assert wrong.problems() == ["rectified.min_evidence must be in [0, 1], got -1"]


def arm(angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Joints of somebody whose left forearm alone is visible, from (50, 50), 30 px long, and where it is."""
    joints, visibility = np.full((1, 17, 2), 50.0), np.zeros((1, 17))
    elbow, wrist = COCO17.index("left_elbow"), COCO17.index("left_wrist")
    joints[0, wrist] += 30 * np.array([np.cos(angle), np.sin(angle)])
    visibility[0, [elbow, wrist]] = 1
    return joints, visibility


def drawn(joints: np.ndarray) -> np.ndarray:
    """Return a mask (100, 100) of a limb 7 px thick."""
    start, end = joints[0, COCO17.index("left_elbow")], joints[0, COCO17.index("left_wrist")]
    grid = np.stack(np.meshgrid(np.arange(100), np.arange(100)), -1)
    along = np.clip((grid - start) @ (end - start) / 900, 0, 1)
    return np.linalg.norm(grid - (start + along[..., None] * (end - start)), axis=-1) <= 3.5


def test_a_limb_turned_by_40_degrees_lies_beside_the_person():
    right, visibility = arm(0.0)
    picture = drawn(right)
    assert limb_cover(right, visibility, picture[None], picture)[0] == 1
    turned, visibility = arm(np.radians(40))
    assert limb_cover(turned, visibility, drawn(turned)[None], picture)[0] < 0.3


def test_what_the_label_does_not_show_is_not_looked_at():
    turned, visibility = arm(np.radians(40))
    nothing = np.zeros((100, 100), bool)
    assert limb_cover(turned, visibility, nothing[None], nothing)[0] == 1
    assert limb_cover(turned, 0 * visibility, drawn(turned)[None], nothing)[0] == 1
