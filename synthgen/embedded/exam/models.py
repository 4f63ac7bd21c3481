"""The models under examination: the backends that a run of the pipeline uses, over one folder of weights."""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from synthgen.backends.depth_to_image import DepthToImage
from synthgen.backends.hmr2_estimator import HMR2Estimator
from synthgen.backends.segmenter import Segmentation
from synthgen.backends.text_to_image import TextToImage
from synthgen.backends.vitpose import ViTPose
from synthgen.backends.vposer_prior import VPoserPrior

BACKENDS: dict[str, type[Any]] = {
    "draft": TextToImage,
    "redraw": DepthToImage,
    "segmenter": Segmentation,
    "keypoints": ViTPose,
    "mesh": HMR2Estimator,
    "prior": VPoserPrior,
}
VAE = "draft/vae"  # folder of the auto-encoder that draft and redraw share
FOLDERS = (VAE, *BACKENDS)  # of all models, below the weights folder


@dataclass(frozen=True)
class Models:
    """Backends at their default options, set up when first asked for.

    Attributes:
        weights: folder with one folder for each role.
        device: torch device.
        batch_size: of all backends that have one; 0 leaves them their own.
    """

    weights: Path
    device: str = "cpu"
    batch_size: int = 0

    def load(self, role: str, **options: Any) -> Any:
        """Return the backend of a role, set up; `options` beside its defaults."""
        kind = BACKENDS[role]
        if self.batch_size and role != "prior":
            options["batch_size"] = self.batch_size
        backend = kind(id=str(self.weights / role), **options)
        backend.setup(self.device)
        return backend

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


def defaults(role: str) -> dict[str, Any]:
    """Return the default options of a role's backend, which figures depend on, without its id."""
    options = asdict(BACKENDS[role]()) if role in BACKENDS else {}
    options.pop("id", None)
    return options
