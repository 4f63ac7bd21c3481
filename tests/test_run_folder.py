import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from synthgen import storage
from synthgen.config import ConfigError
from synthgen.run_folder import Failure, RunFolder, recorded_config
from synthgen.shards import write_shard
from synthgen.shards.verify import Verification

TEXT = "pipeline: generate\nrun: run\nseed: 1\nnum_samples: 7\nworkers: 2\nsource:\n  image_size: 128\n"
FAILURE = Failure("run-000001", 3, 3, 3, "ValueError: no", "Traceback …")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(str(tmp_path / "run"), "run", 7, 3, "c0ffee", "jpg")


@pytest.fixture
def opened(folder: RunFolder) -> RunFolder:
    folder.open(TEXT, ("workers", "num_samples"))
    return folder


def write(folder: RunFolder, index: int, make_sample) -> None:
    shard = folder.shard(index)
    items = [make_sample(shard.first_index + n) for n in range(shard.num_requests)]
    write_shard(folder.path, shard, items)


def test_shards_cover_every_request_once(folder):
    shards = list(folder.shards())
    assert [(shard.name, shard.first_index, shard.num_requests) for shard in shards] == [
        ("run-000000", 0, 3),
        ("run-000001", 3, 3),
        ("run-000002", 6, 1),
    ]
    assert len(folder) == 3
    assert len(replace(folder, num_samples=10**9, samples_per_shard=1000)) == 10**6


def test_the_config_is_written_first_and_stays(opened):
    assert [path.name for path in Path(opened.path).iterdir()] == ["config.yaml"]
    opened.open(TEXT, ("workers", "num_samples"))
    assert recorded_config(opened.path)["source"] == {"image_size": 128}


def test_another_config_is_refused_by_the_keys_that_differ(opened):
    other = TEXT.replace("seed: 1", "seed: 2").replace("128", "256")
    with pytest.raises(ConfigError) as caught:
        opened.open(other, ("workers", "num_samples"))
    assert caught.value.problems[1:] == ["seed: 1 before, 2 now", "source.image_size: 128 before, 256 now"]
    assert "choose another run=" in caught.value.problems[0]


def test_only_a_folder_without_shards_is_said_to_be_disposable(opened, make_sample):
    other = TEXT.replace("seed: 1", "seed: 2")
    with pytest.raises(ConfigError, match="none of its shards is done, so the folder may be deleted"):
        opened.open(other, ())
    write(opened, 0, make_sample)
    with pytest.raises(ConfigError) as caught:
        opened.open(other, ())
    assert "deleted" not in str(caught.value)


def test_keys_of_operation_may_change(opened):
    opened.open(TEXT.replace("workers: 2", "workers: 5"), ("workers", "num_samples"))
    assert recorded_config(opened.path)["workers"] == 2


def test_a_run_may_grow_but_not_shrink(opened):
    grown = replace(opened, num_samples=9)
    grown.open(TEXT.replace("num_samples: 7", "num_samples: 9"), ("workers", "num_samples"))
    assert recorded_config(opened.path)["num_samples"] == 9
    with pytest.raises(ConfigError, match="num_samples: 9 before, 7 now"):
        opened.open(TEXT, ("workers", "num_samples"))


def test_a_grown_run_makes_its_last_short_shard_again(opened, make_sample):
    for index in range(3):
        write(opened, index, make_sample)
    assert opened.reports().keys() == {"run-000000", "run-000001", "run-000002"}
    assert replace(opened, num_samples=9).reports().keys() == {"run-000000", "run-000001"}


def test_a_shard_is_done_only_if_its_tar_has_the_size_of_its_report(opened, make_sample):
    opened = replace(opened, num_samples=12)
    for index in range(4):
        write(opened, index, make_sample)
    tars = sorted(Path(opened.path).glob("*.tar"))
    tars[0].write_bytes(tars[0].read_bytes()[:-512])
    tars[1].unlink()
    with tars[2].open("ab") as file:
        file.write(b"more")
    assert opened.reports().keys() == {"run-000003"}


def test_a_tar_changed_under_its_size_is_found_by_verify_not_by_resume(opened, make_sample):
    for index in range(3):
        write(opened, index, make_sample)
    tar = Path(opened.path) / "run-000000.tar"
    flipped = bytearray(tar.read_bytes())
    flipped[700] ^= 1
    tar.write_bytes(flipped)
    assert opened.reports().keys() == {"run-000000", "run-000001", "run-000002"}
    problems = list(Verification(opened.path, {}).problems())
    assert any(line.startswith("run-000000.tar: changed after it was written") for line in problems)
    tar.unlink()
    assert opened.reports().keys() == {"run-000001", "run-000002"}


def test_resuming_reads_no_tar(opened, make_sample):
    """A run of many shards goes on at once, however large they are: sparse files stand for the tars."""
    write(opened, 0, make_sample)
    tar, note = (Path(opened.path) / f"run-000000.{suffix}" for suffix in ("tar", "json"))
    size = 1 << 42
    os.truncate(tar, size)
    note.write_text(json.dumps(json.loads(note.read_text()) | {"size": size}))
    assert opened.reports()["run-000000"].size == size


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}'])
def test_a_damaged_report_means_that_the_shard_is_made_again(opened, make_sample, text):
    for index in range(2):
        write(opened, index, make_sample)
    (Path(opened.path) / "run-000000.json").write_text(text)
    assert opened.reports().keys() == {"run-000001"}


def test_the_report_of_another_shard_counts_for_none(opened, make_sample):
    for index in range(2):
        write(opened, index, make_sample)
    folder = Path(opened.path)
    (folder / "run-000000.json").write_bytes((folder / "run-000001.json").read_bytes())
    assert opened.reports().keys() == {"run-000001"}


def test_what_is_done_shows_on_any_store(make_sample):
    folder = RunFolder("memory://resumed", "run", 7, 3, "c0ffee", "jpg")
    folder.open(TEXT, ())
    assert folder.reports() == {}
    for index in range(3):
        write(folder, index, make_sample)
    storage.write_bytes("memory://resumed/run-000001.tar", b"cut short")
    assert folder.reports().keys() == {"run-000000", "run-000002"}


def test_shards_of_another_config_are_refused(opened, make_sample):
    write(opened, 0, make_sample)
    with pytest.raises(ConfigError, match="run-000000 was made with another config"):
        replace(opened, config_hash="decaf").reports()


def test_shards_without_a_config_are_refused(folder, make_sample):
    Path(folder.path).mkdir()
    write(folder, 1, make_sample)
    with pytest.raises(ConfigError, match=r"holds shards \(run-000001, …\) but no config.yaml"):
        folder.open(TEXT, ())


def test_quarantine_is_a_file_with_the_traceback(opened):
    opened.quarantine(FAILURE)
    note = Path(opened.path) / "run-000001.failed.json"
    assert json.loads(note.read_text())["traceback"] == "Traceback …"
    opened.release("run-000001")
    assert not note.exists()
    opened.release("run-000001")
