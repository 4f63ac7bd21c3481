"""Muon: momentum made orthogonal (Jordan et al., 2024), for many small matrices at once.

It takes the steps of torch's Muon, up to rounding. Matrices of one shape are made orthogonal together, which
for the hundreds of narrow ones of low-rank updates costs a third of the time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

_ROUNDS = 5
_ROUND = (3.4445, -4.7750, 2.0315)  # coefficients of the quintic that Jordan et al. iterate
_EPS = 1e-7
_RMS = 0.2  # of a step for a rate of 1, about AdamW's (Liu et al., 2025, section 2.2)
_AT_ONCE = 1 << 20  # numbers in the matrices that are stacked


class Muon(torch.optim.Optimizer):
    """Moves matrices by their momentum, made orthogonal, in steps of the size of AdamW's.

    Args:
        params: matrices.
        lr: step size.
        weight_decay: part of each weight that a step of size 1 takes away.
        momentum: what each step keeps of the ones before it; the newest gradient counts twice (Nesterov).
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float, weight_decay: float, momentum: float = 0.95
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.ndim != 2:
                    raise ValueError(f"Muon takes matrices, got a weight of shape {tuple(weight.shape)}")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Move the weights that have gradients; `closure` is not used."""
        for group in self.param_groups:
            alike = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[weight.shape].append(weight)
            for weights in alike.values():
                for few in _groups(weights):
                    self._move(few, group)

    def _move(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        kept = [self._momentum(weight) for weight in weights]
        torch._foreach_lerp_(kept, gradients, 1 - group["momentum"])
        steps = orthogonal(torch.stack(torch._foreach_lerp(gradients, kept, group["momentum"])))
        rate = group["lr"] * _RMS * max(weights[0].shape) ** 0.5
        torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(weights, list(steps.to(weights[0].dtype)), alpha=-rate)

    def _momentum(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:  # the name that torch's own Muon gives it
            state["momentum_buffer"] = torch.zeros_like(weight)
        found: Tensor = state["momentum_buffer"]
        return found


def orthogonal(matrices: Tensor) -> Tensor:
    """Bring singular values of matrices (N, A, B) close to 1, by Newton-Schulz iterations in bfloat16."""
    is_tall = matrices.shape[1] > matrices.shape[2]
    found = (matrices.mT if is_tall else matrices).bfloat16()
    found = found / found.norm(dim=(1, 2), keepdim=True).clamp(min=_EPS)
    first, third, fifth = _ROUND
    for _ in range(_ROUNDS):
        gram = found @ found.mT
        found = torch.baddbmm(
            found, torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth), found, beta=first
        )
    return found.mT if is_tall else found


def _groups(weights: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    count = max(1, _AT_ONCE // weights[0].numel())
    for start in range(0, len(weights), count):
        yield list(weights[start : start + count])
