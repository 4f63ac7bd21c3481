"""`pipeline=paper_table`: the papers' evaluations on small made data in the official layouts."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import real_layouts
from dataset_writers import evaluated, ski_poseptz, smart, threedpw

from synthgen import config as configs
from synthgen.body import load_body
from synthgen.joints import H36M17
from synthgen.paper_tables.counting import LEFT_OUT
from synthgen.run import import_recipe, main
from synthgen.sample import Person
from synthgen.scorehmr.denoiser import DenoiserConfig, ScoreDenoiser

TABLES = configs.shipped("eval")
QUICK = ["estimators={hmr2: {backend: hmr2, id: embedded/mesh, batch_size: 2}}", "batch_size=4"]


def run(name: str, out: Path, *more: str) -> dict[str, Any]:
    """Run a shipped table and return its JSON."""
    assert main([f"config=eval/{name}.yaml", f"output={out}", *QUICK, *more]) == 0
    return json.loads((out / "table.json").read_text())


@pytest.fixture(scope="module")
def three_dpw(tmp_path_factory: pytest.TempPathFactory, body: Any) -> Path:
    root = tmp_path_factory.mktemp("3DPW")
    threedpw.write(root, body, "test", "downtown_arguing_00", 2)
    return root


def test_3dpw_from_its_folder(three_dpw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = "estimators={dpmesh: {backend: dpmesh, batch_size: 4}}"
    found = run("dpmesh_3dpw", tmp_path, f"roots.3dpw={three_dpw}", small)
    told = capsys.readouterr().out
    assert told.strip().splitlines()[-1] == str(tmp_path / "table.md")
    for words in (
        "3DPW test: 4 people in 2 pictures; the paper counts 35,515: NOT the same people",
        "published: DPMesh (Ours)   73.6  (",
        "3dpw, split test",
        "14 joints of h36m17, blended by this package, no regressor given; root: pelvis",
        "PA-MPJPE: best turn, size and place (Procrustes) over these joints",
        "2D joints: given; boxes: joints",
        "MPVPE is missing: nobody here has an SMPL body",
        "joints that nobody here has, which do not count: head_top",
    ):
        assert words in told, words
    [one] = found["sets"]
    [ours] = one["ours"]
    assert ours["figures"]["mpjpe"]["people"] == 4 and ours["figures"]["mpjpe"]["ours"] > 0
    assert ours["figures"]["mpvpe"] == {"unit": "mm", "ours": None, "published": 90.7, "people": 0}
    assert ours["backend"] == "dpmesh" and ours["keypoints"] == "given"
    table = (tmp_path / "table.md").read_text()
    shown = f"{ours['figures']['mpjpe']['ours']:.1f}"
    assert f"| ours: dpmesh | {shown} |" in table and "| **DPMesh (Ours)** | 73.6 | 47.4 | 90.7 |" in table
    page = (tmp_path / "report.html").read_text()
    assert "3DPW test, beside DPMesh (Ours)" in page
    assert "Published</th>" in page and '<td class="value">73.6</td>' in page


def test_3dpw_with_smpls_files(three_dpw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Labels are gendered meshes, joints blended from them by the regressor, estimates those of SMPL."""
    for name in ("SMPL_NEUTRAL", "SMPL_MALE", "SMPL_FEMALE"):
        real_layouts.smpl_file(tmp_path / f"{name}.pkl")
    smpl = load_body(str(tmp_path / "SMPL_NEUTRAL.pkl"))
    regressor = np.zeros((17, len(smpl.rest_vertices)))
    still = Person(*(np.zeros(shape, np.float32) for shape in ((3,), (23, 3), (10,), (3,))))
    for row, place in enumerate(smpl.joints(smpl.pose([still]).points, H36M17)[0]):
        regressor[row, np.linalg.norm(smpl.rest_vertices - place, axis=1).argsort()[:30]] = 1 / 30
    np.save(tmp_path / "J.npy", regressor)
    checkpoint = next(real_layouts.Layouts(tmp_path / "models").path("hmr2").rglob("*.ckpt"))
    found = run(
        "dpmesh_3dpw", tmp_path / "out", f"roots.3dpw={three_dpw}", f"smpl_file={tmp_path}/SMPL_NEUTRAL.pkl",
        f"h36m_regressor={tmp_path}/J.npy",
        f"estimators={{hmr2: {{backend: hmr2}}, smpl: {{backend: hmr2, id: '{checkpoint}', body: smpl}}}}",
    )  # fmt: skip
    told, [one] = capsys.readouterr().out, found["sets"]
    words = "blended by J.npy (of estimates with the open body by this package); root: pelvis"
    assert words in told and "which do not count" not in told
    other, ours = (column["figures"] for column in one["ours"])
    assert ours["mpvpe"]["people"] == 4 and other["mpvpe"]["people"] == 0 < other["mpjpe"]["people"]


