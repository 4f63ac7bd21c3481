"""The steps of a refinement: an estimate goes back and forth between clean and noisy, guided on the way down.

The estimate is inverted to a noisy vector (DDIM, Song et al., ICLR 2021), then sampled back while the energy
of the terms bends the predicted noise (ScoreHMR, section 3.3). Nothing that is passed in changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from synthgen.scorehmr.adam import Adam
from synthgen.scorehmr.denoiser import ScoreDenoiser
from synthgen.scorehmr.guidance import KEYPOINT_WEIGHT, Term
from synthgen.scorehmr.levels import Levels
from synthgen.scorehmr.schedule import cosine_schedule
from synthgen.scorehmr.state import Start, State
from synthgen.scorehmr.stopping import EarlyStopping


@dataclass(frozen=True)
class GuidanceOptions:
    """How a refinement runs; the defaults are published for keypoints.

    For several views, ScoreHMR takes 2 iterations that start at 100 with steps of 10.

    Attributes:
        iterations: rounds of inversion and guided sampling.
        start: time step that the inversion goes up to.
        step: time steps between two predictions.
        scale: of the energies' gradient.
        eta: 0 for deterministic sampling, 1 for as much fresh noise as DDPM.
        camera_rate: rate of Adam's step on the translations at each guided step [m]; 0 leaves them.
        early_stopping: whether people whose energy stands still keep what they have.
        tolerance: relative change of the energy below which it stands still.
        energy_floor: energies below it count as this much in relative changes.
    """

    iterations: int = 10
    start: int = 50
    step: int = 2
    scale: float = 1.0
    eta: float = 0.0
    camera_rate: float = 1e-2
    early_stopping: bool = False
    tolerance: float = 1e-5
    energy_floor: float = KEYPOINT_WEIGHT

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = []
        if self.iterations < 1:
            found.append(f"iterations must be at least 1, got {self.iterations}")
        if not 1 <= self.step <= self.start:
            found.append(f"step must be in [1, start = {self.start}], got {self.step}")
        if not 0 <= self.eta <= 1:
            found.append(f"eta must be in [0, 1], got {self.eta}")
        found += [
            f"{name} must be at least 0, got {getattr(self, name)}"
            for name in ("scale", "camera_rate", "tolerance")
            if not getattr(self, name) >= 0
        ]
        if not self.energy_floor > 0:
            found.append(f"energy_floor must be above 0, got {self.energy_floor}")
        return found


@dataclass(frozen=True)
class Step:
    """One prediction of a refinement.

    Attributes:
        iteration: of the rounds.
        time: time step of the diffusion.
        is_inverse: whether it leads up, to more noise, without guidance.
        x: (B, width) noisy vectors that it started from.
        noise: (B, width) predicted, with the guidance in it.
        clean: (B, width) vectors without the noise.
        transl: (B, 3) [m] after the step.
        energy: (B,) of the terms before the step, all together; zeros where `is_inverse`.
    """

    iteration: int
    time: int
    is_inverse: bool
    x: Tensor
    noise: Tensor
    clean: Tensor
    transl: Tensor
    energy: Tensor


@torch.no_grad()
def trajectory(
    denoiser: ScoreDenoiser,
    start: Start,
    features: Tensor,
    terms: Sequence[Term],
    options: GuidanceOptions,
    generator: torch.Generator | None = None,
) -> Iterator[Step]:
    """Yield every prediction of a refinement; arguments as in `refine`, which checks them.

    The last step's `clean` and `transl` are the result. With early stopping, those of people that stopped are
    what they were when they did, in every step after.
    """
    noise_levels = Levels(cosine_schedule(denoiser.config.num_steps))
    times = list(range(0, options.start + 1, options.step))
    denoise = denoiser.prepare(features, times)
    guide = _Guide(denoiser, start, terms, options)
    x = denoiser.encode(start.rotmat, start.betas)
    silence = x.new_zeros(len(x))
    for iteration in range(options.iterations):
        for time, then in zip(times[:-1], times[1:], strict=True):
            noise = denoise(x, time)
            clean = noise_levels.clean(x, noise, time)
            yield Step(iteration, time, True, x, noise, clean, guide.transl, silence)
            x = noise_levels.noisy(clean, noise, then)
        for time, then in zip(times[:0:-1], times[-2::-1], strict=True):
            noise = denoise(x, time)
            bent, energy = guide.bend(x, noise, (iteration, time), noise_levels)
            clean = noise_levels.clean(x, bent, time)
            yield guide.step(Step(iteration, time, False, x, bent, clean, guide.transl, energy))
            if guide.has_finished:
                return
            x = noise_levels.down(clean, bent, (time, then), options.eta, generator)


class _Guide:
    """The energies' pull on poses and translations, and who has stopped."""

    def __init__(
        self, denoiser: ScoreDenoiser, start: Start, terms: Sequence[Term], options: GuidanceOptions
    ) -> None:
        self._denoiser, self._start, self._terms, self._options = denoiser, start, terms, options
        self._parameters = start.placement.parameters(start.transl, self._rest_pelvis(start.betas)).clone()
        self._adam = Adam(options.camera_rate)
        self._stopping = EarlyStopping(options.tolerance, options.energy_floor)
        self.transl = start.placed

    def _rest_pelvis(self, betas: Tensor) -> Tensor:
        return self._start.points.rest_pelvis(betas)

    @property
    def has_finished(self) -> bool:
        """Whether everybody has stopped."""
        return self._options.early_stopping and self._stopping.all_stopped

    def bend(
        self, x: Tensor, noise: Tensor, when: tuple[int, int], levels: "Levels"
    ) -> tuple[Tensor, Tensor]:
        """Return the noise with the gradient of the energies in it (equation 10), and the energies (B,).

        The noise counts as constant in the gradient; translations take one step of Adam by the same energies.
        """
        time = when[1]
        options = self._options
        with torch.enable_grad():
            clean = levels.clean(x, noise, time).requires_grad_()
            parameters = self._parameters.detach().requires_grad_(options.camera_rate > 0)
            state = State(self._denoiser, self._start, clean, parameters, when)
            energy = _total(self._terms, state)
            counted = self._stopping.counted(energy) if options.early_stopping else energy
            leaves = [clean, parameters] if parameters.requires_grad else [clean]
            pulls = torch.autograd.grad(counted.sum(), leaves, allow_unused=True)
        if len(pulls) > 1 and pulls[1] is not None:
            self._parameters = self._adam.step(self._parameters, pulls[1])
            rest_pelvis = self._rest_pelvis(state.betas.detach())
            self.transl = self._start.placement.transl(self._parameters, rest_pelvis)
        if pulls[0] is None:
            return noise, energy.detach()
        factor = options.scale * levels.noise[time] * levels.clean_scale[time]
        return torch.add(noise, pulls[0], alpha=factor), energy.detach()

    def step(self, step: Step) -> Step:
        """Return the step with the results of those who have stopped in the place of theirs."""
        if not self._options.early_stopping:
            return step
        clean, transl = self._stopping.kept(step.clean, step.transl)
        return replace(step, clean=clean, transl=transl)


def energy_of(
    denoiser: ScoreDenoiser, start: Start, terms: Sequence[Term], x: Tensor, transl: Tensor
) -> Tensor:
    """Return the energies (B,) of all terms together for vectors x (B, width) at translations (B, 3) [m]."""
    free = Start(start.rotmat, start.betas, start.transl, start.points)
    state = State(denoiser, free, x, transl, (0, 0))
    return _total(terms, state)


def _total(terms: Sequence[Term], state: State) -> Tensor:
    energies = [term(state) for term in terms]
    for term, energy in zip(terms, energies, strict=True):
        name = getattr(term, "__name__", type(term).__name__)
        if energy.shape != (len(state.x),):
            raise ValueError(
                f"term {name} must return one energy per person, ({len(state.x)},), got {tuple(energy.shape)}"
            )
        if torch.is_grad_enabled() and not energy.requires_grad:
            raise ValueError(
                f"term {name} pulls on nothing: compute its energy from the state with torch operations that "
                "keep gradients"
            )
    return sum(energies[1:], energies[0])
