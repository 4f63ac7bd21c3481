"""Fixture: read all pictures of a data set."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthgen.datasets import open_dataset
from synthgen.datasets.entry import Choice
from synthgen.datasets.intake import take

sys.path.append(str(Path(__file__).parent))


@pytest.fixture
def read_all() -> Callable[..., list[Any]]:
    """Return read(name, root, split="", **choice): observations and rejections, in order."""

    def read(name: str, root: Path, split: str = "", **choice: Any) -> list[Any]:
        reader = open_dataset(name, Choice(root, split, **choice))
        return list(take(reader, 0, len(reader)))

    return read
