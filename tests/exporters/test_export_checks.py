"""The checks notice what goes wrong between projects: sides, factors of 200, lost pictures, lengths."""

import io
import json
import pickle
import re
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthgen import exporters
from synthgen.exporters import pickles
from synthgen.exporters.checking import Row, problems_of, spread
from synthgen.exporters.export import Desk, Task
from synthgen.exporters.joint_sets import EXTRA19
from synthgen.exporters.ledger import Ledger


def check(folder: Path, name: str) -> list[str]:
    record = json.loads((folder / "export.json").read_text())
    ledger = Ledger(pictures=record["pictures"], people=record["people"])
    return exporters.build(name, {})[0].check(Desk(Task("", str(folder), "ski"), folder, ledger))


def spoil(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    with np.load(folder / "ski.npz", allow_pickle=True) as data:
        found = {name: data[name] for name in data.files}
    edit(found)
    np.savez(folder / "ski.npz", **found)


def test_a_scale_without_its_200_is_noticed(run_export, generated) -> None:
    for name in ("spin", "bedlam", "camerahmr"):
        folder, _ = run_export(generated, name)
        assert check(folder, name) == []
        spoil(folder, lambda found: found.update(scale=found["scale"] * 200))
        assert "the loader cuts out" in check(folder, name)[0]
    folder, _ = run_export(generated, "4d_humans_eval")
    spoil(folder, lambda found: found.update(scale=found["scale"] / 200))
    assert any(
        "the loader cuts out" in line or "joints lie in" in line for line in check(folder, "4d_humans_eval")
    )


def test_swapped_legs_are_noticed(run_export, generated) -> None:
    def swap_spin(found: dict[str, Any]) -> None:
        found["S"][:, [2, 3]] = found["S"][:, [3, 2]]

    def swap_human_data(found: dict[str, Any]) -> None:
        found["keypoints3d"][:, [162, 165]] = found["keypoints3d"][:, [165, 162]]

    for name, edit in (("spin", swap_spin), ("human_data", swap_human_data)):
        folder, _ = run_export(generated, name)
        spoil(folder, edit)
        assert "mm to the right of the right one" in check(folder, name)[0]


def test_lost_and_damaged_pictures_are_noticed(run_export, generated) -> None:
    for name in ("spin", "coco", "crowdnet", "scorehmr_groups"):
        folder, _ = run_export(generated, name)
        picture = sorted(folder.rglob("*.jpg"))[1]
        data = picture.read_bytes()
        picture.write_bytes(b"no picture")
        with pytest.raises(ValueError, match="cannot be read"):
            check(folder, name)
        picture.unlink()
        with pytest.raises(ValueError, match="the picture is missing"):
            check(folder, name)
        picture.write_bytes(data)
        assert check(folder, name) == []


def test_damaged_tars_are_noticed(run_export, generated) -> None:
    def rewrite(edit: Callable[[dict[str, Any]], None]) -> None:
        with tarfile.open(folder / "000000.tar") as file:
            members = {one.name: file.extractfile(one).read() for one in file}
        with tarfile.open(folder / "000000.tar", "w") as file:
            for name, data in members.items():
                if name.endswith("pyd"):
                    people = pickle.loads(data)
                    edit(people[0])
                    data = pickles.dumps(people)
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                file.addfile(entry, io.BytesIO(data))

    folder, _ = run_export(generated, "4d_humans")
    rewrite(lambda person: person.update(scale=person["scale"] * 200))
    assert "the loader cuts out" in check(folder, "4d_humans")[0]
    rewrite(lambda person: person.update(betas=np.zeros(11)))
    with pytest.raises(ValueError, match=r"betas has shape \(11,\), expected \(10,\)"):
        check(folder, "4d_humans")
    rewrite(lambda person: person.update(betas=np.zeros(10), keypoints_2d=np.zeros((44, 3))))
    with pytest.raises(ValueError, match="the loader would drop this person"):
        check(folder, "4d_humans")


def test_ids_and_lengths_of_json_are_noticed(run_export, generated) -> None:
    folder, _ = run_export(generated, "crowdnet")
    path = folder / "annotations" / "person_keypoints_train2017.json"
    whole = path.read_text()
    path.write_text(whole.replace('{"id":2,"image_id":2', '{"id":1,"image_id":2'))
    with pytest.raises(ValueError, match="ids of annotations do not count up: 1"):
        check(folder, "crowdnet")
    path.write_text(whole.replace('{"id":2,"image_id":2', '{"id":2,"image_id":9'))
    with pytest.raises(ValueError, match="annotation 2 belongs to no picture"):
        check(folder, "crowdnet")
    path.write_text(whole[:-40])
    with pytest.raises(ValueError, match="Expecting"):
        check(folder, "crowdnet")
    path.write_text(json.dumps(json.loads(whole)))
    with pytest.raises(ValueError, match="0 annotations, expected 4"):
        check(folder, "crowdnet")
    path.write_text(whole)
    fits = folder / "annotations" / "MSCOCO_train_SMPL_NeuralAnnot.json"
    fits.write_text(fits.read_text().replace('"3":{', '"30":{'))
    assert check(folder, "crowdnet") == ["fit 30 belongs to no annotation"]
    folder, _ = run_export(generated, "coco")
    path = folder / "annotations" / "person_keypoints.json"
    path.write_text(re.sub(r'"area":(\d+),', r'"area":1\1,', path.read_text(), count=1))
    assert check(folder, "coco") == ["annotation 1: the mask does not fit its picture or its area"]


def test_a_check_reads_large_json_a_line_at_a_time(run_export, generated, monkeypatch) -> None:
    folder, _ = run_export(generated, "coco")
    monkeypatch.setattr("synthgen.exporters.coco_json.MAX_WHOLE_BYTES", 0)
    assert check(folder, "coco") == []


def test_groups_are_read_one_at_a_time(tmp_path: Path) -> None:
    items = [{"a": np.arange(number), "b": [1], "c": [[2], number]} for number in range(3)] + [[[4]]]
    with open(tmp_path / "x.pkl", "wb") as file:
        pickles.write_list(file, items)
    assert str(pickle.loads((tmp_path / "x.pkl").read_bytes())) == str(items)
    found: list[Any] = []
    with open(tmp_path / "x.pkl", "rb") as file:
        pickles.read_list(file, found.append)
    assert str(found) == str(items)


def test_3d_that_does_not_lie_under_2d_is_noticed() -> None:
    joints = np.zeros((len(EXTRA19), 4))
    joints[:, 2], joints[:, 3] = 4, 1
    joints[:, 0] = np.linspace(-0.5, 0.5, len(EXTRA19))
    cam_int = np.array([[400.0, 0, 128], [0, 400, 128], [0, 0, 1]])
    pixels = np.column_stack([joints[:, 0] * 100 + 128, np.full(len(EXTRA19), 128), np.ones(len(EXTRA19))])
    row = Row("x", (256, 256), np.array([128, 128]), 120.0, EXTRA19, pixels, joints, None, cam_int)
    assert problems_of([row]) == []
    moved = replace(row, keypoints_3d=joints + [0.5, 0, 0, 0])
    assert problems_of([moved]) == ["x: 3D joints are projected 50 px beside the 2D ones"]
    assert problems_of([replace(row, size=np.nan)]) == ["x: holds NaN or inf"]


def test_looked_at_people_are_spread_evenly() -> None:
    assert spread(0) == [] and spread(3, 5) == [0, 1, 2]
    assert spread(101, 3) == [0, 50, 100]
