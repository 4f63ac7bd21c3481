"""The Hugging Face folder is read by `datasets` itself; the card holds statistics, origins, licences."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from synthgen.exporters.licences import UNKNOWN, licence_of
from synthgen.shards import read_samples
from synthgen.shards.observations import read_observations


@pytest.fixture
def load(monkeypatch: Any, tmp_path: Path) -> Any:
    """Return load(folder): the rows as `datasets.load_dataset` gives them."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    def rows(folder: Path) -> Any:
        return datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))

    return rows


def test_load_dataset_gives_pictures_and_labels_back(run_export, generated, load) -> None:
    folder, _ = run_export(generated, "hugging_face")
    rows = load(folder)
    for row, sample in zip(rows, read_samples(str(generated)), strict=True):
        assert row["key"] == sample.request.key and row["caption"] == sample.request.prompt
        np.testing.assert_array_equal(np.array(row["image"]), sample.image)
        np.testing.assert_array_equal(np.array(row["mask"]), sample.mask)
        np.testing.assert_allclose(np.array(row["depth"]) / 1000, sample.depth, atol=6e-4)
        np.testing.assert_array_equal(row["cam_int"], sample.scene.camera.cam_int)
        assert row["body"] == "open" and len(row["people"]) == len(sample.scene.people)
        for found, person in zip(row["people"], sample.scene.people, strict=True):
            for name in ("global_orient", "body_pose", "betas", "transl"):
                np.testing.assert_array_equal(np.float32(found[name]), getattr(person, name))


def test_what_nobody_knows_is_null(run_export, partial, load) -> None:
    folder, _ = run_export(partial, "hugging_face")
    rows = {row["key"]: row for row in load(folder)}
    assert rows["only-2d"]["people"][0]["global_orient"] is None
    assert rows["only-2d"]["people"][0]["keypoints_3d"] is None
    assert rows["only-3d"]["people"][0]["keypoints_2d"] is None
    assert rows["no-camera"]["cam_int"] is None and rows["no-camera"]["mask"] is None


def test_bytes_of_pictures_stay_as_they_are(run_export, smpl_run) -> None:
    import pyarrow.parquet as parquet

    folder, _ = run_export(smpl_run, "hugging_face")
    rows = parquet.read_table(folder / "data" / "train-00000.parquet").to_pylist()
    for row, one in zip(rows, read_observations(str(smpl_run)), strict=True):
        shown = np.array(Image.open(io.BytesIO(row["image"]["bytes"])))
        np.testing.assert_array_equal(shown, one.image)
        assert (row["sequence"], row["frame"], row["view"]) == (one.sequence, one.frame, one.view)


def test_the_card_says_what_is_in_it_and_where_it_comes_from(run_export, generated) -> None:
    folder, _ = run_export(generated, "hugging_face")
    _, header, text = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    meta = yaml.safe_load(header)
    assert meta["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]
    assert meta["size_categories"] == ["n<1K"] and meta["license"] == "other"
    for words in (
        "3 pictures of 4 people",
        "| 128 x 96 | 3 |",
        "| ski / tuck | 4 |",
        "| SMPL parameters | 4 |",
        "| renderer | dots | unknown | 3 | unknown: find out",
        "| body | open | ",
        "Apache-2.0, from CC0 MakeHuman data",
        "pipeline: generate\nnum_samples: 3",
        "is not SMPL",
    ):
        assert words in text, words


def test_licences_of_the_presets_are_known() -> None:
    from synthgen import config as configs

    for path in configs.shipped(configs.MODELS).values():
        for role, node in configs.read(path).values.items():
            assert licence_of(role, str(node.get("id", node["backend"]))) is not UNKNOWN, (path.name, role)
    assert licence_of("draft", "somebody/model") is UNKNOWN
    assert "not for commercial use" in licence_of("body", "smpl").name
