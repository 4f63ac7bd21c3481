"""What is up to date: each step leaves a receipt with a hash of what it was made from and of what it made."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synthgen import storage

_NAME = "receipt.json"


def combined(*parts: Any) -> str:
    """Return a hash of plain values (options, seeds, hashes of files)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def files_digest(paths: Sequence[Path]) -> str:
    """Return a hash of names and content of files and of all files in folders.

    Raises:
        FileNotFoundError: one of the paths does not exist.
    """
    digest = hashlib.sha256()
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder")
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            name = file.relative_to(path.parent).as_posix()
            digest.update(f"{name} {storage.digest(str(file))[0]}\n".encode())
    return digest.hexdigest()


def write(folder: Path, inputs: str, outputs: Sequence[Path]) -> None:
    """Note that `outputs` were made from `inputs`; call it when they are complete."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"inputs": inputs, "outputs": files_digest(outputs)}
    storage.write_bytes(str(folder / _NAME), json.dumps(content).encode())


def is_current(folder: Path, inputs: str, outputs: Sequence[Path]) -> bool:
    """Tell whether `outputs` are there, unchanged, and were made from the same inputs."""
    path = folder / _NAME
    if not path.is_file() or not all(output.exists() for output in outputs):
        return False
    noted: dict[str, str] = json.loads(path.read_text())
    return noted == {"inputs": inputs, "outputs": files_digest(outputs)}