@pytest.mark.parametrize("name", sorted(TABLES))
def test_run_files_hold_what_they_say(name: str) -> None:
    """Each loads, and so do the commands in its first lines; ours are compared with a row that is there."""
    recipe, text = import_recipe("paper_table"), TABLES[name].read_text("utf-8")
    if configs.read(TABLES[name]).values["pipeline"] != "paper_table":
        pytest.skip("another recipe's")
    commands = re.findall(r"^# +(?:Run:)? +python -m synthgen\.run (.*)$", text, re.M)
    assert len(commands) >= 2
    for command in commands:
        first, *changes = shlex.split(command)
        assert configs.find(first.removeprefix("config=")).resolve() == TABLES[name].resolve()
        config = configs.load(recipe.Config, TABLES[name], changes)
        assert config.row in [row["method"] for row in config.published] and "arXiv" in config.paper


def test_published_figures_are_the_papers() -> None:
    """A few, typed from the papers once more; and what is a mean there is one here."""
    rows = {
        name: {row["method"]: row for row in configs.read(TABLES[name]).values["published"]}
        for name in ("dpmesh_3dpw", "dpmesh_occlusion", "dpmesh_panoptic", "scorehmr_views", "scorehmr_video")
    }
    assert rows["dpmesh_3dpw"]["JOTR"]["3dpw"] == {"mpjpe": 76.4, "pa_mpjpe": 48.7, "mpvpe": 92.6}
    assert rows["dpmesh_occlusion"]["DPMesh (Ours)"]["3doh"] == {
        "mpjpe": 97.1,
        "pa_mpjpe": 59.0,
        "mpvpe": 106.4,
    }
    assert rows["scorehmr_views"]["HMR 2.0 + ScoreHMR-b"]["h36m"] == {"mpjpe": 44.7, "pa_mpjpe": 29.0}
    assert rows["scorehmr_video"]["HMR 2.0"]["emdb"] == {"pa_mpjpe": 78.7, "acceleration": 23.7}
    for method, row in rows["dpmesh_panoptic"].items():
        four = [row[name]["mpjpe"] for name in ("haggling", "mafia", "ultimatum", "pizza")]
        slack = (
            1.6 if method == "JOTR" else 0.3
        )  # the mean that the paper gives of JOTR is not that of its four
        assert abs(sum(four) / 4 - row["mean"]["mpjpe"]) < slack, method


