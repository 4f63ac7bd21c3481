"""4D-Humans, ProHMR and ScoreHMR, read back as their loaders do: literal indices and factors are theirs."""

import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from synthgen.exporters import pickles
from synthgen.geometry import project
from synthgen.joints import OPENPOSE25, POINT_NAMES
from synthgen.observation import ObservedPerson
from synthgen.shards import read_samples
from synthgen.shards.observations import read_observations

# OpenPose-25 and the 19 further joints of 4D-Humans, by its own numbers.
OP = {"nose": 0, "neck": 1, "rsho": 2, "lsho": 5, "midhip": 8, "rhip": 9, "lhip": 12, "lank": 14, "leye": 16}
EXTRA = {"rank": 0, "rknee": 1, "rhip": 2, "lhip": 3, "lank": 5, "rwri": 6, "lsho": 9, "neck": 12}
COCO = {"nose": 0, "leye": 1, "lsho": 5, "rsho": 6, "rwri": 10, "lhip": 11, "rhip": 12, "rknee": 14,
        "lank": 15, "rank": 16}  # fmt: skip
SMPL = {
    "pelvis": 0,
    "lhip": 1,
    "rhip": 2,
    "rknee": 5,
    "lank": 7,
    "rank": 8,
    "neck": 12,
    "lsho": 16,
    "rwri": 21,
}


def read_tar(path: Path) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return (key, people) of a tar, as webdataset's decoder gives `data.pyd`."""
    with tarfile.open(path) as file:
        return [
            (one.name.partition(".")[0], pickle.load(file.extractfile(one)))
            for one in file
            if one.name.endswith(".data.pyd")
        ]


def people_of(folder: Path) -> list[dict[str, Any]]:
    return [
        person for tar in sorted(folder.glob("*.tar")) for _, people in read_tar(tar) for person in people
    ]


def observed(source: Path) -> list[tuple[ObservedPerson, Any]]:
    return [(person, one.camera) for one in read_observations(str(source)) for person in one.people]


def check_44(body: np.ndarray, extra: np.ndarray, truth: dict[str, int], points: np.ndarray) -> None:
    """Compare by name; both sets hold ankles, knees, hips, wrists and shoulders of either side."""
    for name, place in OP.items():
        if name in truth:
            np.testing.assert_allclose(body[place], points[truth[name]], atol=2e-4, err_msg=name)
    for name, place in EXTRA.items():
        if name in truth:
            np.testing.assert_allclose(extra[place], points[truth[name]], atol=2e-4, err_msg=name)


def test_numbers_come_back_from_training_tars(run_export, smpl_run) -> None:
    folder, ledger = run_export(smpl_run, "4d_humans")
    people, truth = people_of(folder), observed(smpl_run)
    assert len(people) == len(truth) == ledger.people == 5
    for row, (person, camera) in zip(people, truth, strict=True):
        smpl = person.person
        assert row["keypoints_2d"].shape == (44, 3) and row["keypoints_3d"].shape == (44, 4)
        check_44(row["keypoints_2d"][:25, :2], row["keypoints_2d"][25:, :2], COCO, person.keypoints_2d)
        check_44(row["keypoints_3d"][:25, :3], row["keypoints_3d"][25:, :3], SMPL, person.keypoints_3d)
        hips = person.keypoints_3d[[1, 2]].mean(0)
        np.testing.assert_allclose(row["keypoints_3d"][39, :3], hips, atol=1e-6)  # 4D-Humans aligns at 39
        np.testing.assert_allclose(row["keypoints_3d"][8, :3], person.keypoints_3d[0], atol=1e-6)
        np.testing.assert_allclose(
            row["keypoints_2d"][39, :2], project(hips[None], camera.cam_int)[0], atol=1e-3
        )
        np.testing.assert_array_equal(row["body_pose"][:3], smpl.global_orient)
        np.testing.assert_array_equal(row["body_pose"][3:].reshape(23, 3), smpl.body_pose)
        np.testing.assert_array_equal(row["betas"], smpl.betas)
        assert row["has_betas"].shape == row["has_body_pose"].shape == ()
        assert (row["has_betas"], row["has_body_pose"]) == (1, 1)


