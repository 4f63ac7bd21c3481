"""Means, spreads and sentences of the experiment, on results whose truth is known."""

import json

import numpy as np
import pytest

from synthgen.agreement import Agreement
from synthgen.evaluation.figures import FIGURES
from synthgen.few_shot.arms import ARMS, BOTH, NONE, REAL, Outcome, Result, Spread, relative
from synthgen.few_shot.page import render_page
from synthgen.few_shot.tables import change, markdown, record
from synthgen.few_shot.verdicts import verdicts
from synthgen.joints import COCO17, SMPL24
from synthgen.observation import Observation, ObservedPerson
from synthgen.run import import_recipe

COUNTS = {"test pictures": 500, "real pictures": 100}
VALUES = {
    "none": (100.0, 100.0, 100.0),
    "real": (90.0, 80.0, 85.0),
    "synthetic": (80.0, 82.0, 81.0),
    "both": (70.0, 72.0, 71.0),
    "unverified": (75.0, 71.0, 76.0),
}


def outcome(values: dict[str, tuple[float, ...]], minutes: float = 12.0) -> Outcome:
    return Outcome(
        tuple(
            Result(arm, seed, {"pa_mpjpe": value, "mpjpe": 2 * value}, minutes)
            for arm, row in values.items()
            for seed, value in enumerate(row)
        )
    )


def by_claim(found: Outcome) -> dict[str, tuple[bool | None, str]]:
    return {one.claim: (one.holds, one.sentence) for one in verdicts(found)}


def test_means_and_spreads_by_hand():
    spread = outcome(VALUES).spread(REAL, "pa_mpjpe")
    assert spread is not None
    assert (spread.mean, spread.deviation) == (85.0, 5.0)
    assert spread.shown(FIGURES["pa_mpjpe"]) == "85.0 ± 5.0"
    assert Spread((7.0,)).shown(FIGURES["pa_mpjpe"]) == "7.0"
    assert outcome(VALUES).spread(REAL, "mpvpe") is None
    assert relative(Spread((71.0,)), Spread((100.0,))) == pytest.approx(-0.29)


def test_what_holds_is_said_to_hold():
    found = by_claim(outcome(VALUES))
    holds, sentence = found["Real + synthetic lowers PA-MPJPE by at least 25% against no adaptation"]
    assert holds and "29.0% lower" in sentence and "100.0 ± 0.0 to 71.0 ± 1.0 mm" in sentence
    holds, sentence = found["Real + synthetic beats real only"]
    assert holds and "lower with 3 of 3 seeds" in sentence
    holds, sentence = found["Real + synthetic beats real + synthetic without verification"]
    assert holds and "lower with 2 of 3 seeds" in sentence
    assert all(holds for holds, _ in found.values())


def test_what_does_not_hold_is_said_not_to_hold():
    worse = {**VALUES, "both": (99.0, 85.0, 89.0), "unverified": (60.0, 60.0, 60.0)}
    found = by_claim(outcome(worse, minutes=45.0))
    assert {claim: holds for claim, (holds, _) in found.items()} == {
        "Real + synthetic lowers PA-MPJPE by at least 25% against no adaptation": False,
        "Real + synthetic beats real only": False,
        "Real + synthetic beats real + synthetic without verification": False,
        "Synthetic only beats no adaptation": True,
        "One arm with one seed takes less than 30 minutes": False,
    }
    assert "higher" in found["Real + synthetic beats real only"][1]


def test_a_gap_within_the_spread_is_called_that():
    close = {**VALUES, "both": (84.0, 70.0, 92.0)}
    sentence = by_claim(outcome(close))["Real + synthetic beats real only"][1]
    assert "smaller than the spread between seeds" in sentence


def test_arms_that_were_not_run_are_not_judged():
    found = by_claim(outcome({"none": (100.0,), "both": (60.0,)}))
    assert found["Real + synthetic beats real only"] == (None, "This needs the arms both and real.")
    assert found["Real + synthetic lowers PA-MPJPE by at least 25% against no adaptation"][0] is True


def test_tables_name_every_arm_and_the_change():
    found = outcome(VALUES)
    text = markdown("ski", found, COUNTS)
    for arm in ARMS.values():
        assert f"| {arm.title} |" in text
    assert "| real + synthetic | 71.0 ± 1.0 | 142.0 ± 2.0 | −29.0 % | 12.0 |" in text
    assert "500 test pictures, 100 real pictures." in text
    assert change(found, NONE.name) == "" and change(found, BOTH.name) == "−29.0 %"
    kept = json.loads(json.dumps(record("ski", found, COUNTS, {"seed": 1}), allow_nan=False))
    assert [arm["name"] for arm in kept["arms"]] == list(ARMS)
    assert kept["arms"][3]["figures"]["pa_mpjpe"] == {"mean": 71.0, "deviation": 1.0}
    assert len(kept["verdicts"]) == 5


def test_the_page_is_whole_and_escapes_what_it_is_told():
    picture = np.full((24, 24, 3), 90, np.uint8)
    shown = {"test pictures": [_observation(picture)], "real pictures": [_observation(picture)] * 2}
    page = render_page("<b>ski</b>", outcome(VALUES), COUNTS, shown, "name: <i>")
    assert "<b>ski" not in page and "&lt;b&gt;ski" in page and "name: &lt;i&gt;" in page
    assert page.count("<img") == 3 and page.count("<svg") == 1
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    for arm in ARMS.values():
        assert arm.title in page
    assert "does not hold" not in page


def _observation(picture: np.ndarray) -> Observation:
    person = ObservedPerson(
        np.array([1, 1, 9, 9], np.float32),
        np.zeros((len(COCO17), 2), np.float32),
        np.zeros(len(COCO17), np.float32),
        None,
        np.zeros(len(SMPL24), np.float32),
        None,
    )
    return Observation("k", picture, None, (person,), "open", "standin/train")


def test_without_verification_the_worst_picture_is_kept():
    none, far = np.zeros(1), np.full(1, 1e5)
    arrays = {"iou": none, "pck": none, "oks": none, "worst_joint": far, "mpvpe_mm": far}
    worst = Agreement(people_found=7, **arrays, limb=none, support=none)
    assert import_recipe("few_shot").NOTHING.reason(worst) is None
