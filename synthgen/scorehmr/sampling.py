"""Sampling of the pose diffusion model: from noise, and guided from an estimate (section 3.3 of ScoreHMR)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from synthgen.scorehmr.denoiser import ScoreDenoiser
from synthgen.scorehmr.guidance import MIN_DEPTH_M, CheckedTerm, Term
from synthgen.scorehmr.levels import Levels
from synthgen.scorehmr.schedule import cosine_schedule
from synthgen.scorehmr.state import Start, check_finite
from synthgen.scorehmr.trajectory import GuidanceOptions, Step, energy_of, trajectory

__all__ = ["GuidanceOptions", "Refined", "SamplingOptions", "refine", "sample"]

_SAFE_TRANSL_M = (0.0, 0.0, 10.0)  # where people stand that nobody refines


@dataclass(frozen=True)
class Refined:
    """What a refinement made of B people; those with a reason are as they came.

    Attributes:
        rotmat: (B, 24, 3, 3) rotations relative to the parent joint, the root's to the camera.
        betas: (B, 10).
        transl: (B, 3) [m], as in `Start`.
        reasons: why each person was not refined, "" for who was.
        remarks: what terms had nothing to say about a person who was refined, "" mostly.
        energy_before: (B,) of all terms at the start.
        energy_after: (B,) of all terms at the end.
    """

    rotmat: Tensor
    betas: Tensor
    transl: Tensor
    reasons: list[str]
    remarks: list[str]
    energy_before: Tensor
    energy_after: Tensor


def refine(
    denoiser: ScoreDenoiser,
    start: Start,
    features: Tensor,
    terms: Sequence[Term],
    options: GuidanceOptions | None = None,
    generator: torch.Generator | None = None,
) -> Refined:
    """Refine people so that poses stay likely for their pictures and energies fall.

    Args:
        denoiser: the prior.
        start: estimates to refine.
        features: (B, num_features) of the people's pictures, standardised (see `ScoreDenoiser.standardise`).
        terms: what was observed; see `synthgen.scorehmr.guidance`.
        options: the defaults are published.
        generator: of the fresh noise where `eta` is above 0.

    Raises:
        ValueError: options out of range, terms or features that do not belong to these people, NaN, a term
            that pulls on nothing.
        RuntimeError: called under `torch.inference_mode`, which has no gradients.
    """
    if torch.is_inference_mode_enabled():
        raise RuntimeError(
            "a refinement needs gradients: call it under torch.no_grad(), not inference_mode()"
        )
    options = options or GuidanceOptions()
    if options.problems():
        raise ValueError("\n".join(options.problems()))
    if options.start >= denoiser.config.num_steps:
        raise ValueError(
            f"start must be below the denoiser's {denoiser.config.num_steps} steps, got {options.start}"
        )
    if features.shape[0] != len(start):
        raise ValueError(f"features of {len(features)} people do not go with {len(start)} bodies")
    check_finite("features", features)
    run = _Run(denoiser, start, terms)
    for step in trajectory(denoiser, run.start, features, run.terms, options, generator):
        last = step
    return run.result(last)


class _Run:
    """Who takes part, and what becomes of everybody."""

    def __init__(self, denoiser: ScoreDenoiser, start: Start, terms: Sequence[Term]) -> None:
        if not terms:
            raise ValueError("terms must hold at least one guidance term")
        self._denoiser, self._given = denoiser, start
        start = replace(start, transl=start.placed)
        self.terms: list[Term] = []
        silences: list[list[str]] = []
        for term in terms:
            if isinstance(term, CheckedTerm):
                prepared, silent = term.prepare(start)
                self.terms.append(prepared)
                silences.append(silent)
            else:
                self.terms.append(term)
                silences.append([""] * len(start))
        said = [[reason for reason in person if reason] for person in zip(*silences, strict=True)]
        self._is_out = [len(reasons) == len(terms) for reasons in said]
        self._said = ["; ".join(reasons) for reasons in said]
        safe = start.transl.new_tensor(_SAFE_TRANSL_M)
        transl = torch.where(self._mask(self._is_out)[:, None], safe, start.transl)
        self.start = replace(start, transl=transl)

    def _mask(self, flags: list[bool]) -> Tensor:
        return torch.tensor(flags, device=self._given.transl.device)

    @torch.no_grad()
    def result(self, last: Step) -> Refined:
        """Return what came of the refinement, with people as they were where nothing good did."""
        given, pose = self._given, self._denoiser.decode(last.clean)
        betas = given.betas if pose.betas is None else pose.betas
        found = (pose.rotmat, betas, last.transl)
        after = energy_of(self._denoiser, self.start, self.terms, last.clean, last.transl)
        before = energy_of(
            self._denoiser,
            self.start,
            self.terms,
            self._denoiser.encode(given.rotmat, given.betas),
            self.start.transl,
        )
        values = torch.cat([value.flatten(1) for value in (*found, after[:, None])], 1)
        is_finite = torch.isfinite(values).all(1)
        depth = (given.points(pose.rotmat, betas) + last.transl[:, None])[..., 2].amin(1)
        is_behind = (depth < MIN_DEPTH_M) & (self.start.positions[..., 2].amin(1) >= MIN_DEPTH_M)
        reasons = [
            said if out else "diverged" if not fine else "ended behind the camera" if behind else ""
            for out, said, fine, behind in zip(
                self._is_out, self._said, is_finite.tolist(), is_behind.tolist(), strict=True
            )
        ]
        keeps = self._mask([bool(reason) for reason in reasons])
        rotmat, betas, transl = (
            torch.where(keeps.view(-1, *[1] * (new.ndim - 1)), old, new)
            for new, old in zip(found, (given.rotmat, given.betas, given.transl), strict=True)
        )
        remarks = ["" if reason else said for reason, said in zip(reasons, self._said, strict=True)]
        return Refined(rotmat, betas, transl, reasons, remarks, before, torch.where(keeps, before, after))


@dataclass(frozen=True)
class SamplingOptions:
    """How poses are drawn from noise; the defaults are ScoreHMR's.

    Attributes:
        start: time step to start from.
        step: time steps between two predictions; those taken are multiples of it.
        clip: whether clean vectors are cut to [-1, 1].
        eta: 0 for deterministic sampling, 1 for as much fresh noise as DDPM.
    """

    start: int = 999
    step: int = 50
    clip: bool = True
    eta: float = 0.0


@torch.no_grad()
def sample(
    denoiser: ScoreDenoiser,
    features: Tensor,
    options: SamplingOptions | None = None,
    generator: torch.Generator | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """Draw vectors from noise (DDIM) that fit pictures.

    Args:
        denoiser: the model.
        features: (B, num_features), standardised; repeat a picture's for several draws.
        options: the defaults are published.
        generator: of the noise.
        noise: (B, width) to start from instead of drawn noise.

    Returns:
        (B, width); `ScoreDenoiser.decode` turns them into rotations.

    Raises:
        ValueError: steps that the schedule does not have, or noise of another shape.
    """
    options = options or SamplingOptions()
    if not 1 <= options.step <= options.start < denoiser.config.num_steps:
        raise ValueError(
            f"sampling needs 1 <= step <= start < {denoiser.config.num_steps}, got step {options.step} and "
            f"start {options.start}"
        )
    shape = (len(features), denoiser.config.width)
    if noise is None:
        noise = torch.randn(shape, generator=generator, device=features.device)
    if noise.shape != shape:
        raise ValueError(f"noise must be {shape}, got {tuple(noise.shape)}")
    levels = Levels(cosine_schedule(denoiser.config.num_steps))
    times = list(range(0, options.start + 1, options.step))
    denoise = denoiser.prepare(features, times)
    x = clean = noise
    for time, then in zip(times[:0:-1], times[-2::-1], strict=True):
        predicted = denoise(x, time)
        clean = levels.clean(x, predicted, time)
        clean = clean.clamp(-1, 1) if options.clip else clean
        x = levels.down(clean, predicted, (time, then), options.eta, generator)
    return clean
