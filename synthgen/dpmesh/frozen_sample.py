"""Knowing again the diffusion model that a DPMesh was trained on: a few of its frozen weights.

A folder of a DPMesh holds what was learnt; the frozen VAE and U-Net are read from elsewhere. Where they have
been trained on since, every answer changes and nothing fails, so a sample of them is kept with the model.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

_COUNT = 64
_RELATIVE, _ABSOLUTE = 0.01, 1e-4  # half precision rounds less; a round of training moves nearly all by more


def take(module: nn.Module, keys: Sequence[str]) -> tuple[float, ...]:
    """Return the middle weights of up to 64 tensors, evenly picked in the order of their names.

    Args:
        module: whose state dict has these keys.
        keys: of the frozen weights.
    """
    state = module.state_dict()
    matrices = sorted(key for key in keys if state[key].dim() > 1)
    picked = [matrices[place * len(matrices) // _COUNT] for place in range(min(_COUNT, len(matrices)))]
    values = (float(state[key].flatten()[state[key].numel() // 2]) for key in picked)
    return tuple(float(f"{value:.4g}") for value in values)


def check(found: Sequence[float], expected: Sequence[float], folder: Path, source: str) -> None:
    """Refuse another diffusion model than the one that was trained on; the same in half precision passes.

    Args:
        found: sample of the frozen weights at hand.
        expected: of those that the model was trained on.
        folder: of the model.
        source: folder of the frozen weights at hand.

    Raises:
        ValueError: they differ.
    """
    agree = 0
    if len(found) == len(expected):
        own, other = torch.tensor(found), torch.tensor(expected)
        agree = int(((own - other).abs() <= _ABSOLUTE + _RELATIVE * other.abs()).sum())
    if agree < len(expected):
        raise ValueError(
            f"{folder} was trained on another diffusion model than {source} holds: {agree} of "
            f"{len(expected)} sampled weights agree. Give the folder that it was trained on, or train it "
            "anew (train_dpmesh)"
        )
