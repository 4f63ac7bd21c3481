import io
import json
import re
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synthgen import storage
from synthgen.sample import Rejection, Sample
from synthgen.shards import Shard, is_done, read_pictures, read_report, read_samples, summarize, write_shard
from synthgen.shards import shard as shards
from synthgen.shards.records import to_record

HASH = "c0ffee" * 10 + "c0ff"
NO_JOINTS = Rejection("run-00000001", "verify", "too few joints visible")


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "local":
        return str(tmp_path)
    return f"memory://shards/{tmp_path.name}"


def test_a_shard_is_a_tar_and_a_report(folder: str, make_sample: Callable[..., Sample]) -> None:
    storage.make_folder(folder)
    items = [make_sample(0), NO_JOINTS, make_sample(2)]
    report = write_shard(folder, Shard("run", 0, 0, 3, HASH), items, {"compose": 1.25})
    assert storage.list_names(folder) == ["run-000000.json", "run-000000.tar"]
    assert (report.accepted, report.rejected, report.rejections) == (2, 1, (NO_JOINTS,))
    assert read_report(folder, "run-000000") == report
    assert storage.digest(f"{folder}/run-000000.tar") == (report.sha256, report.size)
    assert [sample.request.key for sample in read_samples(folder)] == ["run-00000000", "run-00000002"]
    assert len(list(read_pictures(f"{folder}/run-000000.tar"))) == 2


