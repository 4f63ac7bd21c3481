"""What a training writes for people: a row of metrics now and then, scalars and pictures for TensorBoard.

`metrics.jsonl` is the truth; TensorBoard's files repeat it, and only in local folders.
"""

import io
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen import storage

METRICS = "metrics.jsonl"
TENSORBOARD = "tensorboard"

Row = Mapping[str, float | int]


def rows_of(folder: str) -> list[dict[str, Any]]:
    """Return the metrics rows of a training so far."""
    path = storage.join(folder, METRICS)
    if not storage.exists(path):
        return []
    return [json.loads(line) for line in storage.read_bytes(path).decode().splitlines()]


class Journal:
    """The rows and pictures of one training.

    Args:
        folder: local or an fsspec URL; it exists.
        step: where the training goes on; rows of later steps, written before a kill, are dropped.
    """

    def __init__(self, folder: str, step: int) -> None:
        self._folder = folder
        self._rows = [row for row in rows_of(folder) if row["step"] <= step]
        self._store()
        self._board: Any = None
        if not storage.is_remote(folder):
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(storage.join(folder, TENSORBOARD), purge_step=step + 1)

    def write(self, row: Row) -> None:
        """Append a row, which has a `step`."""
        self._rows.append(dict(row))
        self._store()
        if self._board is not None:
            for name, value in row.items():
                if name != "step" and math.isfinite(value):
                    self._board.add_scalar(name, value, row["step"])
            self._board.flush()

    def show(self, picture: NDArray[np.uint8], step: int) -> None:
        """Keep a picture (H, W, 3) of a step."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG")
        storage.write_bytes(storage.join(self._folder, f"sample-{step:07d}.png"), buffer.getvalue())
        if self._board is not None:
            self._board.add_image("samples", picture, step, dataformats="HWC")
            self._board.flush()

    def close(self) -> None:
        """Close TensorBoard's file."""
        if self._board is not None:
            self._board.close()

    def _store(self) -> None:
        text = "".join(json.dumps(row) + "\n" for row in self._rows)
        storage.write_bytes(storage.join(self._folder, METRICS), text.encode())
