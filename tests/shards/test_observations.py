import io
import json
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthgen import storage
from synthgen.body import Body
from synthgen.geometry import intrinsics, project, rotvec_to_rotmat
from synthgen.joints import COCO17, SMPL24
from synthgen.observation import MeasuredJoints, Observation, ObservedPerson, body_name
from synthgen.sample import Camera, Person, Rejection, Sample, Validity
from synthgen.shards import Shard, is_done, read_pictures, write_shard
from synthgen.shards.observation_records import (
    StoredPicture,
    from_members,
    look_at_file,
    notes_of_sample,
    to_notes,
    to_record,
)
from synthgen.shards.observations import read_observations, read_stored, write_observations
from synthgen.shards.shard import CONFIG_NAME
from synthgen.shards.verify import Verification

SIZE = (48, 64)
RNG = np.random.default_rng(0)
CAM_INT = intrinsics(60.5, SIZE)
BOTH = [name for name in COCO17.names if name in SMPL24.names]
BOTH_COCO, BOTH_SMPL = ([joints.index(name) for name in BOTH] for joints in (COCO17, SMPL24))


def make_person(smpl: bool = True, joints: bool = True, count: int = 17) -> ObservedPerson:
    confidence = np.zeros(17, np.float32)
    confidence[:count] = RNG.uniform(0.1, 1, count)
    points = RNG.uniform((-0.4, -0.3, 1), (0.4, 0.3, 2), (24, 3)).astype(np.float32)
    pixels = RNG.uniform(0, 40, (17, 2))
    pixels[BOTH_COCO] = project(points[BOTH_SMPL], CAM_INT)
    return ObservedPerson(
        bbox=np.array([3.25, 4, 40, 44.5], np.float32),
        keypoints_2d=np.where(confidence[:, None] > 0, pixels, 0).astype(np.float32),
        confidence_2d=confidence,
        keypoints_3d=points if joints else None,
        confidence_3d=np.full(24, 0.5 * joints, np.float32),
        person=Person(*(RNG.normal(size=s).astype(np.float32) for s in ((3,), (23, 3), (10,), (3,))))
        if smpl
        else None,
        family="ski",
        action="tuck",
        visibility=RNG.random(17).astype(np.float32) if smpl else None,
        gender="female" if smpl else "neutral",
        joints=make_joints() if smpl else None,
    )


def make_joints(points: bool = True) -> MeasuredJoints:
    names, sure = ("pelvis", "right_ski_tip", "left_pole"), np.array([1, 0, 0.25], np.float32)
    known = sure[:, None] > 0
    return MeasuredJoints(
        names,
        np.where(known, RNG.uniform(0, 40, (3, 2)), 0).astype(np.float32),
        sure,
        np.where(known, RNG.normal(size=(3, 3)), 0).astype(np.float32) if points else None,
        sure * points,
    )


def make_observation(key: str = "real-0", camera: bool = True, **known: object) -> Observation:
    return Observation(
        key=key,
        image=RNG.integers(0, 255, (*SIZE, 3)).astype(np.uint8),
        camera=Camera(intrinsics(60.5, SIZE), SIZE) if camera else None,
        people=(make_person(), make_person(smpl=False, joints=False, count=9)),
        body="smpl",
        source="ski_poseptz/train",
        sequence="run7",
        frame=12,
        view="cam2",
        caption="a skier",
        extrinsics=np.column_stack([rotvec_to_rotmat(np.array([0.1, 2, 0.3])), [0.5, 1, 2.25]]),
        distortion=np.array([0.1, -0.02, 0.001, 0, 0.5]),
        labelled_by="vitpose abc",
        **known,
    )


def assert_same(one: object, other: object, but: tuple[str, ...] = ()) -> None:
    for name, value in vars(one).items():
        found = getattr(other, name)
        if name in but:
            continue
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, found, err_msg=name)
        elif hasattr(value, "__dataclass_fields__"):
            assert_same(value, found)
        elif name == "people":
            for a, b in zip(value, found, strict=True):
                assert_same(a, b)
        else:
            assert value == found, name


