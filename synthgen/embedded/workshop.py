"""What a step works with: its options and everybody else's, the pictures, and where results go."""

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from synthgen.embedded import earlier
from synthgen.embedded.loop import Desk, Lesson, rows_of, train
from synthgen.embedded.options import Training
from synthgen.embedded.pictures import Pictures, open_pictures
from synthgen.embedded.plan import Plan

logger = logging.getLogger(__name__)

RUNS = ("everyday", "sports")  # of the render step, folders in the work folder
KEEP_DTYPE = torch.float16  # of the weights on disk
MAX_SHARD = "15MB"  # of one weights file


@dataclass(frozen=True, kw_only=True)
class Workshop(Plan):
    """Everything around the training of one step.

    Attributes:
        name: of the step.
        inputs: hash of what this step is made from.
    """

    name: str
    inputs: str

    @cached_property
    def pictures(self) -> Pictures:
        """All rendered pictures."""
        return open_pictures([str(self.work / run) for run in RUNS], self.work / "pictures")

    def replace(self, made: Path, output: str) -> None:
        """Move a finished file or folder to its place below the weights folder."""
        target = self.weights / output
        if target.is_dir():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, target)

    def has_earlier(self, output: str) -> bool:
        """Tell whether there is an earlier output; what `start_from` lacks is trained from nothing."""
        return self.start_from is not None and (self.start_from / output).exists()

    def begin(
        self,
        model: nn.Module,
        output: str,
        fitted: Callable[[nn.Module], Mapping[str, Tensor]] = nn.Module.state_dict,
    ) -> bool:
        """Load the earlier weights of an output, if training goes on from any; tell whether it does.

        Args:
            model: that gets them.
            output: folder below the weights folder.
            fitted: see `earlier.load_weights`.
        """
        if self.start_from is None or not self.has_earlier(output):
            return False
        earlier.load_weights(model, self.start_from / output, fitted)
        logger.info("%s: goes on from %s", self.name, self.start_from / output)
        return True

    def note(self, output: str, training: Training, pictures: int, parts: Sequence[str] = ("",)) -> None:
        """Write beside an output how it was trained: earlier rounds, then this one.

        Args:
            output: folder below the weights folder.
            training: of this round.
            pictures: how many there were to learn from.
            parts: of the step that this round trained; their steps and minutes are added up.
        """
        rounds = earlier.read_log(self.start_from / output) if self.start_from else []
        ends = [rows_of(self.work / self.name / part)[-1] for part in parts]
        last: dict[str, Any] = {
            "steps": sum(end["steps"] for end in ends),
            "batch_size": training.batch_size,
            "minutes": round(sum(end["seconds"] for end in ends) / 60, 1),
            "device": self.device,
            "threads": torch.get_num_threads(),
            "examples": pictures,
            "seed": self.seed,
        }
        earlier.write_log(self.weights / output, [*rounds, last])

    def train(self, lesson: Lesson, training: Training, part: str = "") -> nn.Module:
        """Train to the end and return the averaged model on the CPU; see `loop.train`.

        Args:
            lesson: what is trained.
            training: how long.
            part: of the step, where it trains more than one model; a folder in the step's.
        """
        folder = self.work / self.name / part
        desk = Desk(
            f"{self.name} {part}".strip(), folder, self.device, self.bf16, self.seed, self.inputs, self.bars
        )
        count = sum(parameter.numel() for parameter in lesson.model.parameters())
        logger.info("%s: %.2f million parameters, %d steps", desk.name, count / 1e6, training.steps)
        return train(lesson, training, desk).cpu()
