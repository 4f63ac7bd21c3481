"""DPMesh beside a plain composition of the same modules: time and memory of its two passes.

The plain one does as the released code does: oneDNN's convolutions throughout, all attention spelled out with
its maps kept, the time step embedded anew for each picture, low-rank updates beside the layers, float32
weights also under bfloat16 autocast. Same weights, same features; both are timed in turn in one process.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from synthgen.bench.memory import most_held
from synthgen.bench.pace import Pace
from synthgen.dpmesh.backbone import DiffusionBackbone
from synthgen.dpmesh.conditions import heatmaps, scaled_joints
from synthgen.dpmesh.config import DPMeshConfig
from synthgen.dpmesh.products import ProductConv2d, use_products
from synthgen.dpmesh.training import lay_out
from synthgen.dpmesh.unet import KeptAttention, decode, encode
from synthgen.training import frozen
from synthgen.training.attention import SpelledOut

FORWARD, STEP = "forward", "training step"
_MATRIX = 1024  # side of the matrices whose product tells the machine's rate


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


def told(width: int, bf16: bool, name: str, pace: Pace, peaks: tuple[int, int]) -> str:
    """Return a line on one pass; peaks of ours and of the plain one [bytes]."""
    kind = "bfloat16" if bf16 else "float32"
    return (
        f"DPMesh's backbone, {width} wide, one core, one crop of 256 px, {name} in {kind}: "
        f"{pace.ours:.2f} s, put together plainly {pace.plain:.2f} s, ratio {pace.ratio:.2f}; "
        f"{pace.work / 1e9:.0f} GFLOP, {pace.share:.0%} of the rate of a matrix product "
        f"({pace.rate / 1e9:.0f} GFLOP/s); peak memory "
        f"{peaks[0] / 1e9:.2f} against {peaks[1] / 1e9:.2f} GB, {peaks[0] / peaks[1]:.2f} of it"
    )


def crop(side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return one crop of noise with its keypoints."""
    rng = torch.Generator().manual_seed(0)
    image, joints = torch.rand(1, 3, side, side, generator=rng), torch.rand(1, 30, 2, generator=rng)
    return image, joints * side, torch.ones(1, 30)


def compare(width: int, rounds: int, bf16: bool) -> dict[str, Pace]:
    """Time a training step of both, then a forward pass; each as it is trained and used.

    Args:
        width: see `build`.
        rounds: times that they take turns; the best counts.
        bf16: in bfloat16, the plain one by autocast.
    """
    ours, plain = build(width)
    seen, rate = crop(ours.config.crop_size), matrix_rate(bf16)
    work = {name: _count(run) for name, run in _passes(plain, seen, False).items()}
    paces = {}
    for name in (STEP, FORWARD):
        _prepare(ours, name, bf16)
        fast, slow = (_passes(model, seen, bf16)[name] for model in (ours, plain))
        paces[name] = Pace(*_race(fast, slow, rounds), work[name], rate)
    return paces


def peak_bytes(width: int, is_ours: bool, name: str, bf16: bool) -> int:
    """Return the most memory that this process held in a pass [bytes]; what was held before does not count.

    Args:
        width: see `build`.
        is_ours: DPMesh, or the plain composition.
        name: FORWARD or STEP.
        bf16: see `compare`.
    """
    backbone = _fresh(width)
    model: nn.Module = backbone if is_ours else PlainBackbone(backbone)
    if is_ours:
        use_products(model)
        _prepare(model, name, bf16)
    run = _passes(model, crop(256), bf16)[name]
    run()
    Path("/proc/self/clear_refs").write_text("5")  # the record begins anew
    run()
    return most_held()


def matrix_rate(bf16: bool) -> float:
    """Return operations a second in a product of two large matrices, one thread, the best of a few."""
    matrix = torch.ones(_MATRIX, _MATRIX, dtype=torch.bfloat16 if bf16 else torch.float32)
    return 2 * _MATRIX**3 / min(_seconds(lambda: matrix @ matrix) for _ in range(10))


def _prepare(model: nn.Module, name: str, bf16: bool) -> None:
    """Bring a DPMesh's backbone into the form in which it is trained or used; training comes first."""
    backbone: Any = model
    if name == FORWARD:
        backbone.compact(torch.bfloat16 if bf16 else torch.float32)
    else:
        lay_out(backbone, torch.channels_last)
        if bf16:
            frozen.halve(backbone)


def _passes(
    model: nn.Module, seen: tuple[Tensor, Tensor, Tensor], bf16: bool
) -> dict[str, Callable[[], object]]:
    attention = nullcontext if isinstance(model, PlainBackbone) else SpelledOut

    def mixed() -> AbstractContextManager[Any]:
        return torch.autocast("cpu", torch.bfloat16, enabled=bf16)

    def forward() -> None:
        model.zero_grad(set_to_none=True)
        model.eval()
        with torch.inference_mode(), mixed():
            model(*seen)

    def step() -> None:
        model.zero_grad(set_to_none=True)
        model.train()
        with attention():
            with mixed():
                loss = model(*seen).float().square().mean()
            loss.backward()

    return {FORWARD: forward, STEP: step}


def _count(run: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())


def _race(ours: Callable[[], object], plain: Callable[[], object], rounds: int) -> tuple[float, float]:
    times = [(_seconds(ours), _seconds(plain)) for _ in range(rounds + 1)][1:]  # the first round warms up
    return min(one for one, _ in times), min(other for _, other in times)


def _seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start
