"""Redrawing agrees with diffusers' own pipelines where these can do the same, and does what they cannot."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models
import torch
from PIL import Image

from synthgen.backends.controlnet import ControlNetRedraw
from synthgen.backends.denoising import (
    Kept,
    denoise,
    guided,
    late_timesteps,
    renew,
    shrink_mask,
    stretch,
    widen,
)
from synthgen.backends.depth_to_image import DepthToImage
from synthgen.backends.pipelines import SCHEDULERS, generators
from synthgen.backends.protocols import Guides

SIZE = tiny_models.SIZE
RANDOM = np.random.default_rng(1)
PROMPTS, NEGATIVE, SEEDS = ["a skier", "a gymnast"], ["bad", ""], [5, 6]
REGION = np.zeros((2, SIZE, SIZE), bool)
REGION[:, 8:24, 4:20] = True
GUIDES = Guides(
    RANDOM.integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8), RANDOM.random((2, SIZE, SIZE)), REGION
)
Saved = Callable[[str], Path]


def ready(backend: Any) -> Any:
    backend.setup()
    return backend


def ours(backend: Any, guides: Guides = GUIDES) -> Any:
    return ready(backend)(guides, PROMPTS, NEGATIVE, SEEDS).astype(int)


def theirs(pipe: Any, **options: Any) -> Any:
    pipe.set_progress_bar_config(disable=True)
    images = pipe(
        prompt=PROMPTS, negative_prompt=NEGATIVE, image=[Image.fromarray(image) for image in GUIDES.images],
        strength=0.7, num_inference_steps=4, guidance_scale=7.5, generator=generators(SEEDS),
        output_type="np", **options,
    ).images  # fmt: skip
    return np.rint(images * 255).astype(int)


def test_depth_to_image_agrees_with_diffusers(saved: Saved) -> None:
    from diffusers import StableDiffusionDepth2ImgPipeline

    folder = saved("sd2_depth")
    pipe = StableDiffusionDepth2ImgPipeline.from_pretrained(folder)
    expected = theirs(pipe, depth_map=torch.from_numpy(GUIDES.nearness).float())
    got = ours(DepthToImage(str(folder), num_inference_steps=4, batch_size=2))
    assert np.abs(got - expected).max() <= 1
    assert expected.std() > 10, "the pictures are blank"


@pytest.mark.parametrize("by_depth", [False, True])
def test_guidance_leads_away_from_the_prompt_or_from_prompt_and_depth(saved: Saved, by_depth: bool) -> None:
    backend = ready(
        DepthToImage(
            str(saved("sd2_depth")),
            num_inference_steps=2,
            guidance_scale=3,
            guide_by_depth=by_depth,
            batch_size=2,
        )
    )
    seen: list[torch.Tensor] = []
    handle = backend._pipe.unet.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][:, -1]))
    drawn = backend(GUIDES, PROMPTS, NEGATIVE, SEEDS)
    handle.remove()
    depth = 2 * stretch(GUIDES.nearness, seen[0].shape[-2:])[:, 0] - 1
    for negative, positive in (maps.chunk(2) for maps in seen):
        torch.testing.assert_close(positive, depth)
        torch.testing.assert_close(negative, torch.zeros_like(depth) if by_depth else depth)
    backend.guidance_scale = 1
    unguided = backend(GUIDES, PROMPTS, NEGATIVE, SEEDS).astype(int)
    assert np.abs(unguided - drawn).max() > 0
    backend.guide_by_depth = not by_depth
    assert np.array_equal(backend(GUIDES, PROMPTS, NEGATIVE, SEEDS), unguided), "no guidance, no difference"


@pytest.mark.parametrize("mode", ["img2img", "inpaint"])
@pytest.mark.parametrize(("base", "family"), [("stable_diffusion", ""), ("sdxl", "XL")])
def test_controlnet_agrees_with_diffusers(saved: Saved, base: str, family: str, mode: Any) -> None:
    import diffusers

    controlnet = saved("controlnet_xl" if family else "controlnet")
    kind = {"img2img": "Img2Img", "inpaint": "Inpaint"}[mode]
    pipe = getattr(diffusers, f"StableDiffusion{family}ControlNet{kind}Pipeline").from_pretrained(
        saved(base), controlnet=diffusers.ControlNetModel.from_pretrained(controlnet)
    )
    options: dict[str, Any] = {"control_image": stretch(GUIDES.nearness).expand(-1, 3, -1, -1)}
    if mode == "inpaint":
        masks = [Image.fromarray(np.uint8(255) * mask) for mask in REGION]
        options |= {"mask_image": masks, "height": SIZE, "width": SIZE}
    expected = theirs(pipe, controlnet_conditioning_scale=0.8, control_guidance_end=0.6, **options)
    backend = ControlNetRedraw(
        str(saved(base)), controlnet=str(controlnet), mode=mode, num_inference_steps=4,
        control_guidance_end=0.6, mask_margin=0.0, batch_size=2,
    )  # fmt: skip
    assert np.abs(ours(backend) - expected).max() <= 1
    assert expected.std() > 10, "the pictures are blank"


@pytest.mark.parametrize("name", ["depth_to_image", "controlnet"])
def test_depth_and_region_steer_the_picture(saved: Saved, name: str) -> None:
    models = {"id": str(saved("sd2_depth"))}
    if name == "controlnet":
        models = {"id": str(saved("stable_diffusion")), "controlnet": str(saved("controlnet"))}
    make = partial({"controlnet": ControlNetRedraw, "depth_to_image": DepthToImage}[name], **models)
    make = partial(make, num_inference_steps=3)
    plain = ours(make())
    flipped = replace(GUIDES, nearness=GUIDES.nearness[:, :, ::-1])
    assert np.abs(ours(make(), flipped) - plain).max() > 0
    renewed = ours(make(renew_region=True))
    inside, outside = np.abs(renewed - plain)[REGION].mean(), np.abs(renewed - plain)[~REGION].mean()
    assert inside > outside, "noise inside the region changes the region most"
    empty = replace(GUIDES, nearness=np.zeros_like(GUIDES.nearness), region=np.zeros_like(REGION))
    assert ours(make(renew_region=True), empty).std() > 0


def test_inpainting_puts_the_old_picture_back_outside_its_mask() -> None:
    scheduler = ddim()
    times = late_timesteps(scheduler, 10, 0.7, torch.device("cpu"))
    old, noise = torch.randn(2, 1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:5] = 1
    seen: list[torch.Tensor] = []

    def predict(latents: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        seen.append(latents - scheduler.add_noise(old, noise, time[None]))
        return torch.ones_like(latents)

    start = scheduler.add_noise(old, noise, times[:1])
    done = denoise(scheduler, times, start, predict, generators([0]), Kept(old, noise, mask))
    outside = mask.expand_as(old) == 0
    assert all(torch.allclose(step[outside], torch.zeros(1), atol=1e-6) for step in seen) and len(seen) == 7
    assert torch.equal(done[outside], old[outside])
    assert (done - old)[~outside].abs().mean() > 0.1


def test_guidance_pulls_away_from_the_negative_prompt() -> None:
    def predict(both: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.full_like(both[:2], 1.0), torch.full_like(both[:2], 3.0)])[: len(both)]

    latents = torch.zeros(2, 1, 2, 2)
    assert (guided(ddim(), predict, 4.0)(latents, torch.tensor(5)) == 1 + 4 * (3 - 1)).all()
    assert (guided(ddim(), predict, 1.0)(latents, torch.tensor(5)) == 1).all(), "one pass, no guidance"


def ddim() -> Any:
    from diffusers import DDIMScheduler

    return DDIMScheduler.from_config(tiny_models.scheduler().config)


def test_maps_are_stretched_each_to_its_own_range() -> None:
    maps = np.stack([np.linspace(2, 4, 16).reshape(4, 4), np.full((4, 4), 7.0)])
    stretched = stretch(maps)
    assert stretched.shape == (2, 1, 4, 4)
    assert (stretched[0].min(), stretched[0].max()) == (0, 1)
    assert np.allclose(stretched[0, 0].numpy(), (maps[0] - 2) / 2)
    assert (stretched[1] == 0).all(), "a constant map is all background, not NaN"
    assert stretch(maps, (2, 2)).shape == (2, 1, 2, 2)


def test_renewed_latents_are_noise_inside_the_region_only() -> None:
    latents = torch.full((2, 4, 64, 64), 5.0)
    region = np.zeros((2, 128, 128), bool)
    region[0, :64] = True
    fresh = renew(latents, region, generators([1, 2]))
    assert (fresh[1] == 5).all() and (fresh[0, :, 32:] == 5).all()
    noise = fresh[0, :, :32]
    assert abs(float(noise.mean())) < 0.05 and abs(float(noise.std()) - 1) < 0.05
    assert shrink_mask(region, latents).sum() == 64 * 32


def test_a_latent_is_renewed_if_any_of_its_pixels_is_inside() -> None:
    """An arm thinner than a latent's 8 px would else survive, as a nearest pixel misses it."""
    latents = torch.full((1, 4, 8, 8), 5.0)
    region = np.zeros((1, 64, 64), bool)
    region[0, 27:30, 3:61] = True
    changed = (renew(latents, region, generators([1])) != 5).all(1)[0]
    assert changed[3].all() and changed.sum() == 8
    assert shrink_mask(region, latents).sum() == 0


