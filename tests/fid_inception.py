"""FID's Inception with weights that anybody can make again: no random numbers, each a sine of its place."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from synthgen.image_metrics.inception import FIDInception


def weights() -> dict[str, Tensor]:
    """Return a state dict in the layout of the published file, counters of training included."""
    with torch.device("meta"):
        layout = FIDInception().state_dict()
    made: dict[str, Tensor] = {}
    for number, (key, meta) in enumerate(layout.items()):
        places = torch.arange(meta.numel(), dtype=torch.float64)
        wave = torch.sin(places * (0.37 + 0.01 * number) + number).float().reshape(meta.shape)
        if meta.ndim == 4:
            made[key] = wave * (4 / meta[0].numel()) ** 0.5
        elif key.endswith(("bn.weight", "running_var")):
            made[key] = 1 + 0.3 * wave
        else:
            made[key] = 0.1 * wave
        if key.endswith("running_var"):
            made[key.replace("running_var", "num_batches_tracked")] = torch.tensor(7)
    return made


def write_bare(path: Path) -> Path:
    """Write the file as PyTorch did before 1.6: no zip archive; and without counters of training."""
    kept = {key: one for key, one in weights().items() if not key.endswith("num_batches_tracked")}
    torch.save(OrderedDict(kept), path, _use_new_zipfile_serialization=False)
    return path


def picture(number: int = 0, size: tuple[int, int] = (299, 299)) -> np.ndarray:
    """Return a picture (H, W, 3) uint8 of waves."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    waves = [np.sin(rows * (0.02 + 0.01 * c) + columns * (0.05 - 0.01 * c) + number + c) for c in range(3)]
    return np.round(127.5 + 127.5 * np.stack(waves, -1)).astype(np.uint8)
