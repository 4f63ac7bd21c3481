"""`pipeline=contact_sheet` draws samples of a run into the run's folder, where verify knows the file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthgen.run import main
from synthgen.sample import Sample
from synthgen.shards.observation_records import notes_of_sample
from synthgen.shards.observations import write_observations


def test_sheet_is_written_into_the_run_and_belongs_there(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pipeline=contact_sheet", f"path={run_dir}", "num_pictures=3", "renderer=warp"]) == 0
    assert capsys.readouterr().out.strip() == str(run_dir / "contact_sheet.jpg")
    with Image.open(run_dir / "contact_sheet.jpg") as sheet:
        assert sheet.width > 2 * 3 * 256 and sheet.height > 2 * 256  # two columns of three tiles, two rows
    assert main(["pipeline=verify", f"path={run_dir}"]) == 0


def test_a_run_smaller_than_the_sheet_is_shown_whole(run_dir: Path) -> None:
    assert main(["pipeline=contact_sheet", f"path={run_dir}", "columns=1", "renderer=warp"]) == 0
    with Image.open(run_dir / "contact_sheet.jpg") as sheet:
        assert sheet.height > 5 * 256


def test_wrong_options_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline=contact_sheet", "num_pictures=0", "columns=9"]) == 2
    complaints = capsys.readouterr().err
    assert "path" in complaints and "columns" in complaints
    assert "num_pictures must be in [1, 200]" in complaints


def test_real_pictures_are_shown_as_pairs(tmp_path: Path, sample: Sample) -> None:
    one = notes_of_sample(sample)
    flat = replace(one, key="flat", camera=None, people=(replace(one.people[0], person=None),))
    write_observations(str(tmp_path), "real", [each.with_image(sample.image) for each in (one, flat)])
    assert main(["pipeline=contact_sheet", f"path={tmp_path}", "columns=1", "renderer=warp"]) == 0
    with Image.open(tmp_path / "contact_sheet.jpg") as sheet:
        assert 2 * 256 < sheet.width < 3 * 256 and sheet.height > 2 * 256
        tiles = np.asarray(sheet.convert("RGB"), float)[12:268]
    assert np.abs(tiles[:, 12:268] - tiles[:, 274:530]).mean() > 5  # labels show on the second one
