"""`pipeline=paper_table`: the papers' evaluations on small made data in the official layouts."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from synthgen import config as configs
from synthgen.run import main

sys.path.append(str(Path(__file__).parents[1] / "datasets"))  # writers of the official layouts

import test_threedpw  # noqa: E402

TABLES = configs.shipped("eval")


def run(name: str, out: Path, *more: str) -> dict[str, Any]:
    """Run a shipped table and return its JSON."""
    assert main([f"config=eval/{name}.yaml", f"output={out}", "batch_size=4", *more]) == 0
    return json.loads((out / "table.json").read_text())


@pytest.fixture(scope="module")
def three_dpw(tmp_path_factory: pytest.TempPathFactory, body: Any) -> Path:
    root = tmp_path_factory.mktemp("3DPW")
    test_threedpw.write(root, body, "test", "downtown_arguing_00", 2)
    return root


def test_3dpw_from_its_folder(three_dpw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run("dpmesh_3dpw", tmp_path, f"roots.3dpw={three_dpw}")
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
    assert "Published</th>" in page and '<td class="value">73.6</td>' in page
