import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from dataset_writers import actors
from dataset_writers.threedpw import OPENPOSE18, write

from synthgen.datasets.entry import LayoutError
from synthgen.joints import COCO17, SMPL24
from synthgen.observation import body_name
from synthgen.sample import Rejection


def test_bodies_are_where_the_joints_are_and_gendered(tmp_path: Path, body, read_all) -> None:
    people = write(tmp_path, body, "test", "downtown_arguing_00")
    found = read_all("3dpw", tmp_path)
    assert [item.notes.frame for item in found] == [0, 1, 2]
    for frame, item in enumerate(found):
        shot, notes = actors.shoot(0.2 * frame), item.notes
        np.testing.assert_allclose(notes.extrinsics, shot.extrinsics, atol=1e-6)
        for own, one in zip(people, notes.people, strict=True):
            joints = shot.see(own[frame].joints(SMPL24.names))
            np.testing.assert_allclose(one.keypoints_3d, joints, atol=1e-4)
            posed = body.pose([one.person]).points[0]
            np.testing.assert_allclose(
                posed[: len(SMPL24)], joints, atol=1e-3, err_msg="same body, camera frame"
            )
            seen = shot.project(own[frame].joints("left_knee"))[0]
            np.testing.assert_allclose(one.keypoints_2d[COCO17.index("left_knee")], seen, atol=1e-2)
            detected = one.joints.keypoints_2d[one.joints.names.index("right_ear")]
            np.testing.assert_allclose(detected, shot.project(own[frame].joints("rear"))[0], atol=1e-2)
            assert one.joints.confidence_2d[0] == 0.5 and one.confidence_2d[COCO17.index("nose")] == 0
        assert [body_name(notes.body, one) for one in notes.people] == ["smpl_male", "smpl_female"]
    assert found[0].data == (tmp_path / "imageFiles/downtown_arguing_00/image_00000.jpg").read_bytes()


def test_people_whose_camera_is_wrong_are_left_out(tmp_path: Path, body, read_all) -> None:
    valid = [np.array([1, 0, 0]), np.array([1, 1, 0])]
    write(tmp_path, body, "test", "a_00", campose_valid=valid, gender=["m", "f"])
    first, second, third = read_all("3dpw", tmp_path, "test")
    assert len(first.notes.people) == 2 and [one.gender for one in second.notes.people] == ["female"]
    assert isinstance(third, Rejection) and third.reason == "nobody with a valid camera pose"


def test_published_subsets(tmp_path: Path, body, read_all) -> None:
    write(tmp_path, body, "validation", "courtyard_hug_00", 103)
    write(tmp_path, body, "train", "courtyard_box_00", 2)
    write(tmp_path, body, "test", "flat_guitar_01", 2)
    write(tmp_path, body, "test", "downtown_arguing_00", 2)
    frames = [(item.notes.sequence, item.notes.frame) for item in read_all("3dpw", tmp_path, "pc")]
    assert frames == [("courtyard_hug_00", 100), ("courtyard_hug_00", 101), ("courtyard_hug_00", 102)]
    hidden = {item.notes.sequence for item in read_all("3dpw", tmp_path, "oc")}
    assert hidden == {"courtyard_box_00", "flat_guitar_01"}
    assert len(read_all("3dpw", tmp_path, "crowd")) == 103
    assert len(read_all("3dpw", tmp_path, "all")) == 109
    assert len(read_all("3dpw", tmp_path, "validation", every=50)) == 3


