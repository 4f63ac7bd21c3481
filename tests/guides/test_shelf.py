import json
import shutil
import tracemalloc
from pathlib import Path

import fsspec
import pytest

from synthgen.guides.reading import UnreadableError
from synthgen.guides.shelf import Shelf
from synthgen.shards import read_samples


def _keys(shelf: Shelf, numbers: range) -> list[str]:
    return [shelf.read(number).request.key for number in numbers]


def test_samples_by_number(run_dir: Path) -> None:
    shelf = Shelf(str(run_dir), "damaged")
    keys = [sample.request.key for sample in read_samples(str(run_dir))]
    assert len(shelf) == len(keys) == 5
    assert _keys(shelf, range(5)) == keys
    assert _keys(shelf, range(4, -1, -1)) == keys[::-1]


def test_one_tar_without_its_report(run_dir: Path, tmp_path: Path) -> None:
    alone = tmp_path / "any.tar"
    shutil.copy(run_dir / "run-000001.tar", alone)
    assert _keys(Shelf(str(alone), "damaged"), range(2)) == ["run-00000003", "run-00000005"]


def test_shards_behind_a_url(run_dir: Path) -> None:
    store = fsspec.filesystem("memory")
    store.put(str(run_dir), "/shelf-test", recursive=True)
    try:
        shelf = Shelf("memory://shelf-test", "damaged")
        assert _keys(shelf, range(4, 1, -1)) == ["run-00000005", "run-00000003", "run-00000002"]
    finally:
        store.rm("/shelf-test", recursive=True)


def test_damage_stays_in_its_place(run_dir: Path) -> None:
    tar = run_dir / "run-000000.tar"
    content = bytearray(tar.read_bytes())
    start = content.index(b"run-00000001.json")
    content[start + 512 : start + 520] = b"\0" * 8
    tar.write_bytes(content)
    shelf = Shelf(str(run_dir), "sample damaged")
    with pytest.raises(UnreadableError, match="run-000000.tar: key run-00000001: ") as caught:
        shelf.read(1)
    assert caught.value.reason == "sample damaged"
    assert _keys(shelf, range(2, 3)) == ["run-00000002"]
    tar.write_bytes(content[: len(content) // 2])
    cut = Shelf(str(run_dir), "sample damaged")
    for _ in range(2):
        with pytest.raises(UnreadableError, match="run-000000.tar: truncated"):
            cut.read(0)
    assert _keys(cut, range(3, 4)) == ["run-00000003"]


def test_a_tar_that_is_not_the_reported_one(run_dir: Path) -> None:
    shutil.copy(run_dir / "run-000001.tar", run_dir / "run-000000.tar")
    with pytest.raises(UnreadableError, match="its report says 3 samples, it holds 2"):
        Shelf(str(run_dir), "damaged").read(0)


def test_a_million_samples_are_counted_not_read(run_dir: Path, tmp_path: Path) -> None:
    report = json.loads((run_dir / "run-000000.json").read_text())
    report.update(accepted=1000, num_requests=1000)
    for index in range(1000):
        (tmp_path / f"big-{index:06d}.json").write_text(json.dumps(report))
        (tmp_path / f"big-{index:06d}.tar").touch()  # reading one would fail
    tracemalloc.start()
    assert len(Shelf(str(tmp_path), "damaged")) == 1_000_000
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1 << 20
