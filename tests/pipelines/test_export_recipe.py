"""The recipe export: from a run folder to a checked export, in words; and its run file."""

import os
import signal
from pathlib import Path
from typing import Any

from synthgen import config as configs
from synthgen import run
from synthgen.exporters import FORMATS, intake

ROOT = Path(__file__).parents[2]


def test_every_format_from_the_command_line(run_dir: Path, tmp_path: Path, capsys: Any) -> None:
    for name in FORMATS:
        output = tmp_path / name
        assert run.main(["pipeline=export", f"format={name}", f"path={run_dir}", f"output={output}"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[-1] == f"{output}: 5 pictures, 7 people as {name}, checked"
        assert lines[0].startswith("note: 7 people have body 'open', which is not SMPL")
        assert (output / "export.json").is_file()


def test_options_bad_lists_and_what_is_left_out(run_dir: Path, tmp_path: Path, capsys: Any) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('["run-00000000", "run-00000005"]')
    command = ["pipeline=export", "format=coco", f"path={run_dir}", f"output={tmp_path}/out"]
    assert run.main([*command, f"bad={bad}", "options.masks=false", "name=skiers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 left out: picture on the list of bad ones (first: run-00000000)"
    assert lines[-1].endswith("3 pictures, 4 people as coco, checked")
    assert "segmentation" not in (tmp_path / "out" / "annotations" / "person_keypoints.json").read_text()


def test_wrong_keys_and_paths_are_errors_of_the_command(run_dir: Path, tmp_path: Path, capsys: Any) -> None:
    good = ["pipeline=export", "format=spin", f"path={run_dir}", f"output={tmp_path}/out"]
    assert run.main([*good, "format=spn"]) == 2
    assert run.main([*good, "format=bedlam", "options.paddding=2", "options.padding=9"]) == 2
    assert run.main([*good, f"path={tmp_path}/none"]) == 2
    assert run.main([*good, "body=/no/body.pkl", "name=a.b"]) == 2
    text = capsys.readouterr().err
    for words in (
        "unknown format 'spn'; did you mean 'spin'?",
        "unknown key 'options.paddding'; did you mean 'padding'?",
        f"path={tmp_path}/none: no such file or folder",
        "no such file: '/no/body.pkl'",
        "name must match",
    ):
        assert words in text, words
    assert "Traceback" not in text and not list(tmp_path.glob("*out*"))


def test_the_run_file_is_accepted_for_every_format(tmp_path: Path) -> None:
    recipe = run.import_recipe("export")
    text = (ROOT / "configs" / "export.yaml").read_text("utf-8")
    for name in FORMATS:
        config = configs.load(recipe.Config, configs.find("export.yaml"), [f"format={name}"])
        assert config.problems() == []
        assert f"format={name}" in text, name


def test_an_export_that_is_stopped_leaves_nothing(
    run_dir: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    read = intake.read_pictures

    def stopping(*arguments: Any) -> Any:
        for number, picture in enumerate(read(*arguments)):
            if number == 3:
                assert list(tmp_path.glob(".out.*.tmp"))
                os.kill(os.getpid(), signal.SIGTERM)
            yield picture

    monkeypatch.setattr("synthgen.exporters.export.read_pictures", stopping)
    command = ["pipeline=export", "format=spin", f"path={run_dir}", f"output={tmp_path}/out"]
    assert run.main(command) == 128 + signal.SIGTERM
    assert capsys.readouterr().out == f"{tmp_path}/out: stopped by SIGTERM; nothing was left behind\n"
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]
