"""`python -m synthgen.run pipeline=view path=…` from the command line."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from synthgen.run import main


def test_it_serves_until_it_is_stopped(run_dir: Path) -> None:
    command = [sys.executable, "-m", "synthgen.run", "pipeline=view", f"path={run_dir}", "port=0"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().removeprefix("open ").strip()
    assert f"{run_dir / 'bad.txt'}" in process.stdout.readline()
    with urllib.request.urlopen(f"{url}api/page", timeout=120) as answer:
        assert b"run-00000000" in answer.read()
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=120)
    assert (process.returncode, rest.strip()) == (0, "viewer closed")


def test_all_problems_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline=view", "path=", "port=70000"]) == 2
    complaints = capsys.readouterr().err
    assert "path: say which shards" in complaints and "port must be in" in complaints


def test_a_missing_folder_and_a_taken_port_are_one_line(
    tmp_path: Path, run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pipeline=view", f"path={tmp_path}/nowhere"]) == 1
    assert "nowhere: no such folder" in capsys.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["pipeline=view", f"path={run_dir}", f"port={port}"]) == 1
    assert f"port {port}: Address already in use; port=0 takes a free one" in capsys.readouterr().err
