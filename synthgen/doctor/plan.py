"""What the doctor has to know of a run: plain values, taken from its config by the recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from synthgen.backends.protocols import Precision


@dataclass(frozen=True)
class Plan:
    """A run that is to be made.

    Attributes:
        name: of the run.
        problems: what its config says is wrong with itself.
        models: role -> node of a backend, those that the run loads.
        body: "open", or path of an SMPL file.
        renderer: auto, pyrender or warp.
        device: where models are computed.
        precision: of their weights.
        output: folder that holds the run's folder; path or fsspec URL.
        num_samples: pictures to make.
        image_size: longer side of the pictures [px]; 0 where the draft model decides.
        image_format: of the pictures.
        workers: number, or auto.
        cpus_per_worker: cores of each.
        gpus_per_worker: GPUs of each.
        ray: auto, local or host:port.
    """

    name: str
    problems: tuple[str, ...]
    models: Mapping[str, Any]
    body: str
    renderer: Literal["auto", "pyrender", "warp"]
    device: str
    precision: Precision
    output: str
    num_samples: int
    image_size: int
    image_format: str
    workers: int | Literal["auto"]
    cpus_per_worker: float
    gpus_per_worker: float
    ray: str

    @property
    def is_on_gpu(self) -> bool:
        """Whether models are computed on a GPU."""
        return self.device.startswith("cuda")
