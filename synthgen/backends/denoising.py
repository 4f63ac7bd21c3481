"""What diffusion redraws share: noised latents, guided denoising, the depth condition.

Written over the parts of diffusers (U-Net, VAE, scheduler), not over its pipelines, whose image-to-image
calls take no latents of one's own. What comes out equals theirs where they can do the same.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, interpolate, max_pool2d

from synthgen.backends.pipelines import check_size, generators, stacked, to_uint8
from synthgen.backends.protocols import Guides, Texts
from synthgen.backends.ranges import check_lengths, fixed_groups
from synthgen.geometry import Array

Predict = Callable[[Tensor, Tensor], Tensor]  # latents, time -> what the U-Net predicts


Draw = Callable[[Any, Guides, Texts, Sequence[torch.Generator]], NDArray[np.floating]]


def redraw_all(
    pipe: Any, draw: Draw, guides: Guides, texts: Texts, seeds: Sequence[int], batch_size: int
) -> NDArray[np.uint8]:
    """Draw pictures anew in groups of one size.

    Args:
        pipe: a diffusers pipeline with its VAE.
        draw: makes pictures (B, H, W, 3) in [0, 1] of one group.
        guides: what to start from.
        texts: one for each guide.
        seeds: one for each guide.
        batch_size: of the groups.

    Returns:
        (B, H, W, 3) uint8 RGB.

    Raises:
        ValueError: the numbers of guides, texts and seeds differ, or the size is not one of the model's.
    """
    check_lengths(guides=guides.images, prompts=texts, seeds=seeds)
    check_size(pipe, guides.images)
    images: list[NDArray[np.uint8]] = []
    for members, count in fixed_groups(len(texts), batch_size):
        noise_of = generators([seeds[i] for i in members])
        with torch.inference_mode():
            drawn = draw(pipe, guides.take(members), [texts[i] for i in members], noise_of)
        images += list(to_uint8(drawn[:count]))
    return stacked(images)


@dataclass(frozen=True)
class Words:
    """Encoded prompts, the negative ones first where guidance is on.

    Attributes:
        embeds: (B or 2B, T, C).
        added: SDXL's further conditions; empty for the others.
    """

    embeds: Tensor
    added: dict[str, Tensor]


def encode_words(
    pipe: Any,
    texts: Texts,
    guidance_scale: float,
    size: tuple[int, ...],
) -> Words:
    """Encode prompts with the pipeline's own text encoders.

    Args:
        pipe: of Stable Diffusion 1, 2 or XL.
        texts: prompts and negative prompts; the latter do nothing without guidance.
        guidance_scale: 1 or less: no guidance.
        size: (H, W) of the picture [px], which SDXL is told; nothing of it counts as cropped away.
    """
    is_guided = guidance_scale > 1
    encoded = pipe.encode_prompt(
        prompt=[prompt for prompt, _ in texts],
        negative_prompt=[negative for _, negative in texts],
        device=pipe.device,
        num_images_per_prompt=1,
        do_classifier_free_guidance=is_guided,
    )
    positive, negative = encoded[:2]
    embeds = torch.cat([negative, positive]) if is_guided else positive
    if len(encoded) == 2:
        return Words(embeds, {})
    pooled, negative_pooled = encoded[2:]
    text = torch.cat([negative_pooled, pooled]) if is_guided else pooled
    sizes = text.new_tensor([*size, 0, 0, *size]).expand(len(text), -1)
    return Words(embeds, {"text_embeds": text, "time_ids": sizes})


def encode_images(
    vae: Any, images: NDArray[np.uint8], noise_of: Sequence[torch.Generator], dtype: torch.dtype
) -> Tensor:
    """Return the latents (B, C, h, w) of pictures (B, H, W, 3), each drawn from its code's distribution.

    Args:
        vae: diffusers' AutoencoderKL.
        images: sides are multiples of the VAE's factor.
        noise_of: one generator a picture.
        dtype: of the latents.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    pixels = (pixels.float() / 127.5 - 1).to(vae.device, vae.dtype)
    code = vae.encode(pixels).latent_dist
    spread = code.std * standard_normal(code.mean.shape, noise_of, code.mean)
    latents = (code.mean + spread).to(dtype)
    mean, std = _latent_statistics(vae, latents)
    return (latents - mean) * vae.config.scaling_factor / std


