"""`pipeline=image_quality` from the command line: on made weights in the published layout, and on none."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import fid_inception
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from synthgen import config as configs
from synthgen.image_metrics import weights
from synthgen.run import import_recipe, main
from synthgen.shards.observations import read_observations, write_observations
from synthgen.shards.shard import Shard, write_shard

KID = ["kid_subsets=4"]


@pytest.fixture(autouse=True, scope="module")
def single_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return a file that reads as a network which only averages."""
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(3), nn.Flatten())
    monkeypatch.setattr(weights, "read_inception", lambda path: weights.Inception(pool, "6726825d"))
    (tmp_path / "quick.pth").write_bytes(b"")
    return str(tmp_path / "quick.pth")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(fid_inception.picture(number, (60, 80))).save(folder / f"{number}.png")
    return folder


def test_shards_against_shards_with_the_real_network(run_dir, tmp_path, capsys):
    inception = fid_inception.write_bare(tmp_path / "inception.pth")
    out = tmp_path / "out"
    arguments = [f"generated.ours={run_dir}/run-000000.tar", f"reference={run_dir}/run-000001.tar"]
    arguments += ["masks=labels", f"inception={inception}", f"output={out}", "name=Test | it", *KID]
    arguments += ["published={ours: {fid: 41.3, h_kid: 0.0123}}", "published_from=a paper, Table 1"]
    assert main(["pipeline=image_quality", *arguments]) == 0
    told = capsys.readouterr().out
    assert told.strip().splitlines()[-1] == str(out / "image_quality.md")
    assert "reference: 2 pictures, 0 of them without people" in told
    assert (
        re.search(r"ours FID +[\d.]+  published 41.30", told) and "caution: the weights are not those" in told
    )
    found = json.loads((out / "image_quality.json").read_text())
    [ours] = found["generated"]
    assert set(ours["figures"]) == {"fid", "kid", "h_fid", "h_kid"}
    assert all(np.isfinite(value) for value in ours["figures"].values()) and ours["figures"]["fid"] > 0
    assert (ours["pictures"], ours["people_pictures"], found["reference"]["pictures"]) == (3, 3, 2)
    assert ours["whole"]["subset_size"] == 2 and found["protocol"]["masked_by"] == "labels"
    assert found["protocol"]["has_published_weights"] is False and len(found["cautions"]) == 2
    table = (out / "image_quality.md").read_text()
    assert table.startswith("# Test \\| it\n") and "published: a paper, Table 1" in table
    row = next(line for line in table.splitlines() if line.startswith("| ours"))
    assert row.split(" | ")[2] == "41.30" and row.split(" | ")[-2:] == ["0.01230", "3 |"]
    for place, (name, value) in enumerate(ours["figures"].items()):
        assert float(row.split(" | ")[1 + 2 * place]) == pytest.approx(value, abs=0.006), name
    assert Image.open(out / "pictures.jpg").height > 4 * 160
    assert configs.load(import_recipe("image_quality").Config, out / "config.yaml").masks == "labels"


def test_drafts_beside_pictures_against_a_folder(make_sample, photos, quick, tmp_path, capsys):
    shards = tmp_path / "shards"
    shards.mkdir()
    samples = [make_sample(number) for number in range(3)]
    write_shard(
        str(shards), Shard("ski", 0, 0, 3, "0" * 64), [replace(one, draft=255 - one.image) for one in samples]
    )
    arguments = [
        f"generated={{ours: {shards}, drafts: {shards}}}",
        "drafts=[drafts]",
        "num_generated=2",
        *KID,
    ]
    arguments += [f"reference={photos}", f"inception={quick}", f"output={tmp_path}/out"]
    assert main(["pipeline=image_quality", *arguments, "masks=none"]) == 0
    found = json.loads((tmp_path / "out" / "image_quality.json").read_text())
    ours, drafts = found["generated"]
    assert (ours["pictures"], drafts["pictures"]) == (2, 2) and ours["figures"] != drafts["figures"]
    assert ours["people"] is None and "H-FID" not in (tmp_path / "out" / "image_quality.md").read_text()
    assert "the weights are not those" not in capsys.readouterr().out


@pytest.mark.parametrize("cut", ["picture", "person"])
def test_the_papers_tables_on_small_data(cut, quick, tmp_path):
    """The shipped files; the package's own segmenter finds the people of both sides."""
    table = {"picture": "mpii", "person": "smart"}[cut]
    example = Path(__file__).parents[2] / "shards" / "example" / "example-000000.tar"
    real = tmp_path / "real" / "sport"
    real.mkdir(parents=True)
    write_observations(str(real), "real", islice(read_observations(str(example)), 2))
    arguments = [f"generated={{ours: {example}}}", "drafts=[]", "num_generated=2", "num_reference=2", *KID]
    arguments += [f"reference={tmp_path}/real", "segmenter={backend: segmentation}", f"inception={quick}"]
    arguments += ["published={ours: {h_fid: 33.5}}", f"output={tmp_path}/out"]
    assert main([f"config=eval/diffusion_hpc_images_{table}.yaml", *arguments]) == 0
    found = json.loads((tmp_path / "out" / "image_quality.json").read_text())
    [ours] = found["generated"]
    assert (
        found["protocol"]["masked_by"].startswith("embedded/segmenter ") and found["protocol"]["cut"] == cut
    )
    assert (ours["people_pictures"], ours["without_people"], found["reference"]["people_pictures"]) == (
        2,
        0,
        2,
    )
    assert ours["figures"]["h_fid"] > 0
    text = (tmp_path / "out" / "image_quality.md").read_text()
    assert "33.50" in text and "arXiv 2303.09541" in text and f"(the paper, {table.upper()})" in text


