"""AIST++, SportsPose, AthletePose3D: calibrated cameras, frames in folders beside videos."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from dataset_writers import actors
from dataset_writers.videos import COCO, LENS, lens, through, write_aist, write_athletepose, write_sportspose
from PIL import Image

from synthgen.datasets.entry import LayoutError
from synthgen.datasets.sides import Sides
from synthgen.geometry import project
from synthgen.joints import COCO17, SMPL24
from synthgen.sample import Rejection


def check_sides(found: list) -> None:
    sides = Sides()
    for item in found:
        sides.add(item.notes if hasattr(item, "notes") and not callable(item.notes) else item.notes())
    assert sides.whole and sides.facing == sides.is_left and sides.problems() == []


# AIST++


def test_aist_in_smpls_metres_through_the_lens(tmp_path: Path, body, read_all) -> None:
    people, shots = write_aist(tmp_path, body)
    found = read_all("aist", tmp_path)
    assert [(item.notes.view, item.notes.frame) for item in found] == [
        (view, frame) for view in ("c01", "c03") for frame in range(3)
    ]
    for item in found:
        notes, shot, actor = item.notes, shots[item.notes.view], people[item.notes.frame]
        [one] = notes.people
        np.testing.assert_allclose(notes.extrinsics, shot.extrinsics, atol=1e-9)
        np.testing.assert_allclose(notes.distortion, LENS)
        knee = SMPL24.index("left_knee")
        np.testing.assert_allclose(one.keypoints_3d[knee], shot.see(actor.points["left_knee"]), atol=1e-5)
        np.testing.assert_allclose(
            one.keypoints_2d[COCO17.index("left_knee")],
            through(shot, actor.joints("lknee"), LENS)[0],
            atol=1e-3,
        )
        assert one.gender == "male" and one.action == "gBR"
    assert found[1].notes.people[0].confidence_2d[0] == 0, "NaN is unknown"
    assert found[3].notes.people[0].joints.confidence_2d.max() == 0, "this camera's detector saw nobody"
    assert found[0].notes.people[0].joints.confidence_2d[1] == np.float32(0.7)
    assert found[0].notes.people[0].person is None, "without SMPL's file, its pelvis is not known"
    assert found[0].data == (tmp_path / "videos/gBR_sBM_c01_d04_mBR0_ch01/000001.jpg").read_bytes()
    check_sides(found)


def test_aist_with_the_users_smpl(tmp_path: Path, body, read_all, smpl_folder: Path) -> None:
    people, shots = write_aist(tmp_path, body)
    found = read_all("aist", tmp_path, smpl=str(smpl_folder))
    for item in found:
        shot, actor = shots[item.notes.view], people[item.notes.frame]
        straight = actors.replace_betas(body, actor, np.zeros(10, np.float32))
        posed = body.pose([item.notes.people[0].person]).points[0, : len(SMPL24)]
        np.testing.assert_allclose(posed, shot.see(straight.joints(SMPL24.names)), atol=1e-3)


def test_aist_leaves_out_what_is_to_be_ignored(tmp_path: Path, body, read_all) -> None:
    write_aist(tmp_path, body)
    (tmp_path / "splits" / "pose_val.txt").write_text("gBR_sBM_cAll_d04_mBR0_ch01\n")
    assert len(read_all("aist", tmp_path, "pose_val", every=2)) == 4
    (tmp_path / "ignore_list.txt").write_text("gBR_sBM_cAll_d04_mBR0_ch01\n")
    with pytest.raises(LayoutError, match="no sequence of all"):
        read_all("aist", tmp_path)
    (tmp_path / "ignore_list.txt").unlink()
    for folder in (tmp_path / "videos").iterdir():
        folder.rename(tmp_path / folder.name)
    with pytest.raises(LayoutError, match=r"gBR_sBM_c01_d04_mBR0_ch01.mp4: no such video"):
        read_all("aist", tmp_path)
    assert len(read_all("aist", tmp_path, annotations=".")) == 6, "or wherever one says"
    (tmp_path / "cameras" / "mapping.txt").write_text("other setting1\n")
    with pytest.raises(LayoutError, match="mapping.txt: lacks the sequence gBR"):
        read_all("aist", tmp_path, annotations=".")


# SportsPose


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_sportspose_pictures_and_cameras_turn_together(tmp_path: Path, body, read_all, turns: int) -> None:
    people, shots = write_sportspose(tmp_path, body, turns)
    found = read_all("sportspose", tmp_path, "indoors")
    assert len(found) == 8
    straight, turned = found[0].notes, found[4]
    [one] = straight.people
    k = [0.03, -0.01, 0, 0, 0.02]
    np.testing.assert_allclose(
        one.keypoints_2d[COCO17.index("right_wrist")],
        through(shots[0], people[0].joints("rwrist"), k)[0],
        atol=1e-3,
    )
    video = tmp_path / "videos/indoors/S04/soccer0001"
    assert found[0].data == (video / "CAM0" / "000002.jpg").read_bytes(), "frame of video_index, unchanged"
    stored = np.asarray(Image.open(video / "CAM1" / "000002.jpg"))
    np.testing.assert_array_equal(turned.image, np.rot90(stored, -turns))
    # a joint lies on the same pixel of the picture before and after it is turned
    raw = through(shots[1], people[0].joints(COCO), k)
    marked = np.zeros(stored.shape[:2])
    for number, (x, y) in enumerate(np.rint(raw).astype(int)):
        if 0 <= y < stored.shape[0] and 0 <= x < stored.shape[1]:
            marked[y, x] = number + 1
    for x, y in np.rint(turned.people[0].keypoints_2d).astype(int):
        if 0 <= y < turned.image.shape[0] and 0 <= x < turned.image.shape[1]:
            assert np.rot90(marked, -turns)[y, x] > 0
    # 3D joints and camera of the turned picture belong together
    points = turned.people[0].keypoints_3d[turned.people[0].confidence_3d > 0].astype(np.float64)
    seen = project(points, turned.camera.cam_int)
    rays = lens((points / points[:, 2:])[:, :2], k)
    bent = rays @ turned.camera.cam_int[:2, :2].T + turned.camera.cam_int[:2, 2]
    names = [
        name for name, sure in zip(SMPL24.names, turned.people[0].confidence_3d, strict=True) if sure > 0
    ]
    rows = [COCO17.index(name) for name in names]
    np.testing.assert_allclose(bent, turned.people[0].keypoints_2d[rows], atol=1e-2)
    assert np.abs(seen - bent).max() < 2
    world = np.linalg.solve(turned.extrinsics[:, :3], (points - turned.extrinsics[:, 3]).T).T
    np.testing.assert_allclose(world, people[0].joints(tuple(names)), atol=1e-4)
    check_sides(found)


def test_sportspose_odd_files_say_what_to_do(tmp_path: Path, body, read_all) -> None:
    write_sportspose(tmp_path, body)
    with pytest.raises(LayoutError, match=r"no S##/<activity>/\*.npy in outdoors or outdoor"):
        read_all("sportspose", tmp_path, "outdoors")
    folder = tmp_path / "data" / "indoors" / "S04"
    timing = pickle.loads((folder / "soccer" / "soccer0001_timing.pkl").read_bytes())
    (folder / "calib.pkl").rename(folder / "away.pkl")
    with pytest.raises(LayoutError, match=r"calib.pkl: no such file.*SportsPose comes from"):
        read_all("sportspose", tmp_path)
    (folder / "away.pkl").rename(folder / "calib.pkl")
    path = folder / "soccer" / "soccer0001_timing.pkl"
    path.write_bytes(pickle.dumps({**timing, "video_path": ["..", "secret"]}))
    with pytest.raises(LayoutError, match="expected the names of folders"):
        read_all("sportspose", tmp_path)
    path.write_bytes(pickle.dumps({**timing, "video_index": [np.array([0, 9, -1, 0])] * 2}))
    found = read_all("sportspose", tmp_path)
    assert [item.reason for item in found if isinstance(item, Rejection)] == [
        "the clip has fewer frames than labels", "the labels name no frame of the video",
    ] * 2  # fmt: skip
    np.save(folder / "soccer" / "soccer0001.npy", np.zeros((4, 16, 3)))
    with pytest.raises(LayoutError, match=r"has shape \(4, 16, 3\); expected 3D joints \(T, 17, 3\)"):
        read_all("sportspose", tmp_path)


# AthletePose3D


@pytest.mark.parametrize("unit", [1000.0, 1.0])
def test_athletepose_in_metres_whatever_the_unit(tmp_path: Path, body, read_all, unit: float) -> None:
    people, shot = write_athletepose(tmp_path, body, unit)
    found = read_all("athletepose3d", tmp_path, "train")
    for actor, item in zip(people, found, strict=True):
        [one] = item.notes.people
        np.testing.assert_allclose(item.notes.extrinsics, shot.extrinsics, atol=1e-9)
        for name in ("pelvis", "neck", "right_ankle"):
            row = SMPL24.index(name)
            np.testing.assert_allclose(one.keypoints_3d[row], shot.see(actor.points[name]), atol=1e-4)
        seen = shot.project(actor.joints("lwrist"))[0]
        np.testing.assert_allclose(one.keypoints_2d[COCO17.index("left_wrist")], seen, atol=1e-2)
        assert "head_top" in one.joints.names and one.action == "Axel"
    assert found[0].notes.sequence == "S1-Axel_1" and found[0].notes.view == "fs_camera_1"
    check_sides(found)


def test_athletepose_turned_clips_keep_their_pixels(tmp_path: Path, body, read_all) -> None:
    people, shot = write_athletepose(tmp_path, body, is_turned=True)
    found = read_all("athletepose3d", tmp_path, "train")
    notes = found[0].notes
    assert notes.image_size == (128, 96)
    assert found[0].data == (tmp_path / "data/train_set/S1/Axel_1_cam_1/000001.jpg").read_bytes()
    raw = shot.project(people[0].joints(COCO))
    expected = np.stack(
        [raw[:, 1], 128 - 1 - raw[:, 0]], 1
    )  # counterclockwise, from 128 px wide to 128 px high
    np.testing.assert_allclose(notes.people[0].joints.keypoints_2d[:17], expected, atol=1e-2)
    points = notes.people[0].joints.keypoints_3d[:17].astype(np.float64)
    np.testing.assert_allclose(project(points, notes.camera.cam_int), expected, atol=1e-2)


def test_athletepose_odd_files_say_what_to_do(tmp_path: Path, body, read_all) -> None:
    with pytest.raises(
        LayoutError, match=r"data/train_set: no such file or folder.*AthletePose3D comes from"
    ):
        read_all("athletepose3d", tmp_path)
    write_athletepose(tmp_path, body)
    folder = tmp_path / "data" / "train_set" / "S1"
    (tmp_path / "cam_param.json").write_text("{}")
    with pytest.raises(LayoutError, match=r"cam_param.json: lacks 'fs_camera_1'"):
        read_all("athletepose3d", tmp_path)
    np.save(folder / "Axel_1_cam_1_h36m.npy", np.zeros((3, 16, 3)))
    with pytest.raises(LayoutError, match=r"Axel_1_cam_1_h36m.npy: has shape \(3, 16, 3\)"):
        read_all("athletepose3d", tmp_path)
    np.save(folder / "Axel_1_cam_1_h36m.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(LayoutError, match=r"Axel_1_cam_1_h36m.npy: "):
        read_all("athletepose3d", tmp_path)


def test_videos_themselves_are_decoded(tmp_path: Path, body, read_all) -> None:
    av = pytest.importorskip("av")
    write_athletepose(tmp_path, body)
    folder = tmp_path / "data" / "train_set" / "S1"
    (folder / "Axel_1_cam_1").rename(tmp_path / "away")
    with av.open(str(folder / "Axel_1_cam_1.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(2):
            image = np.full((96, 128, 3), 60 + 100 * number, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(stream.encode(None))
    found = read_all("athletepose3d", tmp_path, "train")
    assert [one.image.shape for one in found[:2]] == [(96, 128, 3)] * 2
    assert abs(found[0].image.mean() - 60) < 4 and abs(found[1].image.mean() - 160) < 4
    assert found[2].reason == "the video ends before this frame"
    (folder / "Axel_1_cam_1.mp4").write_bytes(b"no video" * 50)
    assert {one.reason for one in read_all("athletepose3d", tmp_path, "train")} == {
        "the video cannot be decoded"
    }
