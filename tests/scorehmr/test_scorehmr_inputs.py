"""Joints of other tools become observations; what cannot be fitted is counted or named, never guessed."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from score_people import CAMERA, person

from synthgen.body import Body
from synthgen.geometry import project
from synthgen.joints import COCO17, FEET6, H36M17, OPENPOSE25, JointSet
from synthgen.scorehmr.inputs import Ledger, Naming, box_around, list_pictures, observe, why_not
from synthgen.scorehmr.keypoint_files import Found, read_keypoints, to_coco17

SIZE = (90, 120)


def joints(count: int = len(COCO17)) -> np.ndarray:
    return np.random.default_rng(0).uniform(10, 80, (count, 2))


def draw(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.fromarray(np.full((*SIZE, 3), 90, np.uint8)).save(folder / name)
    return list_pictures(folder)


def write_coco(path: Path, people: dict[str, list[np.ndarray]], size: tuple[int, int] = SIZE) -> Path:
    images = [
        {"id": number, "file_name": f"{name}.png", "height": size[0], "width": size[1]}
        for number, name in enumerate(people)
    ]
    annotations = [
        {"image_id": number, "keypoints": np.column_stack([one, np.full(len(one), 2)]).ravel().tolist()}
        for number, found in enumerate(people.values())
        for one in found
    ]
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def test_the_three_formats_say_the_same(tmp_path: Path) -> None:
    points = joints()
    coco = read_keypoints(write_coco(tmp_path / "joints.json", {"a": [points]}))
    np.savez(tmp_path / "joints.npz", names=["a.png"], keypoints_2d=points[None])
    folder = tmp_path / "openpose"
    folder.mkdir()
    full = np.zeros((len(OPENPOSE25), 3))
    full[list(COCO17.indices_in(OPENPOSE25)), :2] = points
    full[list(COCO17.indices_in(OPENPOSE25)), 2] = 0.75
    (folder / "a_keypoints.json").write_text(
        json.dumps({"people": [{"pose_keypoints_2d": full.ravel().tolist()}]})
    )
    for found in (coco, read_keypoints(tmp_path / "joints.npz"), read_keypoints(folder)):
        assert np.allclose(found.people["a"].keypoints_2d, points[None])
    assert (coco.people["a"].confidence == 1).all() and coco.sizes == {"a": SIZE}
    assert (read_keypoints(folder).people["a"].confidence == 0.75).all()


def test_feet_of_openpose_and_wholebody_are_kept(tmp_path: Path) -> None:
    full = np.column_stack([joints(len(OPENPOSE25)), np.full(len(OPENPOSE25), 0.75)])
    full[OPENPOSE25.index("left_heel")] = (0, 0, 0)  # not found
    feet = full[list(FEET6.indices_in(OPENPOSE25))]
    folder = tmp_path / "openpose"
    folder.mkdir()
    (folder / "a_keypoints.json").write_text(
        json.dumps({"people": [{"pose_keypoints_2d": full.ravel().tolist()}]})
    )
    path = write_coco(tmp_path / "joints.json", {"a": [full[list(COCO17.indices_in(OPENPOSE25)), :2]]})
    record = json.loads(path.read_text())
    record["annotations"][0]["foot_kpts"] = (feet * [1, 1, 2 / 0.75]).ravel().tolist()
    path.write_text(json.dumps(record))
    files = draw(tmp_path / "pictures", "a.png")
    for found, sure in ((read_keypoints(folder), 0.75), (read_keypoints(path), 1.0)):
        assert np.allclose(found.feet["a"][0, :, 2], np.where(feet[:, 2] > 0, sure, 0))
        (made,) = observe(files, found, Naming(), Ledger())
        own = made.people[0].joints
        assert own is not None and own.names == FEET6.names
        assert np.allclose(own.keypoints_2d, feet[:, :2]) and own.confidence_2d[FEET6.index("left_heel")] == 0
    assert not read_keypoints(write_coco(tmp_path / "joints.json", {"a": [joints()]})).feet


def test_calibration_travels_and_needs_intrinsics(tmp_path: Path) -> None:
    files = draw(tmp_path / "pictures", "a.png")
    camera, pose = np.array([[99.0, 0, 60], [0, 99, 45], [0, 0, 1]]), np.eye(4)[:3]
    known = {"names": ["a"], "keypoints_2d": joints()[None]}
    np.savez(tmp_path / "joints.npz", **known, extrinsics=pose, cam_int=camera)
    (made,) = observe(files, read_keypoints(tmp_path / "joints.npz"), Naming(), Ledger())
    assert made.extrinsics is not None and np.allclose(made.extrinsics, pose)
    np.savez(tmp_path / "joints.npz", **known, extrinsics=pose)
    found = read_keypoints(tmp_path / "joints.npz")
    with pytest.raises(ValueError, match=r"extrinsics but no cam_int: add cam_int \(3, 3\), or set"):
        list(observe(files, found, Naming(), Ledger()))
    assert list(observe(files, found, Naming(focal_length=99), Ledger()))


def test_joints_that_are_nan_were_not_found() -> None:
    points = joints()[None]
    points[0, 3] = np.nan
    found = to_coco17(points, np.ones((1, 17)), "here")
    assert found.confidence[0, 3] == 0 and np.isfinite(found.keypoints_2d).all()
    assert found.confidence[0].sum() == 16


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "is not JSON"),
        ('{"images": []}', "expected COCO's 'images' and 'annotations'"),
        ('[{"image_id": 1}]', "lacks 'image_id' or 'keypoints'"),
        ('[{"image_id": 1, "keypoints": [1, 2, 1, 3, 4, 1]}]', r"J one of 17 \(coco17\), 25 \(openpose25\)"),
        ('{"images": [], "annotations": [{"image_id": 9, "keypoints": []}]}', "image_id"),
        ('[{"image_id": 1, "keypoints": "abc"}]', "flat lists of x, y, confidence"),
    ],
)
def test_other_files_are_one_clear_error(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "joints.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_keypoints(path)
    assert str(path) in str(caught.value)


def test_wrong_arrays_are_named(tmp_path: Path) -> None:
    path = tmp_path / "joints.npz"
    np.savez(path, names=["a"], keypoints_2d=np.zeros((1, 19, 2)))
    with pytest.raises(ValueError, match="J one of 17"):
        read_keypoints(path)
    np.savez(path, keypoints_2d=np.zeros((1, 17, 2)))
    with pytest.raises(ValueError, match="lacks names; it holds keypoints_2d"):
        read_keypoints(path)
    np.savez(path, names=["a"], keypoints_2d=np.zeros((1, 17, 2)), cam_int=np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"cam_int must be \(1, 3, 3\)"):
        read_keypoints(path)
    path.write_bytes(b"PK, but cut short")
    with pytest.raises(ValueError, match=r"is no \.npz of plain arrays"):
        read_keypoints(path)
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        read_keypoints(tmp_path / "nowhere")


def people_in(joint_set: JointSet, body: Body) -> np.ndarray:
    """Return joints (5, J, 2) [px] of five people, bent and turned any way."""
    rng = np.random.default_rng(2)
    posed = body.pose([person(rng, 0.4, turn) for turn in (0.0, 1.0, 2.0, 3.0, 5.0)])
    return project(body.joints(posed.points, joint_set).astype(np.float64), CAMERA.cam_int)


def test_seventeen_joints_of_human36m_are_not_taken_for_those_of_coco(tmp_path: Path, body: Body) -> None:
    path, names = tmp_path / "joints.npz", ["a"]
    np.savez(path, names=names, keypoints_2d=people_in(H36M17, body)[None])
    with pytest.raises(ValueError, match=r"order of h36m17, expected coco17 \(nose, .* reorder them"):
        read_keypoints(path)
    write_coco(tmp_path / "joints.json", {"a": list(people_in(H36M17, body))})
    with pytest.raises(ValueError, match="order of h36m17"):
        read_keypoints(tmp_path / "joints.json")
    for joint_set in (COCO17, OPENPOSE25):
        np.savez(path, names=names, keypoints_2d=people_in(joint_set, body)[None])
        assert len(read_keypoints(path).people["a"].confidence) == 5
    half = np.column_stack([people_in(COCO17, body)[:1, :11], np.full((1, 6, 2), np.nan)])
    np.savez(path, names=names, keypoints_2d=half[None])
    assert read_keypoints(path).people["a"].confidence[0].sum() == 11, "who shows from the hips up is fine"


def test_names_of_joints_are_believed(tmp_path: Path) -> None:
    path = tmp_path / "joints.npz"
    known = {"names": ["a"], "keypoints_2d": joints()[None]}
    np.savez(path, **known, joint_names=[name.replace("_", " ") for name in COCO17.names])
    assert len(read_keypoints(path).people["a"].confidence) == 1
    np.savez(path, **known, joint_names=[COCO17.names[1], COCO17.names[0], *COCO17.names[2:]])
    with pytest.raises(ValueError, match="left_eye, expected nose; reorder them"):
        read_keypoints(path)
    record = json.loads(write_coco(tmp_path / "joints.json", {"a": [joints()]}).read_text())
    record["categories"] = [{"id": 1, "name": "person", "keypoints": list(H36M17.names)}]
    (tmp_path / "joints.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="category 'person': .* pelvis, expected nose"):
        read_keypoints(tmp_path / "joints.json")
    record["categories"][0]["keypoints"] = list(COCO17.names)
    (tmp_path / "joints.json").write_text(json.dumps(record))
    assert read_keypoints(tmp_path / "joints.json").people


def test_arrays_may_say_for_which_size_their_joints_are(tmp_path: Path) -> None:
    files = draw(tmp_path / "pictures", "a.png")
    path, known = tmp_path / "joints.npz", {"names": ["a"], "keypoints_2d": joints()[None] * 0.5}
    np.savez(path, **known, image_size=[SIZE[0] // 2, SIZE[1] // 2])
    ledger = Ledger()
    assert not list(observe(files, read_keypoints(path), Naming(), ledger))
    assert ledger.lines() == [
        "1 left out: joints are for (45, 60) px, the picture has (90, 120) (first: a.png)"
    ]
    np.savez(path, **known, image_size=[list(SIZE)])
    assert len(list(observe(files, read_keypoints(path), Naming(), Ledger()))) == 1
    np.savez(path, **known, image_size=[[9, 9, 9]])
    with pytest.raises(ValueError, match=r"image_size must be \(1, 2\) finite"):
        read_keypoints(path)


def test_what_cannot_be_fitted_is_counted_with_its_reason(tmp_path: Path) -> None:
    files = draw(tmp_path / "pictures", "a.png", "b.png", "c.png", "d.png", "e.png")
    (tmp_path / "pictures" / "e.png").write_bytes(b"no picture")
    far = joints() + 1000
    found = read_keypoints(
        write_coco(tmp_path / "joints.json", {"a": [joints(), far], "b": [], "c": [0 * joints()]})
    )
    sizes = {**found.sizes, "d": (900, 1200)}
    people = {**found.people, "d": found.people["a"], "e": found.people["a"]}
    ledger = Ledger()
    made = list(observe(files, Found(people, sizes), Naming(), ledger))
    assert [one.key for one in made] == ["a"] and len(made[0].people) == 1
    assert set(ledger.reasons) == {
        "joints lie far outside of the picture; are they of another size?",
        "nobody in it",
        "all joints lie in one point",
        "joints are for (900, 1200) px, the picture has (90, 120)",
        "picture cannot be decoded",
    }
    assert sum(ledger.reasons.values()) == 5 and len(ledger.lines()) == 5


def test_joints_of_other_pictures_are_an_error(tmp_path: Path) -> None:
    files = draw(tmp_path / "pictures", "a.png")
    found = read_keypoints(write_coco(tmp_path / "joints.json", {"z": [joints()]}))
    with pytest.raises(ValueError, match="no picture has joints: pictures are called a…, joints are of z…"):
        list(observe(files, found, Naming(), Ledger()))


def test_names_say_views_and_frames(tmp_path: Path) -> None:
    files = draw(tmp_path / "run1", "cam0_0007.png", "cam1_0007.png")
    names = [path.stem for path in files]
    naming = Naming(r"(?P<view>cam\d)_(?P<frame>\d+)")
    assert naming.problems() == []
    assert naming.places(names, "run1") == {
        "cam0_0007": ("run1", 7, "cam0"),
        "cam1_0007": ("run1", 7, "cam1"),
    }
    assert Naming(is_video=True).places(names, "run1")["cam1_0007"] == ("run1", 1, "")
    with pytest.raises(ValueError, match="does not match pattern"):
        naming.places(["other"], "run1")
    assert "no regular expression" in Naming("(").problems()[0]
    assert "must have a group" in Naming("a").problems()[0]


def test_boxes_hold_the_joints_that_were_found() -> None:
    points, sure = joints(), np.ones(17)
    points[4], sure[4] = (500, 500), 0.0
    box = box_around(points, sure, SIZE)
    inside = points[sure > 0]
    assert (inside >= box[:2]).all() and (inside <= box[2:]).all() and box[2] < SIZE[1]


def test_reasons_tell_what_is_missing() -> None:
    points, sure = joints(), np.ones(17)
    assert why_not(points, sure, SIZE) == ""
    assert why_not(points, 0 * sure, SIZE) == "no joint was found"
    assert why_not(points, np.eye(17)[0], SIZE) == "fewer than 6 joints were found"
    assert why_not(points * np.nan, sure, SIZE) == "joints hold NaN"


def test_folders_without_pictures_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        list_pictures(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no picture in it"):
        list_pictures(tmp_path / "empty")
    draw(tmp_path / "twice", "a.png")
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(tmp_path / "twice" / "a.jpg")
    with pytest.raises(ValueError, match="two pictures are called a"):
        list_pictures(tmp_path / "twice")
