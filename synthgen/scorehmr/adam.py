"""Adam (Kingma and Ba, ICLR 2015) on one tensor, as a pure step."""

import math

import torch
from torch import Tensor

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8


class Adam:
    """Keeps the moments of one tensor's gradients; `step` returns new values and changes none."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._count = 0
        self._moments: tuple[Tensor, Tensor] | None = None

    def step(self, values: Tensor, gradient: Tensor) -> Tensor:
        """Return the values after a step against the gradient of the same shape."""
        if self._moments is None:
            self._moments = (torch.zeros_like(values), torch.zeros_like(values))
        self._count += 1
        first, second = self._moments
        first = torch.lerp(first, gradient, 1 - _BETAS[0])
        second = torch.addcmul(second * _BETAS[1], gradient, gradient, value=1 - _BETAS[1])
        self._moments = (first, second)
        rate = self.rate / (1 - _BETAS[0] ** self._count)
        scale = math.sqrt(1 - _BETAS[1] ** self._count)
        return torch.addcdiv(values, first, second.sqrt() / scale + _EPSILON, value=-rate)
