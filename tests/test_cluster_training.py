"""Two workers of Ray Train learn together, and go on when one of them is killed."""

import pytest
import shared_line
from shared_line import Plan, work

from synthgen.cluster import ClusterError
from synthgen.cluster_training import Workers, run
from synthgen.training.journal import rows_of

TWO = Workers(2, restarts=1)


def losses(folder):
    return {row["step"]: row["loss"] for row in rows_of(str(folder))}


def test_one_worker_outside_of_a_job_is_this_process(tmp_path, monkeypatch):
    import synthgen.cluster_training as module

    monkeypatch.setattr(module, "join", None)  # Ray is not asked
    run(work, Plan(str(tmp_path)), Workers(1), str(tmp_path), "cpu")
    assert list(losses(tmp_path)) == [2, 4, 6, 8]
    assert rows_of(str(tmp_path))[-1]["workers"] == 1


def test_two_workers_share_gradients_and_survive_a_kill(ray_cluster, tmp_path):
    """Together they learn what one learns from the batches of both, one of them killed on the way or not."""
    alone, together = tmp_path / "alone", tmp_path / "together"
    shared_line.work_alone(str(alone))
    run(work, Plan(str(together), killed_at=9), TWO, str(together), "cpu")  # in step 5 of 8
    assert (together / "killed").exists()
    assert rows_of(str(together))[-1]["workers"] == 2
    found = losses(together)
    assert found[8] < found[2] and found == pytest.approx(losses(alone), rel=1e-5)


def test_workers_that_fail_again_and_again_end_the_training_with_their_reason(ray_cluster, tmp_path):
    one = Workers(restarts=0, ray="local")
    with pytest.raises(ClusterError, match="training failed: worker .: shard 7: key 12 is damaged"):
        run(work, Plan(str(tmp_path), broken_at=3), one, str(tmp_path), "cpu")


def test_a_cluster_without_room_says_so(ray_cluster, tmp_path):
    with pytest.raises(ClusterError, match="room for 0 workers of 1 CPU and 1 GPU .*, not for 2; ask for"):
        run(work, Plan(str(tmp_path)), Workers(2, gpus=1), str(tmp_path), "cpu")


@pytest.mark.parametrize(
    ("workers", "words"),
    [
        (Workers(0), "count must be at least 1"),
        (Workers(2, ray="none"), "with one worker, got count=2"),
        (Workers(cpus=0), "cpus must be above 0"),
        (Workers(restarts=-2), "restarts must be at least -1"),
    ],
)
def test_wrong_options_are_named(workers, words):
    assert TWO.problems() == []
    assert words in "; ".join(workers.problems())


def test_when_ray_is_asked(monkeypatch):
    assert not Workers().needs_ray() and not Workers(ray="none").needs_ray()
    assert Workers(2).needs_ray() and Workers(ray="local").needs_ray()
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    assert Workers().needs_ray()
    assert shared_line.OPTIONS.problems() == []
