import json
from pathlib import Path

import pytest

from synthgen.report.ledger import MAX_EXAMPLES, Ledger, read_ledger
from synthgen.sample import Rejection
from synthgen.shards.shard import SCHEMA, ShardReport


def report(shard: str, accepted: int, rejections: tuple[Rejection, ...] = ()) -> ShardReport:
    return ShardReport(
        schema=SCHEMA,
        run="run",
        shard=shard,
        first_index=0,
        num_requests=accepted + len(rejections),
        accepted=accepted,
        rejected=len(rejections),
        rejections=rejections,
        seconds={"compose": 2.0},
        sha256="0" * 64,
        size=10,
        config_hash="1" * 64,
    )


def test_reports_add_up():
    ledger = Ledger("run")
    ledger.add(report("run-000000", 3, (Rejection("a", "verify", "dark"), Rejection("b", "mesh", "dark"))))
    ledger.add(report("run-000002", 4, (Rejection("c", "verify", "dark"),)))
    assert (ledger.accepted, ledger.rejected, ledger.size) == (7, 3, 20)
    assert ledger.reasons == {("verify", "dark"): 2, ("mesh", "dark"): 1}
    assert ledger.examples["verify", "dark"] == ["a", "c"]
    assert ledger.seconds() == {"compose": 4.0}
    assert ledger.planned_shards == ["run-000000", "run-000001", "run-000002"]


def test_memory_holds_few_keys_of_many_rejections():
    ledger = Ledger("run")
    ledger.add(report("run-000000", 0, tuple(Rejection(f"k{i}", "verify", "dark") for i in range(1000))))
    assert ledger.reasons["verify", "dark"] == 1000
    assert len(ledger.examples["verify", "dark"]) == MAX_EXAMPLES
    assert ledger.reports["run-000000"].rejections == ()


@pytest.mark.parametrize(("settings", "planned", "shards"), [
    ({}, 3, 1),
    ({"num_samples": 10, "samples_per_shard": 4}, 10, 3),
    ({"num_samples": "many", "samples_per_shard": 0}, 3, 1),
])  # fmt: skip
def test_plan_follows_the_config_where_it_can(settings, planned, shards):
    ledger = Ledger("run", settings=settings)
    ledger.add(report("run-000000", 3))
    assert ledger.planned == planned
    assert len(ledger.planned_shards) == shards


def test_finished_run_has_no_problem(run_dir: Path):
    ledger = read_ledger(str(run_dir))
    assert ledger.problems == []
    assert (ledger.run, ledger.accepted, ledger.rejected, ledger.planned) == ("run", 5, 1, 6)
    assert ledger.config.startswith("pipeline: generate")


@pytest.mark.parametrize(("name", "content", "line"), [
    ("run-000001.json", b"{broken", "report run-000001.json"),
    ("run-000001.failed.json", b"[1]", "quarantine, and its note cannot be read"),
    ("run-000001.failed.json", b"{}", "quarantine after several attempts: no error noted"),
    ("config.yaml", b"run: [", "config.yaml cannot be read"),
    ("run-000002.json", b"", "report run-000002.json"),
    ("run-000002.tar", b"", "shard run-000002 has no report"),
])  # fmt: skip
def test_damaged_files_are_problems_not_errors(run_dir: Path, name: str, content: bytes, line: str):
    (run_dir / name).write_bytes(content)
    problems = [problem.line for problem in read_ledger(str(run_dir)).problems]
    assert any(line in problem for problem in problems), problems


def test_report_without_its_tar_does_not_count(run_dir: Path):
    (run_dir / "run-000000.tar").unlink()
    ledger = read_ledger(str(run_dir))
    assert list(ledger.reports) == ["run-000001"]
    assert "shard run-000000 has a report but no tar" in ledger.problems[0].line


def test_traceback_is_shown_from_its_end(run_dir: Path):
    note = {"attempts": 3, "error": "boom", "traceback": "x" * 50_000 + "the end"}
    (run_dir / "run-000001.failed.json").write_text(json.dumps(note))
    problem = read_ledger(str(run_dir)).problems[0]
    assert problem.detail.endswith("the end") and len(problem.detail) < 10_000