def decode_latents(vae: Any, latents: Tensor) -> NDArray[np.float32]:
    """Return pictures (B, H, W, 3) in [0, 1] of latents (B, C, h, w)."""
    mean, std = _latent_statistics(vae, latents)
    latents = latents * std / vae.config.scaling_factor + mean
    pixels = vae.decode(latents.to(vae.dtype), return_dict=False)[0]
    return (pixels.float() / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()


def _latent_statistics(vae: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and deviation that a few VAEs of the SDXL family state; 0 and 1 for the others."""
    mean, std = (vae.config.get(name) for name in ("latents_mean", "latents_std"))
    if mean is None or std is None:
        return like.new_zeros(1), like.new_ones(1)
    return like.new_tensor(mean).view(1, -1, 1, 1), like.new_tensor(std).view(1, -1, 1, 1)


def standard_normal(shape: Sequence[int], noise_of: Sequence[torch.Generator], like: Tensor) -> Tensor:
    """Draw (B, …) from B generators, each its own row, in `like`'s precision and on its device."""
    rows = [torch.randn(tuple(shape[1:]), generator=one) for one in noise_of]
    return torch.stack(rows).to(like.device, like.dtype)


def renew(latents: Tensor, region: NDArray[np.bool_], noise_of: Sequence[torch.Generator]) -> Tensor:
    """Replace latents (B, C, h, w) by pure noise inside a region (B, H, W) of the picture.

    The old body must not show through where a new one is to stand, however thin its limbs: a latent is
    replaced if any of its pixels is inside.
    """
    full = torch.from_numpy(region.astype(np.float32))[:, None]
    inside = adaptive_max_pool2d(full, latents.shape[-2:]).to(latents.device)
    return torch.where(inside > 0, standard_normal(latents.shape, noise_of, latents), latents)


def shrink_mask(mask: NDArray[np.bool_], like: Tensor) -> Tensor:
    """Return masks (B, H, W) at the latents' size, (B, 1, h, w) of 0 and 1; nearest pixel."""
    full = torch.from_numpy(mask.astype(np.float32))[:, None]
    return interpolate(full, size=like.shape[-2:]).to(like.device, like.dtype)


def widen(mask: NDArray[np.bool_], margin: int) -> NDArray[np.bool_]:
    """Grow masks (B, H, W) by a margin [px] to all sides."""
    full = torch.from_numpy(mask.astype(np.float32))[:, None]
    return (max_pool2d(full, 2 * margin + 1, 1, margin) > 0)[:, 0].numpy()


def stretch(nearness: Array, size: tuple[int, ...] | None = None) -> Tensor:
    """Stretch each map (B, H, W) to its own range [0, 1], 1 nearest; constant maps become 0 everywhere.

    Args:
        nearness: larger is nearer, any unit.
        size: resize to this (h, w) first, bicubically, as SD2-depth was trained and is used.

    Returns:
        (B, 1, h, w) float32.
    """
    maps = torch.from_numpy(np.ascontiguousarray(nearness, np.float32))[:, None]
    if size is not None:
        maps = interpolate(maps, size=size, mode="bicubic", align_corners=False)
    low, high = maps.amin((1, 2, 3), keepdim=True), maps.amax((1, 2, 3), keepdim=True)
    span = high - low
    return torch.where(span > 0, (maps - low) / span.clamp_min(torch.finfo(span.dtype).tiny), 0.0)


def late_timesteps(scheduler: Any, num_inference_steps: int, strength: float, device: torch.device) -> Tensor:
    """Return the last `strength` part of a sampler's time steps, at least one, and make it start there."""
    scheduler.set_timesteps(num_inference_steps, device=device)
    skipped = num_inference_steps - max(1, min(int(num_inference_steps * strength), num_inference_steps))
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(skipped * scheduler.order)
    return scheduler.timesteps[skipped * scheduler.order :]


@dataclass(frozen=True)
class Kept:
    """What inpainting leaves alone.

    Attributes:
        latents: (B, C, h, w) of the old picture.
        noise: (B, C, h, w) that the whole picture starts from.
        mask: (B, 1, h, w), 1 where the picture is drawn anew.
    """

    latents: Tensor
    noise: Tensor
    mask: Tensor


def guided(scheduler: Any, predict: Predict, guidance_scale: float) -> Predict:
    """Scale a U-Net's input as the sampler wants it, and apply classifier-free guidance.

    Args:
        scheduler: the sampler.
        predict: with guidance it gets the latents twice, for the negative prompts first.
        guidance_scale: 1 or less: no guidance.
    """

    def run(latents: Tensor, time: Tensor) -> Tensor:
        if guidance_scale <= 1:
            return predict(scheduler.scale_model_input(latents, time), time)
        both = scheduler.scale_model_input(torch.cat([latents] * 2), time)
        negative, positive = predict(both, time).chunk(2)
        return negative + guidance_scale * (positive - negative)

    return run


def denoise(
    scheduler: Any,
    times: Tensor,
    latents: Tensor,
    predict: Predict,
    noise_of: Sequence[torch.Generator],
    kept: Kept | None = None,
) -> Tensor:
    """Turn noised latents into clean ones.

    Args:
        scheduler: after `late_timesteps`.
        times: its time steps to go.
        latents: (B, C, h, w), noised for the first of them.
        predict: see `guided`.
        noise_of: one generator a picture, for samplers that add noise.
        kept: outside its mask the old picture is put back after every step.
    """
    takes = inspect.signature(scheduler.step).parameters
    options = {"generator": list(noise_of)} if "generator" in takes else {}
    for number, time in enumerate(times):
        latents = scheduler.step(predict(latents, time), time, latents, **options, return_dict=False)[0]
        if kept is not None:
            old = kept.latents
            if number + 1 < len(times):
                old = scheduler.add_noise(old, kept.noise, times[number + 1 : number + 2])
            latents = (1 - kept.mask) * old + kept.mask * latents
    return latents
