"""SPIN, DAPA, BEDLAM, CameraHMR and HumanData, read back as their loaders do, by their own indices."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthgen.exporters.boxes import keypoint_box
from synthgen.exporters.columns import Columns
from synthgen.exporters.joint_sets import EXTRA19
from synthgen.observation import ObservedPerson
from synthgen.shards.observations import read_observations

# SPIN's 24 joints, RAnkle, RKnee, RHip, LHip, LKnee … Nose, LEye, REye, LEar, REar -> COCO-17.
SPIN_TO_COCO = {0: 16, 1: 14, 2: 12, 3: 11, 4: 13, 5: 15, 6: 10, 7: 8, 8: 6, 9: 5, 10: 7, 11: 9, 19: 0, 20: 1,
                21: 2, 22: 3, 23: 4}  # fmt: skip
OP_OF_SPIN = [11, 10, 9, 12, 13, 14, 4, 3, 2, 5, 6, 7, 0, 16, 15, 18, 17]  # as SPIN fills part from OpenPose
HUMAN_DATA = {0: 0, 1: 1, 2: 2, 8: 8, 21: 21, 162: 2, 165: 1, 144: 2, 145: 1, 188: 22, 189: 23}  # -> SMPL-24


def people(source: Path) -> list[tuple[str, ObservedPerson, Any]]:
    return [(one.key, person, one.camera) for one in read_observations(str(source)) for person in one.people]


def load(folder: Path, **options: Any) -> dict[str, np.ndarray]:
    with np.load(folder / "ski.npz", **options) as data:
        return {name: data[name] for name in data.files}


def test_spin_reads_its_joints_and_they_are_in_its_order(run_export, smpl_run) -> None:
    folder, _ = run_export(smpl_run, "spin")
    data = load(folder)
    assert data["part"].shape == (5, 24, 3) and data["openpose"].shape == (5, 25, 3)
    assert data["S"].shape == (5, 24, 4) and data["pose"].shape == (5, 72) and data["shape"].shape == (5, 10)
    places = [*range(12), *range(19, 24)]
    np.testing.assert_array_equal(data["part"][:, places], data["openpose"][:, OP_OF_SPIN])
    for index, (_, person, _) in enumerate(people(smpl_run)):
        for place, coco in SPIN_TO_COCO.items():
            np.testing.assert_array_equal(data["part"][index, place, :2], person.keypoints_2d[coco])
        np.testing.assert_array_equal(data["pose"][index, :3], person.person.global_orient)
        np.testing.assert_array_equal(data["shape"][index], person.person.betas)
        np.testing.assert_allclose(data["S"][index, 2, :3], person.keypoints_3d[2], atol=1e-6)
        # facing the camera, the right hip lies on the left of the picture
        assert data["part"][index, 2, 0] < data["part"][index, 3, 0]
        assert data["S"][index, 2, 0] < data["S"][index, 3, 0]
    assert data["has_smpl"].all() and set(data["body"]) == {"smpl"}


def test_scale_of_spin_is_the_side_of_the_papers_box_by_200(run_export, smpl_run) -> None:
    folder, _ = run_export(smpl_run, "dapa")
    data = load(folder)
    for index in range(len(data["scale"])):
        joints = data["part"][index, :19]
        known = joints[joints[:, 2] > 0, :2]
        torso = np.mean([np.linalg.norm(joints[8, :2] - joints[2, :2]),
                         np.linalg.norm(joints[9, :2] - joints[3, :2])])  # fmt: skip
        side = max(3 * torso, 1.2 * np.ptp(known, 0).max())
        np.testing.assert_allclose(data["scale"][index] * 200, side, rtol=1e-5)
        np.testing.assert_allclose(data["center"][index], (known.min(0) + known.max(0)) / 2, rtol=1e-5)


def test_who_has_too_few_joints_gets_the_visible_box() -> None:
    joints = np.zeros((len(EXTRA19), 3), np.float32)
    joints[4] = (50, 60, 1)
    center, side = keypoint_box(joints, np.array([10, 20, 30, 60], np.float32))
    assert center.tolist() == [20, 40] and side == pytest.approx(48)


def test_bedlam_has_intrinsics_poses_and_shuffled_rows(run_export, smpl_run) -> None:
    folder, _ = run_export(smpl_run, "bedlam")
    data = load(folder)
    truth = {key: (person, camera) for key, person, camera in people(smpl_run)}
    names = [Path(str(name)).stem for name in data["imgname"]]
    assert sorted(names) == sorted(truth) and names != list(truth)
    assert data["pose_cam"].shape == (5, 165) and not data["pose_cam"][:, 66:].any()
    for index, name in enumerate(names):
        person, camera = truth[name]
        pose = np.concatenate([person.person.global_orient, person.person.body_pose.ravel()])
        np.testing.assert_array_equal(data["pose_cam"][index, :66], pose[:66])
        np.testing.assert_allclose(data["cam_int"][index], camera.cam_int, rtol=1e-6)
        place = data["cam_ext"][index][:3, 3] + data["trans_cam"][index]  # as the loader adds them
        np.testing.assert_array_equal(place, person.person.transl)
        size = (person.bbox[2:] - person.bbox[:2]).max()
        np.testing.assert_allclose(data["scale"][index] * 200, 1.2 * size, rtol=1e-5)
        assert data["gtkps"].shape[1:] == (24, 3)
        np.testing.assert_allclose(data["gtkps"][index, 2, :2], person.keypoints_2d[12], atol=1e-4)
        np.testing.assert_allclose(data["gtkps"][index, 7, :2], person.keypoints_2d[15], atol=1e-4)
        assert data["gtkps"][index, 2, 0] < data["gtkps"][index, 1, 0]
    folder, _ = run_export(smpl_run, "bedlam", seed=1, overwrite=True)
    assert [Path(str(name)).stem for name in load(folder)["imgname"]] != names


def test_camerahmr_has_72_numbers_44_joints_and_a_camera(run_export, smpl_run) -> None:
    folder, _ = run_export(smpl_run, "camerahmr")
    data = load(folder)
    truth = {key: (person, camera) for key, person, camera in people(smpl_run)}
    assert data["pose_cam"].shape == (5, 72) and data["gtkps"].shape == (5, 44, 3)
    for index, name in enumerate(data["imgname"]):
        person, camera = truth[Path(str(name)).stem]
        np.testing.assert_array_equal(data["pose_cam"][index, 3:], person.person.body_pose.ravel())
        np.testing.assert_allclose(data["cam_int"][index], camera.cam_int, rtol=1e-6)
        np.testing.assert_array_equal(data["gtkps"][index, 25 + 2, :2], person.keypoints_2d[12])
        np.testing.assert_array_equal(data["gtkps"][index, 12, :2], person.keypoints_2d[11])


def test_human_data_reads_as_mmhuman3d_reads_it(run_export, smpl_run) -> None:
    folder, _ = run_export(smpl_run, "human_data")
    data = load(folder, allow_pickle=True)
    smpl = data["smpl"].item()
    assert data["__data_len__"] == 5 and not data["__keypoints_compressed__"].item()
    assert data["keypoints2d"].shape == (5, 190, 3) and data["keypoints3d"].shape == (5, 190, 4)
    assert data["keypoints3d_convention"].item() == "human_data"
    for index, (_, person, _) in enumerate(people(smpl_run)):
        assert (folder / str(data["image_path"][index])).is_file()
        for place, joint in HUMAN_DATA.items():
            np.testing.assert_allclose(
                data["keypoints3d"][index, place, :3], person.keypoints_3d[joint], atol=1e-6
            )
        np.testing.assert_array_equal(data["keypoints2d"][index, 55, :2], person.keypoints_2d[0])
        np.testing.assert_array_equal(data["keypoints2d"][index, 168, :2], person.keypoints_2d[2])
        x, y, width, height, sure = data["bbox_xywh"][index]
        np.testing.assert_allclose(
            [x + width / 2, y + height / 2], person.bbox.reshape(2, 2).mean(0), rtol=1e-5
        )
        np.testing.assert_allclose(width, 1.2 * (person.bbox[2] - person.bbox[0]), rtol=1e-5)
        for name in ("body_pose", "global_orient", "betas", "transl"):
            np.testing.assert_array_equal(smpl[name][index], getattr(person.person, name))
        assert sure == 1
    mask = data["keypoints3d_mask"].astype(bool)
    assert mask[:22].all() and not mask[22:55].any()  # no jaw, eyeballs, fingers
    assert not data["keypoints3d"][:, ~mask].any()
    assert data["misc"].item()["betas_are_smpl"]
    assert b"numpy._core" not in zipfile.ZipFile(folder / "ski.npz").read("smpl.npy")


def test_rows_of_people_without_smpl_do_not_count(run_export, partial) -> None:
    folder, _ = run_export(partial, "human_data")
    data = load(folder, allow_pickle=True)
    assert data["has_smpl"].tolist() == [1, 0, 0]
    folder, _ = run_export(partial, "spin")
    assert load(folder)["has_smpl"].tolist() == [1, 0]


def test_columns_become_what_numpy_would_write(tmp_path: Path) -> None:
    table = Columns(tmp_path / "rows")
    names = ["a", "längerer Name", "c"]
    for index, name in enumerate(names):
        table.add({"name": name, "x": np.full((2, 3), index, np.float64), "flag": np.float32(index)})
    with pytest.raises(ValueError, match="x has shape"):
        table.add({"name": "d", "x": np.zeros(2), "flag": 1.0})
    table = Columns(tmp_path / "again")
    for index, name in enumerate(names):
        table.add({"name": name, "x": np.full((2, 3), index, np.float64)})
    with pytest.raises(ValueError, match="row 3 has"):
        table.add({"name": "d"})
    table.write_npz(tmp_path / "x.npz", np.array([2, 0, 1]), {"n": np.array(3), "d": {"k": [1]}, "t": "text"})
    table.close()
    data = np.load(io.BytesIO((tmp_path / "x.npz").read_bytes()), allow_pickle=True)
    assert data["name"].tolist() == ["c", "a", "längerer Name"] and data["x"].dtype == np.float32
    np.testing.assert_array_equal(data["x"][:, 0, 0], [2, 0, 1])
    assert (data["n"].item(), data["d"].item(), data["t"].item()) == (3, {"k": [1]}, "text")
    assert not (tmp_path / "again").exists()
