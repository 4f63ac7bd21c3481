"""Plain optimisation of the same energies without the score, as SMPLify-X does it: what ScoreHMR has to beat.

Pose lives in the code of a VPoser (or stays near where it began), shape near the mean; Adam, first the place
and the root alone, then everything. Pavlakos et al., CVPR 2019, section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from synthgen.backends.vposer import NUM_JOINTS, VPoser
from synthgen.scorehmr.guidance import MIN_DEPTH_M, CheckedTerm, Term
from synthgen.scorehmr.rotations import rot6d_to_rotmat, rotmat_to_rot6d
from synthgen.scorehmr.sampling import Refined
from synthgen.scorehmr.state import Start

_SAFE_TRANSL_M = (0.0, 0.0, 10.0)  # where people stand that nobody fits


@dataclass(frozen=True)
class FittingOptions:
    """How bodies are fitted.

    With a VPoser, `prior_weight` (0.05, 0.2, 0.6, 2), steps (100, 250) and rate (0.02, 0.05) were searched on
    noisy joints of sports, everyday pictures and views (evaluate_refinement, seed 42).

    Attributes:
        steps: of Adam.
        rate: of rotations, codes and betas.
        transl_rate: of translations [m].
        root_part: part of the steps that move place and root alone; 1 for all.
        prior_weight: of the squared code of the pose.
        pose_weight: of the squared distance of 6D rotations from where they began, where there is no VPoser.
        shape_weight: of the squared betas.
        fits_shape: whether betas move at all.
    """

    steps: int = 250
    rate: float = 0.02
    transl_rate: float = 0.01
    root_part: float = 0.2
    prior_weight: float = 0.6
    pose_weight: float = 5.0
    shape_weight: float = 0.5
    fits_shape: bool = True

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [f"steps must be at least 1, got {self.steps}"] if self.steps < 1 else []
        found += [
            f"{name} must be at least 0, got {getattr(self, name)}"
            for name in ("rate", "transl_rate", "prior_weight", "pose_weight", "shape_weight")
            if not getattr(self, name) >= 0
        ]
        if not 0 <= self.root_part <= 1:
            found.append(f"root_part must be in [0, 1], got {self.root_part}")
        return found


class FitState:
    """What terms see at a step; the same names as `state.State`.

    Attributes:
        x: (B, 144) rotations in 6D form.
        betas: (B, 10).
        transl: (B, 3) [m].
        time: always 0.
        iteration: number of the step.
    """

    time = 0

    def __init__(self, start: Start, rotmat: Tensor, betas: Tensor, parameters: Tensor, step: int) -> None:
        self._start, self._parameters = start, parameters
        self.rotmat, self.betas, self.iteration = rotmat, betas, step

    @cached_property
    def pose(self) -> Tensor:
        """Rotations in 6D form (B, 24, 6), the root's first."""
        return rotmat_to_rot6d(self.rotmat)

    @cached_property
    def x(self) -> Tensor:
        """Rotations in 6D form (B, 144)."""
        return self.pose.flatten(1)

    @cached_property
    def transl(self) -> Tensor:
        """Translations (B, 3) [m]."""
        return self._start.placement.transl(self._parameters, self._start.points.rest_pelvis(self.betas))

    @cached_property
    def points(self) -> Tensor:
        """The points of the bodies (B, P, 3) [m], without translation."""
        return self._start.points(self.rotmat, self.betas)


def fit(
    start: Start, terms: Sequence[Term], prior: VPoser | None = None, options: FittingOptions | None = None
) -> Refined:
    """Fit bodies to what was observed by gradient descent.

    Args:
        start: estimates to start from.
        terms: as `sampling.refine` takes them.
        prior: whose code the pose lives in; without it, poses stay near their start.
        options: how.

    Returns:
        As `sampling.refine`; people with a reason are as they came.
    """
    options = options or FittingOptions()
    if options.problems():
        raise ValueError("\n".join(options.problems()))
    ready, reasons = _prepared(start, terms)
    is_out = torch.tensor([bool(reason) for reason in reasons], device=start.transl.device)
    safe = start.transl.new_tensor(_SAFE_TRANSL_M)
    transl = torch.where(is_out[:, None], safe, start.transl)
    model = _Model(Start(start.rotmat, start.betas, transl, start.points, start.placement), prior, options)
    for step in range(options.steps):
        model.advance(ready, step)
    return model.result(start, ready, reasons)


