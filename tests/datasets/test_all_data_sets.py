"""Every data set of the table: shards of it verify and read back, and the recipe's help names it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dataset_writers.table import WRITERS

from synthgen.datasets import DATASETS, find, open_dataset
from synthgen.datasets.entry import Choice
from synthgen.datasets.intake import check_pictures, take
from synthgen.run import import_recipe
from synthgen.sample import Rejection
from synthgen.shards import Shard, write_shard
from synthgen.shards.observations import read_observations
from synthgen.shards.verify import Verification


@pytest.mark.parametrize("name", DATASETS)
def test_shards_verify_and_read_back(name: str, tmp_path: Path, body: Any) -> None:
    root, out = tmp_path / "data", tmp_path / "shards"
    root.mkdir()
    out.mkdir()
    WRITERS[name](root, body)
    reader = open_dataset(name, Choice(root))
    check_pictures(reader, find(name).origin)
    items = list(take(reader, 0, len(reader)))
    write_shard(str(out), Shard("x", 0, 0, len(items), "h"), items)
    problems = [one for one in Verification(str(out), {}).problems() if "config" not in one]
    assert problems == []
    kept = [item for item in items if not isinstance(item, Rejection)]
    found = list(read_observations(str(out)))
    assert len(kept) == len(found) > 0
    for item, one in zip(kept, found, strict=True):
        notes = item.notes if hasattr(item, "data") else item.notes()
        assert (notes.key, notes.sequence, notes.frame, notes.view) == (
            one.key, one.sequence, one.frame, one.view,
        )  # fmt: skip
        assert notes.source.startswith(f"{name}/") and notes.labelled_by == ""
        for before, after in zip(notes.people, one.people, strict=True):
            np.testing.assert_array_equal(before.confidence_3d, after.confidence_3d)
            np.testing.assert_array_equal(before.keypoints_2d[before.confidence_2d > 0],
                                          after.keypoints_2d[before.confidence_2d > 0])  # fmt: skip
            assert before.gender == after.gender and (before.joints is None) == (after.joints is None)
    again = list(take(reader, 1, len(reader) - 1)) if len(reader) > 1 else []
    assert [one.key for one in again if isinstance(one, Rejection)] == [
        one.key for one in items[1:] if isinstance(one, Rejection)
    ], "any part can be read again"


@pytest.mark.parametrize("name", DATASETS)
def test_roots_may_be_relative(name: str, tmp_path: Path, body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    WRITERS[name](tmp_path / "data", body)
    reader = open_dataset(name, Choice(Path("data")))
    assert any(not isinstance(one, Rejection) for one in take(reader, 0, len(reader)))


def test_the_table_is_whole() -> None:
    assert set(WRITERS) == set(DATASETS)
    described = import_recipe("ingest").Config.__doc__
    for name in DATASETS:
        reader = find(name)
        assert name in described and reader.splits and str(reader.origin).count("(") >= 1
