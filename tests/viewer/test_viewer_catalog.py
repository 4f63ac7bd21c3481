"""Samples found as they are asked for, and chosen by what their records say."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthgen.sample import Sample
from synthgen.shards import Shard, write_shard
from synthgen.shards.observation_records import notes_of_sample
from synthgen.shards.observations import write_observations
from synthgen.shards.tar_index import TarIndex
from synthgen.viewer.catalog import Catalog
from synthgen.viewer.columns import Choice, Columns

MakeSample = Callable[..., Sample]


@pytest.fixture
def folder(tmp_path: Path, make_sample: MakeSample) -> Path:
    """Return two shards of four samples."""
    for number in range(2):
        samples = [make_sample(4 * number + one) for one in range(4)]
        write_shard(str(tmp_path), Shard("run", number, 4 * number, 4, "x"), samples)
    return tmp_path


def record(**scores: float) -> dict[str, Any]:
    valid = {"smpl": True, "keypoints_2d": True, "keypoints_3d": True}
    person = {"family": "ski", "valid": valid, "scores": {"oks": scores.pop("oks", 0.5)}}
    return {"people": [person], "camera": {}, "scores": scores}


def test_no_more_is_looked_for_than_is_asked_for(folder: Path) -> None:
    index = TarIndex(str(folder / "run-000000.tar"))
    assert index.reach(1) == 1 and not index.is_complete
    assert index.key(0) == "run-00000000" and "jpg" in index.members(0)
    assert b'"key":"run-00000000"' in index.record(0)
    assert index.reach(99) == 4 and index.is_complete and index.problem == ""


def test_the_last_sample_is_opened_before_anything_was_read(folder: Path) -> None:
    catalog = Catalog(str(folder))
    assert (catalog.total, catalog.scanned) == (8, 0)
    assert catalog.place(7).key == "run-00000007" and catalog.place(7).tar == "run-000001.tar"
    assert catalog.record(5)["key"] == "run-00000005"
    with pytest.raises(IndexError):
        catalog.place(8)


def test_tars_without_reports_are_counted_as_they_are_found(folder: Path) -> None:
    (folder / "run-000000.json").unlink()
    catalog = Catalog(str(folder))
    assert catalog.total == 0
    catalog.reach(2)
    assert catalog.total == 2 and catalog.place(1).key == "run-00000001"
    catalog.start()
    assert catalog.wait(120)
    assert (catalog.total, catalog.scanned, catalog.problems) == (8, 8, [])
    assert [catalog.place(one).key for one in range(8)] == [f"run-{one:08d}" for one in range(8)]


def test_a_report_that_promises_too_much_is_corrected(folder: Path) -> None:
    report = folder / "run-000000.json"
    report.write_text(report.read_text().replace('"accepted": 4', '"accepted": 6'))
    catalog = Catalog(str(folder))
    assert catalog.total == 10
    catalog.start()
    assert catalog.wait(120)
    assert catalog.total == 8 and "holds 4 samples, its report says 6" in catalog.problems[0]
    assert catalog.place(4).key == "run-00000004"


def test_real_pictures_are_listed_by_what_they_lack(tmp_path: Path, make_sample: MakeSample) -> None:
    found = [notes_of_sample(make_sample(one)) for one in range(3)]
    found[1] = replace(found[1], camera=None, people=(replace(found[1].people[0], person=None),))
    items = [one.with_image(make_sample(number).image) for number, one in enumerate(found)]
    write_observations(str(tmp_path), "real", items)
    catalog = Catalog(str(tmp_path))
    catalog.start()
    assert catalog.wait(120)
    assert catalog.columns.lacking() == {"smpl": 1, "keypoints_2d": 0, "keypoints_3d": 0, "camera": 1}
    for label in ("smpl", "camera"):
        assert catalog.columns.select(Choice(lacks=label)).tolist() == [1]


def test_choices_hold_together_and_are_ordered_by_score() -> None:
    columns = Columns()
    for number, value in enumerate((0.2, 0.9, 0.5, 0.7)):
        columns.add(f"run-{number}", record(oks=value, occluded=number / 10))
    columns.add("other", {"people": "none", "scores": {"oks": "high", "x": float("inf"), "y": 10**400}})
    assert columns.select(Choice(family="ski", score="oks", low=0.4, order="asc")).tolist() == [2, 3, 1]
    assert columns.select(Choice(score="oks", order="desc")).tolist() == [1, 3, 2, 0]
    assert columns.select(Choice(score="occluded", high=0.1, words="run")).tolist() == [0, 1]
    assert columns.select(Choice(keys=frozenset({"other", "run-3"}))).tolist() == [3, 4]
    assert columns.select(Choice(family="diving")).tolist() == []
    assert columns.select(Choice(score="unknown")).tolist() == []
    assert columns.families() == {"ski": 4}
    assert columns.scores().keys() == {"oks", "occluded"}


def test_people_of_one_picture_count_once() -> None:
    columns = Columns()
    two = record(oks=0.2)
    two["people"].append({**two["people"][0], "scores": {"oks": 0.8}})
    columns.add("two", two)
    columns.add("one", record(oks=0.5))
    assert columns.select(Choice(score="oks", order="asc")).tolist() == [0, 1]
    assert columns.select(Choice(score="oks", order="desc")).tolist() == [0, 1]
    assert columns.select(Choice(score="oks", low=0.6)).tolist() == [0]


def test_columns_may_be_asked_while_they_are_filled() -> None:
    columns = Columns()
    done = threading.Event()

    def fill() -> None:
        for number in range(3000):
            columns.add(f"run-{number}", record(oks=number / 3000))
        done.set()

    thread = threading.Thread(target=fill)
    thread.start()
    while not done.is_set():
        assert len(columns.select(Choice(score="oks"))) <= 3000
    thread.join()
    assert len(columns.select(Choice(score="oks", low=0.5))) == 1500
