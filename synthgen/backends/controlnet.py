"""Role `redraw` with a depth ControlNet beside Stable Diffusion 1, 2 or XL: image-to-image, or inpainting.

Inpainting draws only the region anew (and a margin around it); the rest of the picture stays as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.model_files import fetch_files, find_model, version_of
from synthgen.backends.pipelines import (
    Scheduler,
    add_lora,
    find_pipeline,
    index_of,
    load_model,
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
    "controlnet_conditioning_scale": Range(0, 10), "control_guidance_start": Range(0, 1),
    "control_guidance_end": Range(0, 1), "mask_margin": Range(0, 1), "lora_scale": Range(-10, 10),
    "batch_size": Range(1),
}  # fmt: skip


@dataclass
class ControlNetRedraw:
    """Stable Diffusion with a depth ControlNet.

    Attributes:
        id: folder or hub id (owner/name) of a Stable Diffusion 1, 2 or XL pipeline.
        revision: branch, tag or commit of a hub id; empty for the newest.
        controlnet: folder or hub id of a depth ControlNet of the same family.
        controlnet_revision: its branch, tag or commit; empty for the newest.
        variant: fp16 for the files *.fp16.safetensors, of both; empty for the plain ones.
        mode: img2img draws the whole picture anew, inpaint only the region.
        strength: how far the old picture is noised, in (0, 1]; that part of the steps is run.
        num_inference_steps: denoising steps of a whole run.
        guidance_scale: of classifier-free guidance; 1 or less turns it off.
        controlnet_conditioning_scale: weight of the depth map.
        control_guidance_start: part of the steps after which the depth map begins to count.
        control_guidance_end: part of the steps after which it no longer counts.
        scheduler: sampler, over the model's own noise schedule; default: the model's.
        renew_region: start from pure noise inside the region, so that no old limb survives there.
        mask_margin: how far around the region inpainting may draw, as a part of the picture's width.
        lora: safetensors file, folder or hub id of a LoRA; empty for none.
        lora_scale: strength of the LoRA.
        batch_size: pictures drawn at once; the last batch is filled up.
    """

    id: str = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    revision: str = ""
    controlnet: str = "lllyasviel/control_v11f1p_sd15_depth"
    controlnet_revision: str = ""
    variant: str = ""
    mode: Literal["img2img", "inpaint"] = "img2img"
    strength: float = 0.7
    num_inference_steps: int = 50
    guidance_scale: float = 7.5
    controlnet_conditioning_scale: float = 0.8
    control_guidance_start: float = 0.0
    control_guidance_end: float = 1.0
    scheduler: Scheduler = "default"
    renew_region: bool = False
    mask_margin: float = 0.03
    lora: str = ""
    lora_scale: float = 1.0
    batch_size: int = 4

    def __post_init__(self) -> None:
        raise_problems(self.problems())
        self.version = ""
        self._pipe: Any = None
        self._controlnet: Any = None

    def problems(self) -> list[str]:
        """Return everything that is wrong with the keys, one line each."""
        found = id_problems(self, "id", "controlnet") + range_problems(self, RANGES)
        if self.control_guidance_start >= self.control_guidance_end:
            found.append(
                f"control_guidance_start must be below control_guidance_end, got "
                f"{self.control_guidance_start} and {self.control_guidance_end}"
            )
        return found

    def setup(self, device: str = "cpu", dtype: Precision = "float32") -> None:
        """Load the pipeline and the ControlNet; see `synthgen.backends.protocols`."""
        import torch
        from diffusers import AutoPipelineForText2Image, ControlNetModel

        folder = find_pipeline(self.id, self.revision, self.variant)
        control = find_model(self.controlnet, self.controlnet_revision, fetch_files)
        parts: dict[str, Any] = {}
        if "safety_checker" in index_of(folder):
            parts = {"safety_checker": None, "requires_safety_checker": False}
        pipe = load_pipeline(AutoPipelineForText2Image, folder, self.variant, torch_dtype(dtype), parts)
        controlnet = load_model(
            ControlNetModel,
            control,
            "a ControlNet of diffusers",
            dtype=torch_dtype(dtype),
            variant=self.variant or None,
        )
        _check_match(pipe, controlnet, folder, control)
        if dtype == "float16" and _is_xl(pipe) and pipe.vae.config.force_upcast:
            pipe.vae.to(torch.float32)  # SDXL's VAE overflows in half precision
        set_scheduler(pipe, self.scheduler)
        lora = add_lora(pipe, self.lora, self.lora_scale)
        self._pipe, self._controlnet = place(pipe, device), place(controlnet, device)
        self.version = f"{version_of(folder)}+{version_of(control)}{lora}"

    def __call__(
        self, guides: Guides, prompts: Sequence[str], negative_prompts: Sequence[str], seeds: Sequence[int]
    ) -> NDArray[np.uint8]:
        """Draw pictures anew; see `Redraw`."""
        from synthgen.backends.denoising import redraw_all

        texts = list(zip(prompts, negative_prompts, strict=True))
        return redraw_all(ready(self._pipe, self), self._draw, guides, texts, seeds, self.batch_size)

    def _draw(self, pipe: Any, guides: Guides, texts: Texts, noise_of: Sequence[Any]) -> NDArray[np.floating]:
        from synthgen.backends.denoising import (
            Kept,
            decode_latents,
            denoise,
            encode_images,
            encode_words,
            guided,
            late_timesteps,
            renew,
            shrink_mask,
            standard_normal,
            widen,
        )

        words = encode_words(pipe, texts, self.guidance_scale, guides.images.shape[1:3])
        old = encode_images(pipe.vae, guides.images, noise_of, pipe.unet.dtype)
        noise = standard_normal(old.shape, noise_of, old)
        kept = None
        if self.mode == "inpaint":
            mask = widen(guides.region, round(self.mask_margin * guides.images.shape[2]))
            kept = Kept(old, noise, shrink_mask(mask, old))
        start = renew(old, guides.region, noise_of) if self.renew_region else old
        times = late_timesteps(pipe.scheduler, self.num_inference_steps, self.strength, pipe.device)
        latents = pipe.scheduler.add_noise(start, noise, times[:1].repeat(len(start)))
        predict = self._predictor(pipe, words, guides, times)
        step = guided(pipe.scheduler, predict, self.guidance_scale)
        return decode_latents(pipe.vae, denoise(pipe.scheduler, times, latents, step, noise_of, kept))

    def _predictor(self, pipe: Any, words: Any, guides: Guides, times: Any) -> Any:
        """Return the U-Net helped by the ControlNet, which looks at the depth map."""
        import torch

        from synthgen.backends.denoising import stretch

        depth = stretch(guides.nearness).expand(-1, 3, -1, -1).to(pipe.device, self._controlnet.dtype)
        depth = torch.cat([depth] * (len(words.embeds) // len(depth)))
        said = {"encoder_hidden_states": words.embeds, "return_dict": False}
        said |= {"added_cond_kwargs": words.added} if words.added else {}
        first, last = self.control_guidance_start * len(times), self.control_guidance_end * len(times)
        number_of = {float(time): number for number, time in enumerate(times)}

        def predict(scaled: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
            number = number_of[float(time)]
            scale = self.controlnet_conditioning_scale * (first <= number and number + 1 <= last)
            if scale == 0:
                return pipe.unet(scaled, time, **said)[0]
            down, middle = self._controlnet(
                scaled, time, controlnet_cond=depth, conditioning_scale=scale, **said
            )
            return pipe.unet(
                scaled,
                time,
                **said,
                down_block_additional_residuals=down,
                mid_block_additional_residual=middle,
            )[0]

        return predict


def _is_xl(pipe: Any) -> bool:
    return "text_encoder_2" in pipe.components


def _check_match(pipe: Any, controlnet: Any, folder: Any, control: Any) -> None:
    """Raise ValueError where the two cannot work together."""
    unet, vae = getattr(pipe, "unet", None), getattr(pipe, "vae", None)
    if unet is None or vae is None:
        raise ValueError(f"{folder} is no Stable Diffusion 1, 2 or XL: it has no U-Net")
    if unet.config.in_channels != vae.config.latent_channels:
        raise ValueError(
            f"{folder}: its U-Net takes {unet.config.in_channels} channels, expected the latents' "
            f"{vae.config.latent_channels}; give the plain model, not one for inpainting or depth"
        )
    for name in ("cross_attention_dim", "block_out_channels", "addition_embed_type"):
        ours, theirs = controlnet.config[name], unet.config[name]
        if list(np.ravel(ours)) != list(np.ravel(theirs)):
            raise ValueError(
                f"{control} belongs to another family than {folder}: {name} is {ours}, expected {theirs}"
            )
