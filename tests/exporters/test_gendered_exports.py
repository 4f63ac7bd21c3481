"""People whose SMPL parameters belong to the male or female model: never passed off as the neutral one's."""

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import real_layouts

from synthgen.sample import Sample
from synthgen.shards.observation_records import StoredPicture, notes_of_sample
from synthgen.shards.observations import write_observations
from synthgen.shards.records import encode_image
from synthgen.shards.shard import read_members

TALLER = 1.25  # of the male body made here


@pytest.fixture(scope="module")
def gendered_run(samples: list[Sample], tmp_path_factory: Any) -> Path:
    """Return shards of a picture of a man and a woman, and one of somebody neutral."""
    folder = tmp_path_factory.mktemp("gendered") / "gendered"
    folder.mkdir()
    items = []
    for key, sample, genders in (("two", samples[1], ("male", "female")), ("one", samples[0], ("neutral",))):
        notes = notes_of_sample(sample)
        people = tuple(
            replace(one, gender=gender, keypoints_3d=None, confidence_3d=np.zeros(24, np.float32))
            for one, gender in zip(notes.people, genders, strict=True)
        )
        stored = replace(notes, key=key, body="smpl", people=people, source="3dpw/test")
        items.append(StoredPicture(stored, encode_image(sample.image, "jpg"), "jpg"))
    write_observations(str(folder), "gendered", items)
    return folder


def rows_of(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "ski.npz") as data:
        return {name: data[name] for name in data.files}


def test_gendered_betas_are_not_the_neutral_bodys(run_export, gendered_run, samples) -> None:
    folder, ledger = run_export(gendered_run, "4d_humans_eval")
    rows = rows_of(folder)
    assert rows["body"].tolist() == ["smpl_male", "smpl_female", "smpl"]
    assert rows["has_betas"].tolist() == [0, 0, 1]
    assert not rows["betas"][:2].any() and rows["betas"][2].any()
    assert rows["has_body_pose"].tolist() == [1, 1, 1]
    assert ledger.bodies == {"smpl_male": 1, "smpl_female": 1, "smpl": 1}
    record = json.loads((folder / "export.json").read_text())
    assert not record["betas_are_smpl"] and "'smpl_male'" in " ".join(record["notes"])


def test_gendered_betas_stay_where_the_task_asks(run_export, gendered_run, samples) -> None:
    rows = rows_of(run_export(gendered_run, "4d_humans_eval", betas="as_stored")[0])
    np.testing.assert_array_equal(rows["betas"][1], samples[1].scene.people[1].betas)


def test_people_are_posed_with_the_body_of_their_gender(run_export, gendered_run, tmp_path) -> None:
    neutral = real_layouts.smpl_file(tmp_path / "SMPL_NEUTRAL.pkl")
    alone = rows_of(run_export(gendered_run, "4d_humans_eval", body=str(neutral), overwrite=True)[0])
    assert not alone["extra_keypoints_3d"][:2, :, 3].any() and alone["extra_keypoints_3d"][2, :, 3].any()
    content = pickle.loads(neutral.read_bytes())
    for name, factor in (("SMPL_MALE", TALLER), ("SMPL_FEMALE", 1.0)):
        scaled = {one: content[one] * factor for one in ("v_template", "shapedirs", "posedirs")}
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps({**content, **scaled}, 2))
    rows = rows_of(run_export(gendered_run, "4d_humans_eval", body=str(neutral), overwrite=True)[0])
    assert (rows["extra_keypoints_3d"][:, 0, 3] == 1).all()
    legs = np.linalg.norm(rows["extra_keypoints_3d"][:, 0, :3] - rows["extra_keypoints_3d"][:, 1, :3], axis=1)
    assert legs[0] > 1.1 * legs[1]


def test_bedlam_says_the_gender(run_export, gendered_run) -> None:
    rows = rows_of(run_export(gendered_run, "bedlam")[0])
    assert dict(zip(rows["body"], rows["gender"], strict=True)) == {
        "smpl_male": "m", "smpl_female": "f", "smpl": "neutral"
    }  # fmt: skip


def test_spin_evaluates_gendered_ground_truth(run_export, gendered_run, samples) -> None:
    folder, ledger = run_export(gendered_run, "spin", {"gender": True})
    rows = rows_of(folder)
    assert rows["gender"].tolist() == ["m", "f"]
    np.testing.assert_array_equal(rows["shape"], [one.betas for one in samples[1].scene.people])
    assert ledger.reasons == {"person whose body is not gendered (gender=true)": 1}
    assert "gender" not in rows_of(run_export(gendered_run, "dapa")[0])


def test_human_data_evaluates_gendered_ground_truth(run_export, gendered_run, samples) -> None:
    folder, _ = run_export(gendered_run, "human_data", {"gender": True})
    with np.load(folder / "ski.npz", allow_pickle=True) as data:
        assert data["meta"].item() == {"gender": ["m", "f"]}
        np.testing.assert_array_equal(
            data["smpl"].item()["betas"], [one.betas for one in samples[1].scene.people]
        )
    with np.load(
        run_export(gendered_run, "human_data", overwrite=True)[0] / "ski.npz", allow_pickle=True
    ) as data:
        assert "meta" not in data.files and not data["smpl"].item()["betas"][:2].any()


def test_json_and_hugging_face_say_the_gender(run_export, gendered_run) -> None:
    import pyarrow.parquet as parquet

    folder, _ = run_export(gendered_run, "coco")
    found = json.loads((folder / "annotations/person_keypoints.json").read_text())["annotations"]
    assert [one["smpl_param"].get("gender") for one in found] == ["male", "female", None]
    assert [one["body"] for one in found] == ["smpl_male", "smpl_female", "smpl"]
    folder, _ = run_export(gendered_run, "hugging_face")
    rows = parquet.read_table(folder / "data/train-00000.parquet").to_pylist()
    assert [[one["gender"] for one in row["people"]] for row in rows] == [["male", "female"], ["neutral"]]


def test_tars_say_whose_betas_are_unknown(run_export, gendered_run) -> None:
    folder, _ = run_export(gendered_run, "4d_humans")
    people = [
        one
        for _, members in read_members(str(folder / "000000.tar"))
        for one in pickle.loads(members["data.pyd"])
    ]
    assert [float(one["has_betas"]) for one in people] == [0, 0, 1]
    assert people[0]["extra_info"]["body"] == "smpl_male"
