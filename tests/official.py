"""Official checkpoints for tests: their layouts, and pseudo-random weights that are the same on any machine.

`tests/data/*_layout.txt` list every key and shape, `[0-31]` standing for numbers; `*_official.safetensors`
hold what the official code returned with these weights for inputs drawn from SEED.
Official code: 4D-Humans at 6ec7965, human_body_prior at 78c86ea for VPoser v2, its release 0.8.5.0 for v1,
DPMesh at 721191b (its U-Net 64 and its VAE 32 channels wide, LoRA of rank 8; VPoser left to its own file).
"""

import itertools
import math
import re
import zlib
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

DATA = Path(__file__).parent / "data"
SEED = 7
INTEGERS = ("num_batches_tracked", "faces_tensor", "parents", "joint_map", "extra_joints_idxs")


def layout(name: str) -> dict[str, tuple[int, ...]]:
    """Return {key: shape} of an official checkpoint."""
    shapes = {}
    for line in (DATA / f"{name}_layout.txt").read_text().splitlines():
        pattern, *sizes = line.split()
        parts = re.split(r"\[(\d+)-(\d+)\]", pattern)
        ranges = [range(int(a), int(b) + 1) for a, b in zip(parts[1::3], parts[2::3], strict=True)]
        for numbers in itertools.product(*ranges):
            key = parts[0] + "".join(
                f"{number}{text}" for number, text in zip(numbers, parts[3::3], strict=True)
            )
            shapes[key] = tuple(map(int, sizes))
    return shapes


def expected(name: str, prefix: str = "") -> dict[str, Tensor]:
    """Return what the official code computed, the part under a prefix."""
    outputs = load_file(DATA / f"{name}_official.safetensors")
    return {key.removeprefix(prefix): value for key, value in outputs.items() if key.startswith(prefix)}


def weights(shapes: dict[str, tuple[int, ...]], mode: str) -> dict[str, Tensor]:
    """Return a state dict; "spec" gives tiny activations, "fanin" real contrast."""
    return {key: pseudo_random(key, shape, mode) for key, shape in shapes.items()}


def pseudo_random(key: str, shape: tuple[int, ...], mode: str) -> Tensor:
    """Return the tensor that belongs to a key."""
    name = key.rpartition(".")[2]
    if name == "initialized":
        return torch.tensor(False)
    if name in INTEGERS:
        return torch.zeros(shape, dtype=torch.int64)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(zlib.crc32(key.encode())))
    if name == "running_var" or (name == "weight" and len(shape) == 1):
        return 1 + (0.1 * noise).clamp(-0.5, 0.5)
    if "bias" in name or mode == "spec":
        return noise * (0.02 if mode == "spec" else 0.1)
    return noise * 0.5 if len(shape) < 2 or shape[0] == 1 else noise / math.sqrt(math.prod(shape[1:]))
