"""Where a training starts: fresh weights, a folder, the model of the package, or a published checkpoint."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import torch

from synthgen.backends.model_files import find_model
from synthgen.checkpoints import read_folder
from synthgen.dpmesh.cascade import Cascade
from synthgen.dpmesh.config import DPMeshConfig
from synthgen.dpmesh.model import DPMesh
from synthgen.dpmesh.regressor import Recurrent

EMBEDDED = "embedded/dpmesh"
PUBLISHED = (
    "give a folder that train_dpmesh or adapt wrote, embedded/dpmesh, or a published checkpoint "
    "(github.com/EternalEvan/DPMesh, *_best_ckpt.pth.tar)"
)


def open_model(start: str, diffusion: str = "") -> DPMesh:
    """Load a trained DPMesh, float32, on the CPU.

    Args:
        start: folder with config.json and model.safetensors, embedded/dpmesh, or a published checkpoint.
        diffusion: folder of the frozen diffusion model, where it has moved since; "" for the one it names.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: it holds something else, or is damaged.
    """
    path = find(start)
    if path.is_dir():
        return DPMesh.from_folder(path, diffusion or None)
    if diffusion:
        raise ValueError(
            f"{path}: a published checkpoint brings its own diffusion model; leave diffusion empty"
        )
    return DPMesh.from_checkpoint(path)


def with_lifter(model: DPMesh, width: int) -> DPMesh:
    """Return a model with a fresh lifter of some width, whose answer is then the model's own; float32.

    What the regressor has learnt to see stays; it read whole bodies out of that, which is forgotten.
    """
    grown = DPMesh(replace(model.config, lifter_width=width, pose_prior=""))
    grown.config = replace(grown.config, pose_prior=model.config.pose_prior)
    left = grown.load_state_dict(model.state_dict(), strict=False)
    assert not left.unexpected_keys
    cast(Cascade | Recurrent, grown.regressor).correct_nothing()
    return grown.eval()


def has_lifter(start: str) -> bool:
    """Tell whether the model of a start has a lifter; published ones have none.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: its configuration is damaged, or of something else.
    """
    path = find(start)
    return path.is_dir() and read_folder(path, DPMesh.__name__, DPMeshConfig)[0].lifter_width > 0


def fresh_model(config: DPMeshConfig, seed: int) -> DPMesh:
    """Build a DPMesh whose untrained weights follow from a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DPMesh(config)


def find(start: str) -> Path:
    """Return the folder or file that a start means; FileNotFoundError where there is none."""
    return find_model(start, "", _no_fetching)


def _no_fetching(model_id: str, revision: str | None) -> str:
    raise FileNotFoundError(f"{model_id}: no such folder; {PUBLISHED}")
