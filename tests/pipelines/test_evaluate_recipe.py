"""`pipeline=evaluate` from the command line, on made shards and the packaged HMR2."""

import json
import re
import shlex
from pathlib import Path

import pytest

from synthgen import config as configs
from synthgen.run import import_recipe, main

TWO = ["estimators.first={backend: hmr2}", "estimators.second={backend: hmr2, box_scale: 1.6}"]


def test_two_estimators_on_two_shards_side_by_side(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "evaluation"
    arguments = ["pipeline=evaluate", f"output={out}", "name=Test", "worst=1", "batch_size=2", *TWO]
    arguments += [f"shards.all={run_dir}", f"shards.some={run_dir}/run-000000.tar"]
    arguments += ["published.some={mpjpe: 73.6}"]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert told.strip().splitlines()[-1] == str(out / "report.html")
    assert "all: 5 pictures, 7 people" in told and "some: 3 pictures, 4 people" in told
    found = json.loads((out / "evaluation.json").read_text())
    assert [one["name"] for one in found["shards"]] == ["all", "some"]
    for shards in found["shards"]:
        first, second = shards["estimators"]
        assert first["version"] == second["version"] != "" and first["keypoints"] == ""
        assert first["figures"]["mpjpe"]["count"] == shards["people"]
        assert first["figures"]["mpjpe"]["mean"] != second["figures"]["mpjpe"]["mean"]
    assert len((out / "people.jsonl").read_text().splitlines()) == 2 * (7 + 4)
    page, table = (out / "report.html").read_text(), (out / "evaluation.md").read_text()
    assert "published 73.6" in told and "| published |" in table and "Published</th>" in page
    assert found["shards"][1]["published"] == {"mpjpe": 73.6} and found["shards"][0]["published"] == {}
    assert page.count("<article") >= 2 and "## some" in table and "| first |" in table.replace("| unit ", "")
    again = tmp_path / "again"
    assert main([f"config={out}/config.yaml", f"output={again}"]) == 0
    assert (again / "evaluation.md").read_text() == table, "the written config repeats the run"


def test_first_pictures_only_and_no_cases(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["pipeline=evaluate", f"output={tmp_path}/out", "worst=0", "num_samples=2", TWO[0]]
    assert main([*arguments, f"shards.all={run_dir}", "protocol=smpl24"]) == 0
    assert "all: 2 pictures, 2 people" in capsys.readouterr().out
    [shards] = json.loads((tmp_path / "out" / "evaluation.json").read_text())["shards"]
    assert len(shards["protocol"]["joints"]) == 24
    assert "<article" not in (tmp_path / "out" / "report.html").read_text()


def test_all_problems_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["estimators.a.backend=hmr3", "estimators.b={backend: hmr2, body: smpl}", "worst=51"]
    arguments += ["published={none: {mpjpe: 1}, other: {mpjp: 3}, odd: {mpjpe: much}}"]
    arguments += ["protocol=4dpw", "batch_size=0", "num_samples=-1", "h36m_regressor=J.npy"]
    assert main(["pipeline=evaluate", *arguments]) == 2
    complaints = capsys.readouterr().err
    for words in (
        "shards: say what to measure on",
        "estimators.a.backend: unknown backend 'hmr3'",
        "estimators.b has the body smpl: smpl_file must say where its file is",
        "worst must be in [0, 50], got 51",
        "protocol must be one of 3dpw, 3doh, cmu_panoptic, h36m, mannequin, ski_poseptz, ski_diffusion_hpc",
        "emdb, smpl24, got '4dpw'",
        "batch_size must be at least 1",
        "num_samples must be at least 0",
        "published: no shards are called 'none'",
        "unknown figure 'mpjp'; did you mean 'mpjpe'?",
        "published.odd.mpjpe must be a number, got 'much'",
        "h36m_regressor is for SMPL's vertices",
    ):
        assert words in complaints, words


def test_missing_shards_and_weights_are_one_clear_line(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["pipeline=evaluate", f"output={tmp_path}/out", TWO[0], f"shards.all={tmp_path}/nowhere"]
    assert main(arguments) == 1
    assert "nowhere: no such folder" in capsys.readouterr().err
    arguments = ["pipeline=evaluate", f"output={tmp_path}/out", f"estimators.mine={tmp_path}/none"]
    assert main([*arguments, f"shards.all={run_dir}"]) == 1
    assert "none: no such file or folder" in capsys.readouterr().err


def test_a_path_is_a_dpmesh() -> None:
    recipe = import_recipe("evaluate")
    config = recipe.Config(shards={"a": "b"}, estimators={"mine": "checkpoints/mine"})
    assert recipe.nodes(config) == {"mine": {"backend": "dpmesh", "id": "checkpoints/mine"}}
    assert config.problems() == []


def test_the_shipped_file_compares_before_and_after() -> None:
    recipe = import_recipe("evaluate")
    config = configs.load(recipe.Config, configs.shipped()["ski_evaluate"], [])
    assert list(recipe.nodes(config)) == ["before", "after"] and list(config.shards) == ["ski"]
    other = configs.load(
        recipe.Config,
        configs.shipped()["ski_evaluate"],
        ["estimators={hmr2: {backend: hmr2}}", "shards.ski=x"],
    )
    assert list(other.estimators) == ["hmr2"]


def test_the_commands_in_the_shipped_file_are_understood() -> None:
    text = configs.shipped()["ski_evaluate"].read_text("utf-8")
    commands = re.findall(r"python -m synthgen\.run (.*?)(?:    .*)?$", text, re.M)
    assert len(commands) == 4
    for command in commands:
        first, *changes = shlex.split(command)
        path = configs.find(first.removeprefix("config="))
        recipe = import_recipe(configs.read(path).values["pipeline"])
        assert configs.load(recipe.Config, path, changes)
