"""`ray job submit --working-dir . -- python -m synthgen.run config=ski.yaml` on a cluster of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from workers_here import workers_here

from synthgen import run
from synthgen.cluster import PATIENCE
from synthgen.shards import read_samples

ROOT = Path(__file__).parents[2]
RAY = Path(sys.executable).with_name("ray")
LOCALHOST = "127.0.0.1"
START_S = 300.0


@pytest.fixture(scope="module")
def dashboard() -> Iterator[str]:
    """Start a head node on free ports, in a folder of its own; return where jobs are sent to."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short, as socket paths must be
    path = f"{RAY.parent}{os.pathsep}{os.environ['PATH']}"  # as in an activated environment
    limits = {**PATIENCE, "RAY_DASHBOARD_STARTUP_TIMEOUT_S": f"{START_S:.0f}"}
    environment = {**os.environ, **limits, "RAY_USAGE_STATS_ENABLED": "0", "PATH": path}
    end = time.monotonic() + START_S
    while (
        True
    ):  # Ray gives a head 30 s; on a busy machine it is the second start, from warm files, that succeeds
        port = start_head(folder, environment, end)
        if port:
            break
        assert time.monotonic() < end, (folder / "head.log").read_text()
    try:
        yield f"http://{LOCALHOST}:{port}"
    finally:
        stop_head(folder)
        shutil.rmtree(folder, ignore_errors=True)


def start_head(folder: Path, environment: dict[str, str], end: float) -> int:
    """Return the port of the dashboard once all of the node has started, 0 if it ended before."""
    port, dashboard_port, agent_port, client_port = free_ports(4)
    options = [f"--port={port}", f"--dashboard-port={dashboard_port}", f"--dashboard-host={LOCALHOST}"]
    options += [f"--dashboard-agent-listen-port={agent_port}", f"--ray-client-server-port={client_port}"]
    options += [f"--temp-dir={folder}", f"--node-ip-address={LOCALHOST}", "--num-cpus=2", "--block"]
    log = folder / "head.log"
    with log.open("wb") as output:
        head = subprocess.Popen(
            [RAY, "start", "--head", *options],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (folder / "head.pid").write_text(str(head.pid))
    while head.poll() is None and time.monotonic() < end:
        if "Ray runtime started" in log.read_text():
            return dashboard_port
        time.sleep(0.2)
    stop_head(folder)
    return 0


def stop_head(folder: Path) -> None:
    head = int((folder / "head.pid").read_text())
    with contextlib.suppress(ProcessLookupError):
        os.killpg(head, signal.SIGTERM)
    end = time.monotonic() + 15
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(head, os.WNOHANG)[0] == 0 and time.monotonic() < end:
            time.sleep(0.1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(head, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOCALHOST, 0))
        return [one.getsockname()[1] for one in sockets]


def submit(dashboard: str, *settings: str) -> "subprocess.CompletedProcess[str]":
    entry_point = ["python", "-m", "synthgen.run", *settings]
    command = [RAY, "job", "submit", f"--address={dashboard}", "--working-dir=.", "--", *entry_point]
    end = time.monotonic() + START_S
    while True:
        job = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
        if "No available agent" not in job.stderr or time.monotonic() > end:
            return job
        time.sleep(1)  # the head answers before its agent does


def test_a_submitted_job_writes_the_same_shards_as_a_run_here(dashboard, tmp_path):
    settings = ["config=ski.yaml", "num_samples=2", "samples_per_shard=1", "workers=1", "renderer=warp"]
    settings += ["models.draft.num_inference_steps=6", "models.redraw.num_inference_steps=2"]
    settings += ["verify.min_iou=0", "verify.min_pck=0", "verify.min_oks=0", "verify.min_limb=0"]
    settings += ["verify.same_people=false", "verify.max_worst_joint=99", "verify.max_mpvpe_mm=1e9"]
    settings += ["verify.min_support=0", "verify.min_trust=0", "masks.max_people=9", "report=false"]
    there, here = tmp_path / "there", tmp_path / "here"
    job = submit(dashboard, *settings, f"output={there}")
    assert job.returncode == 0, job.stdout + job.stderr
    assert f"ski: {there}/ski: 0 of 2 shards done, 2 to make" in job.stdout
    assert "ski: 1 workers on the Ray cluster at" in job.stdout
    assert "2 of 2 shards done" in job.stdout

    with workers_here():
        assert run.main([*settings, f"output={here}"]) == 0
    for name in ("ski-000000.tar", "ski-000001.tar"):
        assert (there / "ski" / name).read_bytes() == (here / "ski" / name).read_bytes()
    assert len(list(read_samples(str(there / "ski")))) > 0


def test_a_job_with_a_wrong_config_fails_and_says_why(dashboard):
    job = submit(dashboard, "config=ski.yaml", "num_sample=6")
    assert job.returncode == 1
    assert "unknown key 'num_sample'; did you mean 'num_samples'?" in job.stdout + job.stderr
