"""Other starts than the estimate: the body turned round in depth, and poses that the denoiser draws.

A silhouette does not say whether somebody is seen from the front or from behind, and guidance never turns
a body round. A denoiser that has seen more kinds of poses than the estimator (sports) corrects it where
guidance cannot: joints do not say which of two limbs is in front. The start that ends with least energy wins.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthgen.geometry import rotmat_to_rotvec, rotvec_to_rotmat
from synthgen.joints import SMPL24
from synthgen.sample import Float, Person
from synthgen.scorehmr.denoiser import ScoreDenoiser
from synthgen.scorehmr.schedule import cosine_schedule

_LIMIT = 1.1  # of clean 6D rotations, whose entries lie in [-1, 1]
_STEPS = 15
_SEED = 0x5C02E


def reflected(person: Person, pelvis: Float) -> Person:
    """Return the body mirrored in depth: nearly the same silhouette, seen from the other side.

    Left and right change places: with B = 1 - 2 r r^T, the mirror across the line of sight r, and M that of
    the body's own sides, the root R becomes B R M, and limbs take the mirrored turns of those opposite.

    Args:
        person: camera frame.
        pelvis: (3,) where the pelvis is [m], camera frame; it stays.
    """
    ray = np.asarray(pelvis, np.float64) / np.linalg.norm(pelvis)
    root = rotvec_to_rotmat(np.asarray(person.global_orient, np.float64))
    root = (np.eye(3) - 2 * np.outer(ray, ray)) @ root @ np.diag([-1.0, 1.0, 1.0])
    opposite = np.array(SMPL24.flip_permutation())[1:] - 1
    pose = np.asarray(person.body_pose)[opposite] * np.array([1, -1, -1])
    return replace(
        person, global_orient=rotmat_to_rotvec(root).astype(np.float32), body_pose=pose.astype(np.float32)
    )


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


def choose(energies: Float, groups: Sequence[str], below: float, rank: int = 0) -> NDArray[np.intp]:
    """Return which of several fits of each person to take: (N,), alike for all of a group.

    Args:
        energies: (K, N) of the fits, infinite where they failed; the first is that of the estimate.
        groups: name of each person's group; empty: everybody alone.
        below: part of the first energy that another has to stay below.
        rank: 0 for the best, 1 for the second best, …; the last one where there are no more.
    """
    names = np.array(groups) if groups else np.arange(energies.shape[1])
    _, members = np.unique(names, return_inverse=True)
    totals = np.stack([np.bincount(members, row) for row in energies])
    totals = np.concatenate([totals[:1], totals[1:] / below])
    order = np.argsort(totals, axis=0, kind="stable")
    return np.asarray(order[min(rank, len(order) - 1)][members])
