"""Trains the denoiser: noise prediction on true poses of pictures, told the features of those pictures.

The published recipe (ScoreHMR, supplementary; Adam, gradient clipping, averaged weights every ten steps) on
rows that were cached before. All chance of a step follows from (seed, step), so that a run that was stopped
goes on bit for bit as if it had not been.
"""

import io
import json
import logging
import math
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthgen import storage

logger = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"
METRICS = "metrics.jsonl"
BETAS = (0.9, 0.99)  # of Adam, as published
_FLOOR = 0.02  # where a cosine schedule ends, as a part of its start
_LOG_EVERY_S = 30.0


@dataclass(frozen=True)
class ScoreTraining:
    """How a denoiser is trained. The published run: 1,000,000 steps at a constant rate.

    Attributes:
        steps: optimiser steps.
        batch_size: people of one step.
        learning_rate: of Adam, at the start.
        schedule: "constant" as published, or "cosine" down to a fiftieth, better for short runs.
        max_gradient: norm at which gradients are clipped.
        ema_decay: of the averaged weights, which are the ones kept.
        ema_every: steps from one average to the next.
        ema_start: steps after which averaging begins.
        drop_features: part of the people of whom nothing is told: the denoiser knows poses alone, too.
        feature_noise: deviation of noise on standardised features.
        report_every: steps from one row of metrics to the next.
        checkpoint_minutes: from one checkpoint to the next.
    """

    steps: int = 1_000_000
    batch_size: int = 128
    learning_rate: float = 1e-4
    schedule: str = "constant"
    max_gradient: float = 1.0
    ema_decay: float = 0.995
    ema_every: int = 10
    ema_start: int = 100
    drop_features: float = 0.0
    feature_noise: float = 0.0
    report_every: int = 1000
    checkpoint_minutes: float = 2.0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        names = ("steps", "batch_size", "ema_every", "report_every")
        found = [
            f"{name} must be at least 1, got {getattr(self, name)}"
            for name in names
            if getattr(self, name) < 1
        ]
        found += [
            f"{name} must be above 0, got {getattr(self, name)}"
            for name in ("learning_rate", "max_gradient")
            if not getattr(self, name) > 0
        ]
        found += [
            f"{name} must be at least 0, got {getattr(self, name)}"
            for name in ("ema_start", "feature_noise", "checkpoint_minutes")
            if not getattr(self, name) >= 0
        ]
        if self.schedule not in ("constant", "cosine"):
            found.append(f"schedule must be constant or cosine, got {self.schedule!r}")
        found += [
            f"{name} must be in [0, 1], got {getattr(self, name)}"
            for name in ("ema_decay", "drop_features")
            if not 0 <= getattr(self, name) <= 1
        ]
        return found


class Denoiser(Protocol):
    """What is trained: predicts the noise in poses (B, D) at times (B,), told conditions (B, C)."""

    def __call__(self, x: Tensor, times: Tensor, features: Tensor) -> Tensor:
        """Return the noise (B, D)."""


@dataclass(frozen=True)
class ScoreRows:
    """What is learned from.

    Attributes:
        poses: (M, D) float32: 6D rotations, with betas behind them where the denoiser has them.
        conditions: (M, C) float32; all zeros where nothing is known of a pose's picture.
        held_out: (M,) bool, for measuring alone.
    """

    poses: NDArray[np.float32]
    conditions: NDArray[np.float32]
    held_out: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if not len(self.poses) == len(self.conditions) == len(self.held_out):
            raise ValueError(
                f"poses, conditions and held_out must be as many, got {len(self.poses)}, "
                f"{len(self.conditions)}, {len(self.held_out)}"
            )
        if self.held_out.all():
            raise ValueError("no row to train on: all are held out, or there are none")


@dataclass(frozen=True)
class Desk:
    """Where a denoiser is trained.

    Attributes:
        folder: of checkpoint and metrics; made when missing.
        device: torch device.
        seed: of all chance.
        inputs: what the result follows from; a checkpoint of other inputs is not used.
    """

    folder: Path
    device: str = "cpu"
    seed: int = 0
    inputs: str = ""


