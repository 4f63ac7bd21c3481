"""Packages, GPU, Ray, memory, disk, body, renderer: what there is against what is asked for."""

import os
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from synthgen import cluster as clusters
from synthgen.body import OPEN_FILE
from synthgen.doctor import memory
from synthgen.doctor.bodies import examine_body
from synthgen.doctor.examination import examine_config, local_workers
from synthgen.doctor.finding import Finding, has_failed, lines_of
from synthgen.doctor.gpu import Card, examine_gpu
from synthgen.doctor.graphics import examine_renderer
from synthgen.doctor.memory import examine_memory, free_memory
from synthgen.doctor.models import Inspection
from synthgen.doctor.packages import examine_packages, packages_finding, python_finding
from synthgen.doctor.plan import Plan
from synthgen.doctor.ray_room import examine_ray, is_remote, room_finding
from synthgen.doctor.storage_room import examine_output, sample_bytes

MakePlan = Callable[..., Plan]
GIB = 1 << 30
BILLION = 1_000_000_000
MESH = {"mesh": {"backend": "hmr2", "body": "smpl"}}


def test_lines_stand_in_columns_with_advice_below() -> None:
    findings = [Finding("ok", "a", "fine"), Finding("FAIL", "models.b", "broken", "do " + "this " * 40)]
    lines = lines_of(findings)
    assert lines[0] == "ok    a         fine" and lines[1] == "FAIL  models.b  broken"
    assert lines[2].startswith("      -> do this") and lines[3].startswith("         this")
    assert has_failed(findings) and not has_failed(findings[:1])


def test_versions_are_compared_with_what_is_asked_for() -> None:
    assert python_finding("3.11.7", ">=3.11,<3.13").level == "ok"
    old = python_finding("3.9.1", ">=3.11,<3.13")
    assert old.level == "FAIL" and "3.9.1, expected >=3.11,<3.13" in old.text
    torch = metadata.version("torch").partition(".")[0]
    assert packages_finding([f"torch>={torch}", "numpy", 'moto>9999; extra == "dev"']).level == "ok"
    wrong = packages_finding(["torch>9999", "no-such-package-here>=1"])
    assert wrong.level == "FAIL" and wrong.fix
    assert "torch is " in wrong.text and "no-such-package-here is missing, expected >=1" in wrong.text


def test_the_environment_of_the_tests_is_what_is_asked_for() -> None:
    assert {finding.level for finding in examine_packages()} <= {"ok", "warn"}


def test_without_a_gpu_only_small_models_pass(make_plan: MakePlan) -> None:
    def level(count: int, unknown: tuple[str, ...] = (), **changes: Any) -> str:
        (finding,) = examine_gpu(make_plan(**changes), Inspection((), count, unknown), [], False)
        return finding.level

    assert level(30_000_000) == "ok"
    assert level(3 * BILLION) == "warn"
    assert level(0, ("draft",)) == "warn"
    assert level(0, device="cuda", gpus_per_worker=1.0) == "FAIL"


def test_a_head_node_without_gpu_is_no_failure(make_plan: MakePlan) -> None:
    plan = make_plan(device="cuda", gpus_per_worker=1.0)
    (finding,) = examine_gpu(plan, Inspection((), 0, ()), [], True)
    assert finding.level == "warn" and "node that has GPUs" in finding.fix


@pytest.mark.parametrize(
    ("memory_gib", "gpus", "precision", "level"),
    [
        (24, 1.0, "float16", "ok"),  # 3.3 billion weights: 6.1 GiB, and room to draw
        (24, 0.5, "float16", "ok"),
        (16, 0.5, "float16", "warn"),  # two workers: weights fit, drawing hardly
        (12, 0.5, "float16", "FAIL"),
        (12, 1.0, "float32", "FAIL"),
        (14, 1.0, "float32", "warn"),
    ],
)
def test_weights_of_all_workers_have_to_fit_the_card(
    make_plan: MakePlan, memory_gib: int, gpus: float, precision: str, level: str
) -> None:
    plan = make_plan(device="cuda", gpus_per_worker=gpus, precision=precision)
    cards = [Card("big", 80 * GIB), Card("small", memory_gib * GIB)]
    (finding,) = examine_gpu(plan, Inspection((), int(3.3 * BILLION), ("prior",)), cards, False)
    assert finding.level == level and "not counted: prior" in finding.text
    assert bool(finding.fix) == (level != "ok")


