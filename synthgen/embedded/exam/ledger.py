"""Figures measured so far, each part's with a hash of the weights and options that they belong to."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from synthgen import storage
from synthgen.embedded.earlier import LOG
from synthgen.embedded.exam.models import Models
from synthgen.training import receipts

FILE = "figures.json"


@dataclass(frozen=True)
class Entry:
    """What is known of one part.

    Attributes:
        weights: hash of the weights and options that were measured.
        seed: that everything was drawn from.
        device: that the models were on.
        amount: how much was measured, in words.
        figures: by name.
        plates: names of its pictures.
        texts: lists of words, by name.
    """

    weights: str
    seed: int
    device: str
    amount: str
    figures: Mapping[str, float]
    plates: list[str] = field(default_factory=list)
    texts: Mapping[str, list[str]] = field(default_factory=dict)


def weights_digest(models: Models, folders: tuple[str, ...]) -> str:
    """Return a hash of the models in some folders and of the options of their backends.

    The log of their training does not count. "" where a model is missing.
    """
    weights = models.weights
    if any(missing(weights, folder) for folder in folders):
        return ""
    files = sorted(
        file
        for folder in folders
        for file in (weights / folder).rglob("*")
        if file.is_file() and file.name != LOG
    )
    return receipts.combined(receipts.files_digest(files), [models.options(folder) for folder in folders])


def missing(weights: Path, folder: str) -> bool:
    """Return whether a folder holds no weights."""
    where = weights / (f"{folder}/unet" if folder in ("draft", "redraw") else folder)
    return next(where.glob("*.safetensors"), None) is None


def read(work: Path) -> dict[str, Entry]:
    """Return the entries on record by part."""
    path = work / FILE
    kept: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return {part: Entry(**entry) for part, entry in kept.items()}


def write(work: Path, entries: Mapping[str, Entry]) -> None:
    """Write the entries, whole or not at all."""
    text = json.dumps({part: asdict(entry) for part, entry in entries.items()}, indent=1) + "\n"
    storage.write_bytes(str(work / FILE), text.encode())


def current(entries: Mapping[str, Entry], digests: Mapping[str, str]) -> dict[str, Entry]:
    """Return the entries that belong to the weights as they are now; those of other weights are left out."""
    return {
        part: entry for part, entry in entries.items() if digests.get(part) and entry.weights == digests[part]
    }
