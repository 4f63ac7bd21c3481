"""What workers of the cluster's training tests learn: y = 2x, each from numbers of its own."""

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from synthgen.training import peers
from synthgen.training.chance import draw
from synthgen.training.loop import Desk, train
from synthgen.training.options import TrainingOptions

OPTIONS = TrainingOptions(8, 4, accumulate=2, learning_rate=0.05, report_every=2, checkpoint_minutes=0.0)


@dataclass(frozen=True)
class Plan:
    """Where, and at which batch the second worker is killed the first time round; 0 for never."""

    folder: str
    killed_at: int = 0
    broken_at: int = 0


def stretch(place, rank, chance):
    start = place + 0.5 * rank
    return torch.linspace(start, start + 1, 4)[:, None] % 1 + 0.01 * chance.normal(4, 1)


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x):
        return {"loss": ((self.net(x) - 2 * x) ** 2).mean()}


class Numbers:
    """Batch n of a worker is its own stretch of the number line."""

    def __init__(self, plan):
        self.module, self.plan, self.place = Line(), plan, 0

    def batch(self, chance):
        self.place += 1
        marker = Path(self.plan.folder) / "killed"
        if peers.rank() == 1 and self.place == self.plan.killed_at and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.place == self.plan.broken_at:
            raise ValueError("shard 7: key 12 is damaged")
        return (stretch(self.place, peers.rank(), chance),)

    def few(self, batch, count):
        return (batch[0][:count],)

    def measure(self):
        return {"workers": peers.count()}

    def picture(self):
        return None

    def state_dict(self):
        return {"place": self.place}

    def load_state_dict(self, state):
        self.place = state["place"]


def work(plan, device):
    train(Numbers(plan), OPTIONS, Desk("line", plan.folder, device, False, 0, "same"))


class AllNumbers(Numbers):
    """One worker that gets the batches of both in turn, with their own chance."""

    def batch(self, _):
        self.place += 1
        number, rank = divmod(self.place - 1, 2)
        step, part = divmod(number, OPTIONS.accumulate)
        return (stretch(number + 1, rank, draw((0, step, rank, part), torch.device("cpu"))),)


def work_alone(folder):
    """Learn in one process what two workers learn together."""
    options = replace(OPTIONS, accumulate=2 * OPTIONS.accumulate)
    train(AllNumbers(Plan(folder)), options, Desk("line", folder, "cpu", False, 0, "same"))
