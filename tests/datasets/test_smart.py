from pathlib import Path

import numpy as np
import pytest
from dataset_writers import actors
from dataset_writers.smart import DIVING, FIELD, GYM, ORDER, video, write

from synthgen.datasets.entry import LayoutError
from synthgen.joints import COCO17
from synthgen.sample import Rejection


def names(found: list) -> list[str]:
    return [item.notes.sequence for item in found]


def test_joints_flags_and_boxes(tmp_path: Path, body, read_all) -> None:
    write(tmp_path, body, {GYM: [video(tmp_path, body, "beam", "184;204", 2, (3, 1))]})
    found = read_all("smart", tmp_path, "balance_beam/all")
    person, expected = found[0].notes.people[0], actors.act(body, 4, 2)[0]
    shot = actors.shoot()
    for name in ("right_hip", "left_wrist", "nose"):
        np.testing.assert_allclose(
            person.keypoints_2d[COCO17.index(name)], shot.project(expected.joints(name))[0], atol=1e-3
        )
    hidden = COCO17.index("right_elbow")
    assert person.confidence_2d[hidden] == 0 == person.visibility[hidden], "1 is not visible"
    assert person.confidence_2d[COCO17.index("nose")] == 1 == person.visibility[COCO17.index("nose")]
    assert person.confidence_2d[COCO17.index("left_eye")] == 0, "eyes and feet cannot be trusted here"
    assert person.joints.confidence_2d[person.joints.names.index("left_heel")] == 0
    xy = shot.project(expected.joints(ORDER))
    np.testing.assert_allclose(person.bbox, [*xy.min(0), *xy.max(0)], atol=1e-3)
    assert (person.family, person.action) == ("gymnastics", "balance_beam")
    assert found[0].data == (tmp_path / "images" / "beam_0000.jpg").read_bytes()


def test_divers_have_feet_and_a_two_is_not_visible(tmp_path: Path, body, read_all) -> None:
    write(tmp_path, body, {DIVING: [video(tmp_path, body, "dive", "", 2, (4, 2))]})
    [first, _] = read_all("smart", tmp_path, "diving/all")
    person = first.notes.people[0]
    assert person.joints.confidence_2d[person.joints.names.index("left_heel")] == 1
    assert person.confidence_2d[COCO17.index("right_wrist")] == 0
    assert person.visibility[COCO17.index("right_wrist")] == 0


def test_published_splits(tmp_path: Path, body, read_all) -> None:
    gym = [video(tmp_path, body, f"vault{n}", "vt", 1) for n in range(6)]
    gym += [video(tmp_path, body, f"beam{n}", "184;204", 1) for n in range(7)]
    gym += [video(tmp_path, body, f"bars{n}", "271", 1) for n in range(5)]
    gym += [video(tmp_path, body, "nothing", "", 1), video(tmp_path, body, "else", "27;204;9", 1)]
    field = [video(tmp_path, body, f"pole{n}", f"cgt{n};cgt9", 7) for n in range(3)]
    field += [video(tmp_path, body, f"high{n}", f"tg0{n}", 6) for n in range(3)]
    field += [video(tmp_path, body, "badminton", "ymq1", 2)]
    diving = [video(tmp_path, body, f"dive{n:02d}", "101b", 11 if n in (0, 16) else 1) for n in range(17)]
    write(tmp_path, body, {GYM: gym, FIELD: field, DIVING: diving})
    assert names(read_all("smart", tmp_path, "vault/train")) == [f"vault{n}" for n in range(4)]
    assert names(read_all("smart", tmp_path, "vault/test")) == ["vault4", "vault5"]
    assert names(read_all("smart", tmp_path, "balance_beam/train")) == [f"beam{n}" for n in range(5)]
    assert names(read_all("smart", tmp_path, "balance_beam/test")) == ["beam5", "beam6"]
    assert names(read_all("smart", tmp_path, "uneven_bars/train")) == ["bars0", "bars1", "bars2"]
    poles = read_all("smart", tmp_path, "pole_vault/train")
    assert names(poles) == ["pole0"] * 2 + ["pole1"] * 2, "the last five frames of a clip are left out"
    assert names(read_all("smart", tmp_path, "pole_vault/test")) == ["pole2"] * 2
    assert names(read_all("smart", tmp_path, "high_jump/train")) == ["high0", "high1"]
    assert names(read_all("smart", tmp_path, "badminton/all")) == ["badminton"] * 2
    dives = read_all("smart", tmp_path, "diving/train")
    assert [(item.notes.sequence, item.notes.frame) for item in dives[:3]] == [
        ("dive00", 0), ("dive00", 10), ("dive01", 0),
    ]  # fmt: skip
    assert len(dives) == 16 and len(read_all("smart", tmp_path, "diving/test")) == 3
    assert len(read_all("smart", tmp_path, "train")) == 4 + 5 + 3 + 4 + 2 + 16
    with pytest.raises(
        LayoutError, match="no split of badminton was published; expected split=badminton/all"
    ):
        read_all("smart", tmp_path, "badminton/train")


def test_frames_without_people_or_pictures_are_counted(tmp_path: Path, body, read_all) -> None:
    clip = video(tmp_path, body, "vault", "vt", 5)
    clip["frames"][0]["joints"] = []
    clip["frames"][1]["joints"] = [[1, 2, 0]] * 24
    clip["frames"][2]["img_name"] = "../../etc/passwd"
    (tmp_path / "images" / "vault_0003.jpg").unlink()
    write(tmp_path, body, {GYM: [clip]})
    found = read_all("smart", tmp_path, "vault/all")
    assert [item.reason for item in found[:4] if isinstance(item, Rejection)] == [
        "nobody is labelled", "joints or bbox have another shape", "the frame names no picture",
        "the picture is missing",
    ]  # fmt: skip
    assert found[4].notes.frame == 4


def test_missing_and_odd_files_say_what_to_do(tmp_path: Path, body, read_all) -> None:
    with pytest.raises(LayoutError, match=r"Table_VideoInfo_gym.json: no such file.*CC BY-NC-SA 4.0"):
        read_all("smart", tmp_path, "vault/train")
    write(tmp_path, body, {})
    with pytest.raises(LayoutError, match="holds no frame of vault/train"):
        read_all("smart", tmp_path, "vault/train")
    for text, words in (
        ("{}", "holds a dict, no list"),
        ("[{}]", "lacks 'action_labels'"),
        ("[1", "gym.json: "),
    ):
        (tmp_path / "annotations" / GYM).write_text(text)
        with pytest.raises(LayoutError, match=words):
            read_all("smart", tmp_path, "vault/train")
