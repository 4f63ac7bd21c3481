"""Exporters keep next to nothing of a sample: a million of them fit into the memory of a small machine."""

from pathlib import Path

import pytest

from synthgen.bench import growth
from synthgen.bench.exports import distinct
from synthgen.exporters import coco_json, columns
from synthgen.exporters.export import Task, _bodies
from synthgen.exporters.figures import Entry, complete
from synthgen.exporters.intake import read_pictures
from synthgen.exporters.ledger import Ledger

MOST = 400  # bytes a sample: 400 MB for a million


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    source = str(Path(__file__).parents[2] / "shards" / "example" / "example-000000.tar")
    bodies = _bodies(Task(source, str(tmp_path_factory.mktemp("out")), "example"))
    return list(complete(read_pictures(source, frozenset(), Ledger()), bodies))


def test_repeated_pictures_have_keys_and_moments_of_their_own(base: list[Entry]) -> None:
    made = list(growth.repeated(base, 12))
    assert len({one.picture.name for one in made}) == len({one.picture.record["key"] for one in made}) == 12
    assert [one.picture.notes.frame for one in made] == [0] * 4 + [1] * 4 + [2] * 4
    assert made[9].picture.data is base[0].picture.data


def test_pictures_of_all_rows_are_the_few_that_were_written(base: list[Entry], tmp_path: Path) -> None:
    assert growth.write("spin", base, 3 * len(base), tmp_path) == []
    assert len(list((tmp_path / "images").rglob("*.jpg"))) == len(base)


@pytest.mark.slow
@pytest.mark.parametrize("name", distinct())
def test_memory_stays_flat(name: str, base: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "CHUNK_BYTES", 1 << 16)  # what is held whatever the number of samples
    monkeypatch.setattr(coco_json, "MAX_WHOLE_BYTES", 1 << 16)
    assert growth.measure(name, base, 500, 1500).bytes_a_sample < MOST
