"""COCO and MPII, with the SMPL fits of EFT and NeuralAnnot."""

import json
from pathlib import Path

import numpy as np
import pytest
from dataset_writers import actors
from dataset_writers.coco_mpii import COCO, MPII, SIZE, annotation, write_coco, write_mat

from synthgen.datasets.entry import LayoutError
from synthgen.geometry import intrinsics, project, rotvec_to_rotmat
from synthgen.joints import COCO17
from synthgen.sample import Rejection


def test_coco_flags_and_people(tmp_path: Path, body, read_all) -> None:
    people = write_coco(tmp_path, body)
    found = read_all("coco", tmp_path, "train")
    assert len(found) == 3, "images without annotations are left out"
    assert [len(item.notes.people) for item in found[:2]] == [1, 2]
    assert isinstance(found[2], Rejection) and found[2].reason == "nobody is labelled", "a crowd is no person"
    first = found[1].notes.people[0]
    np.testing.assert_allclose(
        first.keypoints_2d[:15], actors.shoot().project(people[0].joints(COCO))[:15], atol=1e-4
    )
    assert first.confidence_2d.tolist() == [1] * 16 + [0] and first.visibility.tolist() == [1] * 15 + [0, 0]
    assert first.joints is None and first.person is None and found[1].notes.camera is None
    assert found[0].data == (tmp_path / "train2017" / f"{0:012d}.jpg").read_bytes()


def eft_fit(actor: actors.Actor, name: str, **more) -> dict:
    rotvec = np.vstack([actor.person.global_orient, actor.person.body_pose]).astype(np.float64)
    return {
        "imageName": name, "bbox_scale": 0.4, "bbox_center": [60.0, 50.0], "parm_cam": [0.9, 0.1, -0.2],
        "parm_shape": actor.person.betas.tolist(), "parm_pose": rotvec_to_rotmat(rotvec).tolist(), **more,
    }  # fmt: skip


def test_eft_fits_by_annotation(tmp_path: Path, body, read_all) -> None:
    people = write_coco(tmp_path, body)
    fits = tmp_path / "COCO2014-All-ver01.json"
    fits.write_text(
        json.dumps({"ver": 0.1, "data": [eft_fit(people[0], "COCO_train2014_1.jpg", annotId=900)]})
    )
    found = read_all("coco", tmp_path, "train", fits=str(fits))
    fitted, other = found[1].notes.people
    assert other.person is None and fitted.gender == "neutral"
    np.testing.assert_allclose(fitted.person.body_pose, people[0].person.body_pose, atol=1e-5)
    # EFT's own projection: crop pixel 112 (s X + t) + 112, the crop 200 bbox_scale px around bbox_center
    posed = body.pose([fitted.person]).points[0].astype(np.float64)
    local = posed - fitted.person.transl
    crop = 112 * (0.9 * local[:, :2] + [0.1, -0.2])
    expected = crop * (200 * 0.4 / 224) + [60.0, 50.0]
    camera = intrinsics(float(np.hypot(*SIZE)), SIZE)
    seen = project(posed, camera)
    assert np.abs(seen - expected).mean() < 1, "a weak perspective, seen from where it looks alike"
    depth = fitted.person.transl[2]
    origin = project(fitted.person.transl[None].astype(np.float64), camera)[0]
    np.testing.assert_allclose(origin, [60 + 40 * 0.1, 50 + 40 * -0.2], atol=1e-4)
    assert np.isclose(camera[0, 0] / depth, 0.9 * 40)


def test_neuralannot_fits_by_annotation(tmp_path: Path, body, read_all) -> None:
    people = write_coco(tmp_path, body)
    smpl = {"pose": people[1].pose.tolist(), "shape": [0.5] * 10, "trans": [0.2, 0.1, 9.0]}
    fit = {"smpl_param": smpl, "cam_param": {"focal": [300.0, 300.0], "princpt": [64.0, 40.0]}}
    path = tmp_path / "MSCOCO_train_SMPL_NeuralAnnot.json"
    path.write_text(json.dumps({"901": fit}))
    found = read_all("coco", tmp_path, "train", fits=str(path))
    [one] = found[0].notes.people
    np.testing.assert_allclose(one.person.global_orient, people[1].person.global_orient, atol=1e-6)
    np.testing.assert_allclose(one.person.betas, 0.5)
    camera = intrinsics(float(np.hypot(*SIZE)), SIZE)
    origin = project(one.person.transl[None].astype(np.float64), camera)[0]
    np.testing.assert_allclose(origin, [300 * 0.2 / 9 + 64, 300 * 0.1 / 9 + 40], atol=1e-4)
    assert np.isclose(camera[0, 0] / one.person.transl[2], 300 / 9), "as large as with its own camera"
    path.write_text(
        json.dumps({"901": {"smpl_param": {**smpl, "pose": [0] * 71}, "cam_param": fit["cam_param"]}})
    )
    with pytest.raises(
        LayoutError,
        match=r"NeuralAnnot.json: fit of annotation \d+: pose has an array of shape \(71,\).*CC BY-NC 4.0",
    ):
        read_all("coco", tmp_path, "train", fits=str(path))


