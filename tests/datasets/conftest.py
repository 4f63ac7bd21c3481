"""Fixture: read all pictures of a data set."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthgen.body import OPEN_FILE
from synthgen.datasets import open_dataset
from synthgen.datasets.entry import Choice
from synthgen.datasets.intake import take


@pytest.fixture
def read_all() -> Callable[..., list[Any]]:
    """Return read(name, root, split="", **choice): observations and rejections, in order."""

    def read(name: str, root: Path, split: str = "", **choice: Any) -> list[Any]:
        reader = open_dataset(name, Choice(root, split, **choice))
        return list(take(reader, 0, len(reader)))

    return read


@pytest.fixture(scope="session")
def smpl_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the open body under the names of SMPL's files."""
    folder = tmp_path_factory.mktemp("smpl")
    for name in ("SMPL_NEUTRAL", "SMPL_MALE", "SMPL_FEMALE"):
        shutil.copy(OPEN_FILE, folder / f"{name}.npz")
    return folder
