"""What holds for every format: bytes of pictures, counts, marks of the body, all or nothing."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from synthgen import exporters
from synthgen.exporters.export import Task, export
from synthgen.exporters.folder import new_folder
from synthgen.storage import StorageError

NAMES = list({place: name for name, place in exporters.FORMATS.items()}.values())
Member = tuple[str, bytes]
AS_FILES = [name for name in NAMES if name not in ("4d_humans", "hugging_face")]


def pictures_of(folder: Path) -> dict[str, bytes]:
    found = {}
    for tar in folder.glob("*.tar"):
        with tarfile.open(tar) as file:
            for one in file:
                if one.name.endswith(".jpg"):
                    found[one.name] = file.extractfile(one).read()
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_format_passes_its_own_check_and_says_what_it_is(name, run_export, generated) -> None:
    folder, ledger = run_export(generated, name)
    record = json.loads((folder / "export.json").read_text())
    assert (record["pictures"], record["people"]) == (ledger.pictures, ledger.people) == (3, 4)
    assert record["bodies"] == {"open": 4} and not record["betas_are_smpl"]
    assert "is not SMPL" in record["notes"][0] and record["run_config"].startswith("pipeline: generate")
    assert {one["role"] for one in record["models"]} == {"renderer", "body"}
    assert not [path for path in folder.rglob(".*")] and record["left_out"] == {}
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", AS_FILES)
def test_bytes_of_pictures_stay_as_they_are(name, run_export, generated) -> None:
    folder, _ = run_export(generated, name)
    found = {path.name: path.read_bytes() for path in folder.rglob("*.jpg")}
    assert found == pictures_of(generated) and len(found) == 3


@pytest.mark.parametrize("name", NAMES)
def test_the_same_shards_give_the_same_bytes(name, run_export, generated, tmp_path) -> None:
    folder, _ = run_export(generated, name)
    again = tmp_path / "again"
    os.rename(folder, again)
    folder, _ = run_export(generated, name)
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert files and all((folder / path).read_bytes() == (again / path).read_bytes() for path in files)


def test_nothing_stays_of_an_export_that_breaks_off(run_export, generated, tmp_path) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    whole = (generated / "run-000000.tar").read_bytes()
    (damaged / "run-000000.tar").write_bytes(whole[: len(whole) // 2])
    for name in NAMES:
        with pytest.raises(ValueError, match="truncated"):
            run_export(damaged, name)
    assert [path.name for path in tmp_path.iterdir()] == ["damaged"]


def test_what_a_killed_export_left_is_deleted_by_the_next(run_export, generated, tmp_path) -> None:
    (tmp_path / ".out_spin.abc.tmp").mkdir()
    (tmp_path / ".out_spin.abc.tmp" / "half.npz").write_bytes(b"x")
    run_export(generated, "spin")
    assert [path.name for path in tmp_path.iterdir()] == ["out_spin"]


def test_an_export_replaces_exports_only_and_only_when_told(run_export, generated, tmp_path) -> None:
    folder, _ = run_export(generated, "spin")
    with pytest.raises(ValueError, match="overwrite=true"):
        run_export(generated, "spin")
    (folder / "old").write_text("")
    run_export(generated, "spin", overwrite=True)
    assert not (folder / "old").exists() and [path.name for path in tmp_path.iterdir()] == ["out_spin"]
    (folder / "export.json").unlink()
    with pytest.raises(ValueError, match="is no export"):
        run_export(generated, "spin", overwrite=True)


def test_an_export_that_fails_leaves_the_earlier_one(run_export, generated, partial, tmp_path) -> None:
    folder, _ = run_export(generated, "bedlam")
    before = (folder / "ski.npz").read_bytes()
    with pytest.raises(ValueError, match="nobody is left to export"):
        run_export(partial, "bedlam", overwrite=True)
    assert (folder / "ski.npz").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_remote_folders_and_full_disks_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="trainers read local folders"), new_folder("s3://b/x", False):
        pass
    with pytest.raises(StorageError, match="No space left"), new_folder(str(tmp_path / "x"), False):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_pictures_on_the_list_of_bad_ones_stay_away(run_export, generated, samples, tmp_path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_text(f"# seen by eye\n{samples[1].request.key}  # two heads\n")
    folder, ledger = run_export(generated, "coco", bad=str(bad))
    assert (ledger.pictures, ledger.people) == (2, 2)
    assert ledger.lines() == [
        f"1 left out: picture on the list of bad ones (first: {samples[1].request.key})"
    ]
    assert sorted(path.stem for path in folder.rglob("*.jpg")) == [
        samples[0].request.key,
        samples[2].request.key,
    ]


def test_the_viewers_list_beside_the_shards_is_honoured_unless_told_otherwise(
    run_export, generated, samples, tmp_path
) -> None:
    run = tmp_path / "copy"
    run.mkdir()
    for tar in generated.glob("*.tar"):
        os.link(tar, run / tar.name)
    (run / "bad.txt").write_text(samples[0].request.key + "\n")
    _, ledger = run_export(run, "spin")
    assert ledger.pictures == 2
    _, ledger = run_export(run, "spin", bad="none", overwrite=True)
    assert ledger.pictures == 3


# What each format needs of a person, of: all but the camera, 2D alone, 3D alone, a box alone.
WRITTEN = {
    "4d_humans": 2, "scorehmr_eval": 3, "scorehmr_groups": 3, "dapa": 2, "dpmesh": 2, "coco": 4,
    "human_data": 3, "hugging_face": 4,
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_who_lacks_labels_is_left_out_and_counted(name, run_export, partial) -> None:
    _, ledger = run_export(partial, name)
    assert ledger.people == WRITTEN[name]
    assert sum(ledger.reasons.values()) == 4 - WRITTEN[name]


def test_formats_that_need_a_camera_say_so(partial, tmp_path) -> None:
    for name in ("bedlam", "camerahmr"):
        form = exporters.build(name, {})[0]
        with pytest.raises(ValueError, match="3 left out: person without SMPL.*whose camera is unknown"):
            export(Task(str(partial), str(tmp_path / name), "x"), form, name, lambda: None)


def test_options_and_names_are_checked() -> None:
    assert exporters.build("spn", {})[1][0].startswith("format: unknown format 'spn'; did you mean 'spin'?")
    assert exporters.build("coco", {"maks": False})[1] == [
        "unknown key 'options.maks'; did you mean 'masks'?"
    ]
    for name in ("4d_humans", "scorehmr_eval", "scorehmr_groups", "bedlam", "camerahmr", "human_data"):
        assert "padding must be in [1, 3], got 9" in exporters.build(name, {"padding": 9})[1][0]
    task: dict[str, Any] = {"source": "a", "output": "b", "name": "no dots."}
    assert len(Task(**task, body="/no/file", betas="x", seed=-1).problems()) == 4  # type: ignore[arg-type]


def rewritten(source: Path, target: Path, edit: Callable[[list[Member]], list[Member]]) -> Path:
    """Copy the first tar of a run, its members changed."""
    target.mkdir()
    with tarfile.open(source / "run-000000.tar") as file:
        members = [(one.name, file.extractfile(one).read()) for one in file]
    with tarfile.open(target / "run-000000.tar", "w", format=tarfile.USTAR_FORMAT) as file:
        for name, data in edit(members):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data))
    return target


def with_picture(members: list[Member], data: bytes) -> list[Member]:
    return [(name, data if name == "run-00000000.jpg" else old) for name, old in members]


def small_picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 10)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize("name", ["4d_humans", "hugging_face", "coco"])
@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda all_: [*all_, *[one for one in all_ if one[0].startswith("run-00000000")]],
         "key run-00000000: is there twice"),
        (lambda all_: [(name.replace("run-00000000", "other"), data) for name, data in all_],
         "key other: its record says that its key is 'run-00000000'"),
        (lambda all_: with_picture(all_, b"\xff\xd8\xffjunk"),
         "key run-00000000: picture cannot be read: it does not begin as a JPEG or PNG does"),
        (lambda all_: with_picture(all_, small_picture()),
         "key run-00000000: the picture is a jpg of 20x10, expected jpg of 128x96"),
    ],
)  # fmt: skip
def test_pictures_that_their_records_contradict_are_one_sentence(
    name, edit, words, run_export, generated, tmp_path
) -> None:
    damaged = rewritten(generated, tmp_path / "damaged", edit)
    with pytest.raises(ValueError, match=f"run-000000.tar: {words}"):
        run_export(damaged, name)
    assert [path.name for path in tmp_path.iterdir()] == ["damaged"]