def test_mpii_as_its_authors_publish_it(tmp_path: Path, body, read_all) -> None:
    people = write_mat(tmp_path, body)
    fits = tmp_path / "MPII_ver01.json"
    seen = actors.shoot().project(people[0].joints(MPII))
    near = {"bbox_center": ((seen.min(0) + seen.max(0)) / 2).tolist(), "bbox_scale": 0.5}
    far = {"bbox_center": [900.0, 900.0], "bbox_scale": 0.1}
    data = [{**eft_fit(people[1], "000001.jpg"), **far}, {**eft_fit(people[0], "000001.jpg"), **near}]
    fits.write_text(json.dumps({"ver": 0.1, "data": data}))
    [item] = read_all("mpii", tmp_path, fits=str(fits))
    [one] = item.notes.people
    np.testing.assert_allclose(one.keypoints_2d[COCO17.index("left_knee")], seen[4], atol=1e-3)
    assert one.confidence_2d[COCO17.index("right_wrist")] == 0, "nobody labelled it"
    assert one.confidence_2d[COCO17.index("left_hip")] == 1, "hidden, but its place is known"
    assert one.visibility[COCO17.index("left_hip")] == 0 and one.visibility[COCO17.index("right_hip")] == 1
    assert one.confidence_2d[COCO17.index("nose")] == 0, "MPII has no nose"
    assert one.joints.confidence_2d[one.joints.names.index("head_top")] == 1
    assert (one.family, one.action) == ("sports", "skiing, downhill")
    np.testing.assert_allclose(one.person.body_pose, people[0].person.body_pose, atol=1e-5)


def test_mpii_in_cocos_format(tmp_path: Path, body, read_all) -> None:
    people, shot = actors.act(body, 22, 1), actors.shoot()
    seen = shot.project(people[0].joints(MPII))
    images = [{"id": 1, "file_name": "a.jpg", "width": 128, "height": 96}]
    content = {"images": images, "annotations": [annotation(7, 1, seen, [1] * 16)]}
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "train.json").write_text(json.dumps(content))
    actors.paint(tmp_path / "images" / "a.jpg")
    [item] = read_all("mpii", tmp_path)
    np.testing.assert_allclose(
        item.notes.people[0].keypoints_2d[COCO17.index("right_ankle")], seen[0], atol=1e-3
    )
    assert item.notes.people[0].visibility is None, "only labelled or not is known"


def test_missing_and_odd_files_say_what_to_do(tmp_path: Path, body, read_all) -> None:
    with pytest.raises(
        LayoutError, match=r"mpii_human_pose_v1_u12_1.mat: no such file or folder, nor .*mpi-inf"
    ):
        read_all("mpii", tmp_path)
    (tmp_path / "mpii_human_pose_v1_u12_1.mat").write_bytes(b"nothing of MATLAB's" * 20)
    with pytest.raises(LayoutError, match=r"u12_1.mat: .*MPII Human Pose comes from"):
        read_all("mpii", tmp_path)
    with pytest.raises(LayoutError, match=r"person_keypoints_train2017.json: no such file.*cocodataset.org"):
        read_all("coco", tmp_path)
    write_coco(tmp_path, body)
    path = tmp_path / "annotations" / "person_keypoints_train2017.json"
    whole = path.read_text()
    for text, words in (
        (whole[:-9], "no JSON at byte"), ("[]", "lacks 'images'"), ("", "neither an object nor a list"),
        (whole.replace('"image_id": 41', '"image_id": 77'), "image_id 77 of an annotation is not among"),
        (whole.replace('"id": 41', '"id": 40'), "two images have one id"),
        (whole + "{", "something follows its end"),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(LayoutError, match=words):
            read_all("coco", tmp_path)
    path.write_text(whole)
    with pytest.raises(LayoutError, match="no such file or folder; expected EFT's"):
        read_all("coco", tmp_path, fits=str(tmp_path / "none.json"))
    path.write_text(whole.replace('"width": 128', '"width": 64'))
    found = read_all("coco", tmp_path)
    assert found[0].reason == "the picture has another size than its annotations say"
