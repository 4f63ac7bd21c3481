"""The viewer's row of `make bench`, on a few samples."""

from pathlib import Path

from synthgen.bench.viewing import lines


def test_rows_tell_of_all_samples(run_dir: Path) -> None:
    first, second, third = lines(str(run_dir), 30)
    assert first.startswith("view 30 samples: first page of 24 after ")
    assert "another page:" in second and "a new filter" in second
    assert len(list((run_dir / "many").glob("*.tar"))) == 10
    assert "CPU of a page in one answer" in third and "ratio" in third
