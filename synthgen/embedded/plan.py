"""A run of the training recipe."""

from dataclasses import dataclass
from pathlib import Path

from synthgen.embedded.options import Curriculum


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What all steps of a run share.

    Attributes:
        options: of all steps, scaled.
        work: folder of shards, caches, checkpoints and samples.
        weights: folder of the finished models, one folder in it for each role.
        device: torch device.
        bf16: autocast to bfloat16.
        seed: of all chance.
        start_from: weights folder of earlier models whose training goes on; None trains from nothing.
        bars: show progress bars on a terminal.
    """

    options: Curriculum
    work: Path
    weights: Path
    device: str
    bf16: bool
    seed: int
    start_from: Path | None = None
    bars: bool = True
