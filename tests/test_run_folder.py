import json
from dataclasses import replace
from pathlib import Path

import pytest

from synthgen.config import ConfigError
from synthgen.run_folder import Failure, RunFolder, recorded_config
from synthgen.shards import write_shard

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


def test_a_shard_is_done_only_if_its_tar_is_whole(opened, make_sample):
    for index in range(3):
        write(opened, index, make_sample)
    tars = sorted(Path(opened.path).glob("*.tar"))
    flipped = bytearray(tars[0].read_bytes())
    flipped[700] ^= 1
    tars[0].write_bytes(flipped)
    tars[1].unlink()
    assert opened.reports().keys() == {"run-000002"}


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
