"""What one step of DPMesh's training computes: from crops to the loss (paper, equations 5 to 8)."""

from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn

from synthgen.body_points import BodyPoints
from synthgen.dpmesh.backbone import DiffusionBackbone
from synthgen.dpmesh.batch import Bodies, Crops, Labels
from synthgen.dpmesh.cascade import Cascade
from synthgen.dpmesh.losses import LossOptions, losses, total
from synthgen.dpmesh.model import DPMesh
from synthgen.dpmesh.reasoning import reasoning_loss
from synthgen.dpmesh.regressor import Recurrent
from synthgen.dpmesh.uncertainty import UncertaintyWeights


@dataclass(frozen=True)
class ObjectiveOptions:
    """What is lowered.

    Attributes:
        losses: their weights, and how they are taken.
        learned_weights: let the weights of the losses be learned, as in the published code, in place of the
            paper's.
        temperature: of the similarities in noisy key-point reasoning.
    """

    losses: LossOptions = field(default_factory=LossOptions)
    learned_weights: bool = False
    temperature: float = 0.1

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [f"losses.{problem}" for problem in self.losses.problems()]
        return (
            found
            if self.temperature > 0
            else [f"temperature must be above 0, got {self.temperature}", *found]
        )


class Objective(nn.Module):
    """A DPMesh with its losses.

    Args:
        model: what is trained.
        points: body model of the labels.
        options: what is lowered.
        teacher: for noisy key-point reasoning: a trained DPMesh that is shown true joints; None for none.
    """

    def __init__(
        self, model: DPMesh, points: BodyPoints, options: ObjectiveOptions, teacher: DPMesh | None = None
    ) -> None:
        super().__init__()
        self.model, self.options = model, options
        self.weighting = UncertaintyWeights() if options.learned_weights else None
        if teacher is not None:
            share_frozen(model, teacher)
        self._is_shared = teacher is not None and share_latents(model, teacher)
        # In lists, so that they are no parts of what is trained, averaged and saved.
        self._points = [points]
        self._teacher = [teacher.eval().requires_grad_(False)] if teacher is not None else []

    @property
    def points(self) -> BodyPoints:
        """The body model of the labels."""
        return self._points[0]

    def estimate(self, crops: Crops) -> Bodies:
        """Return what is compared with the labels."""
        bodies: Bodies = self.model(crops)
        return bodies

    def forward(self, crops: Crops, labels: Labels, clean: Crops) -> dict[str, Tensor]:
        """Return the losses of a batch.

        Args:
            crops: what the model sees.
            labels: what is true of it.
            clean: the same crops with true joints, for the teacher.

        Returns:
            Scalars: "loss" to lower, and its parts, not weighted.
        """
        device = crops.images.device
        latents = self._latents(crops, clean)
        bodies = self.model(crops, latents)
        parts = losses(bodies, crops, labels, self.points.to(device), self.options.losses)
        for teacher in self._teacher:
            with torch.no_grad():
                wanted = teacher.to(device).features(clean, latents)
            parts |= reasoning_loss(bodies, wanted, self.options.temperature)
        weigh = total if self.weighting is None else self.weighting
        return {
            "loss": weigh(parts, self.options.losses),
            **{name: part.detach() for name, part in parts.items()},
        }

    def _latents(self, crops: Crops, clean: Crops) -> Tensor | None:
        """Return what the frozen encoder says of the images, where model and teacher both look at it."""
        if not self._is_shared or crops.images.data_ptr() != clean.images.data_ptr():
            return None
        return cast(DiffusionBackbone, self.model.backbone).latents(crops.images)


class LifterObjective(Objective):
    """A DPMesh of which the lifter alone learns, from keypoints; see `Objective`.

    Until it is released nothing else of the model requires gradients.

    Raises:
        ValueError: the model has no lifter.
    """

    def __init__(self, model: DPMesh, points: BodyPoints, options: ObjectiveOptions) -> None:
        if model.lifter is None:
            raise ValueError("this DPMesh has no lifter (lifter_width is 0), so none can learn")
        super().__init__(model, points, options)
        self._usual = {name: value.requires_grad for name, value in model.named_parameters()}
        model.requires_grad_(False)
        model.lifter.requires_grad_(True)

    def release(self) -> None:
        """Leave a model that answers as its lifter, whose other weights can learn to correct it.

        Corrections of what the lifter said before would only be wrong.
        """
        for name, value in self.model.named_parameters():
            value.requires_grad_(self._usual[name])  # what a folder holds depends on it, too
        cast(Cascade | Recurrent, self.model.regressor).correct_nothing()

    def estimate(self, crops: Crops) -> Bodies:
        """Return what the lifter makes of the keypoints."""
        return self.model.lifted_bodies(crops)

    def forward(self, crops: Crops, labels: Labels, clean: Crops) -> dict[str, Tensor]:
        """Return the losses of a batch; images may be anything."""
        device, options = crops.images.device, self.options.losses
        parts = losses(self.estimate(crops), crops, labels, self.points.to(device), options)
        weigh = total if self.weighting is None else self.weighting
        return {"loss": weigh(parts, options), **{name: part.detach() for name, part in parts.items()}}


def share_frozen(model: DPMesh, teacher: DPMesh) -> None:
    """Let a teacher use the frozen weights of a model where they are the same: one copy in memory."""
    own = {name: value for name, value in model.named_parameters() if not value.requires_grad}
    for name, value in list(teacher.named_parameters()):
        if name in own and own[name].shape == value.shape and torch.equal(own[name], value):
            parent, _, leaf = name.rpartition(".")
            setattr(teacher.get_submodule(parent), leaf, own[name])


def share_latents(model: DPMesh, teacher: DPMesh) -> bool:
    """Tell whether model and teacher, after `share_frozen`, have one frozen encoder of images."""
    parts = [one.backbone for one in (model, teacher)]
    if not all(isinstance(part, DiffusionBackbone) for part in parts):
        return False
    own, other = (list(cast(DiffusionBackbone, part).vae.parameters()) for part in parts)
    return len(own) == len(other) and all(a is b for a, b in zip(own, other, strict=True))
