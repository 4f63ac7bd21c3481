"""Damaged data sets: one clear error, or pictures counted by reason; no traceback, and no code that runs."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dataset_writers.table import WRITERS

from synthgen.datasets import DATASETS, find, open_dataset
from synthgen.datasets.entry import Choice, LayoutError
from synthgen.datasets.intake import check_pictures, take
from synthgen.sample import Rejection

PICTURES = (".jpg", ".png")


class Hostile:
    """A pickle of it makes a folder where it is loaded without care."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


DAMAGES: dict[str, Callable[[bytes, Path], bytes]] = {
    "empty": lambda data, _: b"",
    "truncated": lambda data, _: data[: len(data) // 2],
    "of another kind": lambda data, _: b"[[1, 2], [3]]",
    "null": lambda data, _: b"null",
    "not UTF-8": lambda data, _: b"\xff\xfe" + data,
    "hostile": lambda data, target: pickle.dumps({"poses": Hostile(target)}),
    "nested": lambda data, _: b"[" * 100_000,
}


def outcome(name: str, root: Path) -> str:
    """Return the one error, or "" where all pictures were taken or counted."""
    try:
        reader = open_dataset(name, Choice(root))
        check_pictures(reader, find(name).origin)
        for item in take(reader, 0, len(reader)):
            assert not isinstance(item, Rejection) or item.reason
    except LayoutError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", DATASETS)
def test_a_damaged_file_is_one_error_or_counted(name: str, tmp_path: Path, body: Any) -> None:
    root, target = tmp_path / "data", tmp_path / "made-by-a-pickle"
    root.mkdir()
    WRITERS[name](root, body)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    labels = [path for path in files if path.suffix not in PICTURES][:4]
    for path in [*labels, *[path for path in files if path.suffix in PICTURES][:1]]:
        whole = path.read_bytes()
        for damage in DAMAGES.values():
            path.write_bytes(damage(whole, target))
            told = outcome(name, root)
            assert "\n" not in told and len(told) < 1000
            assert not told or "expected" in told, told
        path.unlink()
        path.symlink_to(path)
        assert "\n" not in outcome(name, root)
        path.unlink()
        path.mkdir()
        assert "\n" not in outcome(name, root)
        path.rmdir()
        path.write_bytes(whole)
        assert not target.exists(), "a pickle was run"
    assert outcome(name, root) == ""


def test_a_picture_without_a_name_is_counted(tmp_path: Path, body: Any) -> None:
    WRITERS["coco"](tmp_path, body)
    path = next((tmp_path / "annotations").glob("*.json"))
    path.write_text(path.read_text().replace('"file_name"', '"filename"', 1))
    reader = open_dataset("coco", Choice(tmp_path))
    reasons = [one.reason for one in take(reader, 0, len(reader)) if isinstance(one, Rejection)]
    assert "the annotations do not say which file the picture is" in reasons
