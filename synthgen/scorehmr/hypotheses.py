"""Other starts than the estimate: poses that the denoiser itself draws, told the features of a picture.

A denoiser that has seen more kinds of poses than the estimator (sports) corrects it where guidance cannot:
joints do not say which of two limbs is in front. Whichever start ends with least energy is taken.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthgen.sample import Float
from synthgen.scorehmr.denoiser import ScoreDenoiser
from synthgen.scorehmr.schedule import cosine_schedule

_LIMIT = 1.1  # of clean 6D rotations, whose entries lie in [-1, 1]
_STEPS = 15
_SEED = 0x5C02E


@torch.no_grad()
def draw_poses(denoiser: ScoreDenoiser, features: Tensor, samples: int) -> list[Tensor]:
    """Return clean vectors drawn from noise (DDIM, few steps), told features: `samples` times (B, width).

    Everybody starts from the same noises, so that nobody's result depends on the company.

    Args:
        denoiser: the prior.
        features: (B, num_features), standardised.
        samples: draws of each person.
    """
    levels = cosine_schedule(denoiser.config.num_steps).alphas_cumprod.tolist()
    times = np.linspace(len(levels) - 1, 0, _STEPS).round().astype(int).tolist()
    denoise = denoiser.prepare(features, times)
    generator = torch.Generator().manual_seed(_SEED)
    drawn = []
    for _ in range(samples):
        noise = torch.randn(1, denoiser.config.width, generator=generator).to(features)
        clean = x = noise.expand(len(features), -1)
        for time, then in zip(times, [*times[1:], None], strict=True):
            signal = levels[time]
            clean = ((x - (1 - signal) ** 0.5 * denoise(x, time)) / signal**0.5).clamp(-_LIMIT, _LIMIT)
            if then is not None:
                noise = (x - signal**0.5 * clean) / (1 - signal) ** 0.5
                x = levels[then] ** 0.5 * clean + (1 - levels[then]) ** 0.5 * noise
        drawn.append(clean)
    return drawn


def choose(energies: Float, groups: Sequence[str], below: float) -> NDArray[np.intp]:
    """Return which of several fits of each person to take: (N,), alike for all of a group.

    Args:
        energies: (K, N) of the fits, infinite where they failed; the first is that of the estimate.
        groups: name of each person's group; empty: everybody alone.
        below: part of the first energy that another has to stay below.
    """
    names = np.array(groups) if groups else np.arange(energies.shape[1])
    _, members = np.unique(names, return_inverse=True)
    totals = np.stack([np.bincount(members, row) for row in energies])
    totals = np.concatenate([totals[:1], totals[1:] / below])
    return np.asarray(np.argmin(totals, 0)[members])