def test_scale_of_tars_is_width_and_height_by_200(run_export, smpl_run) -> None:
    folder, _ = run_export(smpl_run, "4d_humans", {"padding": 1.5})
    for row, (person, _) in zip(people_of(folder), observed(smpl_run), strict=True):
        np.testing.assert_allclose(row["scale"] * 200 / 1.5, person.bbox[2:] - person.bbox[:2], rtol=1e-5)
        np.testing.assert_allclose(row["center"] * 2, person.bbox[2:] + person.bbox[:2], rtol=1e-5)


def test_a_right_hip_lies_on_the_right(run_export, generated) -> None:
    """All people of the run stand upright and face the camera: their right is left in the picture."""
    folder, _ = run_export(generated, "4d_humans")
    for row in people_of(folder):
        for joints in (row["keypoints_2d"], row["keypoints_3d"]):
            assert (joints[:, -1] == 1).all()  # the open body is at hand: all joints are known
            for right, left in ((9, 12), (2, 5), (25 + 2, 25 + 3), (25 + 8, 25 + 9)):
                assert joints[right, 0] < joints[left, 0], (right, left)
            head, feet = [0, 15, 16, 38, 43], [11, 14, 19, 22, 25, 30]
            assert joints[head, 1].max() < joints[8, 1] < joints[feet, 1].min()


def test_toes_heels_and_head_tops_come_from_the_posed_body(run_export, generated, body) -> None:
    folder, _ = run_export(generated, "4d_humans")
    everybody = [person for one in read_samples(str(generated)) for person in one.scene.people]
    points = body.pose(everybody).points
    for row, truth in zip(people_of(folder), points, strict=True):
        np.testing.assert_allclose(row["keypoints_3d"][:25, :3], body.joints(truth, OPENPOSE25), atol=1e-5)
        for place, name in ((25 + 13, "head_top"), (19, "left_big_toe"), (23, "right_small_toe")):
            np.testing.assert_allclose(
                row["keypoints_3d"][place, :3], truth[POINT_NAMES.index(name)], atol=1e-5
            )


def test_an_open_bodys_betas_are_unknown_and_its_pose_is_not(run_export, generated) -> None:
    folder, _ = run_export(generated, "4d_humans")
    assert all((one["has_betas"], one["has_body_pose"]) == (0, 1) for one in people_of(folder))
    assert not any(one["betas"].any() for one in people_of(folder))
    folder, _ = run_export(generated, "4d_humans", betas="as_stored", overwrite=True)
    betas = [person.betas for one in read_samples(str(generated)) for person in one.scene.people]
    np.testing.assert_array_equal([one["betas"] for one in people_of(folder)], betas)


def test_configs_name_the_tars_and_keep_unusual_poses(run_export, generated, smpl_run) -> None:
    folder, _ = run_export(generated, "4d_humans", {"pictures_per_tar": 2, "weight": 0.3})
    assert sorted(path.name for path in folder.glob("*.tar")) == ["000000.tar", "000001.tar"]
    entry = yaml.safe_load((folder / "datasets_tar_ski.yaml").read_text())["SKI"]
    assert entry == {"TYPE": "ImageDataset", "URLS": f"{folder}/{{000000..000001}}.tar", "epoch_size": 4}
    mix = yaml.safe_load((folder / "mix_ski.yaml").read_text())["DATASETS"]
    assert mix == {
        "SUPPRESS_BAD_POSES": False,
        "POSES_BETAS_SIMULTANEOUS": False,
        "TRAIN": {"SKI": {"WEIGHT": 0.3}},
    }
    folder, _ = run_export(smpl_run, "4d_humans", overwrite=True)
    assert "POSES_BETAS_SIMULTANEOUS" not in (folder / "mix_ski.yaml").read_text()