def test_occlusion_from_folders_and_shards(tmp_path: Path, body: Any, three_dpw: Path) -> None:
    """-PC from 3DPW's folder, 3DOH from its own, Crowd from shards that ingest made; -OC is not given."""
    root = tmp_path / "3DPW"
    threedpw.write(root, body, "validation", "courtyard_hug_00", 102)
    for split in ("train", "test"):
        (root / "sequenceFiles" / split).mkdir()
    evaluated.write_3doh(tmp_path / "3DOH50K", body)
    shards = tmp_path / "shards"
    arguments = [
        "pipeline=ingest",
        "dataset=3dpw",
        f"root={root}",
        "split=crowd",
        "run=crowd",
        "num_samples=1",
    ]
    assert main([*arguments, f"output={shards}"]) == 0
    found = run(
        "dpmesh_occlusion", tmp_path / "out", f"roots.3dpw_pc={root}", f"roots.3doh={tmp_path}/3DOH50K",
        f"shards.3dpw_crowd={shards}/crowd",
    )  # fmt: skip
    sets = {one["name"]: one for one in found["sets"]}
    assert (
        "roots.3dpw=<folder> or shards.3dpw_oc=<folder>. 3DPW comes from" in sets["3dpw_oc"]["not_measured"]
    )
    assert {name: one.get("people") for name, one in sets.items()} == {
        "3dpw_oc": None, "3dpw_pc": 4, "3doh": 2, "3dpw_crowd": 2,
    }  # fmt: skip
    for name in ("3dpw_pc", "3doh", "3dpw_crowd"):
        assert sets[name]["ours"][0]["figures"]["pa_mpjpe"]["ours"] > 0