def jpeg(image: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", **options)
    return stream.getvalue()


def rewrite(tar: Path, edit: object) -> None:
    """Give every (name, content) of a tar to `edit`, which returns another content, or None for none."""
    with tarfile.open(tar) as archive:
        members = [(entry.name, archive.extractfile(entry).read()) for entry in archive]
    with tarfile.open(tar, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            content = edit(name, content)
            if content is not None:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


def edit_record(tar: Path, **changes: object) -> None:
    def edit(name: str, content: bytes) -> bytes:
        return json.dumps({**json.loads(content), **changes}).encode() if name.endswith(".json") else content

    rewrite(tar, edit)


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    write_observations(str(tmp_path), "real", [make_observation()], image_format="png")
    return tmp_path / "real-000000.tar"


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


def test_readers_of_generated_samples_say_what_an_observation_is(tar: Path) -> None:
    with pytest.raises(ValueError, match="key real-0: .*observation.*read_observations"):
        next(read_pictures(str(tar)))


@pytest.mark.parametrize("member", ["png", "json"])
def test_a_missing_member_names_tar_and_key(tar: Path, member: str) -> None:
    rewrite(tar, lambda name, content: None if name.endswith(member) else content)
    with pytest.raises(ValueError, match=rf"{tar}: key real-0: no .*: expected a member"):
        list(read_observations(str(tar)))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"schema": 2}, "schema must be 1, got 2"),
        ({"kind": "guess"}, "kind must be 'observation'"),
        ({"people": []}, "the record lists no people"),
        ({"people": [{"bbox": [0, 0, 1, 1]}]}, "lacks 'keypoints_2d'"),
        ({"people": 3}, "wrong type"),
        ({"camera": {"cam_int": [[1, 0, 0]]}}, r"cam_int must have shape \(3, 3\)"),
        ({"camera": {"cam_int": [[float("nan")] * 3] * 3}}, "json holds NaN"),
        ({"image": {"width": 63, "height": 48}}, "camera|says"),
        ({"frame": "7"}, "frame must be int"),
        ({"frame": -1}, "frame must be at least 0"),
    ],
)
def test_a_wrong_record_is_one_clear_error(tar: Path, changes: dict[str, object], expected: str) -> None:
    edit_record(tar, **changes)
    with pytest.raises(ValueError, match=rf"(?s){tar}: key real-0: .*({expected})"):
        list(read_observations(str(tar)))


def record_of(person: ObservedPerson) -> dict[str, object]:
    return to_record(replace(make_observation(), people=(person,)).notes())["people"][0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"betas": None}, "must all be given, or all be null"),
        ({"keypoints_2d": [[1, 2, 1]] * 16}, "keypoints_2d must be null or 17 rows"),
        ({"keypoints_2d": [[1, 2]] * 17}, "rows of 2 coordinates and a confidence"),
        ({"keypoints_3d": None}, "valid.keypoints_3d is True, but the labels say False"),
        ({"keypoints_2d": [[1, 2, 1.5]] * 17}, r"confidence_2d must lie in \[0, 1\]"),
        ({"bbox": [5, 5, 5, 9]}, "bbox must have x1 > x0"),
        ({"bbox": [5, 5, 1e300, 9]}, "bbox must be finite"),
        ({"bbox": "wide"}, "wrong type"),
        ({"visibility": [2.0] * 17}, "visibility must lie"),
    ],
)
def test_a_wrong_person_is_one_clear_error(tar: Path, changes: dict[str, object], expected: str) -> None:
    edit_record(tar, people=[{**record_of(make_person()), **changes}])
    with pytest.raises(ValueError, match=rf"{tar}: key real-0: .*{expected}"):
        list(read_observations(str(tar)))


def test_pickles_and_damaged_pictures_are_refused(tar: Path) -> None:
    rewrite(tar, lambda name, content: pickle.dumps({}) if name.endswith("png") else content)
    with pytest.raises(ValueError, match="key real-0: png cannot be decoded"):
        list(read_observations(str(tar)))
    rewrite(tar, lambda name, content: pickle.dumps({}) if name.endswith("json") else content)
    with pytest.raises(ValueError, match="key real-0: json is not UTF-8"):
        list(read_observations(str(tar)))


