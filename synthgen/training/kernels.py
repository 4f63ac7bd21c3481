"""How attention and norms are computed where torch's own way trains slowly: on CPUs."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from synthgen.training.attention import SpelledOut
from synthgen.training.norms import PlanarNorms


@contextmanager
def quick(device: torch.device) -> Iterator[None]:
    """Choose the faster kernels of a device while this is entered; a backward pass may come later.

    What is computed again in the backward pass (checkpointing) is outside of this choice, so it must not be
    made there.
    """
    if device.type != "cpu":
        yield
        return
    with SpelledOut(), PlanarNorms():
        yield
