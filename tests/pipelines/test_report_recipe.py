"""`python -m synthgen.run pipeline=report path=…` from the command line."""

from pathlib import Path

import pytest

from synthgen.run import main
from synthgen.sample import Sample
from synthgen.shards.observation_records import notes_of_sample
from synthgen.shards.observations import write_observations


def test_recipe_writes_the_report_and_says_where(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline=report", f"path={run_dir}", "num_pictures=1"]) == 0
    assert capsys.readouterr().out.split() == [str(run_dir / "report.html"), str(run_dir / "quality.html")]
    assert (run_dir / "report.html").read_text().count("<article") == 1


def test_all_problems_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline=report", "num_pictures=-1", "max_samples=0"]) == 2
    complaints = capsys.readouterr().err
    assert "path" in complaints and "num_pictures" in complaints and "max_samples" in complaints


def test_missing_folder_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline=report", f"path={tmp_path}/nowhere"]) == 1
    assert "nowhere: no such folder" in capsys.readouterr().err


def test_real_pictures_have_the_quality_report_alone(
    tmp_path: Path, sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    write_observations(str(tmp_path), "real", [notes_of_sample(sample).with_image(sample.image)])
    assert main(["pipeline=report", f"path={tmp_path}"]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "quality.html")]
    assert main(["pipeline=report", f"path={tmp_path}/real-000000.tar", "quality=false"]) == 0
    assert capsys.readouterr().out == ""
