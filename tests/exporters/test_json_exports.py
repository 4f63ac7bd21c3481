"""COCO's and 3DCrowdNet's json: keypoints, boxes, masks, fits; run lengths as COCO's own tools write them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import MakeSample

from synthgen.exporters import rle
from synthgen.exporters.coco_json import annotation
from synthgen.exporters.figures import Figure
from synthgen.shards import read_samples
from synthgen.shards.observation_records import notes_of_sample


def load(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_bytes())


def test_coco_has_keypoints_boxes_and_masks(run_export, generated) -> None:
    folder, _ = run_export(generated, "coco")
    data = load(folder, "annotations/person_keypoints.json")
    samples = {one.request.key: one for one in read_samples(str(generated))}
    assert [one["id"] for one in data["annotations"]] == [1, 2, 3, 4]
    images = {one["id"]: one for one in data["images"]}
    seen: dict[str, int] = {}
    for row in data["annotations"]:
        image = images[row["image_id"]]
        sample = samples[image["key"]]
        place = seen.setdefault(image["key"], 0)
        seen[image["key"]] += 1
        label, shown = sample.labels[place], sample.mask == place + 1
        assert (folder / "images" / image["file_name"]).is_file()
        assert (image["width"], image["height"]) == (128, 96) and row["iscrowd"] == 0
        np.testing.assert_array_equal(rle.decode(row["segmentation"]), shown)
        columns, rows = np.flatnonzero(shown.any(0)), np.flatnonzero(shown.any(1))
        assert row["bbox"] == [columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert row["area"] == shown.sum()
        joints = np.reshape(row["keypoints"], (17, 3))
        for joint, (pixel, visible) in enumerate(zip(label.keypoints_2d, label.visibility, strict=True)):
            inside = (pixel >= -0.5).all() and (pixel < np.array([127.5, 95.5])).all()
            assert joints[joint, 2] == (0 if not inside else 2 if visible >= 0.3 else 1)
            np.testing.assert_allclose(joints[joint, :2], pixel if inside else 0, atol=1e-3)
        assert row["num_keypoints"] == (joints[:, 2] > 0).sum()
        assert row["body"] == "open" and not any(row["smpl_param"]["shape"])
    category = data["categories"][0]
    assert len(category["keypoints"]) == 17 and min(min(category["skeleton"])) == 1
    left, right = (category["keypoints"].index(f"{side}_hip") for side in ("left", "right"))
    first = np.reshape(data["annotations"][0]["keypoints"], (17, 3))
    assert first[right, 0] < first[left, 0]  # facing the camera


def test_joints_outside_the_picture_and_unknown_ones_are_0(make_sample: MakeSample) -> None:
    sample = make_sample(0)
    person = notes_of_sample(sample).people[0]
    points = person.keypoints_2d.copy()
    points[0], points[1] = (-3, 10), (127.4, 95.4)
    confidence = person.confidence_2d.copy()
    confidence[2] = 0
    changed = replace(person, keypoints_2d=points, confidence_2d=confidence, visibility=None)
    figure = Figure(0, changed, "open", None, np.zeros((36, 3)), np.zeros(36))
    row = annotation(figure, (96, 128), 0.3)
    joints = np.reshape(row["keypoints"], (17, 3))
    assert joints[0].tolist() == joints[2].tolist() == [0, 0, 0] and joints[1, 2] == 2
    assert row["num_keypoints"] == (joints[:, 2] > 0).sum() and "segmentation" not in row


def test_crowdnet_has_fits_by_annotation_id(run_export, smpl_run, partial) -> None:
    folder, _ = run_export(smpl_run, "crowdnet")
    data = load(folder, "annotations/person_keypoints_train2017.json")
    fits = load(folder, "annotations/MSCOCO_train_SMPL_NeuralAnnot.json")
    from synthgen.shards.observations import read_observations

    truth = list(read_observations(str(smpl_run)))
    assert list(fits) == [str(one["id"]) for one in data["annotations"]] and len(fits) == 5
    for observation, row, image in zip(truth, data["annotations"], data["images"], strict=True):
        assert (folder / "images" / "train2017" / image["file_name"]).is_file()
        person, fit = observation.people[0], fits[str(row["id"])]
        smpl = person.person
        pose = np.concatenate([smpl.global_orient, smpl.body_pose.ravel()])
        np.testing.assert_array_equal(np.float32(fit["smpl_param"]["pose"]), pose)
        np.testing.assert_array_equal(np.float32(fit["smpl_param"]["shape"]), smpl.betas)
        np.testing.assert_array_equal(np.float32(fit["smpl_param"]["trans"]), smpl.transl)
        K = observation.camera.cam_int  # noqa: N806
        assert fit["cam_param"] == {"focal": [K[0, 0], K[1, 1]], "princpt": [K[0, 2], K[1, 2]]}
    folder, _ = run_export(partial, "crowdnet", overwrite=True)
    assert load(folder, "annotations/MSCOCO_train_SMPL_NeuralAnnot.json") == {}  # no camera, no fit


@pytest.mark.parametrize(
    ("rows", "counts", "text"),
    [
        (["010", "010"], [2, 2, 2], "222"),
        (["110", "000"], [0, 1, 1, 1, 3], "01102"),
        (["000", "000"], [6], "6"),
        (["111", "111"], [0, 6], "06"),
    ],
)
def test_run_lengths_go_down_the_columns_and_begin_with_zeros(rows, counts, text) -> None:
    mask = np.array([[letter == "1" for letter in row] for row in rows])
    assert rle.run_lengths(mask) == counts
    encoded, area = rle.encode(mask)
    assert encoded == {"size": [2, 3], "counts": text} and area == mask.sum()
    np.testing.assert_array_equal(rle.decode(encoded), mask)


def test_long_runs_take_more_letters_and_differences_may_be_negative() -> None:
    counts = [100, 31, 1000, 7, 100_000, 3]
    text = rle.compress(counts)
    assert rle.expand(text) == counts
    # 100 = 3 * 32 + 4: "more" bit and 4, then 3; 7 - 31 = -24: one letter of 5 bits cannot hold it
    assert [ord(letter) - 48 for letter in text[:2]] == [32 + 4, 3]
    for seed in range(20):
        mask = np.random.default_rng(seed).random((33, 47)) < seed / 20
        np.testing.assert_array_equal(rle.decode(rle.encode(mask)[0]), mask)
    with pytest.raises(ValueError, match="RLE covers 6 pixels, expected 2x4"):
        rle.decode({"size": [2, 4], "counts": "222"})
