"""Fitted labels are trusted where the picture speaks for them, joint by joint."""

import numpy as np
import pytest

from synthgen.trust import Trust, evidence_of

VISIBLE = np.array([[True, True, False], [False, False, False]])
MOVED = np.ones_like(VISIBLE)


def test_a_visible_joint_needs_a_heatmap_that_says_so() -> None:
    """Peaks of 0.8, 0.5 and 0.9; the labels of the first person lose 0, 0.3 and 0.6 of them."""
    confidence = np.array([[0.8, 0.5, 0.9], [0.8, 0.5, 0.9]])
    support = np.array([[1.0, 0.7, 0.4], [1.0, 1.0, 1.0]])
    found = evidence_of(confidence, support, np.zeros_like(VISIBLE), VISIBLE, MOVED)
    assert np.allclose(found.visible, [0.2, 1.0]) and np.allclose(found.hidden, [0.4, 1.0])
    assert found.scores(0) == {"evidence": 0.2, "hidden_support": 0.4}
    assert Trust(0.19, 0.39).reason(found) is None
    assert Trust(0.21, 0.39).reason(found) == "a fitted joint where the picture shows none for certain"
    assert Trust(0.19, 0.41).reason(found) == "a fitted joint is hidden that the picture shows elsewhere"
    assert Trust(0, 0).reason(found) is None


def test_a_joint_that_nobody_sees_is_no_evidence() -> None:
    """Nothing speaks against it either: enough for a label that was there first, not for a fitted one."""
    found = evidence_of(np.zeros((2, 3)), np.ones((2, 3)), np.ones_like(VISIBLE), VISIBLE, MOVED)
    assert np.allclose(found.visible, [0.0, 1.0]) and np.allclose(found.hidden, 1.0)


def test_a_joint_that_the_fit_left_in_place_needs_no_word_for_it() -> None:
    confidence, support = np.zeros((2, 3)), np.full((2, 3), 0.4)
    moved = np.array([[False, False, True], [False, True, False]])
    found = evidence_of(confidence, support, np.zeros_like(VISIBLE), VISIBLE, moved)
    assert np.allclose(found.visible, [1.0, 1.0]) and np.allclose(found.hidden, [0.4, 0.4])
    stayed = evidence_of(confidence, support, np.zeros_like(VISIBLE), VISIBLE, ~MOVED)
    assert np.allclose(stayed.visible, 1) and np.allclose(stayed.hidden, 1)


def test_models_without_heatmaps_speak_for_joints_in_place() -> None:
    confidence = np.array([[0.8, 0.5, 0.9], [0.0, 0.0, 0.0]])
    near = np.array([[True, False, False], [True, True, True]])
    found = evidence_of(confidence, None, near, VISIBLE, MOVED)
    assert np.allclose(found.visible, [0.0, 1.0]) and np.allclose(found.hidden, [0.1, 1.0])
    assert np.allclose(evidence_of(confidence, None, np.ones_like(near), VISIBLE, MOVED).visible, [0.5, 1.0])


@pytest.mark.parametrize("name", ["min_evidence", "min_hidden_support"])
def test_limits_out_of_range_are_named(name: str) -> None:
    assert Trust(**{name: 1.5}).problems() == [f"{name} must be in [0, 1], got 1.5"]
    assert Trust().problems() == []
