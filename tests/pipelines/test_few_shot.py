"""The few-shot experiment end to end, tiny: every arm, a report, and nothing done twice."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from workers_here import workers_here

from synthgen import run
from synthgen.dpmesh.config import embedded_config
from synthgen.dpmesh.model import DPMesh
from synthgen.few_shot.arms import ARMS
from synthgen.run import import_recipe
from synthgen.shards.observations import read_observations

TINY = [
    "config=ski_few_shot.yaml", "seeds=[3]", "num_real=3", "num_test=2", "synthetic={pose: 3}", "workers=1",
    "standin={image_size: 128}", "models.redraw.num_inference_steps=2", "verify.min_iou=0",
    "verify.min_pck=0", "verify.min_oks=0", "verify.min_limb=0", "verify.min_support=0", "verify.min_trust=0",
    "verify.same_people=false",
    "verify.max_worst_joint=1000", "verify.max_mpvpe_mm=1e9", "verify.retries=0", "evaluate.worst=0",
    "adapt.steps=1", "adapt.lifter.steps=2", "adapt.training.batch_size=2", "adapt.training.warmup=0",
]  # fmt: skip


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Path:
    """Return a folder with an untrained DPMesh of the embedded size."""
    folder = tmp_path_factory.mktemp("start") / "dpmesh"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        DPMesh(embedded_config()).save_folder(folder, torch.float16)
    return folder


@pytest.fixture(scope="module")
def finished(start, tmp_path_factory) -> Path:
    work = tmp_path_factory.mktemp("few") / "work"
    with workers_here():
        assert run.main([*TINY, f"start={start}", f"work={work}"]) == 0
    return work


def test_every_arm_is_measured_and_reported(finished):
    kept = json.loads((finished / "few_shot.json").read_text())
    assert [arm["name"] for arm in kept["arms"]] == list(ARMS)
    for arm in kept["arms"]:
        (one,) = arm["seeds"]
        assert one["seed"] == 3 and one["figures"]["pa_mpjpe"] > 0
    values = {arm["name"]: arm["figures"]["pa_mpjpe"]["mean"] for arm in kept["arms"]}
    # Each arm has learnt something else, but that limits without bite let the same pictures through.
    assert len(set(values.values())) == len(values) - 1 and values["both"] == values["unverified"]
    assert len(kept["verdicts"]) == 5 and all(one["holds"] is not None for one in kept["verdicts"])
    page = (finished / "report.html").read_text()
    assert page.count("<img") == 2 + 3 + 3 + 3
    text = (finished / "few_shot.md").read_text()
    assert "2 test pictures with full truth, 3 real pictures with 2D joints" in text
    for arm in ARMS.values():
        assert arm.title in page and f"| {arm.title} |" in text


def test_pictures_to_learn_from_have_2d_joints_alone(finished):
    real, truth = (list(read_observations(str(finished / name))) for name in ("real", "train"))
    assert len(real) == 3
    for noted, true in zip(real, truth, strict=False):
        assert noted.key == true.key and noted.camera is None
        for one, whole in zip(noted.people, true.people, strict=True):
            assert one.person is None and one.keypoints_3d is None
            known = one.confidence_2d > 0
            assert known.sum() >= 5
            off = np.linalg.norm(one.keypoints_2d[known] - whole.keypoints_2d[known], axis=-1)
            assert 0 < off.mean() < 0.06 * np.max(whole.bbox[2:] - whole.bbox[:2])


def test_test_pictures_keep_their_truth_and_are_others(finished):
    test, train = (list(read_observations(str(finished / name))) for name in ("test", "train"))
    assert all(person.person is not None for one in test for person in one.people)
    assert not any(np.array_equal(a.image, b.image) for a in test for b in train)


def test_the_same_command_again_does_nothing(finished, start, capsys):
    before = {path: path.stat().st_mtime_ns for path in (finished / "arms").rglob("*") if path.is_file()}
    assert run.main([*TINY, f"start={start}", f"work={finished}"]) == 0
    after = {path: path.stat().st_mtime_ns for path in (finished / "arms").rglob("*") if path.is_file()}
    assert before == after
    assert "report:" in capsys.readouterr().out


def test_only_what_is_missing_is_done(finished, start):
    shutil.rmtree(finished / "arms" / "real-3")
    kept = finished / "arms" / "both-3" / "result.json"
    before = kept.stat().st_mtime_ns
    figures = json.loads((finished / "few_shot.json").read_text())["arms"][1]["figures"]
    assert run.main([*TINY, f"start={start}", f"work={finished}", "arms=[real,both]"]) == 0
    assert kept.stat().st_mtime_ns == before
    arms = json.loads((finished / "few_shot.json").read_text())["arms"]
    assert [arm["name"] for arm in arms] == ["real", "both"]
    assert arms[0]["figures"] == figures  # the training repeats itself


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("arms=[fake]", "arms: no arm 'fake'; known: none, real, synthetic, both, unverified"),
        ("family=chess", "family must be one of everyday"),
        ("seeds=[1,1]", "seeds must be different numbers >= 0"),
        ("seeds=[]", "seeds must be different numbers >= 0"),
        ("num_real=0", "num_real must be at least 1"),
        ("balance=0", "balance must be above 0"),
        ("synthetic={video: 3}", "synthetic must say how many, at least 1, of pose and text"),
        ("annotator.noise=-1", "annotator.noise must be in [0, 3]"),
        ("standin.image_size=9", "standin.image_size must be in [128, 512]"),
    ],
)
def test_bad_options_are_named(override, told, capsys):
    assert run.main(["config=ski_few_shot.yaml", override]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("sport", ["ski", "gymnastics", "diving"])
def test_sports_have_run_files_of_the_same_size(sport):
    from synthgen import config as configs

    config = configs.load(import_recipe("few_shot").Config, configs.find(f"{sport}_few_shot"), [])
    assert (config.family, config.num_real, config.num_test, len(config.seeds)) == (sport, 100, 500, 3)
    assert {arm.name for arm in config.chosen()} == set(ARMS)
    assert config.problems() == []


def test_a_model_that_is_not_there_is_named(finished, capsys):
    assert run.main([*TINY, "start=no/such/folder", f"work={finished}"]) == 1
    assert "no/such/folder" in capsys.readouterr().err
