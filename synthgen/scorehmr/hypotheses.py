"""Other starts than the estimate: the body turned round in depth, and poses that the denoiser draws.

A silhouette does not say whether somebody is seen from the front or from behind, and guidance never turns
a body round. A denoiser that has seen more kinds of poses than the estimator (sports) corrects it where
guidance cannot: joints do not say which of two limbs is in front. Fits from all starts are blended by how
well they explain what was observed (a mean has less error than the likeliest one), or the best is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class Scouted:
    """Short fits of N people from K starts each.

    Attributes:
        people: K times N fits.
        energies: (K, N) of what was observed, infinite where a fit failed; the first are the estimates'.
        before: (N,) energies of the estimates themselves.
    """

    people: tuple[tuple[Person, ...], ...]
    energies: Float
    before: Float

    def of(self, row: int) -> "Scouted":
        """Return the fits of one person."""
        own = slice(row, row + 1)
        return Scouted(tuple(fits[own] for fits in self.people), self.energies[:, own], self.before[own])

    @classmethod
    def joined(cls, ones: Sequence["Scouted"]) -> "Scouted":
        """Return the fits of several people, each with as many starts."""
        people = zip(*(one.people for one in ones), strict=True)
        together = tuple(tuple(person for fits in starts for person in fits) for starts in people)
        energies = np.concatenate([one.energies for one in ones], 1)
        return cls(together, energies, np.concatenate([one.before for one in ones]))

    def blended(self, groups: Sequence[str], warmth: float, below: float) -> list[Person]:
        """Return the mean fit of each person, each start by weight exp(-energy / warmth).

        Args:
            groups: name of each person's group, who have one weight together; empty: everybody alone.
            warmth: above 0; near 0 the best start alone counts.
            below: part of the first energy below which another has the greater weight.
        """
        totals = _totals(self.energies, groups, below)
        best = totals.min(0)
        is_known = np.isfinite(best)  # who fails from everywhere stays as estimated
        weights = np.exp(-(totals - np.where(is_known, best, 0.0)) / warmth)
        return [
            mean_person([fits[row] for fits in self.people], weights[:, row] / weights[:, row].sum())
            if is_known[row]
            else person
            for row, person in enumerate(self.people[0])
        ]

    def taken(
        self, people: Sequence[Person], groups: Sequence[str], below: float, rank: int = 0
    ) -> list[Person]:
        """Return the fit of each person that `choose` takes; of `people`, whoever has none."""
        chosen = choose(self.energies, groups, below, rank)
        return [
            self.people[start][row] if np.isfinite(self.energies[start, row]) else person
            for row, (start, person) in enumerate(zip(chosen, people, strict=True))
        ]


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
    totals = _totals(energies, groups, below)
    order = np.argsort(totals, axis=0, kind="stable")
    return np.asarray(order[min(rank, len(order) - 1)])


def _totals(energies: Float, groups: Sequence[str], below: float) -> Float:
    """Return energies (K, N) with everybody's replaced by the sum over the group, the first with its lead."""
    totals = np.array(energies)
    if groups:
        _, members = np.unique(np.array(groups), return_inverse=True)
        sums = [np.bincount(members, row).astype(np.float64) for row in energies]
        totals = np.stack(sums)[:, members]
    totals[1:] /= below
    return totals


def mean_person(people: Sequence[Person], weights: Float) -> Person:
    """Return the mean of K bodies by weights (K,) that add up to 1.

    Of rotations it is the one nearest to the mean matrix, of all else the mean.
    """
    turns = np.stack([np.concatenate([one.global_orient[None], one.body_pose]) for one in people])
    mean = np.einsum("k,kjab->jab", weights, rotvec_to_rotmat(turns.astype(np.float64)))
    left, _, right = np.linalg.svd(mean)
    left[..., 2] *= np.sign(np.linalg.det(left @ right))[:, None]
    rotvec = rotmat_to_rotvec(left @ right).astype(np.float32)
    betas, transl = (
        np.einsum("k,kc->c", weights, np.stack([getattr(one, name) for one in people])).astype(np.float32)
        for name in ("betas", "transl")
    )
    return Person(rotvec[0], rotvec[1:], betas, transl)
