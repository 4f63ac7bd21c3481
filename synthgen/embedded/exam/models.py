"""The models under examination: the backends that a run of the pipeline uses, over one folder of weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from synthgen.backends import MODELS, build, complete

BACKENDS = {
    "draft": "text_to_image",
    "redraw": "depth_to_image",
    "segmenter": "segmentation",
    "keypoints": "vitpose",
    "mesh": "hmr2",
    "prior": "vposer",
}
VAE = "draft/vae"  # folder of the auto-encoder that draft and redraw share
FOLDERS = (VAE, *BACKENDS)  # of all models, below the weights folder


@dataclass(frozen=True)
class Models:
    """Backends, set up when first asked for.

    Attributes:
        weights: folder with one folder for each role.
        device: torch device.
        nodes: options by role, as in the `models` node of a config; their ids do not count.
        batch_size: of all backends that have one; 0 leaves them their own.
    """

    weights: Path
    device: str = "cpu"
    nodes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    batch_size: int = 0

    def load(self, role: str, **options: Any) -> Any:
        """Return the backend of a role, set up; `options` count more than those of the node."""
        if self.batch_size and role != "prior":
            options["batch_size"] = self.batch_size
        backend = build(MODELS[role], self._node(role) | options, f"models.{role}")
        backend.setup(self.device)
        return backend

    def options(self, folder: str) -> dict[str, Any]:
        """Return all options of a role's backend but its id; none for the auto-encoder."""
        if folder == VAE:
            return {}
        options = complete(MODELS[folder], self._node(folder), f"models.{folder}")
        return {key: value for key, value in options.items() if key != "id"}

    def _node(self, role: str) -> dict[str, Any]:
        return {"backend": BACKENDS[role], **self.nodes.get(role, {}), "id": str(self.weights / role)}

    @cached_property
    def draft(self) -> Any:
        """Words to pictures."""
        return self.load("draft")

    @cached_property
    def redraw(self) -> Any:
        """Pictures around given bodies."""
        return self.load("redraw")

    @cached_property
    def segmenter(self) -> Any:
        """Who and what is where."""
        return self.load("segmenter")

    @cached_property
    def keypoints(self) -> Any:
        """2D joints."""
        return self.load("keypoints")

    @cached_property
    def mesh(self) -> Any:
        """Bodies."""
        return self.load("mesh")

    @cached_property
    def prior(self) -> Any:
        """Judge of poses."""
        return self.load("prior")

    @cached_property
    def vae(self) -> Any:
        """The auto-encoder: diffusers' AutoencoderKL, float32."""
        import diffusers
        import torch

        autoencoder: Any = diffusers.AutoencoderKL
        vae = autoencoder.from_pretrained(self.weights / VAE, torch_dtype=torch.float32)
        return vae.eval().requires_grad_(False).to(self.device)
