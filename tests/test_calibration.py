from dataclasses import replace

import numpy as np
import pytest

from synthgen.agreement import Agreement, Verification
from synthgen.calibration import Trial, calibrate, cross_judged, fitted_critic, rates
from synthgen.clues import CLUES

LIMITS = Verification(min_iou=0.5, min_pck=0.5, min_oks=0, max_worst_joint=9, max_mpvpe_mm=9e9)


def agreement(iou: float, pck: float = 1.0, people: int = 1) -> Agreement:
    one = np.array([1.0])
    return Agreement(people, iou * one, pck * one, one, 0.1 * one, 100 * one, one, one)


def trials(count: int = 200) -> list[Trial]:
    """Right labels overlap by 0.7 to 0.9; shifted ones by 0.35 less, turned ones by 0.1 less."""
    rng = np.random.default_rng(0)
    overlaps = rng.uniform(0.7, 0.9, count)
    return [
        Trial(agreement(one), {"shift": agreement(one - 0.35), "turn": agreement(one - 0.1)})
        for one in overlaps
    ]


def test_rates_count_what_limits_do() -> None:
    found = rates(trials(), LIMITS)
    assert (found.accepted, found.count) == (1.0, 200)
    assert found.noticed["turn"] == 0
    assert found.noticed["shift"] == pytest.approx(0.75, abs=0.08)  # overlaps below 0.85
    assert found.all_noticed == pytest.approx(found.noticed["shift"] / 2)


def test_spoils_that_show_are_counted_apart() -> None:
    seen = {"shift": agreement(0.1), "turn": agreement(0.8)}
    mixed = [Trial(agreement(0.8), seen, frozenset({"shift"})), Trial(agreement(0.8), seen)]
    found = rates(mixed, LIMITS)
    assert (found.noticed_shown, found.shown) == (1.0, 1) and found.all_noticed == 0.5
    found = rates([*mixed, Trial(agreement(0.8), seen, frozenset(seen))], LIMITS)
    assert found.shown == 3 and found.noticed_shown == pytest.approx(2 / 3)


def test_a_body_that_cannot_be_drawn_is_noticed() -> None:
    found = rates([Trial(agreement(0.8), {"shift": None})], LIMITS)
    assert found.noticed == {"shift": 1.0}


def test_stricter_limits_are_found_that_notice_enough_and_accept_the_most() -> None:
    better = calibrate(trials(), LIMITS, 0.75)
    assert better is not None and better.min_iou > LIMITS.min_iou
    found = rates(trials(), better)
    assert found.all_noticed >= 0.75
    slightly_looser = rates(trials(), replace(better, min_iou=better.min_iou - 0.03))
    assert slightly_looser.all_noticed < found.all_noticed
    everything = calibrate(trials(), LIMITS, 0.0)
    assert everything is not None and rates(trials(), everything).accepted == 1


def test_where_nothing_tells_them_apart_no_limits_are_found() -> None:
    blind = [Trial(agreement(0.8), {"turn": agreement(0.8)}) for _ in range(20)]
    assert calibrate(blind, LIMITS, 0.5) is None
    assert calibrate([], LIMITS, 0.5) is None


def test_another_number_of_people_never_counts_as_right() -> None:
    mixed = [
        *trials(50),
        *[Trial(agreement(0.9, people=2), {"shift": None, "turn": None}) for _ in range(50)],
    ]
    better = calibrate(mixed, LIMITS, 0.5)
    assert better is not None and rates(mixed, better).accepted <= 0.5


def weighed(overlap: float, size: float, rng: np.random.Generator) -> Agreement:
    """Return an agreement with clues, of which overlap tells only beside the size."""
    clues = {name: rng.standard_normal(1) for name in CLUES}
    return replace(agreement(0.8), clues={**clues, "overlap": np.array([overlap]), "size": np.array([size])})


def test_a_critic_is_measured_on_trials_that_it_was_not_fitted_to() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.uniform(-1, 1, 300)
    told = [
        Trial(weighed(2 + 3 * size, size, rng), {"turn": weighed(1 + 3 * size, size, rng), "gone": None})
        for size in sizes
    ]
    found = rates(cross_judged(told, 0.9), LIMITS)
    assert found.accepted == pytest.approx(0.9, abs=0.05)
    assert found.noticed["turn"] > 0.95 and found.noticed["gone"] == 1
    assert rates(told, LIMITS).noticed["turn"] == 0, "without a critic"
    assert fitted_critic(told, 0.9).names == CLUES
    # Where labels are drawn at random there is nothing to learn, and cross-fitting says so.
    noise = [
        Trial(weighed(*rng.normal(0, 1, 2), rng), {"turn": weighed(*rng.normal(0, 1, 2), rng)})
        for _ in range(60)
    ]
    assert rates(cross_judged(noise, 0.8), LIMITS).noticed["turn"] < 0.5
    with pytest.raises(ValueError, match="one side is empty"):
        fitted_critic([], 0.9)


def test_accepted_pictures_that_a_second_look_rejects_are_counted() -> None:
    twice = [
        Trial(agreement(0.8), {}, again=agreement(0.8)),
        Trial(agreement(0.8), {}, again=agreement(0.1)),
        Trial(agreement(0.8), {}),
        Trial(agreement(0.1), {}, again=agreement(0.1)),
    ]
    found = rates(twice, LIMITS)
    assert (found.count, found.dropped) == (3, 0.5), (
        "neither who was not asked again nor who was rejected at once"
    )
