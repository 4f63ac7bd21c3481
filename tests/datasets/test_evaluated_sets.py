"""Data sets that papers evaluate on: 3DOH50K, CMU Panoptic, ScoreHMR's annotation files."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dataset_writers import actors
from dataset_writers.evaluated import groups, write_3doh, write_batched, write_panoptic

from synthgen.datasets.entry import LayoutError
from synthgen.datasets.sides import faces_left
from synthgen.joints import COCO17, H36M17, OPENPOSE25, SMPL24
from synthgen.sample import Rejection

# The 24 joints of processed Panoptic files ("-" is unused), the 19 of its own, and those of 4D-Humans.
J24 = (
    "rankle rknee rhip lhip lknee lankle rwrist relbow rshoulder lshoulder lelbow lwrist thorax nose mid_hip "
    "- spine jaw head_top - - - - -"
)


@pytest.mark.parametrize(("scale", "scaled"), [(7.0, True), (7.0, False), (1.0, True)])
def test_3doh_bodies_are_where_their_joints_are(
    tmp_path: Path, body: Any, read_all: Any, scale: float, scaled: bool
) -> None:
    made = write_3doh(tmp_path, body, scale, scaled)
    found = read_all("3doh", tmp_path)
    assert len(found) == 2
    for item, (actor, shot) in zip(found, made, strict=True):
        [one] = item.notes.people
        joints = shot.see(actor.joints(SMPL24.names))
        np.testing.assert_allclose(one.keypoints_3d, joints, atol=1e-4)
        assert one.person is not None and faces_left(one.keypoints_3d) > 0
        posed = body.pose([one.person]).points[0][: len(SMPL24)]
        np.testing.assert_allclose(posed - posed[0], joints - joints[0], atol=2e-3)
        np.testing.assert_allclose(posed, joints, atol=2e-3)
        knee = shot.project(actor.joints("left_knee"))[0]
        np.testing.assert_allclose(one.keypoints_2d[COCO17.index("left_knee")], knee, atol=1e-2)
        np.testing.assert_allclose(item.notes.camera.cam_int, shot.cam_int)


def test_3doh_joints_that_do_not_fit_their_picture_are_refused(
    tmp_path: Path, body: Any, read_all: Any
) -> None:
    write_3doh(tmp_path, body, smpl_joints_2d=(np.arange(48.0).reshape(24, 2) * 3).tolist())
    assert {type(one) for one in read_all("3doh", tmp_path)} == {Rejection}
    with pytest.raises(LayoutError, match=r"trainset/annots.json: no such file.*yangangwang"):
        read_all("3doh", tmp_path, "train")
    (tmp_path / "testset" / "annots.json").write_text('{"00000": {"img_path": "images/00000.jpg"}}')
    with pytest.raises(LayoutError, match=r"annots.json: record of .*: lacks 'intri'; expected an object"):
        read_all("3doh", tmp_path)


def test_3doh_as_jotr_evaluates_on_it(tmp_path: Path, body: Any, read_all: Any) -> None:
    actor, shot = actors.act(body, 9)[0], actors.shoot(0.0)
    seen = np.column_stack([shot.project(actor.joints(COCO17.names)), np.full(17, 0.8)])
    record = {
        "pose": actor.pose.tolist(), "shape": actor.person.betas.astype(float).tolist(), "scale": [1.0],
        "trans": [0.1, 0.2, 3.0], "hrnet_results": seen.tolist(),
    }  # fmt: skip
    (tmp_path / "3doh_test_annots_scale_1.json").write_text(json.dumps({"00003.jpg": record}))
    actors.paint(tmp_path / "images" / "00003.jpg")
    [item] = read_all("3doh", tmp_path, annotations="3doh_test_annots_scale_1.json")
    [one] = item.notes.people
    np.testing.assert_allclose(one.keypoints_2d, seen[:, :2], atol=1e-3)
    np.testing.assert_allclose(one.person.transl, [0.1, 0.2, 3.0], atol=1e-6)
    np.testing.assert_allclose(one.person.body_pose, actor.person.body_pose, atol=1e-6)
    assert item.notes.camera is None and one.keypoints_3d is None


def test_panoptic_as_the_toolbox_extracts_it(tmp_path: Path, body: Any, read_all: Any) -> None:
    people, cameras = write_panoptic(tmp_path, body, 2)
    found = read_all("cmu_panoptic", tmp_path, "mafia")
    assert [(one.notes.sequence, one.notes.view, one.notes.frame) for one in found] == [
        ("160422_mafia2", view, frame) for view in ("00_16", "00_30") for frame in (7, 8)
    ]
    notes, shot = found[0].notes, cameras["00_16"]
    np.testing.assert_allclose(notes.extrinsics, shot.extrinsics, atol=1e-6)
    for actor, one in zip(people, notes.people, strict=True):
        assert faces_left(one.keypoints_3d) > 0
        own = dict(zip(one.joints.names, one.joints.keypoints_3d, strict=True))
        np.testing.assert_allclose(own["pelvis"], shot.see(actor.joints("mid_hip"))[0], atol=1e-4)
        np.testing.assert_allclose(own["left_wrist"], shot.see(actor.joints("lwrist"))[0], atol=1e-4)
        wrist = COCO17.index("left_wrist")
        np.testing.assert_allclose(
            one.keypoints_2d[wrist], shot.project(actor.joints("lwrist"))[0], atol=1e-2
        )
        assert one.confidence_3d[SMPL24.index("pelvis")] == 0, "the middle of the hips is not SMPL's pelvis"
    assert notes.people[0].confidence_3d[SMPL24.index("neck")] == 1 and (
        notes.people[1].confidence_3d[SMPL24.index("neck")] == 0
    )
    assert len(read_all("cmu_panoptic", tmp_path)) == 16
    (tmp_path / "test_sequences").mkdir()
    (tmp_path / "test_sequences" / "160906_pizza1.txt").write_text("8\n")
    assert [one.notes.frame for one in read_all("cmu_panoptic", tmp_path, "pizza")] == [8, 8]
    (tmp_path / "160906_pizza1" / "calibration_160906_pizza1.json").unlink()
    with pytest.raises(LayoutError, match=r"calibration_160906_pizza1.json: no such file.*domedb"):
        read_all("cmu_panoptic", tmp_path, "pizza")


def test_panoptic_as_papers_evaluate_on_it(tmp_path: Path, body: Any, read_all: Any) -> None:
    people, shot = actors.act(body, 12, 2), actors.shoot(0.2)
    space, flat = np.zeros((2, 24, 4)), np.zeros((2, 24, 3))
    for number, one in enumerate(people):
        for row, name in enumerate(J24.split()):
            if name != "-":
                space[number, row] = [*shot.see(one.joints(name))[0], 1]
                flat[number, row] = [*shot.project(one.joints(name))[0], 1]
    space[1, 16, 3] = 0
    name = "processed/160422_ultimatum1/00_16/00_16_00000123.png"
    record = {
        "filename": name, "width": 128, "height": 96, "bboxes": np.array([[2, 3, 60, 70], [5, 6, 70, 80]]),
        "kpts2d": flat, "kpts3d": space,
    }  # fmt: skip
    folder = tmp_path / "processed" / "annotations"
    folder.mkdir(parents=True)
    nobody = {**record, "bboxes": np.array([]), "kpts2d": np.array([]), "kpts3d": np.array([])}
    (folder / "160422_ultimatum1.pkl").write_bytes(pickle.dumps([record, nobody], protocol=2))
    actors.paint(tmp_path / name)
    [item, left_out] = read_all("cmu_panoptic", tmp_path, "ultimatum")
    assert isinstance(left_out, Rejection) and left_out.reason == "nobody is in the picture"
    assert (item.notes.view, item.notes.frame) == ("00_16", 123)
    for number, (actor, one) in enumerate(zip(people, item.notes.people, strict=True)):
        assert one.joints.names == H36M17.names and faces_left(one.keypoints_3d) > 0
        names = ["pelvis" if name == "mid_hip" else name for name in H36M17.names]
        expected = shot.see(actor.joints(tuple("mid_hip" if name == "pelvis" else name for name in names)))
        known = one.joints.confidence_3d > 0
        assert [name for name, sure in zip(names, known, strict=True) if not sure] == ["spine"][:number]
        np.testing.assert_allclose(one.joints.keypoints_3d[known], expected[known], atol=1e-4)
    np.testing.assert_allclose(item.notes.people[0].bbox, [2, 3, 60, 70])
    with pytest.raises(LayoutError, match=r"160422_haggling1.pkl: no such file"):
        read_all("cmu_panoptic", tmp_path, "haggling")


@pytest.mark.parametrize("is_array", [True, False])
def test_views_and_clips_of_scorehmr(tmp_path: Path, body: Any, read_all: Any, is_array: bool) -> None:
    write_batched(tmp_path, body, is_array=is_array)
    found = read_all("scorehmr", tmp_path, "views", annotations="views.pkl")
    assert [(one.notes.sequence, one.notes.frame, one.notes.view) for one in found] == [
        (f"group{number:06d}", 0, f"view{view:02d}") for number in range(2) for view in range(2)
    ]
    clips = read_all("scorehmr", tmp_path, "video")
    assert [one.notes.frame for one in clips] == [0, 1, 0, 1]
    actor, shot = actors.act(body, 20)[0], actors.shoot(0.7)
    [one] = found[1].notes.people
    own = dict(zip(one.joints.names, one.joints.keypoints_3d, strict=True))
    for ours, name in (("pelvis", "mid_hip"), ("spine", "spine"), ("jaw", "jaw"), ("left_elbow", "lelbow")):
        np.testing.assert_allclose(own[ours], shot.see(actor.joints(name))[0], atol=1e-4)
    eye = COCO17.index("left_eye")
    np.testing.assert_allclose(one.keypoints_2d[eye], shot.project(actor.joints("leye"))[0], atol=1e-2)
    assert one.confidence_2d[eye] == pytest.approx(0.7) and faces_left(one.keypoints_3d) > 0
    width = one.bbox[2] - one.bbox[0]
    assert width == pytest.approx(
        1.2 * np.ptp(shot.project(actor.joints(OPENPOSE25.names)), axis=0).max(), rel=1e-3
    )


def test_single_pictures_of_scorehmr_and_what_is_missing(tmp_path: Path, body: Any, read_all: Any) -> None:
    [record] = groups(tmp_path, body, 1, 3)
    with pytest.raises(LayoutError, match=r"annotations: say which file to read.*has none.*statho/ScoreHMR"):
        read_all("scorehmr", tmp_path)
    np.savez(tmp_path / "3dpw_test.npz", **record)
    found = read_all("scorehmr", tmp_path)
    assert len(found) == 3 and {one.notes.sequence for one in found} == {""}
    del record["center"]
    np.savez(tmp_path / "3dpw_test.npz", **record)
    with pytest.raises(LayoutError, match=r"3dpw_test.npz: row 0 of group 0: lacks 'center'"):
        read_all("scorehmr", tmp_path)
