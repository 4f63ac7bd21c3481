"""The viewer's server: whom it answers, what it writes, and what it says of damaged shards."""

import base64
import http.client
import io
import json
import struct
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthgen.body import OPEN_FILE, load_body
from synthgen.body_file import read_body_file
from synthgen.observation import Gender
from synthgen.run import main
from synthgen.sample import Sample
from synthgen.shards import Shard, write_shard
from synthgen.shards.bad_list import read_bad_list
from synthgen.shards.observation_records import notes_of_sample, to_members, to_record
from synthgen.viewer.columns import Choice
from synthgen.viewer.desk import Desk, Query
from synthgen.viewer.guard import TOKEN_HEADER
from synthgen.viewer.meshes import Meshes
from synthgen.viewer.server import Viewer

JSON = {"Content-Type": "application/json"}
Answer = tuple[int, dict[str, str], bytes]


def request(
    viewer: Viewer, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """Ask for a path as it is; a body makes it a POST."""
    connection = http.client.HTTPConnection("127.0.0.1", viewer.server_port, timeout=20)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def own(viewer: Viewer, rest: str) -> str:
    return f"/{viewer.guard.token}/{rest}"


def mark(viewer: Viewer, change: Any, **changed: str) -> Answer:
    headers = {
        **JSON,
        TOKEN_HEADER: viewer.guard.token,
        **{k.replace("_", "-"): v for k, v in changed.items()},
    }
    return request(viewer, own(viewer, "api/bad"), json.dumps(change).encode(), headers)


def asked(viewer: Viewer, rest: str) -> dict[str, Any]:
    status, _, content = request(viewer, own(viewer, rest))
    assert status == 200, content
    return dict(json.loads(content))


@pytest.fixture
def damaged(tmp_path: Path, make_sample: Callable[..., Sample]) -> Iterator[Viewer]:
    """Return a viewer of a shard without report that ends within its third sample."""
    write_shard(str(tmp_path), Shard("run", 0, 0, 3, "x"), [make_sample(index) for index in range(3)])
    (tmp_path / "run-000000.json").unlink()
    tar = tmp_path / "run-000000.tar"
    whole = tar.read_bytes()
    second = whole.index(b"run-00000001.json")
    broken = bytearray(whole[: whole.index(b"run-00000002.json") + 100])
    broken[second + 512 : second + 513] = b"!"
    tar.write_bytes(bytes(broken))
    viewer = Viewer(Desk(str(tmp_path), "", {}), 0)
    viewer.start()
    yield viewer
    viewer.close()


def test_it_listens_on_this_machine_alone(viewer: Viewer) -> None:
    assert viewer.server_address[0] == "127.0.0.1"
    assert viewer.url.startswith(f"http://127.0.0.1:{viewer.server_port}/")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1]:80"]
)
def test_another_host_name_is_refused(viewer: Viewer, host: str) -> None:
    status, _, content = request(viewer, own(viewer, ""), headers={"Host": host})
    assert status == 421 and viewer.guard.token.encode() not in content


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1"])
def test_a_forwarded_port_is_answered(viewer: Viewer, host: str) -> None:
    assert request(viewer, own(viewer, ""), headers={"Host": host})[0] == 200


@pytest.mark.parametrize("path", ["/", "/api/state", "/wrong/api/state", "/picture/0", "//", "/%2e%2e/etc"])
def test_without_the_secret_nothing_is_told(viewer: Viewer, path: str) -> None:
    status, _, content = request(viewer, path)
    assert status == 403 and "secret" in json.loads(content)["error"]


def test_every_answer_has_a_strict_policy(viewer: Viewer) -> None:
    for rest in ("", "viewer.js", "api/state", "picture/0", "nowhere"):
        headers = request(viewer, own(viewer, rest))[1]
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'self'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
    page = request(viewer, own(viewer, ""))[2].decode()
    assert "<script>" not in page and "style=" not in page and "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize(
    "changed",
    [
        {TOKEN_HEADER.replace("-", "_"): "guess"},
        {TOKEN_HEADER.replace("-", "_"): ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Content_Type": "text/plain"},
    ],
    ids=lambda one: "-".join(one),
)
def test_nobody_else_can_mark(viewer: Viewer, changed: dict[str, str]) -> None:
    status = mark(viewer, {"positions": [1], "bad": True}, **changed)[0]
    assert status in (403, 415, 421)
    assert viewer.desk.marks.keys == frozenset() and not Path(viewer.desk.marks.path).exists()


