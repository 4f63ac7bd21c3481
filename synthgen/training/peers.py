"""The workers of a training: one process alone, or several that share gradients through torch.distributed."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def rank() -> int:
    """Return the number of this worker, from 0."""
    return dist.get_rank() if _is_shared() else 0


def count() -> int:
    """Return how many workers there are."""
    return dist.get_world_size() if _is_shared() else 1


def shared(module: nn.Module, device: torch.device) -> nn.Module:
    """Return the module to call in training: gradients of its trained weights are averaged over workers."""
    if not _is_shared():
        return module
    devices = [device] if device.type == "cuda" else None
    return DistributedDataParallel(
        module, device_ids=devices, broadcast_buffers=False, find_unused_parameters=True
    )


def mean(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return scalars averaged over workers; all call it with the same names."""
    if not _is_shared() or not values:
        return dict(values)
    stacked = torch.stack([values[name].float() for name in sorted(values)])
    dist.all_reduce(stacked)
    return dict(zip(sorted(values), stacked / count(), strict=True))


def gathered(value: Any) -> list[Any]:
    """Return what each worker holds, by rank; all call it."""
    if not _is_shared():
        return [value]
    values: list[Any] = [None] * count()
    dist.all_gather_object(values, value)
    return values


def agree(value: bool, device: torch.device) -> bool:
    """Return what the first worker says; all call it."""
    if not _is_shared():
        return value
    said = torch.tensor(float(value), device=device)
    dist.broadcast(said, 0)
    return bool(said)


def wait() -> None:
    """Go on when all workers are here."""
    if _is_shared():
        dist.barrier()


def _is_shared() -> bool:
    return dist.is_available() and dist.is_initialized()
