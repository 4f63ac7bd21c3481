"""The optimiser of all trainings: Muon for matrices within a model, AdamW for everything else."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from synthgen.training.muon import Muon

_BETAS = (0.9, 0.99)  # of AdamW
_LEAST_SIDE = 32  # of a matrix that Muon takes; narrower ones have little to make orthogonal


class Optimizer:
    """AdamW, and beside it Muon where a training asks for it, with one step size for both.

    Muon makes each matrix's momentum orthogonal before the step (Jordan et al., "Muon: an optimizer for
    hidden layers in neural networks", 2024); steps are scaled to the size of AdamW's (Liu et al., "Muon is
    scalable for LLM training", 2025, section 2.2). Filters of a convolution count as rows of a matrix. Muon
    takes the weights of linear layers and of convolutions that mix channels; AdamW has embeddings, vectors
    and small matrices.

    Attributes:
        parts: the optimisers in use by name, "adamw" and perhaps "muon".
    """

    def __init__(self, model: nn.Module, learning_rate: float, weight_decay: float, use_muon: bool) -> None:
        chosen = _matrices(model) if use_muon else []
        taken = {id(weight) for weight in chosen}
        rest = [p for p in model.parameters() if p.requires_grad and id(p) not in taken]
        groups = [
            {"params": [p for p in rest if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0},
        ]
        # Fused: one pass over the memory in place of eight, several times faster also on CPUs.
        self.parts: dict[str, torch.optim.Optimizer] = {
            "adamw": torch.optim.AdamW(groups, lr=learning_rate, betas=_BETAS, fused=True)
        }
        # Views as matrices, which share the memory of the weights.
        self._views = [(weight, nn.Parameter(_as_matrix(weight.detach(), weight))) for weight in chosen]
        if chosen:
            self.parts["muon"] = Muon([view for _, view in self._views], learning_rate, weight_decay)

    def step(self, learning_rate: float) -> None:
        """Move the weights against their gradients."""
        for weight, view in self._views:
            view.grad = None if weight.grad is None else _as_matrix(weight.grad, weight)
        for part in self.parts.values():
            for group in part.param_groups:
                group["lr"] = learning_rate
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of both."""
        return {name: part.state_dict() for name, part in self.parts.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        for name, part in self.parts.items():
            part.load_state_dict(state[name])


def _as_matrix(value: Tensor, like: Tensor) -> Tensor:
    """Return (rows, columns) of a weight or its gradient, in the order in which `like` lies in memory."""
    is_last = like.ndim == 4 and not like.is_contiguous()
    return (value.permute(0, 2, 3, 1) if is_last else value).flatten(1)


def _matrices(model: nn.Module) -> list[Tensor]:
    """Return the weights that Muon takes, each once."""
    found: dict[int, Tensor] = {}
    for module in model.modules():
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1):
            weight = module.weight
            if weight.requires_grad and min(len(weight), weight[0].numel()) >= _LEAST_SIDE:
                found[id(weight)] = weight
    return list(found.values())
