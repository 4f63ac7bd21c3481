import json
from dataclasses import replace
from pathlib import Path

import pytest
from light_worker import LightWorker

from synthgen.actors import Crew, Outcome, RunError, Workforce, run_shards
from synthgen.cluster import Cluster
from synthgen.models import Method, ModelChoice
from synthgen.progress import Count, Progress
from synthgen.prompts import Prompts, RequestStream
from synthgen.run_folder import RunFolder
from synthgen.storage import StorageError, remove_leftovers
from synthgen.worker import Job, ShardWorker

CREW = Crew(workers=2, cpus=1.0, gpus=0.0, max_attempts=3, worker=LightWorker)
ALONE = replace(CREW, workers=1)  # where nothing depends on others, as each worker takes seconds to start
REAL = replace(CREW, worker=ShardWorker)


def run(cluster: Cluster, path: Path, crew: Crew = CREW, **source: object) -> Outcome:
    """Make what is missing of 3 shards of 4 plain pictures."""
    path.mkdir(exist_ok=True)
    folder = RunFolder(str(path), "plain", 12, 4, "cafe", "jpg")
    node = {"backend": "plain_source:PlainSource", "reject_every": 5, **source}
    choice = ModelChoice("open", "warp", "cpu", node, Method(), "cafe")
    job = Job(folder.path, RequestStream("plain", 1, Prompts()), choice, batch_size=3)
    done = folder.reports()
    missing = [shard for shard in folder.shards() if shard.name not in done]
    workforce = Workforce(folder, job, crew, cluster, missing)
    return run_shards(workforce, Progress("plain", 12, Count(), print))


def tars(path: Path) -> dict[str, bytes]:
    return {tar.name: tar.read_bytes() for tar in sorted(path.glob("*.tar"))}


