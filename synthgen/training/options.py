"""How long and how fast a model is trained: plain values, nothing heavy."""

from dataclasses import dataclass
from typing import Literal

Schedule = Literal["step", "cosine"]


@dataclass(frozen=True)
class TrainingOptions:
    """How one model is trained.

    Attributes:
        steps: optimiser steps.
        batch_size: examples that a worker takes at once.
        accumulate: batches whose gradients are summed before each optimiser step.
        learning_rate: highest of the schedule.
        weight_decay: of the optimiser, for matrices.
        schedule: "step" multiplies the rate by `drop` at each of `drops`; "cosine" lowers it smoothly to a
            fiftieth.
        drops: where the rate falls, as parts of all steps. The paper: 30 epochs, the last 5 at a tenth.
        drop: what the rate is multiplied by there.
        warmup: steps until the highest rate.
        optimizer: "adamw" for all weights, or "muon" for the matrices among them.
        ema_decay: of averaged weights, which are then the ones kept; 0 keeps the newest.
        max_gradient: norm at which gradients are clipped.
        checkpointing: keep less for the backward pass and compute it again: slower, with less memory.
        report_every: steps from one row of metrics to the next.
        picture_every: rows from one grid of pictures to the next.
        checkpoint_minutes: from one checkpoint to the next.
    """

    steps: int
    batch_size: int = 16
    accumulate: int = 1
    learning_rate: float = 1e-4
    weight_decay: float = 1e-6
    schedule: Schedule = "step"
    drops: tuple[float, ...] = (0.8333,)
    drop: float = 0.1
    warmup: int = 0
    optimizer: Literal["adamw", "muon"] = "adamw"
    ema_decay: float = 0.0
    max_gradient: float = 10.0
    checkpointing: bool = False
    report_every: int = 50
    picture_every: int = 10
    checkpoint_minutes: float = 2.0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [
            f"{name} must be at least 1, got {getattr(self, name)}"
            for name in ("steps", "batch_size", "accumulate", "report_every", "picture_every")
            if getattr(self, name) < 1
        ]
        found += [
            f"{name} must be above 0, got {getattr(self, name)}"
            for name in ("learning_rate", "max_gradient", "drop")
            if getattr(self, name) <= 0
        ]
        found += [
            f"{name} must be at least 0, got {getattr(self, name)}"
            for name in ("weight_decay", "warmup", "checkpoint_minutes")
            if getattr(self, name) < 0
        ]
        if not 0 <= self.ema_decay < 1:
            found.append(f"ema_decay must be in [0, 1), got {self.ema_decay}")
        if not all(0 < part < 1 for part in self.drops):
            found.append(f"drops must be parts of all steps, in (0, 1), got {list(self.drops)}")
        return found
