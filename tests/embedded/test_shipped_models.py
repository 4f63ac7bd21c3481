"""The models that come with the package do what their card says, on a few pictures of other seeds."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file

from synthgen import backends, config, run
from synthgen.backends.model_files import BUNDLED_FOLDER
from synthgen.embedded.earlier import read_log
from synthgen.embedded.exam.models import VAE
from synthgen.scenes.poses import FAMILIES

LARGEST_FILE, LARGEST_SUM = 16e6, 60e6  # bytes
SHIPPED = (VAE, "draft", "redraw", "segmenter", "keypoints", "mesh", "prior", "score", "dpmesh")


@pytest.fixture(scope="module")
def figures(tmp_path_factory) -> dict[str, dict[str, float]]:
    """Examine the shipped models on little; speed apart, which is no behaviour."""
    folder = tmp_path_factory.mktemp("exam")
    where = [f"work={folder}", f"card={folder / 'MODELS.md'}"]
    amounts = ["pictures=3", "seed=4000000", "drafts=1", "redraws=4"]
    amounts.append("parts=[vae,redraw,segmenter,keypoints,mesh,prior]")
    amounts.append("models.draft.num_inference_steps=4")  # drafts are what is drawn over, and no more, here
    assert run.main(["config=embedded_evaluate.yaml", *amounts, *where]) == 0
    entries = json.loads((folder / "figures.json").read_text())
    return {name: entry["figures"] for name, entry in entries.items()}


def test_the_auto_encoder_keeps_pictures(figures):
    assert figures["vae"]["psnr"] > 26


def test_captions_decide_where_a_draft_takes_place():
    preset = OmegaConf.to_container(OmegaConf.load(config.shipped("models")["embedded"]))
    draft = backends.build(backends.MODELS["draft"], preset["draft"], "models.draft")
    draft.setup()
    captions = ["a photo of a skier on a snowy slope", "a photo of a person standing in a park"]
    snow, grass = (
        draft([caption] * 2, [""] * 2, [1, 2]).images.astype(float).mean((0, 1, 2)) for caption in captions
    )
    assert snow.mean() > 1.3 * grass.mean()
    assert grass[1] > 1.2 * grass[2] and snow[1] < 1.1 * snow[2]  # green over blue


def test_a_redrawn_body_is_where_its_depth_says(figures):
    assert figures["redraw"]["iou"] > 0.5


def test_the_segmenter_finds_people(figures):
    assert figures["segmenter"]["person"] > 0.8


def test_the_keypoint_model_finds_joints_of_every_family(figures):
    assert min(figures["keypoints"][f"pck/{family}"] for family in FAMILIES) > 0.5
    assert figures["keypoints"]["pck"] > 0.7


def test_the_mesh_estimator_poses_everyday_people_and_knows_no_sports(figures):
    by_family = {family: figures["mesh"][f"pa_mpjpe/{family}"] for family in FAMILIES}
    everyday = by_family.pop("everyday")
    assert everyday < 100
    assert np.mean(list(by_family.values())) > 1.3 * everyday


def test_the_prior_keeps_poses_and_tells_random_ones_apart(figures):
    assert figures["prior"]["degrees"] < 4
    assert figures["prior"]["auc_norm"] > 0.98
    assert figures["prior"]["sports_over_everyday"] > 1.2


def test_every_model_is_there_with_the_log_of_its_training():
    for folder in SHIPPED:
        rounds = read_log(BUNDLED_FOLDER / folder)
        assert rounds and all(one["steps"] > 0 and one["examples"] > 0 for one in rounds), folder


def test_files_are_small_and_hold_half_precision():
    files = sorted(BUNDLED_FOLDER.rglob("*.safetensors"))
    sizes = [path.stat().st_size for path in files]
    assert files
    assert max(sizes) <= LARGEST_FILE and sum(sizes) <= LARGEST_SUM
    for path in files:
        kinds = {value.dtype for value in load_file(path).values()}
        assert kinds <= {torch.float16, torch.int64}, path


def test_nothing_but_weights_and_text_is_there():
    kinds = {path.suffix for path in Path(BUNDLED_FOLDER).rglob("*") if path.is_file()}
    assert kinds <= {".safetensors", ".json", ".txt"}
