"""What readers are made of: the index of large JSON files, clips, keys, where left and right are."""

import json
from pathlib import Path

import numpy as np
import pytest
from dataset_writers import actors

from synthgen.datasets import json_rows
from synthgen.datasets.clips import Clips
from synthgen.datasets.entry import make_key
from synthgen.datasets.joint_orders import MPII16, OPENPOSE18
from synthgen.datasets.json_rows import RowsMaker, elements
from synthgen.datasets.sides import Sides, faces_left
from synthgen.datasets.video import frame_of
from synthgen.datasets.views import distort
from synthgen.joints import POINT_NAMES, SMPL24
from synthgen.shards.shard import KEY_PATTERN


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize("indent", [None, 2])
def test_elements_are_found_whatever_the_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, indent: int | None
) -> None:
    monkeypatch.setattr(json_rows, "CHUNK", chunk)
    content = {
        "größe": 12.5e3, "ok": True, "none": None,
        "text": "a ] } \\" , "images": [{"id": 1, "n": "é\"[{"}, {"id": 22}],
        "empty": [], "nothing": {}, "7": {"deep": [[1, 2], [3, -4.5e-3]]}, "numbers": [1, 23, 456],
    }  # fmt: skip
    for ascii_only in (True, False):
        path = tmp_path / "file.json"
        path.write_text(json.dumps(content, indent=indent, ensure_ascii=ascii_only), "utf-8")
        made = RowsMaker(path)
        kept = []
        for one in elements(path):
            made.add(one)
            kept.append((one.member, one.is_listed))
        expected = [(name, False) for name, value in content.items() if not isinstance(value, list)]
        assert [pair for pair in kept if not pair[1]] == expected
        rows = made.rows()
        values = [
            value for whole in content.values() for value in (whole if isinstance(whole, list) else [whole])
        ]
        assert [rows.read(number) for number in range(len(rows))] == values


@pytest.mark.parametrize(
    "text", ["", "3", '"a"', "[1, 2", '{"a": }', '{"a" 1}', "{1: 2}", "[1] 2", "[1,]", "[" * 5000]
)
def test_what_is_no_json_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises((ValueError, RecursionError)):
        list(elements(path))


def test_clips_number_every_nth_frame() -> None:
    clips = Clips([3, 0, 5], every=2)
    assert [clips.locate(number) for number in range(len(clips))] == [(0, 0), (0, 2), (2, 0), (2, 2), (2, 4)]
    assert len(Clips([])) == 0
    with pytest.raises(IndexError):
        clips.locate(5)


@pytest.mark.parametrize("name", ["a/b c.d", "", "ÄÖ", "x" * 300, "../..", "-"])
def test_keys_may_stand_in_shards(name: str) -> None:
    assert KEY_PATTERN.fullmatch(make_key(name, 7)) and make_key(name, 7) != make_key(name, 8)


def test_a_folder_of_frames_stands_for_a_video(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    assert frame_of(tmp_path / "other.mp4", 3).index == 3
    for number in (2, 10, 1):
        actors.paint(tmp_path / "clip" / f"{number:06d}.jpg", (8, 8))
    assert [frame_of(video, n).name for n in range(3)] == ["000001.jpg", "000002.jpg", "000010.jpg"]


def test_left_is_left_for_all_ways_to_face(body) -> None:
    for actor in actors.act(body, 3, 20):
        joints = actor.joints(SMPL24.names)
        assert faces_left(joints) > 0
        swapped = actor.joints(tuple(_other(name) for name in SMPL24.names))
        assert faces_left(swapped) < 0
    rest = dict(zip(SMPL24.names, body.joints(body.pose([_still()]).points[0], SMPL24), strict=True))
    assert faces_left(np.array(list(rest.values()))) is None, "straight knees say nothing"
    assert rest["right_hip"][0] < 0 < rest["left_hip"][0], "SMPL's right side"
    assert Sides().problems() == []


def test_orders_of_data_sets_have_each_joint_once_and_their_sides(body) -> None:
    points = body.pose([_still()]).points[0]
    for joint_set in (OPENPOSE18, MPII16):
        joints = body.joints(points, joint_set)
        for name in joint_set.names:
            if name.startswith(("left_", "right_")):
                assert (joints[joint_set.index(name)][0] > 0) == name.startswith("left_")
        assert np.isclose(joint_set.point_weights().sum(1), 1).all()
    assert set(OPENPOSE18.names) <= set(POINT_NAMES)


def test_lenses_are_opencvs() -> None:
    """Values of cv2.projectPoints for K = 1 at (0.3, -0.2), worked out by its documented formula."""
    ray = np.array([[0.3, -0.2]])
    r2 = 0.13
    k = np.array([0.1, -0.05, 0.01, -0.02, 0.003, 0.02, 0.01, -0.004])
    radial = (1 + k[0] * r2 + k[1] * r2**2 + k[4] * r2**3) / (1 + k[5] * r2 + k[6] * r2**2 + k[7] * r2**3)
    x = 0.3 * radial + 2 * k[2] * 0.3 * -0.2 + k[3] * (r2 + 2 * 0.09)
    y = -0.2 * radial + k[2] * (r2 + 2 * 0.04) + 2 * k[3] * 0.3 * -0.2
    np.testing.assert_allclose(distort(ray, k), [[x, y]], atol=1e-12)
    np.testing.assert_allclose(distort(ray, np.zeros(4)), ray)


def _other(name: str) -> str:
    if name.startswith("left_"):
        return name.replace("left_", "right_")
    return name.replace("right_", "left_")


def _still():
    from synthgen.sample import Person

    return Person(*(np.zeros(shape, np.float32) for shape in ((3,), (23, 3), (10,), (3,))))
