"""The recipe `generate`: one run on Ray's workers serves several tests, as each takes seconds to start.

Runs that are started again are finished by workers in this process; their bytes are the same.
"""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from workers_here import workers_here

from synthgen import run
from synthgen.shards import read_samples
from synthgen.shards.rejected import read_rejected

TESTS = Path(__file__).parents[1]
CONFIG = """\
pipeline: generate
run: plain
num_samples: 14
samples_per_shard: 4
batch_size: 3
renderer: warp
workers: 2
keep_rejected: 1
quality:
  min_coverage: 0.081
source:
  backend: plain_source:PlainSource
  reject_every: 5
"""
SLOWLY = {"SYNTHGEN_TEST_SLOW_S": "0.25"}


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "plain.yaml"
    path.write_text(CONFIG)
    return f"config={path}"


@pytest.fixture(scope="module")
def told() -> io.StringIO:
    """What the run `finished` prints."""
    return io.StringIO()


@pytest.fixture(scope="module")
def finished(ray_cluster, told, tmp_path_factory) -> Path:
    """Return where a run of two workers that nothing happened to lies; not to be changed."""
    folder = tmp_path_factory.mktemp("unbroken")
    (folder / "plain.yaml").write_text(CONFIG)
    with contextlib.redirect_stdout(told):
        assert run.main([f"config={folder / 'plain.yaml'}", f"output={folder}"]) == 0
    return folder


@pytest.fixture(scope="module")
def unbroken(finished) -> dict[str, bytes]:
    return files(finished)


def files(output: Path) -> dict[str, bytes]:
    """Return the tars of a run, and the pictures of its rejections."""
    found = [*(output / "plain").glob("*.tar"), *(output / "plain").glob("*.rejected.json")]
    return {path.name: path.read_bytes() for path in found}


def test_a_run_writes_config_shards_reports_and_says_so(finished, told):
    names = {path.name for path in (finished / "plain").iterdir()}
    shards = {f"plain-00000{index}.{suffix}" for index in range(4) for suffix in ("tar", "json")}
    rejected = {f"plain-00000{index}.rejected.json" for index in range(3)}
    assert names == {"config.yaml", "report.html", *shards, *rejected}
    said = told.getvalue()
    assert f"plain: {finished}/plain: 0 of 4 shards done, 4 to make" in said
    assert "plain: 2 workers on the Ray cluster" in said
    assert "plain: 6 accepted, 8 rejected, 4 of 4 shards done\n  rejected 5: verify: body too small" in said
    assert "  rejected 3: compose: no luck\n" in said
    assert len(list(read_samples(str(finished / "plain")))) == 6


def test_a_finished_run_has_nothing_to_make(config, finished, tmp_path, capsys):
    shutil.copytree(finished / "plain", tmp_path / "plain")
    assert run.main([config, f"output={tmp_path}", "workers=1", "keep_rejected=2"]) == 0
    assert "4 of 4 shards done, 0 to make" in capsys.readouterr().out
    assert run.main([f"config={tmp_path / 'plain' / 'config.yaml'}", "report=false"]) == 0
    assert "4 of 4 shards done, 0 to make" in capsys.readouterr().out


def test_a_shard_keeps_pictures_of_its_first_rejections_for_each_reason(finished):
    shown = [read_rejected(str(finished / "plain"), f"plain-00000{index}") for index in range(4)]
    assert [[one.key[-2:] for one in some] for some in shown] == [["02"], ["07"], ["09"], []]
    assert all(one.reason == "body too small in the picture" for some in shown for one in some)


def test_lost_shards_are_made_again(config, finished, unbroken, tmp_path, capsys):
    folder = tmp_path / "plain"
    shutil.copytree(finished / "plain", folder)
    (folder / "plain-000001.json").unlink()
    (folder / "plain-000002.tar").write_bytes(b"cut off")
    (folder / ".plain-000003.tar.0123.tmp").write_bytes(b"half")
    with workers_here():
        assert run.main([config, f"output={tmp_path}", "report=false", "workers=1"]) == 0
    assert "2 of 4 shards done, 2 to make" in capsys.readouterr().out
    assert files(tmp_path) == unbroken
    assert not list(folder.glob(".*"))


