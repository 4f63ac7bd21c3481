"""What draft and redraw share: latents of all pictures and body maps, noise schedule, loss, sampling."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, avg_pool2d, max_pool2d

from synthgen.embedded import vae
from synthgen.embedded.body_maps import COUNT, SIZES, body_maps
from synthgen.embedded.loop import Draw
from synthgen.embedded.workshop import Workshop
from synthgen.training import receipts

logger = logging.getLogger(__name__)

GUIDANCE = 3.0  # of sample pictures
SAMPLE_STEPS = 20
_ENCODED = 32  # pictures at a time
_LOG_EVERY = 3200  # pictures


@dataclass(frozen=True)
class Latents:
    """Scaled mean latents of all pictures, as they are and mirrored, with body maps in their last channels.

    Attributes:
        values: (2, N, C, h, w) float16; first as drawn, then flipped left to right.
    """

    values: NDArray[np.float16]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one."""
        return self.values.shape[2:]

    def take(self, rows: NDArray[np.int64], is_flipped: NDArray[np.bool_]) -> Tensor:
        """Return (B, C, h, w) float32."""
        return torch.from_numpy(self.values[is_flipped.astype(int), rows].astype(np.float32))


class Conditions(NamedTuple):
    """What a U-Net is told about B pictures, and where its errors count.

    Attributes:
        tokens: (B, T) captions.
        depth: (B, 1, h, w) in [-1, 1].
        weight: (B, 1, h, w) of the errors; only how it differs between pixels counts.
    """

    tokens: Tensor
    depth: Tensor
    weight: Tensor

    def to(self, device: torch.device) -> "Conditions":
        """Return them on a device."""
        return Conditions(*(value.to(device) for value in self))


def scheduler() -> Any:
    """Return the noise schedule: velocity prediction, down to no signal at all at the last step.

    Lin et al., "Common diffusion noise schedules and sample steps are flawed", WACV 2024.
    """
    import diffusers

    schedule: Any = diffusers.DDIMScheduler
    return schedule(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        steps_offset=1,
        timestep_spacing="trailing",
    )


def open_latents(shop: Workshop, shrink: int = 1) -> Latents:
    """Return the latents of the trained VAE; they are made once and kept in the work folder.

    Args:
        shop: of the step that wants them.
        shrink: part that is left of the side of the pictures before they are encoded is 1 / this.
    """
    folder = shop.work / ("latents" if shrink == 1 else f"latents_{shrink}")
    path = folder / "latents.npy"
    inputs = receipts.combined(
        receipts.files_digest([shop.weights / vae.FOLDER]), shop.pictures.digest, shop.bf16, shrink, SIZES
    )
    if not receipts.is_current(folder, inputs, [path]):
        folder.mkdir(parents=True, exist_ok=True)
        _encode_all(vae.load(shop), shop, path, shrink)
        receipts.write(folder, inputs, [path])
    return Latents(np.load(path, mmap_mode="r"))


def shrunk(images: Tensor, shrink: int) -> Tensor:
    """Return pictures (B, C, H, W) of 1 / `shrink` the side; a pixel is the mean of those it covers."""
    return avg_pool2d(images, shrink) if shrink > 1 else images


def _encode_all(model: Any, shop: Workshop, path: Path, shrink: int) -> None:
    pictures, device, bf16 = shop.pictures, shop.device, shop.bf16
    factor = 2 ** (len(model.config.block_out_channels) - 1)
    side = pictures.size // shrink // factor
    shape = (2, len(pictures), model.config.latent_channels, side, side)
    values = open_memmap(path, "w+", np.float16, shape)
    for start in range(0, len(pictures), _ENCODED):
        if start % _LOG_EVERY == 0:
            logger.info("latents: %d of %d pictures encoded", start, len(pictures))
        images = shrunk(vae.to_signed(pictures.image[start : start + _ENCODED]).to(device), shrink)
        for flip in (0, 1):
            with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
                mean = vae.encode_mean(model, images.flip(3) if flip else images).float()
            values[flip, start : start + _ENCODED] = (mean * model.config.scaling_factor).cpu().numpy()
        masks = pictures.mask[start : start + _ENCODED]
        joints = [pictures.joints_of(row) for row in range(start, start + len(masks))]
        maps = body_maps(masks, joints, (side, side))
        for flip, shown in enumerate((maps, maps[..., ::-1])):
            values[flip, start : start + _ENCODED, -COUNT:] = shown
    values.flush()


