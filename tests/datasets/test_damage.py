"""Damaged data sets: one clear error, or pictures counted by reason; no traceback, and no code that runs."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dataset_writers.table import WRITERS

from synthgen.datasets import DATASETS, find, mpii_mat, open_dataset
from synthgen.datasets.entry import Choice, LayoutError
from synthgen.datasets.intake import ODD_LABELS, check_pictures, take
from synthgen.sample import Rejection
from synthgen.shards.observation_records import to_members

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


def reasons_of(name: str, root: Path, **choice: Any) -> list[str]:
    """Return the reasons of pictures that were counted; the others can be stored."""
    reader = open_dataset(name, Choice(root, **choice))
    check_pictures(reader, find(name).origin)
    found = []
    for item in take(reader, 0, len(reader)):
        if isinstance(item, Rejection):
            found.append(item.reason)
        else:
            to_members(item, "jpg")
    return found


@pytest.mark.parametrize("value", [10**400, float("inf")])
def test_a_number_beyond_all_floats_is_counted(tmp_path: Path, body: Any, value: float) -> None:
    WRITERS["coco"](tmp_path, body)
    path = next((tmp_path / "annotations").glob("*.json"))
    content = json.loads(path.read_text())
    for one in content["annotations"]:
        one["keypoints"][0] = value
    path.write_text(json.dumps(content))
    assert len(reasons_of("coco", tmp_path)) <= len(content["images"])


@pytest.mark.parametrize("field", ["seq", "cam", "frame"])
@pytest.mark.parametrize("value", [np.inf, np.nan, 1e200])
def test_an_infinite_place_is_counted(tmp_path: Path, body: Any, field: str, value: float) -> None:
    import h5py

    WRITERS["ski_poseptz"](tmp_path, body)
    with h5py.File(next(tmp_path.rglob("labels.h5")), "r+") as file:
        file[field][0] = value
    assert len(reasons_of("ski_poseptz", tmp_path)) == 1


def test_names_no_file_system_takes_are_counted(tmp_path: Path, body: Any) -> None:
    WRITERS["coco"](tmp_path, body)
    path = next((tmp_path / "annotations").glob("*.json"))
    content = json.loads(path.read_text())
    for place, name in enumerate(("n" * 5000, "a\0b", "\ud800.jpg")):
        content["images"].insert(place, {"id": f"odd{place}", "file_name": name, "width": 9, "height": 9})
        owner = {"id": 900 + place, "image_id": f"odd{place}"}
        content["annotations"].append({**content["annotations"][0], **owner})
    path.write_text(json.dumps(content))
    assert reasons_of("coco", tmp_path).count("the picture cannot be read") == 3


def test_half_letters_in_labels_are_counted(tmp_path: Path, body: Any) -> None:
    WRITERS["smart"](tmp_path, body)
    path = next((tmp_path / "annotations").glob("*gym.json"))
    content = json.loads(path.read_text())
    content[0]["VideoName"] = "half \ud800"
    path.write_text(json.dumps(content))
    reasons = reasons_of("smart", tmp_path, split="vault/all")
    assert len(reasons) == len(content[0]["frames"])
    assert set(reasons) == {ODD_LABELS}


def test_every_damage_of_an_npz_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "3dpw_test.npz"
    rows = {"center": np.zeros((2, 2)), "scale": np.ones(2), "extra_keypoints_3d": np.ones((2, 19, 4))}
    np.savez(path, imgname=np.array(["a.jpg", "b.jpg"]), **rows)
    whole = path.read_bytes()
    flips = [whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :] for place in range(0, 300, 7)]
    cuts = [whole[:length] for length in (1, 100, len(whole) // 2, len(whole) - 10)]
    encrypted = whole.replace(b"PK\x01\x02\x2d\x03\x2d\x00\x00\x00", b"PK\x01\x02\x2d\x03\x2d\x00\x01\x00")
    for data in [*cuts, *flips, encrypted]:
        path.write_bytes(data)
        told = outcome("scorehmr", tmp_path)
        assert "\n" not in told and "expected" in told


def test_a_file_that_ends_scipys_reader_is_one_error(
    tmp_path: Path, body: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    WRITERS["mpii"](tmp_path, body)
    monkeypatch.setattr(mpii_mat, "_READER", "import os; os.abort()")
    with pytest.raises(LayoutError, match="u12_1.mat: is damaged.*expected MPII's RELEASE"):
        open_dataset("mpii", Choice(tmp_path))


def test_a_movement_whose_videos_are_one_text_is_an_error(tmp_path: Path, body: Any) -> None:
    WRITERS["sportspose"](tmp_path, body)
    path = next(tmp_path.rglob("*_timing.pkl"))
    path.write_bytes(pickle.dumps({**pickle.loads(path.read_bytes()), "video_path": "S00/soccer"}))
    with pytest.raises(LayoutError, match="video_path is a str, expected a list"):
        open_dataset("sportspose", Choice(tmp_path))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([0.0] * 71, "pose has 71 numbers, expected (72,)"),
        ([float("nan")] * 72, "pose holds 72 NaN or inf"),
        (["x"] * 72, "pose holds no numbers"),
        pytest.param(10**400, "pose holds no numbers", id="huge"),
        ("gone", "lacks 'pose'"),
    ],
)
def test_an_error_names_the_record_and_its_field(tmp_path: Path, body: Any, value: Any, words: str) -> None:
    WRITERS["3doh"](tmp_path, body)
    path = next(tmp_path.rglob("annots.json"))
    content = json.loads(path.read_text())
    record = list(content.values())[-1]
    if value == "gone":
        del record["pose"]
    else:
        record["pose"] = value
    path.write_text(json.dumps(content))
    told = outcome("3doh", tmp_path)
    assert f"annots.json: record of 'images/00001.jpg': {words}" in told


def test_a_frame_whose_camera_is_nan_costs_itself_alone(tmp_path: Path, body: Any) -> None:
    WRITERS["emdb"](tmp_path, body)
    path = next(tmp_path.rglob("*_data.pkl"))
    before = len(reasons_of("emdb", tmp_path))
    content = pickle.loads(path.read_bytes())
    good = int(np.flatnonzero(content["good_frames_mask"])[0])
    content["camera"]["extrinsics"] = np.array(content["camera"]["extrinsics"], float)
    content["camera"]["extrinsics"][good] = np.nan
    path.write_bytes(pickle.dumps(content))
    assert len(reasons_of("emdb", tmp_path)) == before + 1
