from pathlib import Path

from synthgen.bench.crops import compare


def test_crops_are_made_and_timed_both_ways(tmp_path: Path) -> None:
    rates = compare(str(tmp_path), 8, 64)
    assert list(rates) == ["augmented", "plain"] and min(rates.values()) > 0