class Noise:
    """The schedule as training sees it."""

    def __init__(self, max_snr: float, shift: float = 1.0) -> None:
        """Prepare the schedule.

        Args:
            max_snr: signal-to-noise ratio from which on errors of the clean latents weigh no more.
            shift: how far training leans to the noisy end, 1 for not at all (Esser et al., "Scaling rectified
                flow transformers for high-resolution image synthesis", ICML 2024, equation 23).
        """
        self._scheduler = scheduler()
        self._max_snr, self._shift = max_snr, shift

    def loss(self, predict: Any, latents: Tensor, draw: Draw, weight: Tensor) -> Tensor:
        """Return the weighted error of predicted velocities.

        Squared errors of the clean latents weigh SNR + 1 (Salimans and Ho, ICLR 2022, section 4), cut off at
        `max_snr` + 1 (as in Hang et al., ICCV 2023): what a picture shows is decided where noise is high.

        Args:
            predict: (noisy latents, (B,) timesteps) -> velocity.
            latents: (B, C, h, w) clean.
            draw: chance of this step.
            weight: (B, 1 or C, h, w) of the errors; only how it differs within counts.
        """
        alphas = self._scheduler.alphas_cumprod.to(draw.device)
        # One timestep from each of B equal parts of the schedule: less noise between batches.
        count = len(latents)
        share = (torch.arange(count) + torch.rand(count, generator=draw.generator)) / count
        share = self._shift * share / (1 + (self._shift - 1) * share)
        timesteps = (share * len(alphas)).long().to(draw.device)
        noise = draw.normal(*latents.shape)
        noisy = self._scheduler.add_noise(latents, noise, timesteps)
        target = self._scheduler.get_velocity(latents, noise, timesteps)
        squares = (predict(noisy, timesteps).float() - target) ** 2
        error = (squares * (weight / weight.mean())).mean((1, 2, 3))
        snr = alphas[timesteps] / (1 - alphas[timesteps])
        share = (snr.clamp(max=self._max_snr) + 1) / (snr + 1)
        return (error * share).sum() / share.sum()


def choose(rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Draw `count` of the rows, and which of them are mirrored."""
    return rng.choice(rows, count), rng.random(count) < 0.5


def body_weight(near: NDArray[np.floating], size: tuple[int, int], bodies: float) -> Tensor:
    """Return (B, 1, h, w): 1, and `bodies` more on bodies of maps (B, H, W) and what lies close to them."""
    is_body = adaptive_max_pool2d(torch.from_numpy(near > 0).float()[:, None], size)
    return 1 + bodies * max_pool2d(is_body, 3, 1, 1)


def drop_captions(tokens: Tensor, empty: Tensor, part: float, rng: np.random.Generator) -> Tensor:
    """Replace a part of the captions (B, T) by the empty one (T,)."""
    dropped = torch.from_numpy(rng.random(len(tokens)) < part)
    return torch.where(dropped[:, None], empty, tokens)


def draw_samples(
    unet: Any, context: Tensor, empty: Tensor, shape: Sequence[int], depth: Tensor | None = None
) -> Tensor:
    """Draw latents from noise with guidance by caption and depth, always from the same noise.

    Args:
        unet: predicts velocity.
        context: (B, T, C) encoded captions.
        empty: (B, T, C) encoded empty ones.
        shape: of one latent.
        depth: (B, 1, h, w) in [-1, 1], for a U-Net that takes it.
    """
    plan = scheduler()
    plan.set_timesteps(SAMPLE_STEPS)
    noise = torch.randn((len(context), *shape), generator=torch.Generator().manual_seed(0))
    latents = noise.to(context.device)
    both = torch.cat([empty, context])
    for timestep in plan.timesteps:
        doubled = torch.cat([latents, latents])
        if depth is not None:
            doubled = torch.cat([doubled, torch.cat([torch.zeros_like(depth), depth])], 1)
        without, with_text = unet(doubled, timestep, both).sample.chunk(2)
        guided = without + GUIDANCE * (with_text - without)
        latents = plan.step(guided, timestep, latents).prev_sample
    return latents
