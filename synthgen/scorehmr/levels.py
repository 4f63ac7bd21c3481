"""Steps between the noise levels of a schedule, with coefficients that are plain numbers."""

import math

import torch
from torch import Tensor

from synthgen.scorehmr.schedule import Schedule


class Levels:
    """Coefficients of a schedule as plain numbers, by time step."""

    def __init__(self, schedule: Schedule) -> None:
        # The published sampler takes 1 - alpha of the rounded float32: off by 1e-4 at the first steps, where
        # little noise is left, so that exact values would lead elsewhere.
        self._signal = schedule.alphas_cumprod.sqrt().tolist()
        self._spread = (1 - schedule.alphas_cumprod).sqrt().tolist()
        self.noise = schedule.sqrt_one_minus_alphas_cumprod.tolist()
        self.clean_scale = schedule.sqrt_recip_alphas_cumprod.tolist()
        self._clean_noise = schedule.sqrt_recipm1_alphas_cumprod.tolist()
        self._alphas = schedule.alphas_cumprod.tolist()

    def clean(self, x: Tensor, noise: Tensor, time: int) -> Tensor:
        """Return the clean vectors of noisy ones at a time."""
        return torch.add(x * self.clean_scale[time], noise, alpha=-self._clean_noise[time])

    def noisy(self, clean: Tensor, noise: Tensor, time: int) -> Tensor:
        """Return clean vectors with noise as of a time."""
        return torch.add(clean * self._signal[time], noise, alpha=self._spread[time])

    def down(
        self,
        clean: Tensor,
        noise: Tensor,
        times: tuple[int, int],
        eta: float,
        generator: torch.Generator | None,
    ) -> Tensor:
        """Return the vectors of the next, earlier time of two; `eta` mixes in fresh noise."""
        if eta == 0:
            return self.noisy(clean, noise, times[1])
        alpha, then = (self._alphas[time] for time in times)
        sigma = eta * math.sqrt((1 - alpha / then) * (1 - then) / (1 - alpha))
        fresh = torch.randn(clean.shape, generator=generator, device=clean.device, dtype=clean.dtype)
        kept = math.sqrt(max(1 - then - sigma**2, 0.0))
        return clean * math.sqrt(then) + noise * kept + fresh * sigma
