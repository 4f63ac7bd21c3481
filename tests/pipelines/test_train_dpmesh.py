"""`train_dpmesh` from shards to a folder: stages, resume after kill -9, what is up to date, errors."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tiny_diffusion import diffusion

from synthgen import config as configs
from synthgen import run
from synthgen.dpmesh.starts import open_model
from synthgen.shards.shard import Shard, write_shard
from synthgen.training.journal import rows_of

SMALL = [
    *(
        "model.crop_size=64",
        "model.lora_rank=2",
        "model.control_rank=2",
        "model.feature_channels=32",
        "model.width=16",
    ),
    *("model.num_heads=2", "model.decoder_layers=1", "model.lifting_width=16", "model.mlp_width=16"),
    *("threads=1", "device=cpu", "teacher.batch_size=4", "student.batch_size=4", "model.lifter_width=8"),
]
SHORT = ["lifter.steps=2", "teacher.steps=2", "student.steps=2"]


@pytest.fixture(scope="module")
def shards(tmp_path_factory, make_sample) -> str:
    folder = tmp_path_factory.mktemp("everyday")
    diffusion(folder.parent / "diffusion")
    items = [make_sample(index) for index in range(4)]
    write_shard(str(folder), Shard("everyday", 0, 0, len(items), "0" * 64), items, {})
    return str(folder)


def settings(shards, folder, *more):
    places = [f"shards=[{shards}]", f"work={folder / 'work'}", f"output={folder / 'out'}"]
    places += [f"model.folder={Path(shards).parent / 'diffusion'}"]
    return ["config=train_dpmesh.yaml", *places, *SMALL, *more]


def test_teacher_and_student_make_a_folder_once(shards, tmp_path, capsys):
    command = settings(shards, tmp_path, *SHORT, f"held_out=[{shards}]", "held_batches=1")
    assert run.main(command) == 0
    said = capsys.readouterr().out
    assert all(f"{stage}: done" in said for stage in ("lifter", "teacher", "student"))
    assert f"model: {tmp_path / 'out'}" in said
    rows = rows_of(str(tmp_path / "work" / "student"))
    assert {"reasoning_mse", "held_pa_mpjpe"} <= set(rows[-1])
    lifted, model = (open_model(str(tmp_path / name)) for name in ("work/lifter/model", "out"))
    assert model.config.crop_size == 64 and model.lifter is not None and lifted.lifter is not None
    own = lifted.lifter.state_dict()  # half precision in the result
    assert all(
        torch.allclose(value, own[name], atol=1e-3) for name, value in model.lifter.state_dict().items()
    )
    assert run.main(command) == 0
    assert capsys.readouterr().out.count("up to date") == 3
    assert run.main([*command, "student.steps=1", "reasoning=false"]) == 0
    said = capsys.readouterr().out
    assert "teacher: up to date" in said and "student: done" in said
    assert [row["step"] for row in rows_of(str(tmp_path / "work" / "student"))] == [1]


def test_a_start_without_a_lifter_gets_one_where_that_is_asked_for(shards, tmp_path):
    assert (
        run.main(settings(shards, tmp_path / "old", "model.lifter_width=0", *SHORT, "reasoning=false")) == 0
    )
    start = tmp_path / "old" / "out"
    assert open_model(str(start)).lifter is None
    command = settings(shards, tmp_path, f"start={start}", *SHORT)
    assert run.main(command) == 0 and open_model(str(tmp_path / "out")).lifter is None
    assert run.main([*command, "stages=[lifter,teacher,student]"]) == 0
    model = open_model(str(tmp_path / "out"))
    assert model.lifter is not None and model.config.lifter_width == 8


def test_a_killed_training_goes_on_to_the_same_losses(shards, tmp_path):
    """kill -9 somewhere; the rows are those of a training that nobody killed."""
    more = [
        "model.lifter_width=0",
        "stages=[teacher]",
        "teacher.steps=8",
        "teacher.report_every=1",
        "teacher.checkpoint_minutes=0",
    ]
    whole, broken = (settings(shards, tmp_path / name, *more) for name in ("whole", "broken"))
    assert run.main(whole) == 0
    work = tmp_path / "broken" / "work" / "teacher"
    process = subprocess.Popen(
        [sys.executable, "-m", "synthgen.run", *broken], start_new_session=True, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 600
    while len(rows_of(str(work))) < 2 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert 2 <= len(rows_of(str(work))) < 8
    assert run.main(broken) == 0
    rows = [
        [{key: row[key] for key in row if key != "seconds"} for row in rows_of(str(folder))]
        for folder in (tmp_path / "whole" / "work" / "teacher", work)
    ]
    assert rows[0] == rows[1] and len(rows[0]) == 8


def test_the_codebook_is_a_stage_where_the_head_needs_it(shards, tmp_path):
    sizes = [f"codebook.sizes.{name}" for name in ("tokens=4", "codes=8", "code_dim=8", "width=8", "depth=1")]
    short = [f"codebook_training.{name}" for name in ("steps=2", "batch_size=4")]
    short += ["library.poses=24", "student.steps=1", "model.lifter_width=0"]
    command = settings(shards, tmp_path, "model.pose_head=codebook", *sizes, *short)
    assert run.main([*command, "reasoning=false", "student_from=start"]) == 0
    assert (tmp_path / "work" / "codebook" / "model" / "config.json").is_file()
    assert not (tmp_path / "work" / "teacher").exists()
    model = open_model(str(tmp_path / "out"))
    assert model.config.pose_head == "codebook" and model.config.codebook.codes == 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["stages=[teachers]"], "stages: no stage 'teachers'; known: codebook, lifter, teacher, student"),
        (["weights=[1,2]"], "weights must be one for each of 1 shards, got 2"),
        (["teacher.steps=0"], "teacher.steps must be at least 1, got 0"),
        (["model.control=heat"], "model.control must be none | heatmap | heatmap_added | skeleton"),
        (["workers.count=2", "workers.ray=none"], "workers.ray=none trains in this process, with one worker"),
        (["objective.losses.smpl=-1"], "objective.losses.smpl must be at least 0"),
        (["noise.missing=2"], "noise.missing must be in [0, 1], got 2"),
    ],
)
def test_wrong_keys_are_named(shards, tmp_path, capsys, change, words):
    assert run.main(settings(shards, tmp_path, *change)) == 2
    assert words in capsys.readouterr().err


def test_shards_that_are_not_there_are_named(tmp_path, capsys):
    assert run.main(settings(str(tmp_path / "nowhere"), tmp_path)) == 1
    assert "no such folder, or no shard" in capsys.readouterr().err


def test_the_ablations_of_the_paper_are_keys():
    """What the comment of the run file names, builds a config."""
    recipe = run.import_recipe("train_dpmesh")
    path = configs.find("train_dpmesh.yaml")
    comment = "".join(
        line for line in Path(path).read_text().splitlines(keepends=True) if line.startswith("#")
    )
    table = comment.partition("Ablations")[2].partition("At full size")[0]
    words = [word.strip("(,") for word in table.split() if "=" in word]
    assert len(words) == 11
    for word in words:
        config = configs.load(recipe.Config, path, [word])
        assert config != configs.load(recipe.Config, path), word
    assert configs.load(recipe.Config, path, ["reasoning=false", "student_from=start"]).chosen() == [
        "lifter",
        "student",
    ]