@pytest.fixture(scope="module")
def unbroken(ray_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the tars of one worker that nothing happened to."""
    path = tmp_path_factory.mktemp("unbroken")
    outcome = run(ray_cluster, path, ALONE)
    assert sum(report.accepted for report in outcome.reports.values()) == 9
    assert sum(report.rejected for report in outcome.reports.values()) == 3
    return tars(path)


def test_three_workers_write_the_same_bytes_as_one(ray_cluster, tmp_path):
    one, three = tmp_path / "one", tmp_path / "three"
    run(ray_cluster, one, replace(REAL, workers=1))
    outcome = run(ray_cluster, three, replace(REAL, workers=3), notes=str(tmp_path), crowd=3)
    assert len(list(tmp_path.glob("worker-*"))) == 3
    assert len(tars(one)) == 3 and tars(three) == tars(one)
    assert outcome.reports.keys() == {"plain-000000", "plain-000001", "plain-000002"}
    assert outcome.reports["plain-000000"].seconds.keys() == {"compose", "label", "redraw", "verify", "write"}


def test_a_killed_worker_costs_an_attempt_and_nothing_else(ray_cluster, unbroken, tmp_path):
    outcome = run(ray_cluster, tmp_path, die_at=6, notes=str(tmp_path))
    assert (tmp_path / "died-6").exists()
    assert outcome.failures == {}
    assert tars(tmp_path) == unbroken


def test_a_shard_that_fails_three_times_is_quarantined_and_later_healed(ray_cluster, unbroken, tmp_path):
    outcome = run(ray_cluster, tmp_path, ALONE, fail_at=6)
    failure = outcome.failures["plain-000001"]
    assert (failure.attempts, failure.error) == (3, "RuntimeError: request 6 cannot be drawn")
    note = json.loads((tmp_path / "plain-000001.failed.json").read_text())
    assert "plain_source.py" in note["traceback"] and "\x1b" not in note["traceback"]
    assert outcome.reports.keys() == {"plain-000000", "plain-000002"}

    before = {tar: (tmp_path / tar).stat().st_mtime_ns for tar in tars(tmp_path)}
    healed = run(ray_cluster, tmp_path, ALONE)
    assert healed.reports.keys() == {"plain-000001"}
    assert not list(tmp_path.glob("*.failed.json"))
    assert tars(tmp_path) == unbroken
    assert all((tmp_path / tar).stat().st_mtime_ns == time for tar, time in before.items())


def test_a_worker_that_hangs_is_replaced_and_its_shard_tried_again(ray_cluster, unbroken, tmp_path):
    outcome = run(ray_cluster, tmp_path, replace(CREW, shard_timeout_s=5), hang_at=6, notes=str(tmp_path))
    assert (tmp_path / "hung-6").exists()
    assert outcome.failures == {}
    remove_leftovers(str(tmp_path))
    assert tars(tmp_path) == unbroken


def test_a_shard_that_always_hangs_is_quarantined(ray_cluster, tmp_path):
    crew = replace(ALONE, max_attempts=1, shard_timeout_s=5)
    outcome = run(ray_cluster, tmp_path, crew, hang_at=6)
    assert outcome.failures["plain-000001"].error == "took longer than shard_timeout_s=5"
    assert outcome.reports.keys() == {"plain-000000", "plain-000002"}


def test_a_shard_that_kills_every_worker_is_quarantined(ray_cluster, unbroken, tmp_path):
    crew = replace(CREW, max_attempts=2)
    outcome = run(ray_cluster, tmp_path, crew, die_at=6, die_always=True, notes=str(tmp_path))
    assert outcome.failures["plain-000001"].error.startswith("its worker died")
    remove_leftovers(str(tmp_path))
    assert sorted(path.name for path in tmp_path.glob("*.tar")) == ["plain-000000.tar", "plain-000002.tar"]


def test_an_error_that_cannot_be_pickled_is_an_error_like_any_other(ray_cluster, tmp_path):
    outcome = run(ray_cluster, tmp_path, replace(ALONE, max_attempts=1), fail_at=1, odd_error=True)
    assert "has a lock in it" in outcome.failures["plain-000000"].traceback
    assert outcome.reports.keys() == {"plain-000001", "plain-000002"}


def test_workers_that_cannot_load_their_models_end_the_run(ray_cluster, tmp_path):
    with pytest.raises(
        RunError, match="workers cannot start: ValueError: weights of this source are missing"
    ):
        run(ray_cluster, tmp_path, replace(REAL, workers=1), refuse_setup=True)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_only_fails_gives_up(ray_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("synthgen.actors.GIVE_UP_AFTER", 2)
    with pytest.raises(RunError, match="2 shards in a row failed, the last with: RuntimeError: request"):
        run(ray_cluster, tmp_path, replace(ALONE, max_attempts=1), fail_always=True)


def test_a_folder_that_goes_away_ends_the_run(ray_cluster, tmp_path):
    with pytest.raises(StorageError, match="plain-000000.failed.json cannot be written: No such file"):
        run(
            ray_cluster,
            tmp_path / "run",
            replace(ALONE, max_attempts=1),
            break_folder=str(tmp_path / "run"),
        )


def test_auto_takes_as_many_workers_as_the_cluster_holds(ray_cluster, tmp_path):
    folder = RunFolder(str(tmp_path), "plain", 12, 4, "cafe", "jpg")
    choice = ModelChoice("open", "warp", "cpu", {}, Method(), "cafe")
    job = Job(folder.path, RequestStream("plain", 1, Prompts()), choice, batch_size=3)
    for cpus, size in ((1.0, 3), (1.5, 2), (0.25, 12)):
        crew = Crew("auto", cpus, 0.0, 3)
        assert Workforce(folder, job, crew, ray_cluster, folder.shards()).size == size
    with pytest.raises(RunError, match="no room for a worker of 1 CPU and 0.5 GPU; it has 3 CPU, 0 GPU"):
        Workforce(folder, job, Crew("auto", 1.0, 0.5, 3), ray_cluster, folder.shards())