@pytest.mark.parametrize(
    ("workers", "gpus", "have", "level"),
    [
        ("auto", 0.0, {"CPU": 4.0}, "ok"),
        ("auto", 0.5, {"CPU": 4.0, "GPU": 1.0}, "ok"),
        ("auto", 1.0, {"CPU": 4.0}, "FAIL"),
        (4, 0.0, {"CPU": 4.0}, "ok"),
        (8, 0.0, {"CPU": 4.0}, "warn"),
        (2, 1.0, {"CPU": 4.0, "GPU": 1.0}, "warn"),
        (2, 1.0, {"CPU": 4.0}, "FAIL"),
    ],
)
def test_workers_need_room(
    make_plan: MakePlan, workers: Any, gpus: float, have: dict[str, float], level: str
) -> None:
    plan = make_plan(workers=workers, gpus_per_worker=gpus)
    for is_private in (True, False):
        assert room_finding(plan, have, "it", is_private).level == level


def test_a_private_cluster_is_judged_without_being_started(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(clusters.ADDRESS_VARIABLE, raising=False)
    monkeypatch.setattr(clusters, "join", lambda *_: pytest.fail("must not be joined"))
    plan = make_plan(ray="auto")
    assert not is_remote(plan) and examine_ray(plan, 0)[0].level == "ok"
    monkeypatch.setenv(clusters.ADDRESS_VARIABLE, "10.0.0.1:6379")
    assert is_remote(plan) and not is_remote(make_plan(ray="local"))


def test_a_cluster_that_does_not_answer_fails(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clusters.ADDRESS_VARIABLE, "http://head:8265")
    (finding,) = examine_ray(make_plan(ray="auto"), 0)
    assert finding.level == "FAIL" and "expected host:port" in finding.text


def test_a_cluster_that_answers_is_asked_and_left(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cluster:
        name = "the Ray cluster at head:6379"
        left = False

        def close(self) -> None:
            Cluster.left = True

    class Ray:
        @staticmethod
        def cluster_resources() -> dict[str, float]:
            return {"CPU": 64.0, "GPU": 8.0, "memory": 1e12}

    monkeypatch.setattr(clusters, "join", lambda *_: Cluster())
    monkeypatch.setattr(clusters, "ray_library", lambda: Ray)
    (finding,) = examine_ray(make_plan(ray="head:6379", gpus_per_worker=0.5), 0)
    assert finding.level == "ok" and "64 CPU, 8 GPU: 16 workers" in finding.text and Cluster.left


def test_workers_of_this_machine(make_plan: MakePlan) -> None:
    assert local_workers(make_plan(workers=3), 0) == 3
    assert local_workers(make_plan(gpus_per_worker=0.5, cpus_per_worker=0.01), 2) == 4
    assert local_workers(make_plan(), 0) == os.cpu_count()


def test_main_memory_holds_the_workers(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SHARED", Path("/nowhere"))
    models = Inspection((), BILLION, ())

    def levels(free: int | None, workers: int = 2) -> list[str]:
        return [one.level for one in examine_memory(make_plan(), models, workers, free)]

    assert levels(32 * GIB) == ["ok"]
    assert levels(8 * GIB) == ["warn"]
    assert levels(4 * GIB) == ["FAIL"]
    assert levels(None) == ["warn"]


def test_shared_memory_of_a_bare_container_is_pointed_out(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "SHARED", tmp_path)
    usage = type("Usage", (), {"free": 60 << 20})
    monkeypatch.setattr(memory.shutil, "disk_usage", lambda _: usage)
    findings = examine_memory(make_plan(), Inspection((), 0, ()), 1, 32 * GIB)
    assert [one.level for one in findings] == ["ok", "warn"] and "--shm-size" in findings[1].fix


def test_free_memory_heeds_the_limit_of_a_container(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "max").write_text(f"{1 << 20}\n")
    (tmp_path / "current").write_text("1000\n")
    monkeypatch.setattr(memory, "LIMIT", tmp_path / "max")
    monkeypatch.setattr(memory, "USED", tmp_path / "current")
    free = free_memory()
    assert free is None or free <= (1 << 20) - 1000


def test_the_output_is_writable_and_large_enough(make_plan: MakePlan, tmp_path: Path) -> None:
    (finding,) = examine_output(make_plan(output=str(tmp_path / "a" / "b")))
    assert finding.level == "ok" and str(tmp_path) in finding.text
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
    (finding,) = examine_output(make_plan(num_samples=10**12))
    assert finding.level == "FAIL" and "lower num_samples" in finding.fix
    (tmp_path / "file").write_text("")
    (finding,) = examine_output(make_plan(output=str(tmp_path / "file" / "shards")))
    assert finding.level == "FAIL" and "it is a file" in finding.text


def test_a_store_is_tried_out(make_plan: MakePlan) -> None:
    (finding,) = examine_output(make_plan(output="memory://doctor/shards"))
    assert finding.level == "ok" and "memory://doctor/shards can be written to" in finding.text
    (finding,) = examine_output(make_plan(output="nosuchstore://x"))
    assert finding.level == "FAIL" and "another folder or a bucket" in finding.fix


def test_larger_pictures_take_more(make_plan: MakePlan) -> None:
    sizes = [sample_bytes(make_plan(image_size=size)) for size in (256, 512, 1024)]
    assert sizes == sorted(sizes) and sample_bytes(make_plan(image_size=0)) == sizes[2]
    assert sample_bytes(make_plan(image_format="png")) > sizes[0]


def test_the_body_is_the_one_that_the_estimator_speaks_of(make_plan: MakePlan, tmp_path: Path) -> None:
    assert examine_body(make_plan())[0].level == "ok"
    (mismatch,) = examine_body(make_plan(models=MESH))
    assert mismatch.level == "FAIL" and "models.mesh.body is smpl" in mismatch.text
    assert "smpl.is.tue.mpg.de" in mismatch.fix and "licence" in mismatch.fix
    (missing,) = examine_body(make_plan(models=MESH, body=str(tmp_path / "none.pkl")))
    assert missing.level == "FAIL" and "no such file" in missing.text and "register" in missing.fix
    (tmp_path / "bad.pkl").write_bytes(b"not a pickle")
    assert examine_body(make_plan(models=MESH, body=str(tmp_path / "bad.pkl")))[0].level == "FAIL"
    (other,) = examine_body(make_plan(models=MESH, body=str(OPEN_FILE)))
    assert other.level == "FAIL" and "is the open body" in other.text
    assert examine_body(make_plan(body=str(OPEN_FILE)))[0].level == "ok"


def test_a_renderer_that_cannot_be_had_fails(make_plan: MakePlan) -> None:
    assert examine_renderer(make_plan())[0].text == "warp on cpu"
    (finding,) = examine_renderer(make_plan(renderer="wrap"))
    assert finding.level == "FAIL" and finding.fix


def test_what_the_config_says_of_itself_is_told(make_plan: MakePlan) -> None:
    problems = ("seed must be at least 0, got -1", "body must be open or an SMPL file, no such file: 'x'")
    (finding,) = examine_config(make_plan(problems=problems))
    assert finding.level == "FAIL" and finding.text == problems[0]
    assert examine_config(make_plan())[0].level == "ok"