def test_another_config_in_the_same_folder_is_refused(config, tmp_path, capsys):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "config.yaml").write_text(CONFIG)
    assert run.main([config, f"output={tmp_path}", "seed=4", "source.image_size=32"]) == 2
    error = capsys.readouterr().err
    assert "error: seed: absent before, 4 now" in error
    assert "error: source.image_size: absent before, 32 now" in error


def test_a_failed_shard_gives_exit_code_1(config, tmp_path, capsys):
    settings = [f"output={tmp_path}", "report=false", "max_attempts=1", "source.fail_at=9", "workers=1"]
    with workers_here():
        assert run.main([config, *settings]) == 1
    said = capsys.readouterr().out
    assert "in quarantine: plain-000002, failed 1 times: RuntimeError: request 9 cannot be drawn" in said
    assert "3 of 4 shards done" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("run=a.b", "run must match"),
        ("num_samples=0", "num_samples must be at least 1, got 0"),
        ("keep_rejected=21", "keep_rejected must be in [0, 20], got 21"),
        ("workers=0", "workers must be auto or at least 1, got 0"),
        ("cpus_per_worker=0", "cpus_per_worker must be above 0"),
        ("shard_timeout_s=-1", "shard_timeout_s must be at least 0, got -1"),
        ("device=cuda", "device is cuda, but gpus_per_worker is 0"),
        ("body=/nowhere/SMPL_NEUTRAL.pkl", "no such file: '/nowhere/SMPL_NEUTRAL.pkl'"),
        ("source.imagesize=64", "unknown key 'source.imagesize'; did you mean 'image_size'?"),
        ("quality.min_coverage=2", "quality.min_coverage must be in [0, 1], got 2"),
        ("prompts.templates=[]", "prompts.templates must hold at least one sentence"),
        ("models.draught={}", "unknown key 'models.draught'; did you mean 'draft'?"),
        ("models.draft={}", "models.draft.backend is required; known: text_to_image"),
        ("models.draft={backend: text_to_image, strength: 1}", "unknown key 'models.draft.strength'"),
    ],
)
def test_wrong_values_end_with_exit_code_2(config, change, message, tmp_path, capsys):
    assert run.main([config, f"output={tmp_path}", change]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "plain").exists()


def test_a_file_in_the_place_of_the_output_is_one_clear_message(config, tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    assert run.main([config, f"output={tmp_path / 'taken'}"]) == 1
    error = capsys.readouterr().err
    assert f"error: {tmp_path}/taken/plain" in error and "Traceback" not in error


def test_a_run_survives_kills_and_ends_with_the_same_bytes(config, unbroken, tmp_path):
    """Stopped by SIGTERM, its driver killed, its cluster killed; then finished; by one worker, not two."""
    settings = [config, f"output={tmp_path}", "report=false", "workers=1"]
    command = [sys.executable, "-m", "synthgen.run", *settings]
    log, code = broken_off(command, tmp_path, lambda driver: driver.send_signal(signal.SIGTERM))
    assert code == 143 and "stopped by SIGTERM; the same command goes on from here" in log
    assert not list((tmp_path / "plain").glob(".*"))
    broken_off(command, tmp_path, lambda driver: driver.kill())
    log, code = broken_off(command, tmp_path, kill_cluster)
    assert code == 1 and "lost the Ray cluster on this machine" in log
    with workers_here():
        assert run.main(settings) == 0
    assert files(tmp_path) == unbroken
    assert not list((tmp_path / "plain").glob(".*"))


def broken_off(command: list[str], output: Path, end) -> tuple[str, int]:
    """Start a slow run, end it while a shard is written; return what it said and its exit code."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS), **SLOWLY}
    for leftover in (output / "plain").glob(".*"):
        leftover.unlink()
    log = output / "log.txt"
    with (
        log.open("wb") as said,
        subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT) as driver,
    ):
        deadline = time.monotonic() + 600
        while not list((output / "plain").glob(".plain-*.tar.*")):
            assert driver.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        end(driver)
        code = driver.wait(600)
    return log.read_text(), code


def kill_cluster(driver: "subprocess.Popen[bytes]") -> None:
    children = subprocess.run(["pgrep", "-P", str(driver.pid)], capture_output=True, text=True, check=True)
    for child in children.stdout.split():
        os.kill(int(child), signal.SIGKILL)