def test_marks_go_to_the_list_and_keep_what_others_wrote(viewer: Viewer) -> None:
    origin = f"http://127.0.0.1:{viewer.server_port}"
    status, _, content = mark(viewer, {"positions": [2, 29], "bad": True}, Origin=origin)
    assert (status, json.loads(content)["marked"]) == (200, 2)
    path = Path(viewer.desk.marks.path)
    path.write_text(path.read_text() + "of-another\n")
    mark(viewer, {"positions": [2], "bad": False})
    assert read_bad_list(str(path)) == {"run-00000029", "of-another"}
    shown = asked(viewer, "api/page?marked=1")
    assert [one["key"] for one in shown["items"]] == ["run-00000029"] and shown["items"][0]["bad"]


@pytest.mark.parametrize(
    "change",
    [{}, {"positions": [], "bad": True}, {"positions": [True], "bad": True}, {"positions": [1], "bad": 1},
     {"positions": ["../x"], "bad": True}, {"positions": [10**9], "bad": True},
     {"positions": [-1], "bad": True}, [1]],
    ids=str,
)  # fmt: skip
def test_a_change_that_makes_no_sense_is_one_sentence(viewer: Viewer, change: Any) -> None:
    status, _, content = mark(viewer, change)
    assert status in (400, 404) and json.loads(content)["error"]
    assert not Path(viewer.desk.marks.path).exists()


@pytest.mark.parametrize(
    "rest",
    ["picture/99", "picture/-1", "picture/x", "picture/..%2f..%2fetc%2fpasswd", "picture/%30", "layer/../0",
     "layer/draft/0", "meshes/99", "meshes/", "meshes/0,x", "faces/smpl", "rejected/7",
     "api/page?start=-1", "api/sheet?count=x",
     "api/page?low=nan&score=a", "api/page?order=up", "api/nothing",
     "viewer.html", "../x"],
)  # fmt: skip
def test_odd_questions_are_answered_in_a_sentence(viewer: Viewer, rest: str) -> None:
    status, headers, content = request(viewer, own(viewer, rest))
    assert status in (400, 404) and headers["content-type"] == "application/json"
    assert json.loads(content)["error"]


def test_meshes_are_those_of_the_body(viewer: Viewer, make_sample: Callable[..., Sample]) -> None:
    status, _, content = request(viewer, own(viewer, "meshes/0,3"))
    start = 4 + int.from_bytes(content[:4], "little")
    assert status == 200 and start % 4 == 0
    for row in json.loads(content[4:start]):
        number = 2 if row["position"] == 0 else 1
        wanted = load_body("open").pose(make_sample(row["position"], num_people=number).scene.people).vertices
        assert (row["body"], row["people"]) == ("open", list(range(number)))
        got = np.frombuffer(content[start : start + row["bytes"]], "<f4").reshape(wanted.shape)
        np.testing.assert_allclose(got, wanted, atol=1e-6)
        start += row["bytes"]
    assert start == len(content)
    faces = request(viewer, own(viewer, "faces/open"))[2]
    assert struct.unpack("<3H", faces[:6]) == tuple(load_body("open").faces[0])


def test_one_sample_without_bodies_does_not_cost_the_others_theirs(damaged: Viewer) -> None:
    assert damaged.desk.catalog.wait(20)
    whole, broken = damaged.desk.posed([0, 1])
    assert not isinstance(whole, str) and whole.people == (0,)
    assert isinstance(broken, str) and broken


def test_pictures_travel_unchanged_and_layers_as_png(viewer: Viewer) -> None:
    status, headers, content = request(viewer, own(viewer, "picture/3"))
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    assert content == viewer.desk.catalog.member(3, "jpg")
    for layer in asked(viewer, "api/views?position=3")["views"]:
        assert request(viewer, own(viewer, f"layer/{layer}/3"))[2][:4] == b"\x89PNG"


def test_damaged_shards_are_shown_as_far_as_they_go(damaged: Viewer) -> None:
    assert damaged.desk.catalog.wait(20)
    page = asked(damaged, "api/page")
    assert [one["key"] for one in page["items"]] == [f"run-0000000{index}" for index in range(3)]
    assert "run-00000001: Expecting" in page["items"][1]["problem"] and "problem" not in page["items"][0]
    assert any("truncated" in one for one in asked(damaged, "api/state")["problems"])


