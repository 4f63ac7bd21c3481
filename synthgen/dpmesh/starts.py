"""Where a training starts: fresh weights, a folder, the model of the package, or a published checkpoint."""

from pathlib import Path

import torch

from synthgen.backends.model_files import find_model
from synthgen.dpmesh.config import DPMeshConfig
from synthgen.dpmesh.model import DPMesh

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