def test_people_of_observations_are_cropped(run_dir, quick, tmp_path, capsys):
    (tmp_path / "real").mkdir()
    write_observations(str(tmp_path / "real"), "real", read_observations(str(run_dir)))
    arguments = [
        f"generated.ours={run_dir}",
        f"reference={tmp_path}/real",
        f"inception={quick}",
        "masks=none",
    ]
    arguments += [
        f"output={tmp_path}/out",
        "crop_reference=1.2",
        "crop_generated=1.2",
        "resize=tensorflow",
        *KID,
    ]
    assert main(["pipeline=image_quality", *arguments]) == 0
    told = capsys.readouterr().out
    assert "reference: 7 pictures" in told and "generated.ours: 7 pictures" in told
    assert "TensorFlow 1 bilinear" in (tmp_path / "out" / "image_quality.md").read_text()


def test_all_problems_at_once(capsys):
    arguments = [
        "drafts=[other]",
        "masks=labels",
        "num_reference=-1",
        "crop_generated=-0.5",
        "kid_subset_size=1",
    ]
    arguments += ["published={none: {fid: 1}, ours: 3}", "generated.ours=x", "batch_size=0", "cut=face"]
    assert main(["pipeline=image_quality", *arguments]) == 2
    assert "cut" in capsys.readouterr().err
    arguments = [*arguments[:-1], "published.ours={fd: 3}"]
    assert main(["pipeline=image_quality", *arguments]) == 2
    complaints = capsys.readouterr().err
    for words in (
        "reference: say what real pictures to compare with",
        "inception: say where its file is. Needed: the Inception v3 of FID, pt_inception-2015-12-05-67268",
        "drafts: no generated set is called 'other'",
        "masks=labels cannot be had with drafts",
        "num_reference must be at least 0, got -1",
        "crop_generated must be at least 0, got -0.5",
        "kid_subset_size must be at least 2, got 1",
        "batch_size must be at least 1, got 0",
        "published: no generated set is called 'none'",
        "published.ours: unknown figure 'fd'; did you mean 'fid'?",
    ):
        assert words in complaints, words


def test_what_is_missing_is_one_clear_line(run_dir, photos, quick, tmp_path, capsys):
    arguments = [
        "pipeline=image_quality",
        f"generated.ours={run_dir}",
        f"output={tmp_path}/out",
        "masks=none",
    ]
    assert main([*arguments, f"reference={tmp_path}/nowhere", f"inception={quick}"]) == 1
    assert "reference: " in (err := capsys.readouterr().err) and "nowhere: no such folder" in err
    assert main([*arguments, f"reference={photos}", f"inception={quick}", "num_reference=1"]) == 1
    assert "reference: 1 picture in" in capsys.readouterr().err
    if not torch.cuda.is_available():
        assert main([*arguments, f"reference={photos}", f"inception={quick}", "device=cuda"]) == 1
        assert "PyTorch finds no CUDA device here; set device=cpu" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_file_of_the_network_is_asked_for(run_dir, photos, tmp_path, capsys):
    arguments = ["pipeline=image_quality", f"generated.ours={run_dir}", f"reference={photos}"]
    assert main([*arguments, f"inception={tmp_path}/none.pth"]) == 1
    assert "none.pth: no such file. Needed: the Inception v3 of FID" in capsys.readouterr().err


FILES = [path for name, path in configs.shipped("eval").items() if name.startswith("diffusion_hpc_images")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_commands_in_the_shipped_files_are_understood(path, tmp_path):
    (body := tmp_path / "SMPL_NEUTRAL.pkl").touch()
    commands = re.findall(r"python -m synthgen\.run (.*?)(?:    .*)?$", path.read_text("utf-8"), re.M)
    assert commands
    for command in (one.replace("models/smpl/SMPL_NEUTRAL.pkl", str(body)) for one in commands):
        values = dict(word.partition("=")[::2] for word in shlex.split(command))
        found = configs.find(values.pop("config")) if "config" in values else None
        name = configs.read(found).values["pipeline"] if found else values.pop("pipeline")
        configs.load(
            import_recipe(str(name)).Config, found, [f"{key}={value}" for key, value in values.items()]
        )
