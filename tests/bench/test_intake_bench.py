"""The benchmark of ingest measures what it says: bytes copied, and an index that stays small."""

from pathlib import Path

from synthgen.bench.intake import copy, index, measure, told, write_labels
from synthgen.datasets import open_dataset
from synthgen.datasets.entry import Choice
from synthgen.shards.observations import read_stored


def test_pictures_are_copied_as_they_are(tmp_path: Path) -> None:
    figures = copy(str(tmp_path), 5, 64)
    stored = list(read_stored(str(tmp_path / "ingest-000000.tar")))
    assert len(stored) == 5 and figures["rate"] > 0
    assert {one.data for one in stored} == {(tmp_path / "one.jpg").read_bytes()}
    assert all(len(one.notes.people) == 2 for one in stored)


def test_an_index_holds_all_pictures(tmp_path: Path) -> None:
    write_labels(tmp_path, 300, 64)
    assert len(open_dataset("folder", Choice(tmp_path))) == 300
    assert set(index(str(tmp_path), 300)) == {"seconds", "peak_bytes"}


def test_the_rows_say_what_was_measured() -> None:
    text = told(measure(3, 32, 40))
    assert "32 px JPEGs" in text and "open the annotations of 40 pictures" in text
