"""The noise of the diffusion model: how much of it there is at each of its time steps.

Cosine schedule of Nichol and Dhariwal (ICML 2021), as ScoreHMR uses it: computed in float64, kept in float32.
"""

import math
from dataclasses import dataclass, fields
from functools import cache
from typing import Self

import torch
from torch import Tensor

_OFFSET = 0.008  # s of the cosine schedule: keeps the first steps from having no noise at all
_MAX_BETA = 0.999


@dataclass(frozen=True)
class Schedule:
    """Coefficients of each time step t, (T,) float32; names as in the papers and in published checkpoints.

    Attributes:
        betas: variance added by step t.
        alphas_cumprod: part of the clean signal's variance that is left at t.
        alphas_cumprod_prev: the same one step earlier; 1 before the first.
        sqrt_alphas_cumprod: factor of the clean pose at t.
        sqrt_one_minus_alphas_cumprod: factor of the noise at t.
        log_one_minus_alphas_cumprod: logarithm of the noise's variance.
        sqrt_recip_alphas_cumprod: factor of x_t when the clean pose is predicted.
        sqrt_recipm1_alphas_cumprod: factor of the noise when the clean pose is predicted.
        posterior_variance: of x_{t-1} given x_t and the clean pose.
        posterior_log_variance_clipped: its logarithm.
        posterior_mean_coef1: factor of the clean pose in the posterior mean.
        posterior_mean_coef2: factor of x_t in the posterior mean.
        p2_loss_weight: weight of the training loss; 1 everywhere.
    """

    betas: Tensor
    alphas_cumprod: Tensor
    alphas_cumprod_prev: Tensor
    sqrt_alphas_cumprod: Tensor
    sqrt_one_minus_alphas_cumprod: Tensor
    log_one_minus_alphas_cumprod: Tensor
    sqrt_recip_alphas_cumprod: Tensor
    sqrt_recipm1_alphas_cumprod: Tensor
    posterior_variance: Tensor
    posterior_log_variance_clipped: Tensor
    posterior_mean_coef1: Tensor
    posterior_mean_coef2: Tensor
    p2_loss_weight: Tensor

    def __len__(self) -> int:
        return len(self.betas)

    def to(self, device: torch.device | str) -> Self:
        """Return the schedule on a device."""
        return type(self)(*(getattr(self, field.name).to(device) for field in fields(self)))

    def add_noise(self, start: Tensor, times: Tensor, noise: Tensor) -> Tensor:
        """Return x_t (B, D) of clean values (B, D) at times (B,) under noise (B, D)."""
        signal = self.sqrt_alphas_cumprod[times][:, None]
        return signal * start + self.sqrt_one_minus_alphas_cumprod[times][:, None] * noise

    def start_from_noise(self, x: Tensor, times: Tensor, noise: Tensor) -> Tensor:
        """Return the clean values (B, D) that x_t (B, D) at times (B,) and the predicted noise imply."""
        scale = self.sqrt_recip_alphas_cumprod[times][:, None]
        return scale * x - self.sqrt_recipm1_alphas_cumprod[times][:, None] * noise


@cache
def cosine_schedule(num_steps: int = 1000) -> Schedule:
    """Return the cosine schedule of a number of steps, on the CPU."""
    if num_steps < 2:
        raise ValueError(f"num_steps must be at least 2, got {num_steps}")
    places = torch.linspace(0, num_steps, num_steps + 1, dtype=torch.float64) / num_steps
    signal = torch.cos((places + _OFFSET) / (1 + _OFFSET) * math.pi * 0.5) ** 2
    betas = (1 - signal[1:] / signal[:-1]).clip(0, _MAX_BETA)
    alphas = 1 - betas
    product = torch.cumprod(alphas, 0)
    before = torch.cat([torch.ones(1, dtype=torch.float64), product[:-1]])
    variance = betas * (1 - before) / (1 - product)
    values = (
        betas,
        product,
        before,
        product.sqrt(),
        (1 - product).sqrt(),
        (1 - product).log(),
        (1 / product).sqrt(),
        (1 / product - 1).sqrt(),
        variance,
        variance.clamp(min=1e-20).log(),
        betas * before.sqrt() / (1 - product),
        (1 - before) * alphas.sqrt() / (1 - product),
        torch.ones_like(betas),
    )
    return Schedule(*(value.to(torch.float32) for value in values))
