import threading
from dataclasses import replace
from pathlib import Path

import pytest

from synthgen.generate import make_samples
from synthgen.models import Method, ModelChoice, load_models
from synthgen.progress import Count
from synthgen.prompts import Prompts, RequestStream
from synthgen.shards import Shard, is_done, write_shard
from synthgen.storage import StorageError
from synthgen.worker import Job, make_shard, open_studio

SHARD = Shard("plain", 0, 0, 11, "cafe")


def job(path: Path, **source: object) -> Job:
    node = {"backend": "plain_source:PlainSource", "reject_every": 5, **source}
    choice = ModelChoice("open", "warp", "cpu", node, Method(), "cafe")
    return Job(str(path), RequestStream("plain", 1, Prompts()), choice, batch_size=3)


def made(task: Job) -> list[Count]:
    """Make the shard; return what was told of its requests."""
    told: list[Count] = []
    with open_studio(task.models) as studio:
        make_shard(task, SHARD, studio, told.append)
    return told


def threads() -> list[str]:
    return [
        thread.name for thread in threading.enumerate() if thread.name.startswith(("lane", "net", "graph"))
    ]


def test_overlapping_batches_write_the_bytes_of_one_after_the_other(tmp_path):
    told = made(job(tmp_path))
    assert is_done(str(tmp_path), SHARD.name)
    assert sum(told, Count()) == Count(accepted=8, rejected=3)

    plainly = tmp_path / "plainly"
    plainly.mkdir()
    models = load_models(job(tmp_path).models)
    batches = job(tmp_path).requests.batches(0, SHARD.num_requests, 3)
    write_shard(str(plainly), SHARD, (item for batch in batches for item in make_samples(batch, models)))
    assert (tmp_path / "plain-000000.tar").read_bytes() == (plainly / "plain-000000.tar").read_bytes()


def test_an_error_of_the_method_ends_the_shard_with_its_traceback(tmp_path):
    with pytest.raises(RuntimeError, match="request 7 cannot be drawn") as caught:
        made(job(tmp_path, fail_at=7))
    assert any(entry.name == "misbehave" for entry in caught.traceback)
    assert list(tmp_path.iterdir()) == [] and threads() == []


def test_an_error_of_the_writer_ends_the_shard_and_its_threads(tmp_path):
    with pytest.raises(StorageError, match=r"nowhere/plain-000000.tar cannot be written"):
        made(job(tmp_path / "nowhere"))
    assert threads() == []


def test_an_error_in_the_middle_of_writing_ends_the_shard_and_its_threads(tmp_path, monkeypatch):
    def refuse(*arguments: object) -> None:
        raise ValueError("cannot be encoded")

    monkeypatch.setattr("synthgen.shards.observation_records.encode", refuse)
    with pytest.raises(ValueError, match="cannot be encoded"):
        made(job(tmp_path))
    assert list(tmp_path.iterdir()) == [] and threads() == []


def test_a_studio_makes_one_shard_after_the_other(tmp_path):
    task = job(tmp_path)
    with open_studio(task.models) as studio:
        first = make_shard(task, SHARD, studio, lambda count: None)
        again = make_shard(task, replace(SHARD, index=1), studio, lambda count: None)
    assert first.sha256 == again.sha256
    assert first.seconds.keys() == again.seconds.keys() == {"compose", "label", "redraw", "verify", "write"}