def _prepared(start: Start, terms: Sequence[Term]) -> tuple[list[Term], list[str]]:
    """Return the terms for these people and why nobody can be fitted, "" for who can."""
    ready: list[Term] = []
    silences: list[list[str]] = []
    for term in terms:
        if isinstance(term, CheckedTerm):
            term, silent = term.prepare(start)
            silences.append(silent)
        ready.append(term)
    if len(silences) < len(terms):
        return ready, [""] * len(start)
    return ready, ["; ".join(said) if all(said) else "" for said in zip(*silences, strict=True)]


class _Model:
    def __init__(self, start: Start, prior: VPoser | None, options: FittingOptions) -> None:
        self._start, self._prior, self._options = start, prior, options
        self._root = rotmat_to_rot6d(start.rotmat[:, 0])
        self._before = rotmat_to_rot6d(start.rotmat[:, 1:])
        self._betas = start.betas.clone()
        parameters = start.placement.parameters(start.transl, start.points.rest_pelvis(start.betas))
        self._parameters = parameters.detach().clone()
        self._pose = self._before.clone() if prior is None else self._code(prior)
        early, late = [self._root], [self._pose]
        if options.fits_shape:
            late.append(self._betas)
        for leaf in (*early, *late, self._parameters):
            leaf.requires_grad_()
        groups: list[dict[str, Any]] = [
            {"params": [self._parameters], "lr": options.transl_rate},
            {"params": early},
        ]
        self._first = torch.optim.Adam(groups, options.rate)
        self._all = torch.optim.Adam([*groups, {"params": late}], options.rate)
        self._leaves = [self._parameters, *early, *late]

    def _code(self, prior: VPoser) -> Tensor:
        from synthgen.geometry import rotmat_to_rotvec

        turns = rotmat_to_rotvec(self._start.rotmat[:, 1 : 1 + NUM_JOINTS].double().cpu().numpy())
        with torch.no_grad():
            pose = torch.from_numpy(turns).to(next(prior.parameters()))
            return prior.encode(pose).mean.to(self._start.rotmat).detach().clone()

    def state(self, step: int) -> FitState:
        """Return the bodies as they are now."""
        if self._prior is None:
            body = rot6d_to_rotmat(self._pose)
        else:
            decoded = self._prior.decode(self._pose.to(next(self._prior.parameters())))
            hands = self._start.rotmat[:, 1 + NUM_JOINTS :]
            body = torch.cat([decoded.to(self._start.rotmat), hands], 1)
        rotmat = torch.cat([rot6d_to_rotmat(self._root)[:, None], body], 1)
        return FitState(self._start, rotmat, self._betas, self._parameters, step)

    def energy(self, terms: Sequence[Term], state: Any) -> Tensor:
        """Return the energies (B,) of the terms alone."""
        return torch.stack([term(state) for term in terms]).sum(0)

    def advance(self, terms: Sequence[Term], step: int) -> None:
        """Take a step of Adam."""
        options, state = self._options, self.state(step)
        loss = self.energy(terms, state) + options.shape_weight * state.betas.square().sum(1)
        if self._prior is None:
            loss = loss + options.pose_weight * (self._pose - self._before).square().sum((1, 2))
        else:
            loss = loss + options.prior_weight * self._pose.square().sum(1)
        optimizer = self._first if step < options.root_part * options.steps else self._all
        for leaf, gradient in zip(
            self._leaves, torch.autograd.grad(loss.sum(), self._leaves, allow_unused=True), strict=True
        ):
            leaf.grad = gradient
        optimizer.step()

    @torch.no_grad()
    def result(self, given: Start, terms: Sequence[Term], reasons: list[str]) -> Refined:
        """Return what came of the fit, people as they were where nothing good did."""
        state = self.state(self._options.steps)
        old = FitState(
            self._start,
            given.rotmat,
            given.betas,
            self._start.placement.parameters(self._start.transl, self._start.points.rest_pelvis(given.betas)),
            0,
        )
        before, after = self.energy(terms, old), self.energy(terms, state)
        depth = (state.points + state.transl[:, None])[..., 2].amin(1)
        is_fine = torch.isfinite(after) & torch.isfinite(state.x).all(1)
        said = [
            reason or ("" if fine and ahead else "diverged" if not fine else "ended behind the camera")
            for reason, fine, ahead in zip(
                reasons, is_fine.tolist(), (depth >= MIN_DEPTH_M).tolist(), strict=True
            )
        ]
        keeps = torch.tensor([bool(reason) for reason in said], device=after.device)
        rotmat, betas, transl = (
            torch.where(keeps.view(-1, *[1] * (new.ndim - 1)), kept, new)
            for new, kept in (
                (state.rotmat, given.rotmat),
                (state.betas, given.betas),
                (state.transl, given.transl),
            )
        )
        return Refined(
            rotmat, betas, transl, said, [""] * len(said), before, torch.where(keeps, before, after)
        )