def test_a_picture_without_people_is_told_from_damage(tar: Path) -> None:
    edit_record(tar, people=[])
    assert list(read_stored(str(tar))) == ["real-0"]
    with pytest.raises(ValueError, match="no people"):
        from_members({"png": b"", "json": json.dumps({"schema": 1, "people": []}).encode()})


def problems(folder: Path, body: Body) -> list[str]:
    return list(Verification(str(folder), {body.name: body}).problems())


def test_verify_accepts_observations_and_counts_them(tmp_path: Path, body: Body) -> None:
    (tmp_path / CONFIG_NAME).write_text("pipeline: ingest\n")
    items = [make_observation(f"real-{n}") for n in range(3)]
    write_observations(str(tmp_path), "real", items, shard_size=2)
    check = Verification(str(tmp_path), {body.name: body})
    assert list(check.problems()) == []
    assert (check.shards, check.samples, check.people) == (2, 3, 6)


def test_verify_names_what_is_wrong_with_an_observation(tar: Path, body: Body) -> None:
    good = tar.read_bytes()

    def found(**changes: object) -> str:
        tar.write_bytes(good)
        edit_record(tar, **changes)
        return "\n".join(problems(tar, body))

    assert "real-0.json: key must be that of its file, got 'other'" in found(key="other")
    assert "real-0.json: unknown key 'mood'" in found(mood="fine")
    assert "real-0.json: schema must be 1, got 3" in found(schema=3)
    far = replace(make_person(), bbox=np.array([900, 0, 950, 9], np.float32))
    assert "person 1: bbox" in found(people=[record_of(far)])
    behind = replace(make_person(), keypoints_3d=-np.ones((24, 3), np.float32))
    assert "person 1: keypoints_3d: 24 joints lie behind the camera" in found(people=[record_of(behind)])
    away = replace(make_person(), keypoints_2d=np.full((17, 2), 400, np.float32))
    assert "keypoints_2d lie far outside the 64x48 picture" in found(people=[record_of(away)])
    tar.write_bytes(good)
    rewrite(tar, lambda name, data: jpeg(np.zeros((8, 8, 3), np.uint8)) if name.endswith("png") else data)
    text = "\n".join(problems(tar, body))
    assert "picture is in truth a jpg" in text and "picture is 8x8, the record says 64x48" in text


def test_verify_refuses_members_that_observations_do_not_have(tar: Path, body: Body) -> None:
    with tarfile.open(tar, "a") as archive:
        entry = tarfile.TarInfo("real-0.mask.png")
        archive.addfile(entry, io.BytesIO())
    assert any("real-0.mask.png: is no member of an observation" in line for line in problems(tar, body))


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


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("extrinsics", 2 * np.eye(3, 4), "must begin with a rotation"),
        ("extrinsics", np.diag([1.0, 1, -1])[:, [0, 1, 2, 2]], "must begin with a rotation"),
        ("extrinsics", np.eye(4), "shape"),
        ("distortion", np.zeros(6), r"\(4, 5, 8\) coefficients"),
        ("distortion", np.full(5, np.nan), "finite"),
    ],
)
def test_calibration_that_cannot_be_is_refused(name: str, value: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(make_observation(), **{name: value})


def test_joints_of_ones_own_are_checked() -> None:
    joints = make_joints()
    for changes in (
        {"names": ("a", "a", "b")},
        {"names": ()},
        {"confidence_2d": np.full(3, 2.0)},
        {"keypoints_3d": None},
        {"keypoints_2d": np.zeros((4, 2))},
    ):
        with pytest.raises(ValueError, match="MeasuredJoints"):
            replace(joints, **changes)
    with pytest.raises(ValueError, match="gender"):
        replace(make_person(), gender="m")


def test_verify_finds_a_camera_that_does_not_fit(tmp_path: Path) -> None:
    right = make_observation("right")
    turned = replace(right, key="wrong", camera=Camera(intrinsics(600.0, SIZE), SIZE))
    write_observations(str(tmp_path), "real", [right, turned])
    problems = list(Verification(str(tmp_path), {}).problems())
    assert problems and not any("right.json" in one for one in problems)
    assert any("wrong.json: person 1: keypoints_3d, seen by the camera" in one for one in problems)