def test_masks_travel_in_detection_npz(run_export, generated) -> None:
    import io

    folder, _ = run_export(generated, "4d_humans", {"masks": True})
    truth = {one.request.key: one for one in read_samples(str(generated))}
    with tarfile.open(folder / "000000.tar") as file:
        found = {one.name: file.extractfile(one).read() for one in file}
    for key, people in read_tar(folder / "000000.tar"):
        masks = np.load(io.BytesIO(found[f"{key}.detection.npz"]))["masks"]
        assert masks.dtype == bool
        for place, person in enumerate(people):
            index = person["extra_info"]["detection_npz_idx"]
            np.testing.assert_array_equal(masks[index], truth[key].mask == place + 1)


def test_webdataset_reads_the_tars_as_4d_humans_asks_it_to(run_export, generated) -> None:
    import webdataset

    folder, _ = run_export(generated, "4d_humans")
    tars = [str(path) for path in sorted(folder.glob("*.tar"))]
    rows = list(webdataset.WebDataset(tars, shardshuffle=False).decode("rgb8").rename(jpg="jpg;jpeg;png"))
    assert len(rows) == 3 and all(row["jpg"].shape == (96, 128, 3) for row in rows)
    assert [len(row["data.pyd"]) for row in rows] == [1, 2, 1]


def test_numbers_come_back_from_the_evaluation_npz(run_export, smpl_run) -> None:
    folder, _ = run_export(smpl_run, "scorehmr_eval")
    data = np.load(folder / "ski.npz")  # ScoreHMR's loader allows no pickles
    for index, (person, _) in enumerate(observed(smpl_run)):
        assert (folder / "images" / str(data["imgname"][index])).is_file()
        size = person.bbox[2:] - person.bbox[:2]
        np.testing.assert_allclose(data["scale"][index], 1.2 * size, rtol=1e-5)  # pixels, not / 200
        check_44(
            data["body_keypoints_2d"][index, :, :2],
            data["extra_keypoints_2d"][index, :, :2],
            COCO,
            person.keypoints_2d,
        )
        check_44(
            data["body_keypoints_3d"][index, :, :3],
            data["extra_keypoints_3d"][index, :, :3],
            SMPL,
            person.keypoints_3d,
        )
        np.testing.assert_array_equal(data["body_pose"][index, 3:].reshape(23, 3), person.person.body_pose)
        np.testing.assert_array_equal(data["betas"][index], person.person.betas)
    assert data["has_betas"].all() and data["has_body_pose"].all()
    entry = yaml.safe_load((folder / "datasets_eval_ski.yaml").read_text())["SKI"]
    assert entry["IMG_DIR"] == f"{folder}/images/" and entry["KEYPOINT_LIST"][-2:] == [37, 43]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("views", [["clip-0-a", "clip-0-b"], ["clip-1-a", "clip-1-b"]]),
        ("frames", [["clip-0-a", "clip-1-a"], ["clip-0-b", "clip-1-b"]]),
    ],
)
def test_groups_are_views_of_a_moment_or_frames_of_a_clip(run_export, smpl_run, group, expected) -> None:
    folder, ledger = run_export(smpl_run, "scorehmr_groups", {"group": group, "least": 2})
    groups = pickle.loads((folder / "ski.pkl").read_bytes())
    names = sorted([Path(str(name)).stem for name in one["imgname"]] for one in groups)
    assert names == expected and ledger.people == 4
    assert ledger.lines() == [f"1 left out: person in a group of fewer than 2 {group} (first: alone)"]
    sizes = {person.bbox[3] - person.bbox[1] for person, _ in observed(smpl_run)}
    for one in groups:
        assert one["extra_keypoints_3d"].shape == (2, 19, 4) and one["scale"].shape == (2,)
        assert all(any(np.isclose(scale, 1.2 * size) for size in sizes) for scale in one["scale"])
        assert one["body_pose"].shape == (2, 72) and one["betas"].any()


def test_pickles_name_numpy_as_numpy_1_does() -> None:
    value = {"a": np.arange(3.0), "b": [np.float32(1)], "c": np.array({"loss": 2.0}, dtype=object)}
    data = pickles.dumps(value)
    assert b"numpy._core" not in data and b"numpy.core.multiarray" in data
    again = pickle.loads(data)
    np.testing.assert_array_equal(again["a"], value["a"])
    assert again["c"].item() == {"loss": 2.0}
