from pathlib import Path
from typing import Any

from synthgen import run


def test_a_good_run_ends_with_zero_and_a_summary(run_dir: Path, capsys: Any) -> None:
    assert run.main(["pipeline=verify", f"path={run_dir}"]) == 0
    assert capsys.readouterr().out == f"{run_dir}: 2 shards, 5 samples, 7 people: all is well\n"


def test_a_bad_run_ends_with_one_and_a_line_for_each_problem(run_dir: Path, capsys: Any) -> None:
    tar = run_dir / "run-000001.tar"
    tar.write_bytes(tar.read_bytes()[:9000])
    (run_dir / "x.txt").write_text("")
    assert run.main(["pipeline=verify", f"path={run_dir}"]) == 1
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == 3 and not captured.err
    assert lines[0] == "x.txt: does not belong into a run folder"
    assert lines[1].startswith("run-000001.tar: truncated: 9000 bytes, expected")
    assert lines[2].endswith("2 problems")


def test_many_problems_are_counted_not_printed(run_dir: Path, capsys: Any) -> None:
    for number in range(5):
        (run_dir / f"{number}.txt").write_text("")
    assert run.main(["pipeline=verify", f"path={run_dir}", "max_problems=2"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[2].startswith("… and 3 more")


def test_paths_that_are_no_shards_are_errors_of_the_command(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "x.txt").write_text("")
    assert run.main(["pipeline=verify", f"path={tmp_path}/none"]) == 2
    assert run.main(["pipeline=verify", f"path={tmp_path}/x.txt"]) == 2
    assert run.main(["pipeline=verify", f"path={tmp_path}", "body=/no/body.pkl"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"error: path={tmp_path}/none: no such file or folder"
    assert lines[1] == f"error: path={tmp_path}/x.txt: expected a run folder or a .tar"
    assert lines[2].startswith("error: body must be open or an SMPL file, no such file: '/no/body.pkl'")
