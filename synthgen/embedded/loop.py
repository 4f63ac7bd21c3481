"""The one training loop: cosine schedule, averaged weights, checkpoints, metrics, sample pictures.

All chance of a step follows from (seed, step), so a run that was stopped goes on bit for bit as if it had not
been: a checkpoint holds weights, averages, optimiser and step, and needs no state of any generator.
"""

import io
import json
import logging
import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthgen import storage
from synthgen.embedded.options import Training
from synthgen.training.allocator import kept_memory
from synthgen.training.kernels import quick
from synthgen.training.optimizers import Optimizer
from synthgen.training.upsampling import MatrixUpsampling

logger = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"
METRICS = "metrics.jsonl"
CHECKPOINT_EVERY_S = 120.0
LINE_EVERY_S = 60.0
ROWS = 20  # metrics rows and sample pictures of a training
_LOWEST = 0.02  # of the schedule, as a part of its highest


@dataclass(frozen=True)
class Draw:
    """All chance of one training step.

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


class Lesson(Protocol):
    """What is trained: a model, what it is to learn, and how to see how far it is."""

    model: nn.Module

    def loss(self, model: nn.Module, draw: Draw) -> Mapping[str, Tensor]:
        """Return scalars of one batch; "loss" is the one to lower."""

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """Return figures on held-out data."""

    def picture(self, model: nn.Module) -> NDArray[np.uint8]:
        """Return a picture (H, W, 3) that shows what the model does on held-out data."""


@dataclass(frozen=True)
class Desk:
    """Where and with what one model is trained.

    Attributes:
        name: of the step, for messages.
        folder: of checkpoint, metrics and pictures; made when missing.
        device: torch device.
        bf16: run the network in bfloat16 where autocast holds that safe.
        seed: of all chance.
        inputs: hash of everything that the result follows from; a checkpoint of other inputs is not used.
        bar: show a progress bar on a terminal.
    """

    name: str
    folder: Path
    device: str
    bf16: bool
    seed: int
    inputs: str
    bar: bool = True


def train(lesson: Lesson, training: Training, desk: Desk) -> nn.Module:
    """Train a model, or go on where an earlier start was stopped.

    Returns:
        The averaged model in evaluation mode, float32, on the desk's device.

    Raises:
        ValueError: the loss is no finite number any more.
    """
    desk.folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(), kept_memory():
        course = _Course(lesson, training, desk)
        course.resume()
        while course.step < training.steps:
            course.advance()
        return course.average.eval()


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the metrics rows of a training so far."""
    path = folder / METRICS
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


