"""Drafts and redraws in batches, beside a plain loop of diffusers over one picture at a time, in one run."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from synthgen.backends.depth_to_image import WITHOUT, DepthToImage
from synthgen.backends.pipelines import generators, load_pipeline, torch_dtype
from synthgen.backends.protocols import Guides, Precision
from synthgen.backends.text_to_image import TextToImage
from synthgen.bench.pace import Pace

_MATRIX = 8192  # side of the matrices whose product tells a GPU's rate
_SMALL_MATRIX = 512  # a CPU's
PROMPT, NEGATIVE = "a photo of a person skiing", "deformed, bad anatomy"


def told(pace: Pace, device: str, dtype: str) -> str:
    """Return the figures of one picture's draft and redraw as one line."""
    return (
        f"draft and redraw, {device}, {dtype}: {1 / pace.ours:.3g} pictures/s, one at a time "
        f"{1 / pace.plain:.3g}, ratio {pace.ratio:.2f}; {pace.work / 1e12:.3g} TFLOP a picture, "
        f"{pace.share:.0%} of the rate of a matrix product ({pace.rate / 1e12:.3g} TFLOP/s)"
    )


def measure(
    draft: TextToImage, redraw: DepthToImage, size: int, count: int, device: str, dtype: Precision
) -> Pace:
    """Draw pictures both ways, after one of each to warm up; the pace is that of one picture.

    Args:
        draft: not set up yet; its batches hold up to `count`.
        redraw: the same.
        size: side of the pictures [px].
        count: pictures to draw.
        device: cpu or cuda.
        dtype: precision of the networks.
    """
    ours, plain = (
        _batches(draft, redraw, size, device, dtype),
        _one_by_one(draft, redraw, size, device, dtype),
    )
    with FlopCounterMode(display=False) as counter:
        plain(1)
    ours(count)
    ours_s, plain_s = (_seconds(partial(run, count), device) / count for run in (ours, plain))
    return Pace(ours_s, plain_s, float(counter.get_total_flops()), _matrix_rate(device, dtype))


def guides(size: int, count: int) -> Guides:
    """Return pictures of noise with a body in their middle."""
    rng, third = np.random.default_rng(0), size // 3
    region = np.zeros((count, size, size), bool)
    region[:, third:-third, third:-third] = True
    return Guides(rng.integers(0, 256, (count, size, size, 3), np.uint8), region.astype(np.float64), region)


def _batches(
    draft: TextToImage, redraw: DepthToImage, size: int, device: str, dtype: Precision
) -> Callable[[int], object]:
    draft.setup(device, dtype)
    redraw.setup(device, dtype)

    def run(count: int) -> None:
        texts = [PROMPT] * count, [NEGATIVE] * count, list(range(count))
        draft(*texts)
        redraw(guides(size, count), *texts)

    return run


def _one_by_one(
    draft: TextToImage, redraw: DepthToImage, size: int, device: str, dtype: Precision
) -> Callable[[int], object]:
    from diffusers import StableDiffusionDepth2ImgPipeline, StableDiffusionPipeline

    kind, one = torch_dtype(dtype), guides(size, 1)
    words = load_pipeline(StableDiffusionPipeline, Path(draft.id), "", kind, {"safety_checker": None})
    depth = load_pipeline(StableDiffusionDepth2ImgPipeline, Path(redraw.id), "", kind, WITHOUT)
    for pipe in (words.to(device), depth.to(device)):
        pipe.set_progress_bar_config(disable=True)
    image = torch.from_numpy(one.images / 255).permute(0, 3, 1, 2)
    nearness = torch.from_numpy(one.nearness)

    def run(count: int) -> None:
        for seed in range(count):
            (chance,) = generators([seed])
            words(
                PROMPT,
                negative_prompt=NEGATIVE,
                num_inference_steps=draft.num_inference_steps,
                guidance_scale=draft.guidance_scale,
                height=size,
                width=size,
                generator=chance,
            )
            depth(
                PROMPT,
                image=image,
                depth_map=nearness,
                negative_prompt=NEGATIVE,
                strength=redraw.strength,
                num_inference_steps=redraw.num_inference_steps,
                guidance_scale=redraw.guidance_scale,
                generator=chance,
            )

    return run


def _matrix_rate(device: str, dtype: Precision) -> float:
    side = _SMALL_MATRIX if device == "cpu" else _MATRIX
    matrix = torch.ones(side, side, dtype=torch_dtype(dtype), device=device)
    return 2 * side**3 / min(_seconds(lambda: matrix @ matrix, device) for _ in range(10))


def _seconds(run: Callable[[], object], device: str) -> float:
    def now() -> float:
        if device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter()

    start = now()
    run()
    return now() - start
