from pathlib import Path

from synthgen.bench.exports import copy_samples, distinct, measure, rows
from synthgen.exporters import FORMATS
from synthgen.sample import Sample
from synthgen.shards.observations import read_observations


def test_copies_have_keys_of_their_own_and_are_exported(sample: Sample, tmp_path: Path) -> None:
    shards, output = tmp_path / "shards", tmp_path / "out"
    shards.mkdir()
    output.mkdir()
    copy_samples(str(shards), [sample], 5)
    assert [one.key for one in read_observations(str(shards))] == [f"exports-{n:09d}" for n in range(5)]
    found = measure(str(shards), str(output), "spin")
    assert found["rate"] > 0 and found["peak"] > 0 and (output / "spin" / "exports.npz").is_file()


def test_every_format_has_a_row() -> None:
    calls = []

    def alone(task: object, arguments: tuple[str, int, int]) -> dict[str, float]:
        calls.append(arguments)
        return {"rate": 1000.0 / arguments[1], "peak": 1 << 20}

    lines = list(rows(10, 64, alone))
    assert len(lines) == 1 + len(set(FORMATS.values())) == 1 + len(distinct())
    assert calls[:2] == [(distinct()[0], 10, 64), (distinct()[0], 40, 64)]
    assert "   25 samples/s, peak memory 1 MiB for 10 samples, 1 MiB for 40" in lines[1]
