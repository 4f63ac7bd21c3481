"""Another basis for a VAE's latents, in which channels that matter little to the picture vary little.

A VAE spreads what it keeps over channels of like variance, however little a channel does to the picture, and
a diffusion model then spends as much on each. Here the channels are turned and scaled, exactly and without
training: `quant_conv` and `post_quant_conv`, both 1x1, take the change and its inverse.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

_STRIDE = 8  # latent pixels between those that are moved together; what they change hardly overlaps
_STEP = 0.3  # how far they are moved, in deviations of their channel
_POWER = 0.25  # of a direction's energy in the picture; deviations there would be its square root


class Basis(NamedTuple):
    """Latents z become matrix @ (z - mean).

    Attributes:
        matrix: (C, C), invertible.
        mean: (C,).
    """

    matrix: Tensor
    mean: Tensor


def tempered_basis(mean: Tensor, influence: Tensor, covariance: Tensor) -> Basis:
    """Choose the basis.

    Whitened latents are turned to the eigenvectors of what they do to the picture, largest first, and each
    direction then varies with the square root of the deviation it causes there: between a whitened basis,
    where all directions vary alike, and principal components of pictures, where small ones drown in noise.

    Args:
        mean: (C,) of the latents.
        influence: (C, C) inner products of the changes that unit steps along channels make to a picture.
        covariance: (C, C) of the latents.

    Raises:
        ValueError: some channel never varies, or does nothing to the picture.
    """
    spread, axes = torch.linalg.eigh(covariance)
    if spread[0] <= 1e-8 * spread[-1]:
        raise ValueError("some direction of the latents never varies; train the VAE longer or narrower")
    unwhiten = axes * spread.sqrt()
    energy, turned = torch.linalg.eigh(unwhiten.T @ influence @ unwhiten)
    if energy[0] <= 0:
        raise ValueError("some direction of the latents does nothing to the picture; train the VAE longer")
    energy, turned = energy.flip(0), turned.flip(1)
    matrix = energy[:, None] ** _POWER * (turned.T @ torch.linalg.inv(unwhiten))
    total = (matrix @ covariance @ matrix.T).trace()
    return Basis(matrix * (covariance.trace() / total).sqrt(), mean)


@torch.no_grad()
def temper(model: Any, images: Tensor) -> None:
    """Give the latents of an AutoencoderKL their tempered basis; it encodes and decodes as before.

    Variances of the posterior become constants, since they cannot be turned.

    Args:
        model: an AutoencoderKL with `quant_conv` and `post_quant_conv`, changed in place.
        images: (N, 3, H, W) in [-1, 1] to measure with.
    """
    mean, logvar = model.quant_conv(model.encoder(images)).chunk(2, 1)
    channels = mean.shape[1]
    flat = mean.transpose(0, 1).flatten(1).double()
    basis = tempered_basis(flat.mean(1), _influence(model, mean), torch.cov(flat))
    variance = logvar.double().exp().mean((0, 2, 3))
    weight, bias = model.quant_conv.weight, model.quant_conv.bias
    turned = torch.einsum("ij,jkhw->ikhw", basis.matrix, weight[:channels].double())
    weight.copy_(torch.cat([turned, torch.zeros_like(turned)]))
    shifted = basis.matrix @ (bias[:channels].double() - basis.mean)
    bias.copy_(torch.cat([shifted, (basis.matrix**2 @ variance).log()]))
    after = model.post_quant_conv
    after.bias.add_((after.weight[..., 0, 0].double() @ basis.mean).to(after.bias))
    inverse = torch.linalg.inv(basis.matrix)
    after.weight.copy_(torch.einsum("ijhw,jk->ikhw", after.weight.double(), inverse))


def _influence(model: Any, latents: Tensor) -> Tensor:
    """Return (C, C): moves a few far-apart latent pixels along each channel and compares the pictures."""
    rows, columns = latents.shape[2:]
    moved = torch.zeros(rows, columns)
    moved[_STRIDE // 2 :: _STRIDE, _STRIDE // 2 :: _STRIDE] = 1
    plain = model.decoder(model.post_quant_conv(latents))
    changes = []
    for channel in range(latents.shape[1]):
        step = _STEP * float(latents[:, channel].std())
        changed = latents.clone()
        changed[:, channel] += step * moved.to(latents)
        changes.append((model.decoder(model.post_quant_conv(changed)) - plain).flatten() / step)
    change = torch.stack(changes).double()
    return change @ change.T / (len(latents) * moved.sum().double())
