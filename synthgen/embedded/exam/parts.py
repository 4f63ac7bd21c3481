"""The parts of the examination, and which models' weights the figures of each follow from."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthgen.embedded.exam.exam import Answer, Exam

SEEDS = 100  # that an examination takes, from its own on


@dataclass(frozen=True)
class Part:
    """One part.

    Attributes:
        module: with `examine(exam)`.
        folders: of the models it asks, below the weights folder.
    """

    module: str
    folders: tuple[str, ...]


_HERE = "synthgen.embedded.exam"
PARTS = {
    "vae": Part(f"{_HERE}.vae", ("draft/vae",)),
    "draft": Part(f"{_HERE}.draft", ("draft", "segmenter")),
    "redraw": Part(f"{_HERE}.redraw", ("draft", "redraw", "segmenter", "keypoints")),
    "segmenter": Part(f"{_HERE}.segmenter", ("segmenter",)),
    "keypoints": Part(f"{_HERE}.keypoints", ("keypoints",)),
    "mesh": Part(f"{_HERE}.mesh", ("mesh",)),
    "prior": Part(f"{_HERE}.prior", ("prior",)),
    "speed": Part(f"{_HERE}.speed", ("draft", "redraw", "segmenter", "keypoints", "mesh", "prior")),
}


def examine(name: str, exam: "Exam") -> "Answer":
    """Run one part."""
    answer: Answer = importlib.import_module(PARTS[name].module).examine(exam)
    return answer


def problems(names: Sequence[str], weights: Path) -> list[str]:
    """Return a message for each model that is asked for and not there."""
    from synthgen.embedded.exam.ledger import missing

    folders = sorted({folder for name in names for folder in PARTS[name].folders})
    lacking = [folder for folder in folders if missing(weights, folder)]
    if not lacking:
        return []
    possible = [name for name in PARTS if not any(missing(weights, f) for f in PARTS[name].folders)]
    advice = f", or measure what is there: parts=[{','.join(possible)}]" if possible else ""
    return [
        f"{weights} holds no weights of {', '.join(lacking)}; train them with "
        f"`python -m synthgen.run config=embedded.yaml`{advice}"
    ]


def seed_problems(seed: int, weights: Path) -> list[str]:
    """Return a message for each model whose training took seeds that this examination takes.

    A training of seed s renders its pictures from 2s and 2s + 1, and draws its poses from s.
    """
    from synthgen.embedded import earlier
    from synthgen.embedded.exam.models import FOLDERS

    found = []
    for folder in FOLDERS:
        used = {int(one["seed"]) for one in earlier.read_log(weights / folder)}
        met = sorted(s for s in used if any(seed <= one < seed + SEEDS for one in (s, 2 * s, 2 * s + 1)))
        if met:
            found.append(
                f"seed={seed}: {folder} was trained with seed {met[0]}, and would be measured on the same "
                "pictures or poses; take another"
            )
    return found
