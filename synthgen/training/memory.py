"""How much memory a training will take, told before it starts.

Weights, gradients, optimiser state and averages are counted; what the backward pass needs is measured on a
small batch and multiplied. What libraries and the data path take comes on top.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from synthgen.training.options import TrainingOptions

MB = 1e6
_MOMENTS = {"adamw": 2, "muon": 1}  # copies of a trained weight that the optimiser keeps


@dataclass(frozen=True)
class Estimate:
    """Memory of a training [bytes].

    Attributes:
        frozen: weights that are not trained.
        trained: weights that are.
        gradients: of these.
        optimizer: its state.
        average: averaged weights.
        activations: kept for the backward pass of one batch.
    """

    frozen: int
    trained: int
    gradients: int
    optimizer: int
    average: int
    activations: int

    @property
    def total(self) -> int:
        """All together."""
        return sum(vars(self).values())

    def line(self) -> str:
        """Return the estimate as one line."""
        parts = ", ".join(f"{name} {value / MB:.0f}" for name, value in vars(self).items())
        return f"about {self.total / MB:.0f} MB ({parts})"


def estimate(module: nn.Module, options: TrainingOptions, activations: int) -> Estimate:
    """Return what a training of a module will take.

    Args:
        module: with `requires_grad` as it will be trained.
        options: of the training.
        activations: of one batch [bytes], see `saved_bytes`.
    """
    sizes = {True: 0, False: 0}
    for value in [*module.parameters(), *module.buffers()]:
        sizes[value.requires_grad] += value.numel() * value.element_size()
    trained = sizes[True]
    average = trained if options.ema_decay else 0
    moments = _MOMENTS[options.optimizer] * trained
    return Estimate(sizes[False], trained, trained, moments, average, activations)


def saved_bytes(call: Callable[[], Any], module: nn.Module) -> int:
    """Return how much the forward pass of `call` keeps for its backward pass [bytes].

    Weights are not counted, and memory that several operations keep is counted once.
    """
    known = {value.untyped_storage().data_ptr() for value in [*module.parameters(), *module.buffers()]}
    total = 0

    def keep(value: Tensor) -> Tensor:
        nonlocal total
        memory = value.untyped_storage()
        if memory.data_ptr() not in known:
            known.add(memory.data_ptr())
            total += memory.nbytes()
        return value

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        kept = call()
    del kept
    return total
