"""DPMesh beside a plain composition of the same modules: time and memory of its two passes.

The plain one does as the released code does: oneDNN's convolutions throughout, all attention spelled out with
its maps kept, the time step embedded anew for each picture, low-rank updates beside the layers, float32
weights also under bfloat16 autocast, and memory as the system's allocator has it. Same weights, same
features; each is timed in a process of its own, ours as it is trained and used.
"""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from synthgen.bench.pace import Pace
from synthgen.bench.turns import Work, take_turns
from synthgen.dpmesh.backbone import DiffusionBackbone
from synthgen.dpmesh.conditions import heatmaps, scaled_joints
from synthgen.dpmesh.config import DPMeshConfig
from synthgen.dpmesh.products import ProductConv2d, use_products
from synthgen.dpmesh.training import lay_out
from synthgen.dpmesh.unet import KeptAttention, decode, encode
from synthgen.training import frozen
from synthgen.training.allocator import keep_memory
from synthgen.training.kernels import quick

FORWARD, STEP = "forward", "training step"
_MATRIX = 1024  # side of the matrices whose product tells the machine's rate


@dataclass(frozen=True)
class Contest:
    """One pass of both.

    Attributes:
        pace: seconds of both, and the work.
        ours: most memory that ours held [bytes].
        plain: most that the plain one held.
    """

    pace: Pace
    ours: int
    plain: int


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
        context = part.context(points, confidence, latents.dtype)
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
    ours, plain = _fresh(width), _fresh(width)
    use_products(ours)
    plain.load_state_dict(ours.state_dict())
    return ours, PlainBackbone(plain)


def sizes(width: int) -> DPMeshConfig:
    """Return the sizes of a model with so many channels, the VAE's in proportion."""
    return DPMeshConfig(unet_width=width, vae_width=max(32, 2 * width // 5 // 32 * 32))


def _fresh(width: int) -> DiffusionBackbone:
    torch.manual_seed(0)
    return DiffusionBackbone(sizes(width))


def told(width: int, bf16: bool, name: str, contest: Contest) -> str:
    """Return a line on one pass."""
    kind, pace = "bfloat16" if bf16 else "float32", contest.pace
    return (
        f"DPMesh's backbone, {width} wide, one core, one crop of 256 px, {name} in {kind}: "
        f"{pace.ours:.2f} s, put together plainly {pace.plain:.2f} s, ratio {pace.ratio:.2f}; "
        f"{pace.work / 1e9:.0f} GFLOP, {pace.share:.0%} of the rate of a matrix product "
        f"({pace.rate / 1e9:.0f} GFLOP/s); peak memory {contest.ours / 1e9:.2f} against "
        f"{contest.plain / 1e9:.2f} GB, {contest.ours / contest.plain:.2f} of it"
    )


def crop(side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return one crop of noise with its keypoints."""
    rng = torch.Generator().manual_seed(0)
    image, joints = torch.rand(1, 3, side, side, generator=rng), torch.rand(1, 30, 2, generator=rng)
    return image, joints * side, torch.ones(1, 30)


def compare(width: int, rounds: int, name: str, bf16: bool) -> Contest:
    """Time one pass of both in turn, each in a process of its own, on one thread.

    Args:
        width: see `build`.
        rounds: times that they take turns; the best counts.
        name: FORWARD or STEP.
        bf16: in bfloat16, the plain one by autocast.
    """
    makers = tuple(partial(ready_pass, width, is_ours, name, bf16) for is_ours in (True, False))
    ours, plain = take_turns(makers, rounds)
    pace = Pace(ours.seconds, plain.seconds, operations(width, name), matrix_rate(bf16))
    return Contest(pace, ours.peak, plain.peak)


def ready_pass(width: int, is_ours: bool, name: str, bf16: bool) -> Work:
    """Return a pass of one of both, for which this process is made ready; it should do nothing else.

    Args:
        width: see `build`.
        is_ours: DPMesh as it is trained or used, or the plain composition.
        name: see `compare`.
        bf16: see `compare`.
    """
    torch.set_num_threads(1)
    backbone = _fresh(width)
    seen = crop(backbone.config.crop_size)
    if not is_ours:
        return _pass(PlainBackbone(backbone), seen, name, bf16)
    use_products(backbone)
    if name == FORWARD:
        backbone.compact(torch.bfloat16 if bf16 else torch.float32)
    else:
        keep_memory()
        lay_out(backbone, torch.channels_last)
        if bf16:
            frozen.halve(backbone)
    return _pass(backbone, seen, name, bf16)


def operations(width: int, name: str) -> float:
    """Count a pass of the plain one, on shapes alone; a multiplication and an addition are two."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        plain = PlainBackbone(_fresh(width))
        seen = crop(plain.of.config.crop_size)
        _pass(plain, seen, name, False)()
    return float(counter.get_total_flops())


def matrix_rate(bf16: bool) -> float:
    """Return operations a second in a product of two large matrices, one thread, the best of a few."""
    matrix = torch.ones(_MATRIX, _MATRIX, dtype=torch.bfloat16 if bf16 else torch.float32)
    return 2 * _MATRIX**3 / min(_seconds(lambda: matrix @ matrix) for _ in range(10))


def _pass(model: nn.Module, seen: tuple[Tensor, Tensor, Tensor], name: str, bf16: bool) -> Work:
    is_plain = isinstance(model, PlainBackbone)

    def mixed() -> AbstractContextManager[Any]:
        return torch.autocast("cpu", torch.bfloat16, enabled=bf16)

    def forward() -> None:
        model.eval()
        with torch.inference_mode(), mixed():
            model(*seen)

    def step() -> None:
        model.zero_grad(set_to_none=True)
        model.train()
        with nullcontext() if is_plain else quick(torch.device("cpu")):
            with mixed():
                loss = model(*seen).float().square().mean()
            loss.backward()

    return forward if name == FORWARD else step


def _seconds(run: Work) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start
