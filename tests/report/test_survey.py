from dataclasses import replace
from pathlib import Path

import pytest

from synthgen.report.ledger import Ledger, read_ledger
from synthgen.report.survey import Artist, make_plan, survey


@pytest.fixture
def ledger(run_dir: Path) -> Ledger:
    """Return the ledger of a run of 40 shards with 25 samples each; only its reports exist."""
    report = next(iter(read_ledger(str(run_dir)).reports.values()))
    ledger = Ledger("big")
    for index in range(40):
        ledger.add(replace(report, shard=f"big-{index:06d}", accepted=25, rejected=0, num_requests=25))
    return ledger


def test_small_run_is_read_whole_and_pictures_spread_over_it(ledger: Ledger):
    plan = make_plan(ledger, num_pictures=48, max_samples=50_000)
    assert len(plan.shards) == 40
    assert len(plan.pictures) == 48
    gaps = [b - a for a, b in zip(sorted(plan.pictures), sorted(plan.pictures)[1:], strict=False)]
    assert set(gaps) <= {20, 21}
    assert plan == make_plan(ledger, 48, 50_000)


def test_large_run_is_read_in_evenly_spread_shards(ledger: Ledger):
    plan = make_plan(ledger, num_pictures=10, max_samples=100)
    assert plan.shards == ("big-000005", "big-000015", "big-000025", "big-000035")
    assert max(plan.pictures) < 100


def test_no_more_pictures_than_there_are(ledger: Ledger):
    assert len(make_plan(ledger, num_pictures=48, max_samples=1).pictures) == 25
    assert make_plan(Ledger("none"), 48, 10).shards == ()


def test_survey_counts_all_and_shows_some(run_dir: Path):
    plan = make_plan(read_ledger(str(run_dir)), num_pictures=2, max_samples=100)
    found = survey(str(run_dir), plan, Artist("open", "warp"))
    assert found.tally.pictures == 5
    assert [card.key for card in found.cards] == ["run-00000001", "run-00000003"]
    assert found.problems == []


def test_damaged_shard_is_noted_and_the_rest_is_read(run_dir: Path):
    plan = make_plan(read_ledger(str(run_dir)), num_pictures=0, max_samples=100)
    (run_dir / "run-000000.tar").write_bytes(b"no tar at all" * 100)
    found = survey(str(run_dir), plan, Artist("open", "warp"))
    assert found.tally.pictures == 2
    assert "shard run-000000 cannot be read to its end" in found.problems[0].line
