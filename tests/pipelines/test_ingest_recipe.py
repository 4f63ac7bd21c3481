"""`pipeline=ingest` from the command line, on small data sets in official layouts."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from synthgen import storage
from synthgen.run import main
from synthgen.shards import summarize
from synthgen.shards.observations import read_observations
from synthgen.shards.verify import Verification

SIZE = 64


def write_ski(root: Path, count: int = 7, body_z: float = 6.0) -> None:
    """Write Ski-PosePTZ pictures of a figure that is seen where its 3D joints are."""
    rng = np.random.default_rng(0)
    cam_int = np.array([[1.2, 0, 0.5], [0, 1.2, 0.5], [0, 0, 1]])
    points = rng.uniform((-1.5, -1.5, body_z), (1.5, 1.5, body_z + 1), (count, 17, 3))
    pixels = points @ cam_int.T
    fields = {
        "seq": np.zeros(count), "cam": np.arange(count), "frame": np.full(count, 5), "subj": np.zeros(count),
        "3D": points.reshape(count, -1), "2D": (pixels[..., :2] / pixels[..., 2:]).reshape(count, -1),
        "cam_intrinsic": np.tile(cam_int, (count, 1, 1)), "cam_position": np.zeros((count, 3)),
        "R_cam_2_world": np.tile(np.eye(3), (count, 1, 1)),
    }  # fmt: skip
    (root / "train").mkdir(parents=True)
    with h5py.File(root / "train" / "labels.h5", "w") as file:
        for name, values in fields.items():
            file[name] = values
    for n in range(count):
        path = root / "train" / "seq_000" / f"cam_{n:02d}" / "image_000005.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(rng.integers(0, 255, (SIZE, SIZE, 3)).astype(np.uint8)).save(path)


def command(root: Path, out: Path, *more: str) -> list[str]:
    return ["config=ingest_ski.yaml", f"root={root}", f"output={out}", "samples_per_shard=3", *more]


def test_shards_are_whole_and_a_second_start_reads_only_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = tmp_path / "ski", tmp_path / "shards"
    write_ski(root)
    (root / "train/seq_000/cam_04/image_000005.png").write_bytes(b"damaged")
    (root / "train/seq_000/cam_06/image_000005.png").unlink()
    assert main(command(root, out)) == 0
    told = capsys.readouterr().out
    assert "5 pictures in 3 shards, 2 left out" in told
    assert (
        "left out 1: the picture cannot be decoded" in told and "left out 1: the picture is missing" in told
    )
    folder = out / "ski_poseptz"
    summary = summarize(str(folder))
    assert (summary.num_requests, summary.accepted, summary.rejected) == (7, 5, 2)
    assert list(Verification(str(folder), {}).problems()) == []
    found = list(read_observations(str(folder)))
    assert [one.view for one in found] == ["cam00", "cam01", "cam02", "cam03", "cam05"]
    before = {path.name: path.read_bytes() for path in folder.glob("*.tar")}
    (folder / "ski_poseptz-000001.tar").unlink()
    (folder / ".ski_poseptz-000001.tar.abc.tmp").write_bytes(b"of a writer that was killed")
    assert main(command(root, out)) == 0
    assert "2 of 3 shards done, 1 to read" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in folder.glob("*.tar")} == before, "byte for byte the same"
    assert not [name for name in storage.list_names(str(folder)) if storage.is_leftover(name)]
    assert main(command(root, out, "every=2")) == 2, "another config"
    assert "every" in capsys.readouterr().err


def test_few_shot_counts_are_the_first_pictures_and_may_grow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = tmp_path / "ski", tmp_path / "shards"
    write_ski(root)
    assert main(command(root, out, "num_samples=4", "run=few")) == 0
    few = [one.key for one in read_observations(str(out / "few"))]
    assert main(command(root, out, "num_samples=7", "run=few")) == 0
    assert [one.key for one in read_observations(str(out / "few"))][:4] == few and len(few) == 4
    assert main(command(root, out, "num_samples=9", "run=many")) == 2
    assert "num_samples is 9; ski_poseptz train has 7 pictures" in capsys.readouterr().err


def test_one_clear_message_for_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (
            ["dataset=ski_poseptz", f"root={tmp_path}"],
            "train/labels.h5: no such file or folder, nor Ski-PosePTZ-CameraDataset-png/train",
        ),
        (
            ["dataset=3dpw", f"root={tmp_path}/none"],
            "none: no such folder; expected the data set. 3DPW comes from",
        ),
        (["dataset=skii", "root=x"], "dataset must be one of ski_poseptz, smart"),
        (["dataset=emdb"], "root: say where the data set is"),
        (["dataset=smart", f"root={tmp_path}", "split=vault"], "split of SportsCap SMART v1 must be one of"),
        (["dataset=folder", f"root={tmp_path}", "fits=a.json"], "fits belong to mpii and coco only"),
        (["dataset=folder", f"root={tmp_path}", "run=a.b"], "run may hold letters"),
    ):
        assert main(["pipeline=ingest", *arguments, f"output={tmp_path}/out"]) == 2, words
        err = capsys.readouterr().err
        assert words in err and "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str], make_sample) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    Image.fromarray(make_sample(0, 1, (128, 128)).image).save(root / "one.jpg")
    assert main(["pipeline=ingest", "dataset=folder", f"root={root}", f"output={tmp_path}/out"]) == 2
    assert "models.segmenter is needed: set models=embedded" in capsys.readouterr().err
    code = main(["config=ingest.yaml", f"root={root}", f"output={tmp_path}/out", "min_confidence=0"])
    told = capsys.readouterr().out
    found = list(read_observations(str(tmp_path / "out" / "folder-photos"))) if code == 0 else []
    assert f"{len(found)} pictures in 1 shards, {1 - len(found)} left out" in told
    for one in found:
        assert one.labelled_by.startswith("boxes: segmentation ") and "joints: vitpose " in one.labelled_by


def test_a_folder_with_a_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    Image.fromarray(np.full((40, 60, 3), 99, np.uint8)).save(root / "a.jpg")
    keypoints = [number for k in range(17) for number in (5 + 2 * k, 30 - k, 2)]
    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [{"id": 1, "image_id": 1, "bbox": [2, 2, 40, 30], "keypoints": keypoints}],
    }
    (root / "labels.json").write_text(json.dumps(content))
    assert (
        main(["pipeline=ingest", "dataset=folder", f"root={root}", f"output={tmp_path}/out", "run=mine"]) == 0
    )
    [one] = read_observations(str(tmp_path / "out" / "mine"))
    assert one.source == "folder/photos" and one.people[0].bbox.tolist() == [2, 2, 42, 32]