class _Course:
    """A training under way."""

    def __init__(self, lesson: Lesson, training: Training, desk: Desk) -> None:
        self.lesson, self.training, self.desk = lesson, training, desk
        self.device = torch.device(desk.device)
        self.model = lesson.model.to(self.device)
        self.average = deepcopy(self.model).requires_grad_(False)
        self._weights: list[Tensor] = list(self.model.parameters())
        self._averages: list[Tensor] = list(self.average.parameters())
        self.optimizer = Optimizer(
            self.model, training.learning_rate, training.weight_decay, training.optimizer == "muon"
        )
        self.step = 0
        self.seconds = 0.0
        self.sums: dict[str, Tensor] = {}
        self.summed = 0
        self._saved = self._told = time.monotonic()
        self._row_every = max(1, training.steps // ROWS)
        self._bar = progress_bar(desk.name, training.steps, "step") if desk.bar else None

    def advance(self) -> None:
        """Take one optimiser step; then report and save when it is time."""
        begin = time.monotonic()
        self.model.train()
        with (
            _quick(self.device),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.desk.bf16),
        ):
            parts = self.lesson.loss(self.model, self._draw())
        for weight in self._weights:
            weight.grad = None
        torch.autograd.backward(parts["loss"])
        nn.utils.clip_grad_norm_(self._weights, self.training.max_gradient)
        self.optimizer.step(self.training.learning_rate * _schedule(self.step, self.training))
        self._update_average()
        for name, value in parts.items():
            self.sums[name] = (
                self.sums.get(name, torch.zeros((), device=self.device)) + value.detach().float()
            )
        self.step += 1
        self.summed += 1
        self.seconds += time.monotonic() - begin
        self._report()

    def resume(self) -> None:
        """Load the checkpoint of the same inputs, if there is one."""
        path = self.desk.folder / CHECKPOINT
        state = torch.load(path, map_location=self.device, weights_only=True) if path.is_file() else {}
        if state.get("inputs") != self.desk.inputs:
            if state:
                logger.info("%s: %s belongs to other inputs; starting anew", self.desk.name, path)
            (self.desk.folder / METRICS).unlink(missing_ok=True)
            return
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.summed = state["step"], state["seconds"], state["summed"]
        self.sums = state["sums"]
        kept = [row for row in rows_of(self.desk.folder) if row["step"] <= self.step]
        self._write_rows(kept)
        logger.info("%s: going on at step %d of %d", self.desk.name, self.step, self.training.steps)

    def _draw(self) -> Draw:
        # Dropout draws from torch's own generator, everything else from those in the Draw.
        seed = int(np.random.SeedSequence([self.desk.seed, self.step]).generate_state(1, np.uint64)[0] >> 1)
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed + 1)
        return Draw(np.random.default_rng([self.desk.seed, self.step]), generator, self.device)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.training.ema_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self._averages, self._weights, 1 - decay)
        for buffer, newest in zip(self.average.buffers(), self.model.buffers(), strict=True):
            if buffer.is_floating_point():  # statistics of batch norms belong to the averaged weights
                buffer.lerp_(newest, 1 - decay)
            else:
                buffer.copy_(newest)

    def _report(self) -> None:
        is_last = self.step == self.training.steps
        if self._bar is not None:
            self._bar.update(self.step - self._bar.n)
        if time.monotonic() - self._told >= LINE_EVERY_S and self._bar is None:
            self._told = time.monotonic()
            left = self.seconds / self.step * (self.training.steps - self.step) / 60
            loss = float(self.sums["loss"]) / self.summed if self.summed else math.nan
            logger.info(
                "%s: step %d of %d, loss %.4g, %.3f s a step, about %.0f min left",
                *(self.desk.name, self.step, self.training.steps, loss, self.seconds / self.step, left),
            )
        if self.step % self._row_every == 0 or is_last:
            self._write_row()
        if time.monotonic() - self._saved >= CHECKPOINT_EVERY_S or is_last:
            self._save()
        if is_last and self._bar is not None:
            self._bar.close()

    def _write_row(self) -> None:
        row: dict[str, Any] = {
            "step": self.step,
            "steps": self.training.steps,
            "seconds": round(self.seconds, 1),
        }
        row |= {name: float(value) / self.summed for name, value in self.sums.items()}
        if not math.isfinite(row["loss"]):
            raise ValueError(
                f"{self.desk.name}: loss is {row['loss']} at step {self.step}; lower its learning_rate and "
                f"delete {self.desk.folder / CHECKPOINT}"
            )
        self.sums, self.summed = {}, 0
        with torch.no_grad():
            row |= self.lesson.measure(self.average.eval())
            picture = self.lesson.picture(self.average)
        self._write_rows([*rows_of(self.desk.folder), row])
        _write_png(self.desk.folder / f"sample-{self.step:06d}.png", picture)
        logger.info("%s: %s", self.desk.name, json.dumps({k: _short(v) for k, v in row.items()}))

    def _write_rows(self, rows: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        storage.write_bytes(str(self.desk.folder / METRICS), text.encode())

    def _save(self) -> None:
        self._saved = time.monotonic()
        state = {
            "inputs": self.desk.inputs,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "sums": self.sums,
            "summed": self.summed,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        storage.write_bytes(str(self.desk.folder / CHECKPOINT), buffer.getvalue())


@contextmanager
def _quick(device: torch.device) -> Iterator[None]:
    """Choose how attention, norms and enlargement are computed: on CPUs torch's own train far slower."""
    with quick(device), MatrixUpsampling() if device.type == "cpu" else nullcontext():
        yield


def _schedule(step: int, training: Training) -> float:
    warmup = min(training.warmup, training.steps // 10)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    done = (step - warmup) / max(1, training.steps - warmup)
    return _LOWEST + (1 - _LOWEST) * 0.5 * (1 + math.cos(math.pi * done))


def progress_bar(name: str, total: int, unit: str) -> Any:
    """Return a tqdm bar on a terminal, None elsewhere."""
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return tqdm(total=total, desc=name, unit=unit, dynamic_ncols=True)


def _write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    storage.write_bytes(str(path), buffer.getvalue())


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
