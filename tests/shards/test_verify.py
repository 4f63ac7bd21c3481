import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from synthgen import storage
from synthgen.body import Body
from synthgen.sample import Sample
from synthgen.shards import Shard, write_shard
from synthgen.shards.verify import Verification

Members = list[tuple[str, bytes]]


def problems(folder: Path | str, body: Body) -> list[str]:
    return list(Verification(str(folder), {body.name: body}).problems())


def unpack(tar: Path) -> Members:
    with tarfile.open(tar) as archive:
        return [(entry.name, archive.extractfile(entry).read()) for entry in archive]


def repack(tar: Path, members: Members) -> None:
    """Write another tar in the place of one, and make its report fit."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    tar.write_bytes(stream.getvalue())
    sha256, size = storage.digest(str(tar))
    edit_report(tar.with_suffix(".json"), sha256=sha256, size=size)


def edit_report(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.fixture
def tar(run_dir: Path) -> Path:
    return run_dir / "run-000000.tar"


def test_a_good_run_has_no_problems_and_is_counted(run_dir: Path, body: Body) -> None:
    seen = []
    check = Verification(str(run_dir), {body.name: body}, on_sample=lambda: seen.append(1))
    (run_dir / "report.html").write_text("")
    (run_dir / "README.md").write_text("")
    assert list(check.problems()) == []
    assert (check.shards, check.samples, check.people, len(seen)) == (2, 5, 7, 5)
    assert check.unposed == {} and check.expected_samples() == 5


def test_one_tar_can_be_checked_alone_and_on_a_store(tar: Path, body: Body) -> None:
    assert problems(tar, body) == []
    for suffix in (".tar", ".json"):
        storage.write_bytes(f"memory://verify/run-000000{suffix}", tar.with_suffix(suffix).read_bytes())
    assert problems("memory://verify/run-000000.tar", body) == []
    assert problems("memory://verify", body) == [
        "config.yaml: is missing, so nobody can tell how the run was made"
    ]


def test_a_truncated_tar_is_one_line(tar: Path, body: Body) -> None:
    whole = tar.read_bytes()
    for size in (0, 100, 700, 9000, len(whole) - 10240, len(whole) - 1):
        tar.write_bytes(whole[:size])
        found = problems(tar.parent, body)
        assert len(found) == 1, found
        assert found[0].startswith(f"run-000000.tar: truncated: {size} bytes, expected {len(whole)}")


def test_any_flipped_byte_is_found(tar: Path, body: Body) -> None:
    whole = tar.read_bytes()
    for place in range(5, len(whole), len(whole) // 40):
        tar.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        found = problems(tar, body)
        assert found and "changed after it was written: sha256" in found[-1], place


@pytest.mark.parametrize("suffix", ["depth.png", "jpg", "json", "mask.png"])
def test_a_missing_member_is_one_line(tar: Path, body: Body, suffix: str) -> None:
    repack(tar, [member for member in unpack(tar) if member[0] != f"run-00000001.{suffix}"])
    assert problems(tar, body) == [f"run-000000.tar: run-00000001.{suffix}: is missing"]


def test_foreign_double_and_shuffled_members_are_named(tar: Path, body: Body) -> None:
    members = unpack(tar)
    repack(tar, [*members[:4], ("run-00000000.npy", b"x"), *members[4:]])
    assert problems(tar, body) == ["run-000000.tar: run-00000000.npy: is no member of a sample"]
    repack(tar, [*members[:4], members[3], *members[4:]])
    assert problems(tar, body) == ["run-000000.tar: run-00000000.mask.png: is there 2 times"]
    repack(tar, [members[1], members[0], *members[2:]])
    assert problems(tar, body) == [
        "run-000000.tar: run-00000000: members must be sorted by name, got jpg, depth.png, json, mask.png"
    ]
    repack(tar, [*members, ("notes\x1b[31m/../x.txt", b"x")])
    assert problems(tar, body)[0].startswith("run-000000.tar: notes\N{REPLACEMENT CHARACTER}[31m/: is no key")


def test_a_key_that_comes_twice_in_a_run(
    run_dir: Path, body: Body, make_sample: Callable[..., Sample]
) -> None:
    config_hash = json.loads((run_dir / "run-000000.json").read_text())["config_hash"]
    write_shard(str(run_dir), Shard("run", 2, 6, 1, config_hash), [make_sample(2)])
    assert problems(run_dir, body) == [
        "run-000002.tar: run-00000002: this key was there before",
        "run-000002.tar: run-00000002.json: index must be in [6, 7) by the report, got 2",
    ]


def test_reports_that_do_not_fit(tar: Path, body: Body) -> None:
    report = tar.with_suffix(".json")
    text = report.read_text()
    edit_report(report, accepted=5, num_requests=4)
    assert problems(tar, body) == [
        "run-000000.tar: holds 3 samples, the report says 5",
        "run-000000.tar: the report covers 4 requests, accepted and rejected make 5",
    ]
    report.write_text(text)
    edit_report(report, schema=2)
    assert problems(tar, body) == ["report run-000000.json: schema must be 1, got 2"]
    report.write_text("{]")
    assert problems(tar, body)[0].startswith("report run-000000.json: ")
    report.unlink()
    assert problems(tar, body) == [
        "run-000000.tar: has no report run-000000.json, so the shard is not complete"
    ]


def test_a_folder_with_what_does_not_belong_and_without_what_does(run_dir: Path, body: Body) -> None:
    (run_dir / "notes.txt").write_text("")
    (run_dir / "old").mkdir()
    (run_dir / ".run-000001.tar.12ab.tmp").write_text("")
    (run_dir / "run-000001.tar").unlink()
    (run_dir / "config.yaml").unlink()
    (run_dir / "run-000004.failed.json").write_text("{}")
    assert problems(run_dir, body) == [
        ".run-000001.tar.12ab.tmp: left over by a writer that was killed; it can be deleted",
        "notes.txt: does not belong into a run folder",
        "old/: does not belong into a run folder",
        "config.yaml: is missing, so nobody can tell how the run was made",
        "run-000001.tar: is missing, its report is there",
        "run-000004.failed.json: the shard was given up after its last try; run again to try once more",
        "shards missing before run-000004: run-000002, run-000003",
    ]


def test_gaps_and_unfinished_runs(run_dir: Path, body: Body) -> None:
    (run_dir / "config.yaml").write_text("num_samples: 9\n")
    assert problems(run_dir, body) == [
        "config.yaml: asks for 9 requests, the shards end at 6; run again to finish"
    ]
    (run_dir / "config.yaml").write_text("num_samples: [9\n")
    assert problems(run_dir, body)[0].startswith("config.yaml: cannot be read: config.yaml line")
    (run_dir / "config.yaml").write_text("num_samples: 6\n")
    for suffix in (".tar", ".json"):
        (run_dir / f"run-000000{suffix}").unlink()
    assert problems(run_dir, body) == ["shards missing before run-000001: run-000000"]


def test_shards_of_several_runs_in_one_folder(
    run_dir: Path, body: Body, make_sample: Callable[..., Sample]
) -> None:
    write_shard(str(run_dir), Shard("ski", 0, 0, 1, "x"), [make_sample(7)])
    found = problems(run_dir, body)
    assert found[0] == "shards of several runs in one folder: run, ski"
    assert "ski-000000.tar: run-00000007.json: config_hash differs from that of the report" in found


def test_a_folder_without_shards(tmp_path: Path, body: Body) -> None:
    assert problems(tmp_path, body)[0] == "there is no shard (<run>-000000.tar) in this folder"


def test_samples_of_another_body_are_counted(run_dir: Path, body: Body) -> None:
    check = Verification(str(run_dir), {})
    assert list(check.problems()) == []
    assert check.unposed == {f"open {body.revision}": 5}


def test_a_label_that_was_changed_is_named_with_shard_key_and_member(tar: Path, body: Body) -> None:
    members = unpack(tar)
    record = json.loads(members[2][1])
    record["people"][0]["keypoints_2d"][0][0] += 5
    repack(tar, [*members[:2], (members[2][0], json.dumps(record).encode()), *members[3:]])
    assert problems(tar, body) == [
        "run-000000.tar: run-00000000.json: person 1: keypoints_2d differ from the projected joints: "
        "nose by 5 px, expected at most 0.5 px"
    ]
