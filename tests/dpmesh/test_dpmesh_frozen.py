"""A DPMesh knows the diffusion model that it was trained on, and refuses another one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from synthgen.backends.model_files import BUNDLED_FOLDER
from synthgen.dpmesh.config import embedded_config
from synthgen.dpmesh.model import DPMesh


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DPMesh on the packaged draft model."""
    folder = tmp_path_factory.mktemp("frozen") / "dpmesh"
    DPMesh(embedded_config()).save_folder(folder, torch.float16)
    return folder


def changed_draft(folder: Path, part: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Path:
    """Copy the packaged draft model with other weights in its U-Net or VAE."""
    for name in ("unet", "vae"):
        shutil.copytree(BUNDLED_FOLDER / "draft" / name, folder / name)
    (file,) = (folder / part).glob("*.safetensors")
    weights = {key: change(value).contiguous() for key, value in load_file(file).items()}
    file.unlink()
    save_file(weights, file, {"format": "pt"})
    return folder


@pytest.mark.parametrize("part", ["unet", "vae"])
def test_a_frozen_model_that_was_trained_on_is_refused(part: str, saved: Path, tmp_path: Path) -> None:
    rng = torch.Generator().manual_seed(0)

    def train_on(value: torch.Tensor) -> torch.Tensor:
        return value.float() + 0.1 * value.float().std(correction=0) * torch.randn(value.shape, generator=rng)

    draft = changed_draft(tmp_path / "draft", part, train_on)
    with pytest.raises(ValueError, match=r"another diffusion model than .*draft holds: \d+ of 64 sampled"):
        DPMesh.from_folder(saved, draft)


def test_the_same_model_elsewhere_and_more_roughly_rounded_is_taken(saved: Path, tmp_path: Path) -> None:
    draft = changed_draft(tmp_path / "draft", "unet", lambda value: value.bfloat16().float())
    assert DPMesh.from_folder(saved, draft).config.folder == str(draft)


def test_models_that_do_not_say_are_taken(saved: Path, tmp_path: Path) -> None:
    old = shutil.copytree(saved, tmp_path / "old")
    config = json.loads((old / "config.json").read_text())
    assert len(config.pop("frozen_sample")) == 64
    (old / "config.json").write_text(json.dumps(config))
    assert DPMesh.from_folder(old).config.frozen_sample == ()


def test_the_packaged_dpmesh_was_trained_on_the_packaged_draft_model() -> None:
    assert len(DPMesh.from_folder(BUNDLED_FOLDER / "dpmesh").config.frozen_sample) == 64
