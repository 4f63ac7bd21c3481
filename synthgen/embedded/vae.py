"""The step `vae`: an AutoencoderKL that both diffusion models share, trained on squares of pictures."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, l1_loss, mse_loss

from synthgen.embedded import grids
from synthgen.embedded.loop import Draw
from synthgen.embedded.options import VaeOptions
from synthgen.embedded.pictures import Pictures, spread
from synthgen.embedded.tempering import temper
from synthgen.embedded.wide_vae import narrowed, widened
from synthgen.embedded.workshop import KEEP_DTYPE, MAX_SHARD, Workshop

logger = logging.getLogger(__name__)

FOLDER = "draft/vae"
_MEASURED = 64  # held-out pictures
_SHOWN = 16
_COLOR_BLOCK = 4  # [px]
# Brightness, and red against green and blue against both, which count more: an auto-encoder learns them last.
_OPPONENTS = ((1 / 3, 1 / 3, 1 / 3), (2.0, -2.0, 0.0), (-1.0, -1.0, 2.0))
_SCALED = 512  # pictures that the scaling factor is measured on
_TEMPERED = 64  # of these, for the basis of the latents


class VaeLesson:
    """Reconstruct squares of pictures: squared and absolute error, sharp edges, codes near normal."""

    def __init__(self, options: VaeOptions, pictures: Pictures) -> None:
        self.options, self.pictures = options, pictures
        self.model: nn.Module = build(options, pictures.size)
        self._train, self._held_out = pictures.rows(False), pictures.rows(True)

    def loss(self, model: nn.Module, draw: Draw) -> Mapping[str, Tensor]:
        """Return the loss of one batch of squares."""
        target = self._squares(draw.rng).to(draw.device)
        code = encode(model, target)
        mean, logvar = code.float().chunk(2, 1)
        logvar = logvar.clamp(-30, 20)
        latents = mean + torch.exp(0.5 * logvar) * draw.normal(*mean.shape)
        found = decode(model, latents).float()
        pixels = mse_loss(found, target)
        kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum((1, 2, 3)).mean() / self.options.crop**2
        loss = 2 * pixels + l1_loss(found, target) + self.options.edges * _edges(found, target)
        loss = loss + self.options.colors * _colors(found - target)
        return {"loss": loss + self.options.kl * kl, "pixels": pixels.detach(), "kl": kl.detach()}

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """Return the peak signal-to-noise ratio of whole held-out pictures."""
        device = next(model.parameters()).device
        target = to_signed(self.pictures.image[spread(self._held_out, _MEASURED)]).to(device)
        return {"psnr_db": psnr(reconstruct(model, target), target)}

    def picture(self, model: nn.Module) -> NDArray[np.uint8]:
        """Show held-out pictures above their reconstructions."""
        device = next(model.parameters()).device
        images = self.pictures.image[spread(self._held_out, _SHOWN)]
        found = reconstruct(model, to_signed(images).to(device))
        return grids.columns(images, grids.to_uint8(found / 2 + 0.5))

    def _squares(self, rng: np.random.Generator) -> Tensor:
        count, side = self.options.training.batch_size, self.options.crop
        rows = np.sort(rng.choice(self._train, count))
        corners = rng.integers(0, self.pictures.size - side + 1, (count, 2))
        cut = [
            self.pictures.image[row, y : y + side, x : x + side]
            for row, (y, x) in zip(rows, corners, strict=True)
        ]
        squares = to_signed(np.stack(cut))
        return torch.where(
            torch.from_numpy(rng.random(count) < 0.5)[:, None, None, None], squares.flip(3), squares
        )


def train(shop: Workshop) -> None:
    """Train the VAE, temper its latents, measure their scale and write it, with room for body maps."""
    options, pictures = shop.options.vae, shop.pictures
    lesson = VaeLesson(options, pictures)
    earlier = widened(lesson.model)
    if shop.begin(earlier, FOLDER):
        lesson.model = narrowed(earlier)
    model: Any = shop.train(lesson, options.training)
    rows = pictures.rows(False)
    images = to_signed(pictures.image[spread(rows, _SCALED)])  # the trained model is on the CPU
    temper(model, images[:: _SCALED // _TEMPERED])
    scale = float(1 / torch.cat([encode_mean(model, part) for part in torch.split(images, 32)]).std())
    model.register_to_config(scaling_factor=scale)
    logger.info("%s: scaling_factor %.4f", shop.name, scale)
    widened(model).to(KEEP_DTYPE).save_pretrained(shop.weights / FOLDER, max_shard_size=MAX_SHARD)
    shop.note(FOLDER, options.training, len(rows))


def build(options: VaeOptions, picture_size: int) -> Any:
    """Build the VAE with fresh weights."""
    import diffusers

    autoencoder: Any = diffusers.AutoencoderKL
    levels = len(options.widths)
    return autoencoder(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=tuple(options.widths),
        layers_per_block=1,
        latent_channels=options.latent_channels,
        norm_num_groups=options.norm_groups,
        sample_size=picture_size,
        mid_block_add_attention=False,
    )


def load(shop: Workshop) -> Any:
    """Load the trained VAE: float32, evaluation mode, frozen, on the step's device."""
    import diffusers

    autoencoder: Any = diffusers.AutoencoderKL
    vae = autoencoder.from_pretrained(shop.weights / FOLDER, torch_dtype=torch.float32)
    return vae.eval().requires_grad_(False).to(shop.device)


def encode(model: Any, images: Tensor) -> Tensor:
    """Return mean and logarithm of the variance, (B, 2 * latent_channels, h, w), of pictures in [-1, 1]."""
    return model.quant_conv(model.encoder(images))


def decode(model: Any, latents: Tensor) -> Tensor:
    """Return pictures (B, 3, H, W) in [-1, 1] of unscaled latents."""
    return model.decoder(model.post_quant_conv(latents))


def encode_mean(model: Any, images: Tensor) -> Tensor:
    """Return the mean latents, without gradients."""
    with torch.no_grad():
        return encode(model, images).chunk(2, 1)[0]


def reconstruct(model: Any, images: Tensor) -> Tensor:
    """Encode and decode, without chance: (B, 3, H, W) in [-1, 1]."""
    return decode(model, encode(model, images).chunk(2, 1)[0]).clamp(-1, 1)


def to_signed(images: NDArray[np.uint8]) -> Tensor:
    """Convert (B, H, W, 3) uint8 to (B, 3, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 127.5 - 1


def psnr(found: Tensor, target: Tensor) -> float:
    """Return the mean over pictures of the peak signal-to-noise ratio [dB]; both in [-1, 1]."""
    error = ((found - target) ** 2).mean((1, 2, 3)).clamp(min=1e-10)
    return float((10 * torch.log10(4 / error)).mean())


def _colors(error: Tensor) -> Tensor:
    means = avg_pool2d(error, _COLOR_BLOCK)
    return torch.einsum("ck,bkhw->bchw", means.new_tensor(_OPPONENTS), means).abs().mean()


def _edges(found: Tensor, target: Tensor) -> Tensor:
    error = found - target
    across, down = error[..., :, 1:] - error[..., :, :-1], error[..., 1:, :] - error[..., :-1, :]
    return across.abs().mean() + down.abs().mean()
