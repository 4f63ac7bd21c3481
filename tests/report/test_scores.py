from collections.abc import Mapping

import pytest

from synthgen.quality import Measurement
from synthgen.report.measures import MEASURES
from synthgen.report.scores import score_panels, score_rows
from synthgen.report.tally import Spread, Tally

CONFIG = {
    "verify": {"min_iou": 0.5, "max_mpvpe_mm": 400.0},
    "prior": {"hard_from": 30.0, "plausible_to": 120},
}


def tally_of(**scores: float) -> Tally:
    tally = Tally(pictures=1)
    for name, value in scores.items():
        tally.scores[name] = Spread()
        tally.scores[name].add(value)
        if name in MEASURES:
            tally.spectra[name] = MEASURES[name].histogram()
            tally.spectra[name].add(value)
    return tally


def test_every_score_that_the_method_writes_has_a_measure():
    written = {
        "prior",
        "prior_error",
        "mask_iou",
        "pck",
        "oks",
        "worst_joint",
        "mpvpe_mm",
        "limb",
        "support",
        "trust",
        "evidence",
        "hidden_support",
        "occluded",
    }
    assert written | Measurement(1, 1, 1).scores().keys() == MEASURES.keys()


def test_every_limit_is_a_key_of_the_config():
    from pipelines.generate import Config, _resolved
    from synthgen.config import resolved

    settings = resolved(_resolved(Config("run"), {}))  # as a run writes it down
    for measure in MEASURES.values():
        assert [key for key, _ in measure.set_limits(settings)] == list(measure.limits)


def test_limits_of_the_config_are_drawn_and_told():
    mask, prior, own = score_panels(tally_of(prior=12.0, mask_iou=0.8, coverage=0.2), CONFIG)
    assert "verify.min_iou 0.5" in mask.chart and "Limit verify.min_iou 0.5." in mask.chart
    assert "prior.hard_from 30" in prior.chart and "prior.plausible_to 120" in prior.chart
    assert "On record: coverage." in own.words and 'class="limit"' not in own.chart


def test_values_come_with_their_unit():
    (panel,) = score_panels(tally_of(mpvpe_mm=90), CONFIG)
    assert " mm. On record: mpvpe_mm." in panel.words and "[mm]" in panel.chart


@pytest.mark.parametrize("settings", [
    {}, {"verify": 7}, {"verify": {}}, {"verify": {"min_iou": "x"}}, {"verify": {"min_iou": True}},
    {"verify": {"min_iou": float("nan")}}, {"verify": {"min_iou": -1}}, {"verify": {"min_iou": 1e300}},
])  # fmt: skip
def test_a_config_without_sensible_limits_draws_none(settings: Mapping[str, object]):
    (panel,) = score_panels(tally_of(mask_iou=0.8), settings)
    assert 'class="limit"' not in panel.chart


def test_unknown_scores_are_in_the_table_only():
    tally = tally_of(own_score=3.0)
    assert score_panels(tally, CONFIG) == []
    assert score_rows(tally) == [{"name": "own score", "low": "3", "mean": "3", "high": "3", "count": 1}]