def test_panoptic_and_its_mean(tmp_path: Path, body: Any, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated.write_panoptic(tmp_path / "panoptic", body)
    found = run(
        "dpmesh_panoptic", tmp_path / "out", f"roots.cmu_panoptic={tmp_path}/panoptic", "num_samples=1"
    )
    errors = [one["ours"][0]["figures"]["mpjpe"]["ours"] for one in found["sets"]]
    mean = f"{sum(errors) / 4:.1f}"
    told = capsys.readouterr().out
    assert re.search(
        rf"^Mean over all sets:\n.*MPJPE +\[mm\] +ours +{mean} +published: DPMesh \(Ours\)  110.4", told, re.M
    )
    assert "which do not count: spine, jaw, head_top" in told
    assert f"| {mean} |" in (tmp_path / "out" / "table.md").read_text()


def test_smart_and_ski(tmp_path: Path, body: Any) -> None:
    sports, ski = tmp_path / "smart", tmp_path / "ski"
    vault = [smart.video(sports, body, f"vault{number}", "vt", 1) for number in range(5)]
    diving = [smart.video(sports, body, f"dive{number}", "1", 1) for number in range(16)]
    smart.write(sports, body, {smart.GYM: vault, smart.DIVING: diving})
    found = run("diffusion_hpc_smart", tmp_path / "a", f"roots.vault={sports}", f"roots.diving={sports}")
    sets = {one["name"]: one for one in found["sets"]}
    assert sets["vault"]["people"] == 1, "four of the five videos are for training"
    assert 0 <= sets["vault"]["ours"][0]["figures"]["pck_crop"]["ours"] <= 100
    assert sets["diving"]["not_measured"] == f"nobody there counts; 1 {LEFT_OUT}", "they are too small"
    assert "at least 4 joints" in " ".join(sets["diving"]["stated"]) and "not_measured" in sets["high_jump"]
    ski_poseptz.write(ski, body, 3, split="test")
    found = run("diffusion_hpc_ski", tmp_path / "b", f"roots.ski_poseptz={ski}")
    [one] = found["sets"]
    assert one["people"] == 3 and len(one["protocol"]["joints"]) == 16 and one["people_of_paper"] == 1716
    assert not any("do not count" in gap for gap in one["gaps"]), "all 16 joints are labelled"


FAST = ["refinement.iterations=1", "refinement.step=25"]


def test_scorehmr_on_single_pictures(
    three_dpw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run("scorehmr_fitting", tmp_path, f"roots.3dpw={three_dpw}", *FAST)
    [estimate, score] = found["sets"][0]["ours"]
    assert (estimate["name"], score["name"]) == ("hmr2", "hmr2 + score")
    assert (estimate["compared_with"], score["compared_with"]) == ("HMR 2.0", "HMR 2.0 + ScoreHMR-b")
    values = [one["figures"]["pa_mpjpe"]["ours"] for one in (estimate, score)]
    assert values[0] != values[1] and min(values) > 0
    assert [one["figures"]["pa_mpjpe"]["published"] for one in (estimate, score)] == [54.3, 51.1]
    assert (
        score["version"] == f"{estimate['version']}+embedded/score"
        and "EMDB 1: not measured" in capsys.readouterr().out
    )


def test_scorehmr_on_views(tmp_path: Path, body: Any, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated.write_batched(tmp_path / "views", body)
    found = run(
        "scorehmr_views", tmp_path / "out", f"roots.h36m={tmp_path}/views", "sets.h36m.annotations=views.pkl",
    )  # fmt: skip
    one = found["sets"][0]
    assert (one["people"], one["pictures"]) == (4, 4) and len(one["protocol"]["joints"]) == 14
    assert not any("do not count" in gap for gap in one["gaps"])
    before, after = (column["figures"]["mpjpe"]["ours"] for column in one["ours"])
    assert before != after
    ScoreDenoiser(DenoiserConfig(pose_features=8, hidden=16)).save_folder(tmp_path / "another")
    more = [f"roots.h36m={tmp_path}/views", "sets.h36m.annotations=views.pkl"]
    more.append(f"refinement.denoiser={tmp_path}/another")
    assert main(["config=eval/scorehmr_views.yaml", f"output={tmp_path}/other", *QUICK, *more]) == 1
    assert "reads 8 features of a picture, the estimator gives 347" in capsys.readouterr().err
    run("scorehmr_views", tmp_path / "other", *more, "refinement.told=false")


def test_scorehmr_on_video(tmp_path: Path, body: Any) -> None:
    """Two people in a clip are two tracks, so that both have accelerations."""
    threedpw.write(tmp_path / "3DPW", body, "test", "clip_00", 4)
    found = run(
        "scorehmr_video", tmp_path / "out", f"roots.3dpw={tmp_path}/3DPW", *FAST, "refinement.plain=true"
    )
    ours = found["sets"][0]["ours"]
    assert [one["name"] for one in ours] == ["hmr2", "hmr2 + score", "hmr2 + plain"]
    assert {one["figures"]["pa_mpjpe"]["people"] for one in ours} == {8}
    assert all(one["figures"]["acceleration"]["people"] >= 2 for one in ours)
    assert ours[1]["figures"]["acceleration"]["ours"] < ours[0]["figures"]["acceleration"]["ours"]


def test_all_problems_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "config=eval/dpmesh_3dpw.yaml",
        "sets.3dpw.protocl=x",
        "estimators.a.backend=dpmsh",
        "batch_size=0",
    ]
    assert main(arguments) == 2
    told = capsys.readouterr().err
    for words in ("unknown key 'sets.3dpw.protocl'", "unknown backend 'dpmsh'", "batch_size at least 1"):
        assert words in told, words
    assert (
        main(
            [
                "config=eval/dpmesh_3dpw.yaml",
                "roots.4dpw=x",
                "row=HMMR",
                "published=[{method: HMR, 4dpw: {mpjpe: 1}}]",
            ]
        )
        == 2
    )
    told = capsys.readouterr().err
    for words in ("no set or data set is called '4dpw'; did you mean '3dpw'?", "no set is called '4dpw'"):
        assert words in told, words
    assert main(["config=eval/dpmesh_3dpw.yaml"]) == 2
    assert "nothing to measure: say where the data are, roots.3dpw=<folder>" in capsys.readouterr().err
    assert main(["pipeline=paper_table"]) == 2
    assert "name a run file of a table, config=eval/" in capsys.readouterr().err


def test_what_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["config=eval/dpmesh_3dpw.yaml", f"roots.3dpw={tmp_path}"]
    assert main(arguments) == 2
    told = capsys.readouterr().err
    for words in (
        "sequenceFiles/test: no such file or folder",
        "expected the sequences",
        "virtualhumans",
        "licence",
    ):
        assert words in told, words


def test_help_shows_the_table_and_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config=eval/dpmesh_3dpw.yaml", "--help"]) == 0
    told = capsys.readouterr().out
    assert "roots: {name: str}" in told and "DPMesh, Table 2" in told
    assert main(["--help"]) == 0
    assert "eval/dpmesh_3dpw.yaml" in capsys.readouterr().out