def test_a_page_carries_its_pictures_and_tells_of_those_it_cannot_show(
    tmp_path: Path, make_sample: Callable[..., Sample]
) -> None:
    write_shard(str(tmp_path), Shard("run", 0, 0, 3, "x"), [make_sample(index) for index in range(3)])
    desk = Desk(str(tmp_path), "", {})
    whole = [desk.picture(position)[1] for position in range(3)]
    tar = tmp_path / "run-000000.tar"
    tar.write_bytes(tar.read_bytes().replace(whole[1], b"?" * len(whole[1])))
    items = Desk(str(tmp_path), "", {}).sheet(Query(Choice()))["items"]
    assert [one["picture"].startswith("data:image/jpeg;base64,") for one in items] == [True, False, True]
    assert base64.b64decode(items[2]["picture"].partition("base64,")[2]) == whole[2]
    assert "picture cannot be read" in items[1]["problem"] and "problem" not in items[0]


def test_large_pictures_are_scaled_down_for_the_cards(
    tmp_path: Path, make_sample: Callable[..., Sample]
) -> None:
    from PIL import Image

    write_shard(str(tmp_path), Shard("run", 0, 0, 1, "x"), [make_sample(0, size=(600, 1000))])
    desk = Desk(str(tmp_path), "", {})
    small = base64.b64decode(desk.sheet(Query(Choice()))["items"][0]["picture"].partition("base64,")[2])
    with Image.open(io.BytesIO(small)) as opened:
        assert opened.size == (384, 230)
    assert desk.thumb(0) == ("image/jpeg", small)
    with Image.open(io.BytesIO(desk.picture(0)[1])) as whole:
        assert whole.size == (1000, 600)


def test_the_export_leaves_out_what_was_marked(
    viewer: Viewer, shown_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark(viewer, {"positions": [0, 7], "bad": True})
    command = ["pipeline=export", "format=coco", f"path={shown_run}", f"output={tmp_path}/coco"]
    assert main([*command, f"bad={viewer.desk.marks.path}"]) == 0
    out = capsys.readouterr().out
    assert "28 pictures" in out and "on the list of bad ones" in out


@pytest.mark.parametrize("key", ["<img src=x onerror=x>", "two words # more", "line\nbreak", "odd\udcff"])
def test_keys_of_unknown_makers_can_be_marked(
    tmp_path: Path, make_sample: Callable[..., Sample], key: str
) -> None:
    _, members = to_members(make_sample(0), "jpg")
    path, form = tmp_path / "run-000000.tar", tarfile.GNU_FORMAT
    with tarfile.open(path, "w", format=form, errors="surrogateescape") as tar:
        for suffix, content in members.items():
            entry = tarfile.TarInfo(f"{key}.{suffix}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    desk = Desk(str(tmp_path), "", {})
    json.dumps(desk.page(Query(Choice()))).encode("utf-8")
    assert desk.page(Query(Choice()))["items"][0]["people"]
    desk.change([0], is_bad=True)
    assert read_bad_list(str(tmp_path / "bad.txt")) == {key}
    assert desk.page(Query(Choice()))["items"][0]["bad"]


def test_men_and_women_of_one_picture_are_both_posed(
    tmp_path: Path, make_sample: Callable[..., Sample]
) -> None:
    notes = notes_of_sample(make_sample(0, num_people=2))
    genders: tuple[Gender, Gender] = ("male", "female")
    people = tuple(replace(one, gender=gender) for one, gender in zip(notes.people, genders, strict=True))
    record = to_record(replace(notes, body="smpl", people=people))
    taller = {name: getattr(read_body_file(OPEN_FILE), name) * 1.5 for name in ("v_template", "shapedirs")}
    with np.load(OPEN_FILE) as file:
        np.savez(tmp_path / "taller.npz", **{**dict(file), **taller})
    files = {"smpl_male": str(tmp_path / "taller.npz"), "smpl_female": str(OPEN_FILE)}
    (posed,) = Meshes(files).of([record])
    assert not isinstance(posed, str) and posed.people == (0, 1)
    man, woman = np.frombuffer(posed.vertices, "<f4").reshape(2, -1, 3)
    assert np.ptp(man, 0).max() > 1.2 * np.ptp(woman, 0).max()
    (told,) = Meshes({"smpl_male": files["smpl_male"]}).of([record])
    assert isinstance(told, str) and "smpl_female" in told
