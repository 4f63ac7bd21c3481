"""Records and shards of observations that are wrong: one clear error each, and what `verify` finds."""

import io
import json
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_observations import (
    SIZE,
    edit_record,
    jpeg,
    make_joints,
    make_observation,
    make_person,
    record_of,
    rewrite,
)

from synthgen.body import Body
from synthgen.geometry import intrinsics
from synthgen.sample import Camera
from synthgen.shards import read_pictures
from synthgen.shards.observation_records import from_members
from synthgen.shards.observations import read_observations, read_stored, write_observations
from synthgen.shards.shard import CONFIG_NAME
from synthgen.shards.verify import Verification


def test_readers_of_generated_samples_say_what_an_observation_is(tar: Path) -> None:
    with pytest.raises(ValueError, match="key real-0: .*observation.*read_observations"):
        next(read_pictures(str(tar)))


@pytest.mark.parametrize("member", ["png", "json"])
def test_a_missing_member_names_tar_and_key(tar: Path, member: str) -> None:
    rewrite(tar, lambda name, content: None if name.endswith(member) else content)
    with pytest.raises(ValueError, match=rf"{tar}: key real-0: no .*: expected a member"):
        list(read_observations(str(tar)))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"schema": 2}, "schema must be 1, got 2"),
        ({"kind": "guess"}, "kind must be 'observation'"),
        ({"people": []}, "the record lists no people"),
        ({"people": [{"bbox": [0, 0, 1, 1]}]}, "lacks 'keypoints_2d'"),
        ({"people": 3}, "wrong type"),
        ({"camera": {"cam_int": [[1, 0, 0]]}}, r"cam_int must have shape \(3, 3\)"),
        ({"camera": {"cam_int": [[float("nan")] * 3] * 3}}, "json holds NaN"),
        ({"image": {"width": 63, "height": 48}}, "camera|says"),
        ({"frame": "7"}, "frame must be int"),
        ({"frame": -1}, "frame must be at least 0"),
    ],
)
def test_a_wrong_record_is_one_clear_error(tar: Path, changes: dict[str, object], expected: str) -> None:
    edit_record(tar, **changes)
    with pytest.raises(ValueError, match=rf"(?s){tar}: key real-0: .*({expected})"):
        list(read_observations(str(tar)))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"betas": None}, "must all be given, or all be null"),
        ({"keypoints_2d": [[1, 2, 1]] * 16}, "keypoints_2d must be null or 17 rows"),
        ({"keypoints_2d": [[1, 2]] * 17}, "rows of 2 coordinates and a confidence"),
        ({"keypoints_3d": None}, "valid.keypoints_3d is True, but the labels say False"),
        ({"keypoints_2d": [[1, 2, 1.5]] * 17}, r"confidence_2d must lie in \[0, 1\]"),
        ({"bbox": [5, 5, 5, 9]}, "bbox must have x1 > x0"),
        ({"bbox": [5, 5, 1e300, 9]}, "bbox must be finite"),
        ({"bbox": "wide"}, "wrong type"),
        ({"visibility": [2.0] * 17}, "visibility must lie"),
    ],
)
def test_a_wrong_person_is_one_clear_error(tar: Path, changes: dict[str, object], expected: str) -> None:
    edit_record(tar, people=[{**record_of(make_person()), **changes}])
    with pytest.raises(ValueError, match=rf"{tar}: key real-0: .*{expected}"):
        list(read_observations(str(tar)))


def test_pickles_and_damaged_pictures_are_refused(tar: Path) -> None:
    rewrite(tar, lambda name, content: pickle.dumps({}) if name.endswith("png") else content)
    with pytest.raises(ValueError, match="key real-0: png cannot be decoded"):
        list(read_observations(str(tar)))
    rewrite(tar, lambda name, content: pickle.dumps({}) if name.endswith("json") else content)
    with pytest.raises(ValueError, match="key real-0: json is not UTF-8"):
        list(read_observations(str(tar)))


