"""Fixture: a shard of one observation."""

from pathlib import Path

import pytest
from made_observations import make_observation

from synthgen.shards.observations import write_observations


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    write_observations(str(tmp_path), "real", [make_observation()], image_format="png")
    return tmp_path / "real-000000.tar"
