"""All chance of a training step follows from seed, step and worker, so that no generator's state is kept."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Draw:
    """All chance of one batch.

    Attributes:
        rng: for choices and changes of the data.
        generator: for tensors, on the CPU, so that every device sees the same noise.
        device: where the model is.
    """

    rng: np.random.Generator
    generator: torch.Generator
    device: torch.device

    def normal(self, *shape: int) -> Tensor:
        """Draw standard normal noise on the device."""
        return torch.randn(shape, generator=self.generator).to(self.device)


def draw(key: tuple[int, ...], device: torch.device) -> Draw:
    """Return the chance of one batch, and set torch's own generator, which dropout draws from.

    Args:
        key: seed, step, worker, part: numbers that name the batch.
        device: where the model is.
    """
    sequence = np.random.SeedSequence(key)
    seed = int(sequence.generate_state(1, np.uint64)[0] >> 1)
    torch.manual_seed(seed)
    return Draw(np.random.default_rng(key), torch.Generator().manual_seed(seed + 1), device)
