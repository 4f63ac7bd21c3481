"""What the memory of a DPMesh forward pass is made of, and what it cannot go below.

Weights are counted on shapes, as they are trained and as `DiffusionBackbone.compact` leaves them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from synthgen.dpmesh.backbone import DiffusionBackbone
from synthgen.dpmesh.config import DPMeshConfig


@dataclass(frozen=True)
class Parts:
    """Bytes of a pass over one crop, and of the plain pass beside it.

    Attributes:
        trained: weights before they are folded into each other.
        weights: weights that are left for inference.
        process: what a process holds before it has weights: Python and its libraries.
        peak: the most that it holds in a pass.
        plain: the same of the plain composition.
    """

    trained: int
    weights: int
    process: int
    peak: int
    plain: int

    @property
    def maps(self) -> int:
        """What is neither weights nor libraries: maps of features, and memory that the allocator keeps."""
        return self.peak - self.weights - self.process

    @property
    def least(self) -> float:
        """Part of the plain peak that weights and libraries alone take."""
        return (self.weights + self.process) / self.plain

    def line(self) -> str:
        """Return the parts as one line."""
        return (
            f"  of {self.peak / 1e9:.2f} GB: weights {self.weights / 1e9:.2f} (before they were folded "
            f"{self.trained / 1e9:.2f}), libraries {self.process / 1e9:.2f}, maps {self.maps / 1e9:.2f}; "
            f"weights and libraries alone are {self.least:.2f} of the plain one's peak"
        )


def parts(config: DPMeshConfig, dtype: torch.dtype, peak: int, plain: int) -> Parts:
    """Count the parts of a backbone's pass; in a process of its own, which must hold nothing else.

    Args:
        config: sizes.
        dtype: of the weights that are used; they are trained in float32.
        peak: see `Parts`.
        plain: see `Parts`.
    """
    with torch.device("meta"):
        backbone = DiffusionBackbone(config)
    process = 1024 * int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])
    trained = num_bytes(backbone)
    backbone.compact(dtype)
    return Parts(trained, num_bytes(backbone), process, peak, plain)


def num_bytes(model: nn.Module) -> int:
    """Return the bytes of all tensors that a module and its parts hold, each counted once."""
    found: dict[int, Tensor] = {}
    for module in model.modules():
        own: list[Any] = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        own += [value for value in vars(module).values() if isinstance(value, Tensor)]
        found |= {id(value): value for value in own}
    return sum(value.numel() * value.element_size() for value in found.values())


def told_parts(width: int, bf16: bool, ours: int, plain: int) -> str:
    """Return the line about DPMesh of a width whose peaks [bytes] were measured; see `parts`."""
    from synthgen.bench.mesh_model import sizes

    return parts(sizes(width), torch.bfloat16 if bf16 else torch.float32, ours, plain).line()
