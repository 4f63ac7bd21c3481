"""Clues do not depend on the picture's scale, and say what differs."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation
from standing_figure import PLACES

from synthgen.clues import CLUES, Clues, Silhouettes, clues_of
from synthgen.joints import COCO17

SIDE = 120
LEAST = 1e-3  # surprise of a label that nothing speaks against, before the logarithm
BOX = np.array([[20.0, 20, 80, 100]])
JOINTS = np.array([PLACES[name] for name in COCO17.names], float)


def body(scale: int = 1, arm: bool = True) -> np.ndarray:
    """Draw a trunk with an arm to its right: (1, H, W)."""
    mask = np.zeros((SIDE * scale, SIDE * scale), bool)
    mask[20 * scale : 100 * scale, 30 * scale : 50 * scale] = True
    if arm:
        mask[40 * scale : 48 * scale, 50 * scale : 80 * scale] = True
    return mask[None]


def seen(shown: np.ndarray, boxes: np.ndarray, found: np.ndarray, sure: float = 1.0) -> Silhouettes:
    """Let a segmenter be as sure of where it finds people as of where it finds none."""
    joints = np.repeat(JOINTS[None] * len(found) / SIDE, len(shown), 0)
    return Silhouettes(shown, boxes, joints, found, np.where(found, sure, 1 - sure))


def asked(
    shown: np.ndarray, found: np.ndarray, scale: int = 1, iou: float = 0.9, sure: float = 1.0
) -> dict[str, float]:
    people = seen(shown, BOX * scale, found, sure)
    clues = clues_of(np.array([iou]), np.array([0.7]), np.array([0.2]), people)
    assert tuple(clues) == CLUES
    return {name: float(value[0]) for name, value in clues.items()}


def test_the_scale_of_the_picture_does_not_matter() -> None:
    small = asked(body(), body(arm=False)[0])
    large = asked(body(4), body(4, arm=False)[0], 4)
    assert small == pytest.approx(large, abs=0.03)


def test_a_missing_arm_is_as_thick_and_as_far_as_an_arm() -> None:
    same, missing = asked(body(), body()[0]), asked(body(), body(arm=False)[0])
    assert (same["thickness"], same["reach"]) == (0, 0)
    assert missing["thickness"] == pytest.approx(4 / 80, abs=0.02)  # half of its 8 pixels, of a box of 80
    assert missing["reach"] == pytest.approx(24 / 80, abs=0.06)  # most of its length
    thin = body()[0].copy()
    thin[20:100, 28:30] = True
    assert asked(body(), thin)["thickness"] < missing["thickness"]


def test_where_the_segmenter_is_sure_it_surprises_more() -> None:
    missing = body(arm=False)[0]
    sure, unsure = (asked(body(), missing, sure=part)["surprise"] for part in (0.99, 0.6))
    arm, outline = 30 * 8 / 80**2, (2 * (80 + 20) + 2 * 30) / 80  # areas and lengths in sides of the box
    assert np.exp(sure) - LEAST == pytest.approx(arm * np.log(0.99 / 0.01) / outline, rel=0.06)
    assert np.exp(unsure) - LEAST == pytest.approx(arm * np.log(0.6 / 0.4) / outline, rel=0.06)
    assert asked(body(), body()[0], sure=0.6)["surprise"] == pytest.approx(np.log(LEAST)), "none against it"
    assert np.isfinite(asked(body(), missing, sure=1.0)["surprise"]), "not even where it errs for certain"


def test_what_a_person_wears_surprises_but_does_not_protrude() -> None:
    label, dressed = body(arm=False), body()[0]
    worn, gone = asked(label, dressed, sure=0.99), asked(body(), label[0], sure=0.99)
    assert worn["protrusion"] == pytest.approx(np.log(LEAST)) and worn["surprise"] > -3
    assert gone["protrusion"] == pytest.approx(gone["surprise"], abs=0.1)


def test_an_arm_elsewhere_has_a_rival_whatever_else_is_off() -> None:
    lowered = body(arm=False)[0]
    for reach in range(30):  # the arm, turned down by 40 degrees about the shoulder
        column, row = round(50 + reach * 0.77), round(42 + reach * 0.64)
        lowered[row : row + 9, column : column + 2] = True
    dressed = binary_dilation(body()[0], iterations=4)
    wrong, clothed = asked(body(), lowered, sure=0.99), asked(body(), dressed, sure=0.99)
    assert wrong["rival"] > -3 and wrong["rival"] > clothed["rival"] + 1
    assert clothed["surprise"] > wrong["surprise"] - 1, "what is worn surprises nearly as much"
    right = asked(body(), body()[0], sure=0.99)["rival"]
    assert right < np.log(2 * LEAST), "next to none against the right one"


def test_size_slimness_and_overlap() -> None:
    one = asked(body(), body()[0])
    assert one["size"] == pytest.approx(np.log(80 / SIDE))
    assert (one["support"], one["displacement"]) == (0.7, 0.2)
    assert one["overlap"] == pytest.approx(-np.log(0.1))
    assert asked(body(), body()[0], iou=1.0)["overlap"] == pytest.approx(-np.log(0.01)), "finite"
    slim = np.zeros((1, SIDE, SIDE), bool)
    slim[0, 20:100, 38:42] = True
    assert asked(slim, slim[0])["slimness"] > one["slimness"]


def test_other_labelled_people_are_nobodys_difference() -> None:
    other = np.zeros((SIDE, SIDE), bool)
    other[20:100, 52:70] = True
    shown = np.stack([body(arm=False)[0], other])
    boxes = np.array([[20.0, 20, 80, 100], [52, 20, 70, 100]])
    found = shown.any(0)

    def judged(count: int) -> Clues:
        people = seen(shown[:count], boxes[:count], found)
        return clues_of(np.ones(count), np.ones(count), np.zeros(count), people)

    assert judged(2)["thickness"].tolist() == [0, 0]
    assert judged(2)["surprise"] == pytest.approx(np.log(LEAST))
    assert judged(1)["thickness"][0] > 0.05 and judged(1)["surprise"][0] > -1


def test_nobody_found_and_nothing_shown_are_finite() -> None:
    nothing = np.zeros((SIDE, SIDE), bool)
    for shown, found in ((body(), nothing), (nothing[None], body()[0])):
        assert np.isfinite(list(asked(shown, found, iou=0.0).values())).all()
    none = clues_of(*[np.zeros(0)] * 3, seen(np.zeros((0, SIDE, SIDE), bool), np.zeros((0, 4)), nothing))
    assert all(value.shape == (0,) for value in none.values())
