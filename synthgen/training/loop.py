"""The training loop: any number of workers, bf16, accumulated gradients, exact resume.

All chance of a step follows from (seed, step, worker), and a checkpoint holds the position in the data, so a
training that was killed goes on as if it had not been.
"""

import logging
import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthgen import storage
from synthgen.training import checkpoint, memory, peers, schedule
from synthgen.training.allocator import kept_memory
from synthgen.training.average import Average
from synthgen.training.chance import Draw, draw
from synthgen.training.journal import Journal
from synthgen.training.kernels import quick
from synthgen.training.optimizers import Optimizer
from synthgen.training.options import TrainingOptions

logger = logging.getLogger(__name__)

LINE_EVERY_S = 30.0
_PROBE = 2  # examples on which the memory of the backward pass is measured


class Lesson(Protocol):
    """What is trained: a model, what it is to learn, where its examples come from."""

    @property
    def module(self) -> nn.Module:
        """What is trained; only parameters that require gradients are.

        Its forward pass takes a batch and returns scalars, "loss" being the one to lower.
        """

    def batch(self, draw: Draw) -> tuple[Any, ...]:
        """Return the next examples of this worker, arguments of the module's forward pass."""

    def few(self, batch: tuple[Any, ...], count: int) -> tuple[Any, ...]:
        """Return the first `count` examples of a batch."""

    def measure(self) -> Mapping[str, float]:
        """Return figures on held-out data; may be empty."""

    def picture(self) -> NDArray[np.uint8] | None:
        """Return a grid (H, W, 3) that shows what the model does, or None."""

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the data: plain values and tensors."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a position."""


@dataclass(frozen=True)
class Desk:
    """Where and with what one model is trained.

    Attributes:
        name: of the training, for messages.
        folder: of checkpoint, metrics and pictures, local or an fsspec URL that all workers share.
        device: torch device of this worker.
        bf16: run the network in bfloat16 where autocast holds that safe.
        seed: of all chance.
        inputs: hash of everything that the result follows from; a checkpoint of other inputs is not used.
    """

    name: str
    folder: str
    device: str
    bf16: bool
    seed: int
    inputs: str


def train(lesson: Lesson, options: TrainingOptions, desk: Desk) -> None:
    """Train a model, or go on where an earlier start was stopped; its module then holds the result.

    Raises:
        ValueError: the loss is no finite number any more, or a checkpoint does not fit.
    """
    storage.make_folder(desk.folder)
    with torch.random.fork_rng(), kept_memory():
        course = _Course(lesson, options, desk)
        course.start()
        try:
            while course.step < options.steps:
                course.advance()
        finally:
            course.close()
        course.average.keep()
        lesson.module.eval()


