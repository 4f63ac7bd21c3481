"""`python -m synthgen.run pipeline=report path=…` from the command line."""

from pathlib import Path

import pytest

from synthgen.run import main


def test_recipe_writes_the_report_and_says_where(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline=report", f"path={run_dir}", "num_pictures=1"]) == 0
    assert capsys.readouterr().out.strip() == str(run_dir / "report.html")
    assert (run_dir / "report.html").read_text().count("<article") == 1


def test_all_problems_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline=report", "num_pictures=-1", "max_samples=0"]) == 2
    complaints = capsys.readouterr().err
    assert "path" in complaints and "num_pictures" in complaints and "max_samples" in complaints


def test_missing_folder_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline=report", f"path={tmp_path}/nowhere"]) == 1
    assert "nowhere: no such folder" in capsys.readouterr().err
