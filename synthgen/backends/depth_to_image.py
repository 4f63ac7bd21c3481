"""Role `redraw` in the layout of SD2-depth, whose U-Net sees the depth map as a fifth channel.

The depth map is the one given; the model's own depth estimator (MiDaS) is never loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.model_files import version_of
from synthgen.backends.pipelines import (
    Scheduler,
    add_lora,
    find_pipeline,
    load_pipeline,
    place,
    set_scheduler,
    torch_dtype,
)
from synthgen.backends.protocols import Guides, Precision, Texts
from synthgen.backends.ranges import (
    Range,
    id_problems,
    raise_problems,
    range_problems,
    ready,
)

RANGES = {
    "strength": Range(0, 1, is_open=True), "num_inference_steps": Range(1, 1000), "guidance_scale": Range(0),
    "lora_scale": Range(-10, 10), "batch_size": Range(1),
}  # fmt: skip
WITHOUT = {"depth_estimator": None, "feature_extractor": None}  # parts of the pipeline that are not needed


@dataclass
class DepthToImage:
    """A depth-conditioned image-to-image pipeline in the layout of SD2-depth.

    Attributes:
        id: folder, hub id (owner/name), or embedded/redraw, the model that comes with the package.
        revision: branch, tag or commit of a hub id; empty for the newest.
        variant: fp16 for the files *.fp16.safetensors; empty for the plain ones.
        strength: how far the old picture is noised, in (0, 1]; that part of the steps is run.
        num_inference_steps: denoising steps of a whole run.
        guidance_scale: of classifier-free guidance; 1 or less turns it off.
        guide_by_depth: let guidance strengthen the depth map as it does the prompt: the half of it that sees
            the negative prompt sees a depth map of 0 everywhere. For U-Nets that were trained with such maps
            now and then, as the embedded one; SD2-depth was not.
        scheduler: sampler, over the model's own noise schedule; default: the model's.
        renew_region: start from pure noise inside the region, so that no old limb survives there.
        lora: safetensors file, folder or hub id of a LoRA; empty for none.
        lora_scale: strength of the LoRA.
        batch_size: pictures drawn at once; the last batch is filled up.
    """

    id: str = "embedded/redraw"
    revision: str = ""
    variant: str = ""
    strength: float = 0.7
    num_inference_steps: int = 50
    guidance_scale: float = 7.5
    guide_by_depth: bool = False
    scheduler: Scheduler = "default"
    renew_region: bool = False
    lora: str = ""
    lora_scale: float = 1.0
    batch_size: int = 4

    def __post_init__(self) -> None:
        raise_problems(self.problems())
        self.version = ""
        self._pipe: Any = None

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""
        return id_problems(self) + range_problems(self, RANGES)

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Load the pipeline; see `synthgen.backends.protocols`."""
        from diffusers import StableDiffusionDepth2ImgPipeline

        folder = find_pipeline(self.id, self.revision, self.variant)
        pipe = load_pipeline(
            StableDiffusionDepth2ImgPipeline, folder, self.variant, torch_dtype(dtype), WITHOUT
        )
        channels, wanted = pipe.unet.config.in_channels, pipe.vae.config.latent_channels + 1
        if channels != wanted:
            raise ValueError(
                f"{folder}: its U-Net takes {channels} channels, a depth-conditioned one takes {wanted} "
                "(latents and depth); give a folder in the layout of SD2-depth, or use backend=controlnet"
            )
        set_scheduler(pipe, self.scheduler)
        lora = add_lora(pipe, self.lora, self.lora_scale)
        self._pipe = place(pipe, device)
        self.version = version_of(folder) + lora

    def __call__(
        self, guides: Guides, prompts: Sequence[str], negative_prompts: Sequence[str], seeds: Sequence[int]
    ) -> NDArray[np.uint8]:
        """Draw pictures anew; see `Redraw`."""
        from synthgen.backends.denoising import redraw_all

        texts = list(zip(prompts, negative_prompts, strict=True))
        return redraw_all(ready(self._pipe, self), self._draw, guides, texts, seeds, self.batch_size)

    def _draw(self, pipe: Any, guides: Guides, texts: Texts, noise_of: Sequence[Any]) -> NDArray[np.floating]:
        import torch

        from synthgen.backends.denoising import (
            decode_latents,
            denoise,
            encode_images,
            encode_words,
            guided,
            late_timesteps,
            renew,
            standard_normal,
            stretch,
        )

        size = guides.images.shape[1:3]
        words = encode_words(pipe, texts, self.guidance_scale, size)
        latents = encode_images(pipe.vae, guides.images, noise_of, pipe.unet.dtype)
        noise = standard_normal(latents.shape, noise_of, latents)
        if self.renew_region:
            latents = renew(latents, guides.region, noise_of)
        depth = (2 * stretch(guides.nearness, latents.shape[-2:]) - 1).to(latents)
        if len(words.embeds) > len(depth):
            depth = torch.cat([torch.zeros_like(depth) if self.guide_by_depth else depth, depth])
        times = late_timesteps(pipe.scheduler, self.num_inference_steps, self.strength, pipe.device)

        def predict(scaled: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
            seen = torch.cat([scaled, depth], 1)
            return pipe.unet(seen, time, encoder_hidden_states=words.embeds, return_dict=False)[0]

        latents = pipe.scheduler.add_noise(latents, noise, times[:1].repeat(len(latents)))
        step = guided(pipe.scheduler, predict, self.guidance_scale)
        return decode_latents(pipe.vae, denoise(pipe.scheduler, times, latents, step, noise_of))
