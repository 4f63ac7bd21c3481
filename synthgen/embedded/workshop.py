"""What a step works with: its options and everybody else's, the pictures, and where results go."""

import logging
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from synthgen.embedded.loop import Desk, Lesson, train
from synthgen.embedded.options import Curriculum, Training
from synthgen.embedded.pictures import Pictures, open_pictures

logger = logging.getLogger(__name__)

RUNS = ("everyday", "sports")  # of the render step, folders in the work folder
KEEP_DTYPE = torch.float16  # of the weights on disk
MAX_SHARD = "15MB"  # of one weights file


@dataclass(frozen=True)
class Workshop:
    """Everything around the training of one step.

    Attributes:
        name: of the step.
        options: of all steps.
        work: folder of shards, caches, checkpoints and samples.
        weights: folder of the finished models, one folder in it for each role.
        device: torch device.
        bf16: autocast to bfloat16.
        seed: of all chance.
        inputs: hash of what this step is made from.
    """

    name: str
    options: Curriculum
    work: Path
    weights: Path
    device: str
    bf16: bool
    seed: int
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

    def train(self, lesson: Lesson, training: Training) -> nn.Module:
        """Train to the end and return the averaged model on the CPU; see `loop.train`."""
        desk = Desk(self.name, self.work / self.name, self.device, self.bf16, self.seed, self.inputs)
        count = sum(parameter.numel() for parameter in lesson.model.parameters())
        logger.info("%s: %.2f million parameters, %d steps", self.name, count / 1e6, training.steps)
        return train(lesson, training, desk).cpu()