def test_the_json_that_dpmesh_evaluates_on(tmp_path: Path, body, read_all) -> None:
    actor, shot = actors.act(body, 4)[0], actors.shoot()
    own = actors.act(body, 4)[0].person
    seen = np.column_stack([shot.project(actor.joints(OPENPOSE18)), np.full(18, 0.6)])
    low = seen[:, :2].min(0)
    smpl = {
        "pose": actor.pose.tolist(),
        "shape": [own.betas.astype(float).tolist()],
        "trans": [0.1, 0.2, 3.0],
    }
    images = [
        {
            "id": n,
            "file_name": f"image_{n:05d}.jpg",
            "sequence": name,
            "width": 128,
            "height": 96,
            "cam_param": {"focal": [110.0, 112.0], "princpt": [63.0, 50.0]},
        }
        for n, name in enumerate(("courtyard_hug_00", "other_00"))
    ]
    annotations = [
        {
            "id": 5 + n,
            "image_id": n,
            "bbox": [*low, 30.0, 50.0],
            "smpl_param": {**smpl, "gender": "female"},
            "openpose_result": seen.tolist(),
        }
        for n in range(2)
    ]
    (tmp_path / "3DPW_latest_validation.json").write_text(
        json.dumps({"images": images, "annotations": annotations})
    )
    actors.paint(tmp_path / "imageFiles" / "courtyard_hug_00" / "image_00000.jpg")
    found = read_all("3dpw", tmp_path, "validation", annotations="3DPW_latest_validation.json")
    assert [type(one).__name__ for one in found] == ["StoredPicture", "Rejection"]
    notes = found[0].notes
    [one] = notes.people
    assert (notes.sequence, notes.frame, one.gender) == ("courtyard_hug_00", 0, "female")
    np.testing.assert_allclose(notes.camera.cam_int, [[110, 0, 63], [0, 112, 50], [0, 0, 1]])
    np.testing.assert_allclose(one.person.transl, [0.1, 0.2, 3.0], atol=1e-6)
    np.testing.assert_allclose(one.person.body_pose, own.body_pose, atol=1e-6)
    ear = OPENPOSE18.split().index("rear")
    np.testing.assert_allclose(one.keypoints_2d[COCO17.index("right_ear")], seen[ear, :2], atol=1e-3)
    assert len(read_all("3dpw", tmp_path, "crowd", annotations="3DPW_latest_validation.json")) == 1
    nowhere = {**annotations[0], "id": 9, "bbox": [1.0, 1, 0, 0], "openpose_result": [[0, 0, 0]] * 18}
    (tmp_path / "more.json").write_text(
        json.dumps({"images": images, "annotations": [nowhere, *annotations]})
    )
    [kept, _] = read_all("3dpw", tmp_path, "validation", annotations="more.json")
    assert len(kept.notes.people) == 1, "somebody who is nowhere does not cost the others their place"
    better = np.column_stack([shot.project(actor.joints(COCO17.names)) + 1, np.full(17, 0.8)]).tolist()
    (tmp_path / "3DPW_validation_crowd_hhrnet_result.json").write_text(
        json.dumps({"5": {"coco_joints": better}})
    )
    for split, expected in (
        ("crowd", np.array(better)[COCO17.index("right_ear"), :2]),
        ("all", seen[ear, :2]),
    ):
        [item, *_] = read_all("3dpw", tmp_path, split, annotations="3DPW_latest_validation.json")
        ours = item.notes.people[0].keypoints_2d[COCO17.index("right_ear")]
        np.testing.assert_allclose(ours, expected, atol=1e-3, err_msg="HigherHRNet's, for the crowd alone")
    with pytest.raises(LayoutError, match=r"none.json: no such file or folder; expected 3DPW's json"):
        read_all("3dpw", tmp_path, "pc", annotations="none.json")


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("touched-by-a-pickle"),))


def test_pickles_run_nothing_and_odd_ones_are_named(tmp_path: Path, body, read_all, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LayoutError, match=r"sequenceFiles/test: no such file.*virtualhumans"):
        read_all("3dpw", tmp_path)
    write(tmp_path, body, "test", "a_00")
    path = tmp_path / "sequenceFiles" / "test" / "a_00.pkl"
    whole = path.read_bytes()
    path.write_bytes(pickle.dumps({"poses": Evil()}))
    with pytest.raises(LayoutError, match=r"a_00.pkl: refused: it asks for .*3DPW comes from"):
        read_all("3dpw", tmp_path)
    assert not Path("touched-by-a-pickle").exists()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LayoutError, match=r"a_00.pkl: not a readable pickle"):
        read_all("3dpw", tmp_path)
    content = pickle.loads(whole)
    for key, value, words in (
        ("cam_poses", np.zeros((3, 3)), "shape"),
        ("poses", [np.zeros((3, 71))] * 2, r"expected \(3, 72\)"),
        ("genders", ["m", "x"], "gender must be one of"),
        ("trans", [np.zeros((3, 3))], "trans is given for 1 people, poses for 2"),
    ):  # fmt: skip
        path.write_bytes(pickle.dumps({**content, key: value}))
        with pytest.raises(LayoutError, match=rf"a_00.pkl: .*{words}"):
            read_all("3dpw", tmp_path)
