"""A small classifier that tells pose families apart by their pictures: do captions steer what is drawn?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy, interpolate

FAMILIES = ("ski", "gymnastics", "diving")  # snow, hall, pool
STEPS = 500
_SIDE = 64  # that pictures are seen at [px]
_BATCH = 32
_LEARNING_RATE = 2e-3
_WIDTHS = (3, 16, 32, 64)


class Probe:
    """Learns families from pictures, always on the CPU."""

    def __init__(self, names: Sequence[str] = FAMILIES) -> None:
        self.names = tuple(names)
        self._net: Any = None

    def learn(
        self, pictures: Mapping[str, Sequence[NDArray[np.uint8]]], seed: int, steps: int = STEPS
    ) -> None:
        """Train from nothing.

        Pictures are mirrored, recoloured and made soft at random, for drafts are softer than renders.

        Args:
            pictures: of each name, (H, W, 3) uint8.
            seed: of all chance.
            steps: optimiser steps.
        """
        images = torch.cat([_inputs(pictures[name]) for name in self.names])
        kinds = torch.cat([torch.full((len(pictures[name]),), n) for n, name in enumerate(self.names)])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._net = _network(len(self.names)).train()
            optimizer = torch.optim.AdamW(self._net.parameters(), lr=_LEARNING_RATE, weight_decay=0.05)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
            for _ in range(steps):
                rows = torch.randint(len(images), (_BATCH,))
                loss = cross_entropy(self._net(_changed(images[rows])), kinds[rows])
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
                schedule.step()
        self._net.eval()

    def accuracy(self, pictures: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> float:
        """Return the part of pictures whose name the probe says."""
        with torch.inference_mode():
            said = self._net(_inputs(pictures)).argmax(1).tolist()
        return float(np.mean([self.names[kind] == name for kind, name in zip(said, names, strict=True)]))


def _network(kinds: int) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in zip(_WIDTHS, _WIDTHS[1:], strict=False):
        layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * _WIDTHS[-1], kinds))


def _inputs(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return interpolate(images, size=(_SIDE, _SIDE), mode="area")


def _changed(images: Tensor) -> Tensor:
    count = len(images)
    images = torch.where(torch.rand(count, 1, 1, 1) < 0.5, images.flip(3), images)
    soft = avg_pool2d(images, 5, 1, 2, count_include_pad=False)
    amount = torch.rand(count, 1, 1, 1)
    images = images + amount * (soft - images)
    gain, shift = 1 + 0.2 * (2 * torch.rand(count, 3, 1, 1) - 1), 0.2 * (2 * torch.rand(count, 3, 1, 1) - 1)
    return images * gain + shift
