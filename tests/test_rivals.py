"""A right label has no rival; a limb out of place is worth what it covers."""

import numpy as np
import pytest
from standing_figure import PLACES

from synthgen.joints import COCO17
from synthgen.rivals import greatest_gain

SIDE = 120
JOINTS = np.array([PLACES[name] for name in COCO17.names], float) + 0.5  # from middles of cells to corners
SHOULDER = JOINTS[COCO17.index("left_shoulder")]
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] + 0.5


def figure(turn_deg: float = 0.0, length: float = 1.0, arm: bool = True) -> np.ndarray:
    """Draw trunk and legs, and the left arm from its shoulder, turned clockwise from pointing right."""
    mask = (COLUMNS > 30) & (COLUMNS < 50) & (ROWS > 20) & (ROWS < 100)
    ahead = np.array([np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))])
    offsets = np.stack([COLUMNS, ROWS], -1) - SHOULDER
    along, aside = offsets @ ahead, offsets @ np.array([-ahead[1], ahead[0]])
    return mask | (arm & (along > 0) & (along < 32 * length) & (np.abs(aside) < 4))


def odds(picture: np.ndarray, sure: float = 5.0) -> np.ndarray:
    return np.where(picture, sure, -sure)


def gain(label: np.ndarray, picture: np.ndarray) -> float:
    return greatest_gain(label, odds(picture), JOINTS)


def test_a_right_label_has_no_rival() -> None:
    assert gain(figure(), figure()) < 0.01 * gain(figure(), figure(12))


@pytest.mark.parametrize("turn_deg", [-40, -25, -12, 12, 25, 40])
def test_a_turned_arm_is_worth_what_it_covers(turn_deg: float) -> None:
    picture = figure(turn_deg)
    won, lost = (picture & ~figure()).sum(), (figure() & ~picture).sum()
    assert gain(figure(), picture) == pytest.approx(5.0 * (won + lost), rel=0.25)


@pytest.mark.parametrize("length", [0.75, 1.3])
def test_a_shortened_arm_is_noticed_too(length: float) -> None:
    assert gain(figure(), figure(length=length)) > 5.0 * 4 * 8, "several cells of its length, eight wide"


def test_what_is_off_everywhere_is_no_rival() -> None:
    """The segmenter sees a stouter person: the label is as wrong with any limb elsewhere."""
    from scipy.ndimage import binary_dilation

    stout = binary_dilation(figure(), iterations=3)
    assert gain(figure(), stout) < 0.2 * gain(figure(), figure(40))


def test_limbs_may_lie_beyond_the_picture_and_bodies_may_not_show() -> None:
    moved = JOINTS + np.array([60, 0])
    label = np.roll(figure(), 60, axis=1)
    label[:, :60] = False
    assert np.isfinite(greatest_gain(label, odds(label), moved))
    assert greatest_gain(np.zeros((SIDE, SIDE), bool), odds(figure()), JOINTS) == 0
    assert np.isfinite(greatest_gain(figure(), odds(figure()), np.full((17, 2), 40.0))), "joints in one place"