def test_members_are_in_a_fixed_order_with_fixed_owners_and_times(run_dir: Path) -> None:
    listing = subprocess.run(
        ["tar", "--utc", "-tvf", str(run_dir / "run-000000.tar")], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [line.split()[-1] for line in listing[:4]] == [
        f"run-00000000.{suffix}" for suffix in ("depth.png", "jpg", "json", "mask.png")
    ]
    assert len(listing) == 12
    assert {tuple(line.split()[:2] + line.split()[3:5]) for line in listing} == {
        ("-r--r--r--", "bigdata/bigdata", "1970-01-01", "00:00")
    }


def test_the_same_samples_give_the_same_bytes(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_shard(str(tmp_path / name), Shard("run", 0, 0, 2, HASH), [make_sample(0), make_sample(1)])
    one, other = (tmp_path / name / "run-000000.tar" for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_done_means_report_and_matching_hash(run_dir: Path) -> None:
    folder, tar, report = str(run_dir), run_dir / "run-000000.tar", run_dir / "run-000000.json"
    assert is_done(folder, "run-000000") and not is_done(folder, "run-000007")
    whole, text = tar.read_bytes(), report.read_text()
    tar.write_bytes(whole[:-512])
    assert not is_done(folder, "run-000000")
    tar.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    assert not is_done(folder, "run-000000")
    tar.unlink()
    assert not is_done(folder, "run-000000")
    tar.write_bytes(whole)
    report.write_text(text[:40])
    assert not is_done(folder, "run-000000")
    report.write_text(text)
    assert is_done(folder, "run-000000")


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    def broken() -> Iterator[Sample]:
        yield make_sample(0)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        write_shard(str(tmp_path), Shard("run", 0, 0, 2, HASH), broken())
    with pytest.raises(ValueError, match="shard run-000000: 2 requests came to 1 items"):
        write_shard(str(tmp_path), Shard("run", 0, 0, 2, HASH), [make_sample(0)])
    assert list(tmp_path.iterdir()) == []


def test_items_are_streamed(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    first = make_sample(0)
    write_shard(str(tmp_path), Shard("run", 0, 0, 1, HASH), [first])  # imports come before the measurement
    noise = np.random.default_rng(0).integers(0, 255, first.image.shape, np.uint8)
    big = replace(first, image=noise)

    def many() -> Iterator[Sample]:
        for number in range(300):
            yield replace(big, request=replace(big.request, key=f"k{number}"))

    tracemalloc.start()
    report = write_shard(str(tmp_path), Shard("run", 1, 0, 300, HASH), many())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.size > 6 << 20 and peak < report.size / 3


def test_names_and_keys_are_checked(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    assert shards.shard_name("ski", 3) == "ski-000003"
    with pytest.raises(ValueError, match="letters, digits"):
        shards.shard_name("a.b", 0)
    odd = make_sample(0)
    odd = replace(odd, request=replace(odd.request, key="_x y"))
    with pytest.raises(ValueError, match="key '_x y' must match"):
        write_shard(str(tmp_path), Shard("run", 0, 0, 1, HASH), [odd])


def test_reading_names_what_is_damaged(run_dir: Path) -> None:
    tar = run_dir / "run-000000.tar"
    tar.write_bytes(tar.read_bytes()[:9000])
    with pytest.raises(ValueError, match=r"run-000000\.tar: truncated"):
        list(read_samples(str(run_dir)))
    with pytest.raises(ValueError, match="no such folder, or no shard"):
        list(read_samples(str(run_dir / "none")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 9}, "schema must be 1, got 9"),
        ({"extra": 1}, "missing or unknown keys: extra"),
        ({"size": "x"}, "size must be int, got 'x'"),
        ({"rejections": [{"key": "a"}]}, "a rejection must hold key, stage, reason"),
        ({"rejections": [{"key": "a", "stage": "lunch", "reason": "b"}]}, "unknown stage"),
        ({"seconds": {"a": "b"}}, "seconds must hold numbers"),
        ({"wall_s": "long"}, "wall_s must be a number of seconds"),
        ({"wall_s": -1}, "wall_s must be a number of seconds"),
    ],
)
def test_a_wrong_report_is_named(run_dir: Path, change: dict[str, object], message: str) -> None:
    path = run_dir / "run-000000.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=rf"report run-000000\.json: .*{message}"):
        read_report(str(run_dir), "run-000000")


def test_a_report_from_before_wall_s_is_read(run_dir: Path) -> None:
    path = run_dir / "run-000000.json"
    record = json.loads(path.read_text())
    assert record.pop("wall_s") > 0
    path.write_text(json.dumps(record))
    report = read_report(str(run_dir), "run-000000")
    assert report is not None and report.wall_s == 0


def test_reports_add_up(run_dir: Path) -> None:
    total = summarize(str(run_dir))
    assert (total.run, total.shards, total.num_requests, total.accepted, total.rejected) == (
        "run",
        2,
        6,
        5,
        1,
    )
    assert total.reasons == {"verify: too few joints visible": 1}
    assert total.seconds == {"compose": 3.0}
    assert total.size == sum(path.stat().st_size for path in run_dir.glob("*.tar"))


def test_plain_webdataset_reads_a_shard(run_dir: Path) -> None:
    import webdataset

    dataset = webdataset.WebDataset(
        [str(run_dir / "run-000000.tar"), str(run_dir / "run-000001.tar")], shardshuffle=False
    ).decode("rgb8")
    rows = list(dataset)
    ours = list(read_samples(str(run_dir)))
    assert [row["__key__"] for row in rows] == [sample.request.key for sample in ours]
    for row, sample in zip(rows, ours, strict=True):
        assert {"jpg", "json", "depth.png", "mask.png"} < set(row)
        assert np.array_equal(row["jpg"], sample.image)
        assert row["json"]["prompt"] == sample.request.prompt
        assert np.float32(row["json"]["people"][0]["betas"][0]) == sample.scene.people[0].betas[0]


@pytest.mark.parametrize("is_streaming", [False, True])
def test_hugging_face_datasets_reads_shards(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_streaming: bool
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    loaded = load_dataset(
        "webdataset",
        data_files={"train": str(run_dir / "*.tar")},
        split="train",
        streaming=is_streaming,
        cache_dir=str(tmp_path / "cache"),
    )
    rows = list(loaded)
    ours = list(read_samples(str(run_dir)))
    assert [row["__key__"] for row in rows] == [sample.request.key for sample in ours]
    assert np.array_equal(np.asarray(rows[0]["jpg"]), ours[0].image)
    assert np.array_equal(np.asarray(rows[0]["mask.png"]), ours[0].mask)
    assert np.array_equal(
        np.asarray(rows[0]["depth.png"]).astype(np.float32) / np.float32(1000), ours[0].depth
    )
    assert np.float32(rows[-1]["json"]["people"][0]["transl"][2]) == ours[-1].scene.people[0].transl[2]


def test_the_readme_of_the_format_is_right(
    run_dir: Path, tmp_path: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (Path(__file__).parents[2] / "shards" / "README.md").read_text("utf-8")
    record = to_record(sample)
    report = json.loads((run_dir / "run-000000.json").read_text())
    for key in [*record, *record["people"][0], *record["provenance"], *report]:
        assert f"`{key}`" in text, key
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    snippets = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(snippets) == 4
    for snippet in snippets:
        code = snippet.replace("shards/ski/ski-", f"{run_dir}/run-").replace("shards/ski", str(run_dir))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "run-00000000" in done.stdout


def test_a_shard_that_is_made_again_has_no_report_meanwhile(tmp_path, make_sample):
    shard = Shard("run", 0, 0, 1, "hash")
    write_shard(str(tmp_path), shard, [make_sample(0)])

    def watched():
        assert read_report(str(tmp_path), shard.name) is None
        yield make_sample(0)

    assert write_shard(str(tmp_path), shard, watched()) == read_report(str(tmp_path), shard.name)


def test_a_missing_member_is_an_error_that_names_it(run_dir: Path) -> None:
    tar = run_dir / "run-000000.tar"
    with tarfile.open(tar) as archive:
        members = [(entry, archive.extractfile(entry).read()) for entry in archive]
    for lost in ("depth.png", "json", "mask.png"):
        with tarfile.open(tar, "w", format=tarfile.USTAR_FORMAT) as archive:
            for entry, content in members:
                if not entry.name.endswith(f"00000001.{lost}"):
                    archive.addfile(entry, io.BytesIO(content))
        with pytest.raises(ValueError, match=rf"run-000000.tar: key run-00000001: lacks its member .{lost}"):
            list(read_samples(str(run_dir)))
