from pathlib import Path

from synthgen.bench.handwork import BATCH_SIZE, split
from synthgen.shards import read_samples


def test_every_step_is_timed_and_the_samples_are_real(tmp_path: Path) -> None:
    rows = split(str(tmp_path), BATCH_SIZE, 64)
    assert list(rows) == ["depth", "gate", "masks", "verify", "label", "write"]
    assert min(rows.values()) > 0
    samples = list(read_samples(str(tmp_path)))
    assert len(samples) == BATCH_SIZE
    assert all((sample.mask == 1).any() and sample.draft is not None for sample in samples)
