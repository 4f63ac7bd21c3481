import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_observations import (
    SIZE,
    assert_same,
    jpeg,
    make_observation,
    make_person,
)
from PIL import Image

from synthgen import storage
from synthgen.joints import COCO17, SMPL24
from synthgen.observation import body_name
from synthgen.sample import Rejection, Sample, Validity
from synthgen.shards import Shard, is_done, read_pictures, write_shard
from synthgen.shards.observation_records import (
    StoredPicture,
    look_at_file,
    notes_of_sample,
    to_notes,
    to_record,
)
from synthgen.shards.observations import read_observations, read_stored, write_observations


def test_what_was_written_is_read_back_exactly(tmp_path: Path) -> None:
    items = [make_observation(f"real-{n}", camera=n != 1) for n in range(3)]
    reports = write_observations(str(tmp_path), "real", iter(items), shard_size=2, image_format="png")
    assert [report.accepted for report in reports] == [2, 1]
    assert is_done(str(tmp_path), "real-000001")
    found = list(read_observations(str(tmp_path)))
    for one, other in zip(items, found, strict=True):
        assert_same(one, other)


def test_what_is_unknown_is_null_on_disk(tar: Path) -> None:
    with tarfile.open(tar) as archive:
        record = json.loads(archive.extractfile("real-0.json").read())
    whole, poor = record["people"]
    assert [poor[name] for name in ("global_orient", "body_pose", "betas", "transl")] == [None] * 4
    assert poor["keypoints_3d"] is None and poor["visibility"] is None
    assert [row is None for row in poor["keypoints_2d"]] == [False] * 9 + [True] * 8
    assert poor["valid"] == {"smpl": False, "keypoints_2d": True, "keypoints_3d": False}
    assert len(whole["keypoints_3d"][0]) == 4 and record["camera"] is not None
    assert to_record(replace(make_observation(), camera=None).notes())["camera"] is None


def test_writing_is_deterministic_and_works_on_a_store(tmp_path: Path) -> None:
    item = make_observation()
    (tmp_path / "a").mkdir()
    write_observations(str(tmp_path / "a"), "real", [item])
    write_observations("memory://observations", "real", [item])
    local = (tmp_path / "a" / "real-000000.tar").read_bytes()
    assert storage.read_bytes("memory://observations/real-000000.tar") == local
    (found,) = read_observations("memory://observations")
    assert_same(item, found, but=("image",))


def test_the_bytes_of_a_file_pass_unchanged_and_undecoded(tmp_path: Path) -> None:
    observation = make_observation()
    data = jpeg(observation.image, quality=40)
    assert look_at_file(data) == ("jpg", SIZE)
    write_observations(str(tmp_path), "real", [StoredPicture(observation.notes(), data, "jpg")])
    (found,) = read_stored(str(tmp_path / "real-000000.tar"))
    assert isinstance(found, StoredPicture) and found.data == data
    np.testing.assert_array_equal(found.open().image, np.array(Image.open(io.BytesIO(data))))
    with tarfile.open(tmp_path / "real-000000.tar") as archive:
        assert archive.getnames() == ["real-0.jpg", "real-0.json"]


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_files_that_are_no_rgb_are_refused_with_the_mode(mode: str) -> None:
    stream = io.BytesIO()
    Image.new(mode, (8, 8)).save(stream, "JPEG")
    with pytest.raises(ValueError, match=f"has mode {mode}, expected RGB"):
        look_at_file(stream.getvalue())


def test_a_file_of_another_size_than_its_notes_is_refused(tmp_path: Path) -> None:
    stored = StoredPicture(make_observation().notes(), jpeg(np.zeros((8, 9, 3), np.uint8)), "jpg")
    with pytest.raises(ValueError, match=r"real-0: the picture is .*\(8, 9\).*, its notes say .*\(48, 64\)"):
        write_observations(str(tmp_path), "real", [stored])
    assert not is_done(str(tmp_path), "real-000000")


def test_rejections_are_counted_in_the_report(tmp_path: Path) -> None:
    items = [make_observation(), Rejection("real-1", "write", "no such picture")]
    report = write_shard(str(tmp_path), Shard("real", 0, 0, 2, "c"), items)
    assert (report.accepted, report.rejected) == (1, 1)
    assert len(list(read_observations(str(tmp_path)))) == 1


def test_generated_samples_are_observations_of_all_that_is_valid(run_dir: Path, sample: Sample) -> None:
    found = list(read_observations(str(run_dir)))
    pictures = list(read_pictures(str(run_dir)))
    assert [one.key for one in found] == [one.request.key for one in pictures]
    for one, picture in zip(found, pictures, strict=True):
        np.testing.assert_array_equal(one.image, picture.image)
        assert (one.source, one.body, one.caption) == ("synthgen", "open", picture.request.prompt)
        assert_same(one.camera, picture.scene.camera)
        for person, truth, label in zip(one.people, picture.scene.people, picture.labels, strict=True):
            assert_same(person.person, truth)
            np.testing.assert_array_equal(person.keypoints_2d, label.keypoints_2d)
            np.testing.assert_array_equal(person.visibility, label.visibility)
            assert person.confidence_2d.min() == person.confidence_3d.min() == 1
    doubtful = replace(sample.labels[0], valid=Validity(smpl=False, keypoints_2d=True, keypoints_3d=False))
    person = notes_of_sample(replace(sample, labels=(doubtful, sample.labels[1]))).people[0]
    assert person.person is None and person.keypoints_3d is None
    assert person.confidence_2d.all() and not person.confidence_3d.any()


def test_the_readme_names_every_key_of_the_record() -> None:
    text = (Path(__file__).parents[2] / "shards" / "README.md").read_text("utf-8")
    text = text.partition("## An observation")[2].partition("## A report")[0]
    record = to_record(make_observation().notes())
    for key in [*record, *record["people"][0], *record["people"][0]["valid"]]:
        assert f"`{key}`" in text, key


def test_plain_webdataset_and_hugging_face_read_observations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import webdataset

    items = [make_observation(f"real-{n}") for n in range(7)]
    write_observations(str(tmp_path), "real", items)
    tar = str(tmp_path / "real-000000.tar")
    (row, *_) = webdataset.WebDataset(tar, shardshuffle=False).decode("rgb8")
    assert row["jpg"].shape == (*SIZE, 3) and row["json"]["people"][1]["betas"] is None
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    from datasets import load_dataset

    rows = load_dataset("webdataset", data_files={"train": tar}, split="train", streaming=True)
    assert [row["json"]["people"][0]["family"] for row in rows] == ["ski"] * 7


def test_joint_counts_are_those_of_the_sets() -> None:
    assert (len(COCO17), len(SMPL24)) == (17, 24)  # what this file's literals stand for


def test_records_of_before_read_as_if_nobody_knew() -> None:
    record = to_record(make_observation().notes())
    for key in ("extrinsics", "distortion", "labelled_by"):
        del record[key]
    for person in record["people"]:
        del person["gender"], person["joints"]
    notes = to_notes(record)
    assert notes.extrinsics is None and notes.distortion is None and notes.labelled_by == ""
    assert all(one.gender == "neutral" and one.joints is None for one in notes.people)


def test_gendered_parameters_belong_to_a_body_of_their_own() -> None:
    person = make_person()
    assert body_name("smpl", person) == "smpl_female"
    assert body_name("smpl", replace(person, gender="neutral")) == "smpl"