def train_score(
    model: nn.Module, alpha_bars: Tensor, rows: ScoreRows, options: ScoreTraining, desk: Desk
) -> nn.Module:
    """Train a denoiser, or go on where an earlier start was stopped.

    Args:
        model: predicts noise, see `Denoiser`.
        alpha_bars: (T,) cumulative products of the noise schedule.
        rows: to learn from.
        options: how.
        desk: where.

    Returns:
        The averaged model in evaluation mode, on the desk's device.

    Raises:
        ValueError: the loss is no finite number any more.
    """
    desk.folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        course = _Course(model, alpha_bars, rows, options, desk)
        course.resume()
        while course.step < options.steps:
            course.advance()
        return course.average.eval()


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the metrics rows of a training so far."""
    path = folder / METRICS
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def noised(poses: Tensor, noise: Tensor, alpha_bar: Tensor) -> Tensor:
    """Return x_t of clean poses (B, D): sqrt(a) x_0 + sqrt(1 - a) noise, alpha_bar (B,)."""
    part = alpha_bar[:, None]
    return part.sqrt() * poses + (1 - part).sqrt() * noise


class _Course:
    """A training under way."""

    def __init__(
        self, model: nn.Module, alpha_bars: Tensor, rows: ScoreRows, options: ScoreTraining, desk: Desk
    ) -> None:
        self.model, self.alpha_bars = model.to(desk.device), alpha_bars.to(desk.device)
        self.rows, self.options, self.folder = rows, options, desk.folder
        self.seed, self.inputs = desk.seed, desk.inputs
        self.average = deepcopy(model).requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.model.parameters(), options.learning_rate, BETAS, fused=True)
        self.step, self.seconds, self.sum, self.summed = 0, 0.0, 0.0, 0
        self._train = np.flatnonzero(~rows.held_out)
        self._held_out = np.flatnonzero(rows.held_out)
        self._saved = self._told = time.monotonic()

    def advance(self) -> None:
        """Take one optimiser step; then average, report and save when it is time."""
        begin, options = time.monotonic(), self.options
        self.model.train()
        rng = np.random.default_rng([self.seed, self.step])
        chosen = self._train[rng.integers(len(self._train), size=options.batch_size)]
        loss = self._loss(self.model, chosen, rng, options.drop_features)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), options.max_gradient)
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate * self._rate()
        self.optimizer.step()
        self.step += 1
        self.sum, self.summed = self.sum + float(loss.detach()), self.summed + 1
        if self.step % options.ema_every == 0:
            self._average()
        self.seconds += time.monotonic() - begin
        self._report()

    def resume(self) -> None:
        """Load the checkpoint of the same inputs, if there is one."""
        path = self.folder / CHECKPOINT
        device = self.alpha_bars.device
        state = torch.load(path, map_location=device, weights_only=True) if path.is_file() else {}
        if state.get("inputs") != self.inputs:
            if state:
                logger.info("%s belongs to other inputs; starting anew", path)
            (self.folder / METRICS).unlink(missing_ok=True)
            return
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.sum, self.summed = state["sum"], state["summed"]
        self._write([row for row in rows_of(self.folder) if row["step"] <= self.step])
        logger.info("going on at step %d of %d", self.step, self.options.steps)

    def _loss(
        self, model: nn.Module, chosen: NDArray[np.int64], rng: np.random.Generator, drop: float
    ) -> Tensor:
        device = self.alpha_bars.device
        poses = torch.from_numpy(np.asarray(self.rows.poses[chosen])).to(device)
        conditions = np.array(self.rows.conditions[chosen])
        if self.options.feature_noise and model.training:
            known = conditions[:, -1:] != 0
            conditions[:, :-1] += (
                known * self.options.feature_noise * rng.standard_normal(conditions[:, :-1].shape)
            )
        conditions *= rng.random((len(chosen), 1)) >= drop
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        noise = torch.randn(poses.shape, generator=generator).to(device)
        t = torch.randint(len(self.alpha_bars), (len(chosen),), generator=generator).to(device)
        predicted = model(
            noised(poses, noise, self.alpha_bars[t]), t, torch.from_numpy(conditions).to(device)
        )
        return ((predicted - noise) ** 2).mean()

    def _rate(self) -> float:
        if self.options.schedule == "constant":
            return 1.0
        done = self.step / self.options.steps
        return _FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * done))

    @torch.no_grad()
    def _average(self) -> None:
        averages: list[Tensor] = list(self.average.parameters())
        weights: list[Tensor] = list(self.model.parameters())
        decay = self.options.ema_decay if self.step > self.options.ema_start else 0.0
        torch._foreach_lerp_(averages, weights, 1 - decay)
        for buffer, newest in zip(self.average.buffers(), self.model.buffers(), strict=True):
            buffer.copy_(newest)

    def _report(self) -> None:
        is_last = self.step == self.options.steps
        if is_last and self.step < self.options.ema_every:
            self._average()
        if self.step % self.options.report_every == 0 or is_last:
            self._write([*rows_of(self.folder), self._row()])
            self.sum, self.summed = 0.0, 0
        if time.monotonic() - self._told > _LOG_EVERY_S:
            self._told = time.monotonic()
            left = self.seconds / self.step * (self.options.steps - self.step) / 60
            logger.info("step %d of %d, about %.0f min left", self.step, self.options.steps, left)
        if time.monotonic() - self._saved >= 60 * self.options.checkpoint_minutes or is_last:
            self._save()

    def _row(self) -> dict[str, float]:
        row = {"step": self.step, "seconds": round(self.seconds, 1), "loss": self.sum / max(self.summed, 1)}
        if not math.isfinite(row["loss"]):
            raise ValueError(
                f"loss is {row['loss']} at step {self.step}; lower learning_rate and delete "
                f"{self.folder / CHECKPOINT}"
            )
        return row | dict(self.measure())

    @torch.no_grad()
    def measure(self) -> Mapping[str, float]:
        """Return the loss of the averaged model on held-out rows, told their features and told nothing."""
        if not len(self._held_out):
            return {}
        chosen = np.repeat(self._held_out, -(-1024 // len(self._held_out)))[:2048]
        self.average.eval()
        told, untold = (
            float(self._loss(self.average, chosen, np.random.default_rng(0), drop)) for drop in (0.0, 1.1)
        )
        return {"held_out_loss": told, "held_out_loss_untold": untold}

    def _write(self, rows: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        storage.write_bytes(str(self.folder / METRICS), text.encode())

    def _save(self) -> None:
        self._saved = time.monotonic()
        parts: dict[str, Any] = {"model": self.model, "average": self.average, "optimizer": self.optimizer}
        state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
        state |= {"inputs": self.inputs, "step": self.step, "seconds": self.seconds}
        state |= {"sum": self.sum, "summed": self.summed}
        buffer = io.BytesIO()
        torch.save(state, buffer)
        storage.write_bytes(str(self.folder / CHECKPOINT), buffer.getvalue())
