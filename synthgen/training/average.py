"""Averaged weights: smoother than the newest ones, and what is kept where a training asks for them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

FIRST_STEPS = 10  # over which the average follows more quickly


class Average:
    """The exponential moving average of some weights.

    Args:
        weights: by name; they are followed, not changed.
        decay: of the average at each step; 0 for none, which costs nothing.
    """

    def __init__(self, weights: Mapping[str, Tensor], decay: float) -> None:
        self._weights, self._decay = weights, decay
        self._means = {name: value.detach().clone() for name, value in weights.items()} if decay else {}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the newest weights in, after optimiser step `step` counted from 0."""
        if self._means:
            decay = min(self._decay, (1 + step) / (FIRST_STEPS + step))
            newest = [self._weights[name] for name in self._means]
            torch._foreach_lerp_(list(self._means.values()), newest, 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the averages where the weights are, for the length of the block."""
        if not self._means:
            yield
            return
        newest = {name: self._weights[name].detach().clone() for name in self._means}
        self._copy(self._means)
        try:
            yield
        finally:
            self._copy(newest)

    def keep(self) -> None:
        """Put the averages where the weights are, for good."""
        self._copy(self._means)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the averages by name."""
        return self._means

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state."""
        for name, mean in self._means.items():
            mean.copy_(state[name])

    @torch.no_grad()
    def _copy(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            self._weights[name].copy_(value)