class _Course:
    """A training under way."""

    def __init__(self, lesson: Lesson, options: TrainingOptions, desk: Desk) -> None:
        self.lesson, self.options, self.desk = lesson, options, desk
        self.device = torch.device(desk.device)
        self.module = lesson.module.to(self.device).train()
        self.weights = checkpoint.trained(self.module)
        self.optimizer = Optimizer(
            self.module, options.learning_rate, options.weight_decay, options.optimizer == "muon"
        )
        self.average = Average(self.weights, options.ema_decay)
        self.step, self.seconds, self.summed = 0, 0.0, 0
        self.sums: dict[str, Tensor] = {}
        self.journal: Journal | None = None
        self._bar: Any = None
        self._saved = self._told = time.monotonic()

    def start(self) -> None:
        """Load the checkpoint of the same inputs, if there is one, and say what is about to happen."""
        state = checkpoint.load(self.desk.folder, self.device)
        if state is not None and state.get("inputs") == self.desk.inputs:
            self._resume(state)
        elif state is not None:
            logger.info("%s: the checkpoint belongs to other inputs; starting anew", self.desk.name)
        peers.wait()  # all have read, before the first may write
        self.shared = peers.shared(self.module, self.device)
        if peers.rank() == 0:
            self.journal = Journal(self.desk.folder, self.step)
            self._bar = _bar(self.desk.name, self.step, self.options.steps)
            logger.info("%s: memory %s", self.desk.name, self._estimate().line())

    def advance(self) -> None:
        """Take one optimiser step; then report and save when it is time."""
        begin = time.monotonic()
        for weight in self.weights.values():
            weight.grad = None
        for part in range(self.options.accumulate):
            self._learn(part)
        norm = nn.utils.clip_grad_norm_(self.weights.values(), self.options.max_gradient)
        if not bool((norm + self.sums["loss"]).isfinite()):
            raise ValueError(
                f"{self.desk.name}: the loss or its gradient is no finite number at step {self.step}; lower "
                f"its learning_rate and delete {storage.join(self.desk.folder, checkpoint.NAME)}"
            )
        self.optimizer.step(schedule.rate(self.step, self.options))
        self.average.update(self.step)
        self.step, self.summed = self.step + 1, self.summed + 1
        self.seconds += time.monotonic() - begin
        self._report()

    def close(self) -> None:
        """Close files and the bar."""
        if self.journal is not None:
            self.journal.close()
        if self._bar is not None:
            self._bar.close()

    def _learn(self, part: int) -> None:
        """Add the gradients of one batch."""
        chance = draw((self.desk.seed, self.step, peers.rank(), part), self.device)
        batch = self.lesson.batch(chance)
        is_last = part == self.options.accumulate - 1
        with self._no_sync(is_last), self._quick():
            with self._autocast():
                scalars = self.shared(*batch)
            torch.autograd.backward(scalars["loss"] / self.options.accumulate)
        for name, value in scalars.items():
            total = self.sums.get(name, torch.zeros((), device=self.device))
            self.sums[name] = total + value.detach().float() / self.options.accumulate

    def _no_sync(self, is_last: bool) -> AbstractContextManager[None]:
        is_alone = is_last or self.shared is self.module
        return nullcontext() if is_alone else self.shared.no_sync()  # type: ignore[operator]

    def _quick(self) -> AbstractContextManager[None]:
        return nullcontext() if self.options.checkpointing else quick(self.device)

    def _autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.desk.bf16)

    def _estimate(self) -> memory.Estimate:
        """Estimate the memory; nothing of the training moves by that."""
        state = self.lesson.state_dict()
        batch = self.lesson.batch(draw((self.desk.seed, self.step, peers.rank(), 0), self.device))
        self.lesson.load_state_dict(state)
        self.module.eval()  # statistics of batch norms stay as they are
        with self._quick(), self._autocast():
            few = self.lesson.few(batch, _PROBE)
            kept = memory.saved_bytes(lambda: self.module(*few), self.module)
        self.module.train()
        return memory.estimate(self.module, self.options, kept * self.options.batch_size // _PROBE)

    def _report(self) -> None:
        is_last = self.step == self.options.steps
        if self._bar is not None:
            self._bar.update(1)
        elif peers.rank() == 0 and time.monotonic() - self._told >= LINE_EVERY_S:
            self._tell()
        if self.step % self.options.report_every == 0 or is_last:
            self._write_row(is_last)
        is_due = time.monotonic() - self._saved >= 60 * self.options.checkpoint_minutes or is_last
        if peers.agree(is_due, self.device):
            self._save()

    def _tell(self) -> None:
        self._told = time.monotonic()
        loss = float(self.sums["loss"]) / self.summed if self.summed else math.nan
        pace = self.seconds / self.step
        left = pace * (self.options.steps - self.step) / 60
        logger.info(
            "%s: step %d of %d, loss %.4g, %.3f s a step, about %.0f min left",
            *(self.desk.name, self.step, self.options.steps, loss, pace, left),
        )

    def _write_row(self, is_last: bool) -> None:
        means = {name: float(value) / self.summed for name, value in peers.mean(self.sums).items()}
        self.sums, self.summed = {}, 0
        if self.journal is None:
            return
        rate = schedule.rate(self.step - 1, self.options)
        row: dict[str, float | int] = {"step": self.step, "seconds": round(self.seconds, 1), "rate": rate}
        with torch.no_grad(), self.average.in_place(), _evaluation(self.module):
            row |= means | dict(self.lesson.measure())
            is_due = self.step // self.options.report_every % self.options.picture_every == 0
            picture = self.lesson.picture() if is_due or is_last else None
        self.journal.write(row)
        if picture is not None:
            self.journal.show(picture, self.step)
        logger.info("%s: %s", self.desk.name, ", ".join(f"{name} {value:.4g}" for name, value in row.items()))

    def _save(self) -> None:
        """Write a checkpoint; all workers call it, the first one writes."""
        data = peers.gathered(self.lesson.state_dict())
        sums = peers.gathered({name: value.cpu() for name, value in self.sums.items()})
        if peers.rank() == 0:
            state = {
                "inputs": self.desk.inputs,
                "step": self.step,
                "seconds": self.seconds,
                "weights": {name: value.detach() for name, value in self.weights.items()},
                "statistics": checkpoint.statistics(self.module),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "data": data,
                "sums": sums,
                "summed": self.summed,
            }
            checkpoint.save(self.desk.folder, state)
        self._saved = time.monotonic()

    def _resume(self, state: Mapping[str, Any]) -> None:
        checkpoint.restore(self.weights, state["weights"], "weights")
        checkpoint.restore(checkpoint.statistics(self.module), state["statistics"], "statistics")
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        if len(state["data"]) == peers.count():
            self.lesson.load_state_dict(state["data"][peers.rank()])
            self.sums = {n: v.to(self.device) for n, v in state["sums"][peers.rank()].items()}
            self.summed = state["summed"]
        else:
            text = "%s: the checkpoint is of %d workers, not %d: the data start from their beginning"
            logger.warning(text, self.desk.name, len(state["data"]), peers.count())
        logger.info("%s: going on at step %d of %d", self.desk.name, self.step, self.options.steps)


@contextmanager
def _evaluation(module: nn.Module) -> Iterator[None]:
    module.eval()
    try:
        yield
    finally:
        module.train()


def _bar(name: str, step: int, total: int) -> Any:
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return tqdm(total=total, initial=step, desc=name, unit="step", dynamic_ncols=True)
