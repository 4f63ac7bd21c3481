"""Checkpoints of a training: whole or not there at all, and read without running anything from them.

They hold what is trained and nothing frozen: weights, averages, optimiser, step, position in the data.
"""

import io
from collections.abc import Mapping
from typing import IO, Any, cast

import torch
from torch import Tensor, nn

from synthgen import storage

NAME = "checkpoint.pt"


def save(folder: str, state: Mapping[str, Any]) -> None:
    """Write a checkpoint in place of the one before.

    Args:
        folder: local or an fsspec URL; it exists.
        state: plain values and tensors.
    """
    with storage.atomic_write(storage.join(folder, NAME)) as output:
        torch.save(dict(state), cast(IO[bytes], _File(output)))


def load(folder: str, device: torch.device) -> dict[str, Any] | None:
    """Return the state of the newest checkpoint, or None where there is none.

    Raises:
        ValueError: the file is no checkpoint.
    """
    path = storage.join(folder, NAME)
    if not storage.exists(path):
        return None
    with storage.open_read(path) as file:
        try:
            return dict(torch.load(file, map_location=device, weights_only=True))
        except (RuntimeError, EOFError, TypeError, ValueError, _unpickling_error()) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{path} is no checkpoint of a training ({reason}); delete it") from error


def trained(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters of a module that a training moves, by name."""
    return {name: value for name, value in module.named_parameters() if value.requires_grad}


def statistics(module: nn.Module) -> dict[str, Tensor]:
    """Return the buffers of modules with trained parameters in them, by name: a training moves these, too.

    They are statistics of batch norms, or codes of a codebook.
    """
    found: dict[str, Tensor] = {}
    for prefix, part in module.named_modules():
        if any(value.requires_grad for value in part.parameters()):
            names = part.named_buffers(prefix, recurse=False)
            found |= {name: value for name, value in names if value is not None}
    return found


@torch.no_grad()
def restore(values: Mapping[str, Tensor], state: Mapping[str, Tensor], what: str) -> None:
    """Copy a state into tensors of the same names and shapes.

    Raises:
        ValueError: names or shapes differ.
    """
    if values.keys() != state.keys():
        odd = sorted(values.keys() ^ state.keys())
        raise ValueError(
            f"checkpoint: {what} differ from those of the model in {len(odd)} names ({odd[0]} …)"
        )
    for name, value in values.items():
        if value.shape != state[name].shape:
            raise ValueError(
                f"checkpoint: {what} {name} has shape {tuple(state[name].shape)}, the model "
                f"{tuple(value.shape)}"
            )
        value.copy_(state[name])


class _File(io.RawIOBase):
    """What torch asks of a file, on an output that is only written to."""

    def __init__(self, output: storage.Output) -> None:
        self._output = output

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._output.write(bytes(data))


def _unpickling_error() -> type[Exception]:
    import pickle

    return pickle.UnpicklingError
