import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthgen import storage
from synthgen.body import Body
from synthgen.sample import Rejection, Sample
from synthgen.shards import Shard, read_report, read_samples, write_shard
from synthgen.shards.rejected import MAX_PICTURES, MAX_SIDE, read_rejected
from synthgen.shards.verify import Verification

HASH = "c0ffee" * 10 + "c0ff"
NAME = "run-000000.rejected.json"


def rejection(
    number: int, reason: str = "too few joints in place", size: tuple[int, int] = (32, 48)
) -> Rejection:
    image = np.full((*size, 3), 10 * number, np.uint8)
    return Rejection(f"run-{number:08d}", "verify", reason, image)


def write(folder: Path | str, items: list[Sample | Rejection], keep: int = 3) -> None:
    write_shard(str(folder), Shard("run", 0, 0, len(items), HASH), items, keep_rejected=keep)


@pytest.fixture
def album(tmp_path: Path, make_sample: Callable[..., Sample]) -> Path:
    """Return the file of a whole run folder with a sample and two pictures of rejections."""
    (tmp_path / "config.yaml").write_text("num_samples: 3\n")
    write(tmp_path, [make_sample(0), rejection(1), rejection(2)])
    return tmp_path / NAME


def edit(album: Path, **changes: object) -> None:
    record = json.loads(album.read_text())
    page = record["pictures"][0] | {name: changes.pop(name) for name in list(changes) if name in PAGE}
    album.write_text(json.dumps({**record, "pictures": [page], **changes}))


PAGE = ("key", "stage", "reason", "jpg", "extra")


def jpeg(size: tuple[int, int]) -> str:
    stream = io.BytesIO()
    Image.new("RGB", size).save(stream, "JPEG")
    return base64.b64encode(stream.getvalue()).decode()


@pytest.mark.parametrize("store", ["local", "memory"])
def test_the_first_pictures_of_each_reason_are_kept(tmp_path: Path, store: str) -> None:
    folder = str(tmp_path) if store == "local" else f"memory://rejected/{tmp_path.name}"
    storage.make_folder(folder)
    reasons = ["a", "b", "a", "a", "b", "a"]
    items = [rejection(number, reason) for number, reason in enumerate(reasons)]
    write(folder, [*items, Rejection("run-00000006", "draft", "nothing to see")], keep=2)
    shown = read_rejected(folder, "run-000000")
    assert shown == [items[0], items[1], items[2], items[4]]
    for one in shown:
        assert one.picture.shape == (32, 48, 3)
        np.testing.assert_allclose(one.picture, items[int(one.key[4:])].picture, atol=2)
    report = read_report(folder, "run-000000")
    assert report.rejections == (*items, Rejection("run-00000006", "draft", "nothing to see"))


def test_pictures_are_small_and_few_however_many_reasons_there_are(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (600, 900, 3), np.uint8)
    items = [Rejection(f"run-{n:08d}", "verify", f"reason {n}", noise) for n in range(MAX_PICTURES + 5)]
    write(tmp_path, items, keep=20)
    shown = read_rejected(str(tmp_path), "run-000000")
    assert len(shown) == MAX_PICTURES
    assert shown[0].picture.shape == (171, MAX_SIDE, 3)


def test_no_picture_no_file_and_a_new_try_takes_the_old_one_away(album: Path) -> None:
    folder = album.parent
    tar = (folder / "run-000000.tar").read_bytes()
    samples = list(read_samples(str(folder)))
    write(folder, [*samples, rejection(1), rejection(2)], keep=0)
    assert not album.exists() and read_rejected(str(folder), "run-000000") == []
    assert [sample.request.key for sample in samples] == ["run-00000000"]
    assert len(tar) > 0 and storage.list_names(str(folder)) == [
        "config.yaml",
        "run-000000.json",
        "run-000000.tar",
    ]


def test_the_same_rejections_give_the_same_bytes_and_the_tar_does_not_know(album: Path) -> None:
    first, folder = album.read_bytes(), album.parent
    sample = next(iter(read_samples(str(folder))))
    write(folder, [sample, rejection(1), rejection(2)])
    assert album.read_bytes() == first
    with_pictures = (folder / "run-000000.tar").read_bytes()
    write(folder, [sample, rejection(1), rejection(2)], keep=0)
    assert (folder / "run-000000.tar").read_bytes() == with_pictures


def test_the_report_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    original = storage.write_bytes
    monkeypatch.setattr(
        storage, "write_bytes", lambda url, data: (written.append(Path(url).name), original(url, data))
    )
    write(tmp_path, [rejection(0)])
    assert written == [NAME, "run-000000.json"]


def test_a_whole_folder_is_right_to_verify(album: Path, body: Body) -> None:
    assert list(Verification(str(album.parent), {body.name: body}).problems()) == []


HOSTILE = [
    ({"schema": 2}, "expected schema, shard, pictures of schema 1"),
    ({"surplus": 1}, "expected schema, shard, pictures of schema 1"),
    ({"shard": "run-000001"}, "belongs to another shard, 'run-000001'"),
    ({"pictures": {}}, "pictures must be a list"),
    ({"pictures": [[]] * (MAX_PICTURES + 1)}, "pictures must be a list of at most"),
    ({"pictures": ["x"]}, "a picture must hold key, stage, reason, jpg"),
    ({"jpg": 5}, "a picture must hold key, stage, reason, jpg"),
    ({"extra": "x"}, "a rejection must hold key, stage, reason"),
    ({"stage": "lunch"}, "unknown stage"),
    ({"key": 7}, "a value that is no text"),
    ({"jpg": "not base64!"}, "is no base64"),
    ({"jpg": "é"}, "is no base64"),
    ({"jpg": base64.b64encode(b"\x80\x04K\x01.").decode()}, "cannot be decoded"),
    ({"jpg": jpeg((3000, 2000))}, "is 3000x2000, more than 1048576 pixels"),
    ({"key": "run-00000009"}, "shows run-00000009 as rejected by verify: too few joints in place"),
    ({"reason": "\x1b[31m"}, "\N{REPLACEMENT CHARACTER}[31m; the report does not list that"),
]


@pytest.mark.parametrize(("change", "message"), HOSTILE, ids=[str(n) for n in range(len(HOSTILE))])
def test_somebodys_file_is_refused_in_one_line(
    album: Path, body: Body, change: dict[str, object], message: str
) -> None:
    edit(album, **change)
    found = list(Verification(str(album.parent), {body.name: body}).problems())
    assert len(found) == 1 and found[0].startswith(f"{NAME}: ") and message in found[0], found
    assert found[0].isprintable() and len(found[0]) < 320


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a":' * 5000, b"\xff"])
def test_what_is_no_record_is_refused_too(album: Path, body: Body, content: bytes) -> None:
    album.write_bytes(content)
    with pytest.raises(ValueError, match=NAME):
        read_rejected(str(album.parent), "run-000000")
    assert len(list(Verification(str(album.parent), {body.name: body}).problems())) == 1


def test_a_file_beyond_all_reason_is_refused_unread(album: Path, body: Body) -> None:
    with album.open("wb") as file:
        file.truncate(1 << 30)
    (problem,) = Verification(str(album.parent), {body.name: body}).problems()
    assert "which is more than it can rightly be" in problem


def test_pictures_without_their_shard_are_noted(album: Path, body: Body) -> None:
    album.rename(album.with_name("run-000001.rejected.json"))
    found = list(Verification(str(album.parent), {body.name: body}).problems())
    assert found == ["run-000001.tar: is missing, pictures of what it rejected are there"]