def test_a_renewed_redraw_is_that_of_the_public_repository(saved: Saved) -> None:
    """Noise takes the place of the picture's latents inside the region, and only then noise is added to all.

    From there on it is the pipeline's own loop: 0.7 of the steps, guidance, depth as a fifth channel.
    """
    from diffusers import StableDiffusionDepth2ImgPipeline

    region = np.zeros_like(REGION)
    region[:, 9:24, 5:19] = True  # with the VAE's factor of 2: latents 4 to 11 and 2 to 9
    inside = torch.zeros(1, 1, SIZE // 2, SIZE // 2)
    inside[..., 4:12, 2:10] = 1
    pipe = StableDiffusionDepth2ImgPipeline.from_pretrained(saved("sd2_depth"))
    pixels = torch.from_numpy(GUIDES.images).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        code = pipe.vae.encode(pixels).latent_dist
    draws = [[torch.randn(code.mean.shape[1:], generator=one) for _ in range(3)] for one in generators(SEEDS)]
    spread, noise, fresh = (torch.stack(rows) for rows in zip(*draws, strict=True))
    old = (code.mean + code.std * spread) * pipe.vae.config.scaling_factor
    mixed = old * (1 - inside) + fresh * inside

    def prepared(image: Any, timestep: torch.Tensor, *others: Any) -> torch.Tensor:
        return pipe.scheduler.add_noise(mixed, noise, timestep)

    pipe.prepare_latents = prepared
    expected = theirs(pipe, depth_map=torch.from_numpy(GUIDES.nearness).float())
    backend = DepthToImage(str(saved("sd2_depth")), num_inference_steps=4, batch_size=2, renew_region=True)
    assert np.abs(ours(backend, replace(GUIDES, region=region)) - expected).max() <= 1


def test_of_fifty_steps_at_the_papers_strength_the_last_35_are_run() -> None:
    scheduler = tiny_models.scheduler()  # PNDM, as SD2-depth has it; it takes its second step twice
    times = late_timesteps(scheduler, 50, 0.7, torch.device("cpu"))
    assert len(scheduler.timesteps) == 51 and len(times) == 36
    assert torch.equal(times, scheduler.timesteps[15:]) and int(times[0]) == 701


def test_widen_grows_to_all_sides() -> None:
    mask = np.zeros((1, 9, 9), bool)
    mask[0, 4, 4] = True
    assert widen(mask, 2).sum() == 25 and widen(mask, 2)[0, 2, 6]
    assert np.array_equal(widen(mask, 0), mask)


def test_strength_says_how_many_steps_are_run() -> None:
    scheduler = ddim()
    device = torch.device("cpu")
    every = late_timesteps(scheduler, 10, 1.0, device)
    assert torch.equal(late_timesteps(scheduler, 10, 0.7, device), every[-len(every) + 3 :])
    assert len(late_timesteps(scheduler, 10, 0.01, device)) == 1, "never none at all"


@pytest.mark.parametrize("scheduler", sorted(SCHEDULERS))
def test_every_scheduler_draws(saved: Saved, scheduler: Any) -> None:
    backend = DepthToImage(str(saved("sd2_depth")), num_inference_steps=6, scheduler=scheduler, batch_size=2)
    got = ours(backend)
    assert 10 < got.std() < 120


def test_what_does_not_fit_is_refused(saved: Saved) -> None:
    backend = ready(DepthToImage(str(saved("sd2_depth")), num_inference_steps=1))
    odd = Guides(np.zeros((1, 31, 32, 3), np.uint8), np.zeros((1, 31, 32)), np.zeros((1, 31, 32), bool))
    with pytest.raises(ValueError, match=r"pictures are 31x32 px .* multiples of 2 px"):
        backend(odd, ["a"], [""], [0])
    with pytest.raises(ValueError, match=r"one of each is needed for every picture, got \{'guides': 2"):
        backend(GUIDES, ["a"], [""], [0])
    with pytest.raises(ValueError, match=r"Guides: nearness and region must be \(1, 31, 32\)"):
        Guides(odd.images, np.zeros((1, 32, 32)), odd.region)
    with pytest.raises(ValueError, match=r"takes 4 channels, a depth-conditioned one takes 5"):
        DepthToImage(str(saved("stable_diffusion"))).setup()
    with pytest.raises(ValueError, match=r"another family than .*: cross_attention_dim is 32, expected 64"):
        ControlNetRedraw(str(saved("sdxl")), controlnet=str(saved("controlnet"))).setup()
    with pytest.raises(ValueError, match=r"control_guidance_start must be below control_guidance_end"):
        ControlNetRedraw(control_guidance_start=0.5, control_guidance_end=0.5)
    with pytest.raises(ValueError, match=r"strength must be in \(0, 1\], got 0"):
        DepthToImage(strength=0.0)