def test_a_picture_without_people_is_told_from_damage(tar: Path) -> None:
    edit_record(tar, people=[])
    assert list(read_stored(str(tar))) == ["real-0"]
    with pytest.raises(ValueError, match="no people"):
        from_members({"png": b"", "json": json.dumps({"schema": 1, "people": []}).encode()})


def problems(folder: Path, body: Body) -> list[str]:
    return list(Verification(str(folder), {body.name: body}).problems())


def test_verify_accepts_observations_and_counts_them(tmp_path: Path, body: Body) -> None:
    (tmp_path / CONFIG_NAME).write_text("pipeline: ingest\n")
    items = [make_observation(f"real-{n}") for n in range(3)]
    write_observations(str(tmp_path), "real", items, shard_size=2)
    check = Verification(str(tmp_path), {body.name: body})
    assert list(check.problems()) == []
    assert (check.shards, check.samples, check.people) == (2, 3, 6)


def test_verify_names_what_is_wrong_with_an_observation(tar: Path, body: Body) -> None:
    good = tar.read_bytes()

    def found(**changes: object) -> str:
        tar.write_bytes(good)
        edit_record(tar, **changes)
        return "\n".join(problems(tar, body))

    assert "real-0.json: key must be that of its file, got 'other'" in found(key="other")
    assert "real-0.json: unknown key 'mood'" in found(mood="fine")
    assert "real-0.json: schema must be 1, got 3" in found(schema=3)
    far = replace(make_person(), bbox=np.array([900, 0, 950, 9], np.float32))
    assert "person 1: bbox" in found(people=[record_of(far)])
    behind = replace(make_person(), keypoints_3d=-np.ones((24, 3), np.float32))
    assert "person 1: keypoints_3d: 24 joints lie behind the camera" in found(people=[record_of(behind)])
    away = replace(make_person(), keypoints_2d=np.full((17, 2), 400, np.float32))
    assert "keypoints_2d lie far outside the 64x48 picture" in found(people=[record_of(away)])
    tar.write_bytes(good)
    rewrite(tar, lambda name, data: jpeg(np.zeros((8, 8, 3), np.uint8)) if name.endswith("png") else data)
    text = "\n".join(problems(tar, body))
    assert "picture is in truth a jpg" in text and "picture is 8x8, the record says 64x48" in text


def test_verify_refuses_members_that_observations_do_not_have(tar: Path, body: Body) -> None:
    with tarfile.open(tar, "a") as archive:
        entry = tarfile.TarInfo("real-0.mask.png")
        archive.addfile(entry, io.BytesIO())
    assert any("real-0.mask.png: is no member of an observation" in line for line in problems(tar, body))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("extrinsics", 2 * np.eye(3, 4), "must begin with a rotation"),
        ("extrinsics", np.diag([1.0, 1, -1])[:, [0, 1, 2, 2]], "must begin with a rotation"),
        ("extrinsics", np.eye(4), "shape"),
        ("distortion", np.zeros(6), r"\(4, 5, 8\) coefficients"),
        ("distortion", np.full(5, np.nan), "finite"),
    ],
)
def test_calibration_that_cannot_be_is_refused(name: str, value: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(make_observation(), **{name: value})


def test_joints_of_ones_own_are_checked() -> None:
    joints = make_joints()
    for changes in (
        {"names": ("a", "a", "b")},
        {"names": ()},
        {"confidence_2d": np.full(3, 2.0)},
        {"keypoints_3d": None},
        {"keypoints_2d": np.zeros((4, 2))},
    ):
        with pytest.raises(ValueError, match="MeasuredJoints"):
            replace(joints, **changes)
    with pytest.raises(ValueError, match="gender"):
        replace(make_person(), gender="m")


def test_verify_finds_a_camera_that_does_not_fit(tmp_path: Path) -> None:
    right = make_observation("right")
    turned = replace(right, key="wrong", camera=Camera(intrinsics(600.0, SIZE), SIZE))
    write_observations(str(tmp_path), "real", [right, turned])
    problems = list(Verification(str(tmp_path), {}).problems())
    assert problems and not any("right.json" in one for one in problems)
    assert any("wrong.json: person 1: keypoints_3d, seen by the camera" in one for one in problems)
