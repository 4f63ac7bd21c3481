"""DPMesh beside a plain composition of the same modules: time of a forward pass and of a training step.

The plain one does as the released code does: oneDNN's convolutions throughout, all attention spelled out with
its maps kept, the time step embedded anew for each picture, low-rank updates beside the layers. Same weights,
same features; both are timed in turn in one process.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from synthgen.dpmesh.backbone import DiffusionBackbone
from synthgen.dpmesh.conditions import heatmaps, scaled_joints
from synthgen.dpmesh.config import DPMeshConfig
from synthgen.dpmesh.products import ProductConv2d, use_products
from synthgen.dpmesh.unet import KeptAttention, decode, encode


@dataclass(frozen=True)
class Pace:
    """Seconds of one pass over one crop, the best of a few.

    Attributes:
        ours: of DPMesh.
        plain: of the plain composition.
    """

    ours: float
    plain: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.plain / self.ours


class PlainBackbone(nn.Module):
    """The modules of a backbone, put together without care for speed."""

    def __init__(self, backbone: DiffusionBackbone) -> None:
        """Take a backbone's modules over; it must not be used any more itself."""
        super().__init__()
        self.of = backbone
        modules: list[Any] = list(self.modules())
        for layer in modules:
            if isinstance(layer, ProductConv2d):
                object.__setattr__(layer, "__class__", nn.Conv2d)
        unet: Any = backbone.unet
        for name, module in unet.named_modules():
            if name.endswith(("attn1", "attn2")) and not isinstance(module.processor, KeptAttention):
                module.set_processor(KeptAttention())

    def forward(self, images: Tensor, keypoints_2d: Tensor, confidence: Tensor) -> Tensor:
        """Extract features, as `DiffusionBackbone.forward`."""
        part: Any = self.of
        points, seen = scaled_joints(keypoints_2d, confidence, part.config.crop_size, part.latent_side)
        latents = self._latents(images)
        context = part.context(points, confidence)
        control = part.control
        drawn = heatmaps(points, seen, part.latent_side, part.config.sigma)
        started = control.conv_in(torch.cat([latents, drawn], 1))
        middle, added = encode(control, started, _embedding(control, latents), context)
        added = [layer(skip) for layer, skip in zip(control.controlnet_down_blocks, added, strict=True)]
        embedding = _embedding(part.unet, latents)
        hidden, skips = encode(part.unet, part.unet.conv_in(latents), embedding, context)
        hidden = hidden + control.controlnet_mid_block(middle)
        skips = [a + b for a, b in zip(skips, added, strict=True)]
        features = decode(part.unet, hidden, skips, embedding, context)[::-1]
        for level in part.maps.levels():
            features[level] = torch.cat([features[level], part.maps.take(level)], 1)
        return part.outmodules(features)

    @torch.no_grad()
    def _latents(self, images: Tensor) -> Tensor:
        vae: Any = self.of.vae
        return vae.quant_conv(vae.encoder(images)).chunk(2, 1)[0]


def _embedding(model: Any, latents: Tensor) -> Tensor:
    steps = torch.ones(len(latents), device=latents.device)
    return model.time_embedding(model.time_proj(steps))


def build(width: int) -> tuple[DiffusionBackbone, PlainBackbone]:
    """Return two backbones with the same weights.

    Args:
        width: channels of the U-Net's first level; 320 is the released model's.
    """
    config = DPMeshConfig(unet_width=width, vae_width=max(32, 2 * width // 5 // 32 * 32))
    torch.manual_seed(0)
    ours, plain = DiffusionBackbone(config), DiffusionBackbone(config)
    use_products(ours)
    plain.load_state_dict(ours.state_dict())
    return ours, PlainBackbone(plain)


def crop(side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return one crop of noise with its keypoints."""
    rng = torch.Generator().manual_seed(0)
    image, joints = torch.rand(1, 3, side, side, generator=rng), torch.rand(1, 30, 2, generator=rng)
    return image, joints * side, torch.ones(1, 30)


def compare(width: int, rounds: int) -> dict[str, Pace]:
    """Time a training step of both, then a forward pass; ours in its form for inference.

    Args:
        width: see `build`.
        rounds: times that they take turns; the best counts.
    """
    ours, plain = build(width)
    seen = crop(ours.config.crop_size)
    training = _race(lambda: _step(ours.train(), seen), lambda: _step(plain.train(), seen), rounds)
    for model in (ours, plain):
        model.zero_grad(set_to_none=True)
        model.eval()
    ours.compact()
    with torch.inference_mode():
        forward = _race(lambda: ours(*seen), lambda: plain(*seen), rounds)
    return {"forward": forward, "training step": training}


def _step(model: nn.Module, seen: tuple[Tensor, Tensor, Tensor]) -> None:
    model.zero_grad(set_to_none=True)
    model(*seen).square().mean().backward()


def _race(ours: Callable[[], object], plain: Callable[[], object], rounds: int) -> Pace:
    best = [float("inf"), float("inf")]
    for number in range(rounds + 1):
        for place, run in enumerate((ours, plain)):
            start = time.perf_counter()
            run()
            if number:  # the first round warms up
                best[place] = min(best[place], time.perf_counter() - start)
    return Pace(*best)
