"""DPMesh as something to be trained: crops from shards, noise on their joints, figures on held-out crops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthgen.dpmesh.batch import Bodies, Crops, Labels
from synthgen.dpmesh.crop_sheet import sheet
from synthgen.dpmesh.keypoint_noise import NoiseOptions, corrupt
from synthgen.dpmesh.losses import pelvis_relative, project
from synthgen.dpmesh.objective import Objective
from synthgen.dpmesh.stream import CropStream
from synthgen.metrics import mpjpe, pa_mpjpe
from synthgen.training.chance import Draw

Part = TypeVar("Part", Crops, Labels)
SHOWN = 16  # crops on a sheet
_NOISE_SEED = 5  # of held-out crops, the same at every look


@dataclass(frozen=True)
class Held:
    """Crops that nothing is learnt from.

    Attributes:
        crops: with joints as the model is to see them.
        labels: of these.
    """

    crops: Crops
    labels: Labels


class MeshLesson:
    """Lesson of `synthgen.training.loop`.

    Args:
        module: a model with its losses.
        stream: of this worker's crops.
        noise: on the joints that the model sees; None for none.
        held: crops to measure on, in batches.
        bf16: measure in bfloat16, as the loop trains.
    """

    def __init__(
        self,
        module: Objective,
        stream: CropStream,
        noise: NoiseOptions | None,
        held: Sequence[Held] = (),
        bf16: bool = False,
    ) -> None:
        self.module, self._stream, self._noise, self._held = module, stream, noise, held
        self._bf16 = bf16
        self._shown: Held | None = held[0] if held else None

    def batch(self, draw: Draw) -> tuple[Crops, Labels, Crops]:
        """Return crops with noisy joints, labels, and the crops as they were; both with the same images."""
        clean, labels = next(self._stream)
        crops = clean if self._noise is None else corrupt(clean, self._noise, draw.generator)
        self._shown = self._shown or Held(crops, labels)
        moved = clean.to(draw.device)
        return replace(crops, images=moved.images).to(draw.device), labels.to(draw.device), moved

    def few(self, batch: tuple[Any, ...], count: int) -> tuple[Any, ...]:
        """Return the first crops of a batch."""
        return tuple(first(part, count) for part in batch)

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Return errors on held-out crops: held_mpjpe and held_pa_mpjpe [mm], held_2d [px of the crop]."""
        errors: dict[str, list[NDArray[np.float64]]] = {}
        for held in self._held:
            for name, values in self._errors(held).items():
                errors.setdefault(name, []).append(values)
        merged = {name: np.concatenate(values) for name, values in errors.items()}
        return {f"held_{name}": float(values.mean()) for name, values in merged.items() if len(values)}

    @torch.no_grad()
    def picture(self) -> NDArray[np.uint8] | None:
        """Return crops with labels, joints that the model was told, and its answers."""
        if self._shown is None:
            return None
        crops, labels = first(self._shown.crops, SHOWN), first(self._shown.labels, SHOWN)
        return sheet(crops, labels, self._answer(crops)[2].cpu())

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the data."""
        return dict(self._stream.state_dict())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a position in the data."""
        self._stream.load_state_dict(state)

    def _answer(self, crops: Crops) -> tuple[Bodies, Tensor, Tensor]:
        """Return bodies, their joints (B, 30, 3) [m] relative to the pelvis, and (B, 30, 2) [px]."""
        device = next(self.module.parameters()).device
        crops = crops.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self._bf16):
            bodies = self.module.estimate(crops)
        joints = pelvis_relative(bodies, self.module.points.to(device))
        nearest = self.module.options.losses.nearest
        return bodies, joints, project(joints + bodies.transl[:, None], crops.cam_int, nearest)

    def _errors(self, held: Held) -> dict[str, NDArray[np.float64]]:
        _, joints, pixels = self._answer(held.crops)
        labels = held.labels
        is_known = (labels.confidence_3d > 0).all(1).numpy()
        found, true = joints.cpu().double().numpy()[is_known], labels.keypoints_3d.double().numpy()[is_known]
        gaps = torch.linalg.vector_norm(pixels.cpu() - labels.keypoints_2d, dim=-1)[labels.confidence_2d > 0]
        return {"mpjpe": mpjpe(found, true), "pa_mpjpe": pa_mpjpe(found, true), "2d": gaps.double().numpy()}


def held_out(stream: CropStream, batches: int, noise: NoiseOptions | None) -> list[Held]:
    """Take crops from a stream to measure on, with the same noise whoever asks."""
    generator = torch.Generator().manual_seed(_NOISE_SEED)
    pairs = [next(stream) for _ in range(batches)]
    return [Held(corrupt(crops, noise, generator) if noise else crops, labels) for crops, labels in pairs]


def first(part: Part, count: int) -> Part:
    """Return the first people of a batch."""
    return type(part)(*(value[:count] for value in vars(part).values()))
