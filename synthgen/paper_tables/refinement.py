"""How a paper refines its estimates: keys of a run file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refinement:
    """Score guidance as a paper's setting has it; see `refine`.

    Attributes:
        denoiser: folder or hub id of a denoiser, published checkpoint, or embedded/score; empty: none.
        told: whether the denoiser is told what pictures look like; false for one that knows other features
            than the estimator's, as the published ones (PARE's).
        plain: also fit by plain optimisation of the same energies (SMPLify-like), to compare.
        iterations: rounds of inversion and guided sampling.
        start: time step that the inversion goes up to.
        step: time steps between two predictions.
        keypoints: weight of the reprojection error.
        multiview: weight of the views' agreement.
        smoothness: weight of neighbouring frames' likeness.
        early_stopping: whether people whose energy stands still keep what they have.
        samples: starts beside the estimate that the denoiser draws; the paper has none.
    """

    denoiser: str = ""
    told: bool = True
    plain: bool = False
    iterations: int = 10
    start: int = 50
    step: int = 2
    keypoints: float = 0.003
    multiview: float = 450.0
    smoothness: float = 30.0
    early_stopping: bool = False
    samples: int = 0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        if min(self.iterations, self.step) < 1 or self.step > self.start or self.samples < 0:
            return ["iterations and step must be at least 1, start >= step, samples at least 0"]
        if min(self.keypoints, self.multiview, self.smoothness) < 0:
            return ["keypoints, multiview and smoothness must be at least 0"]
        return []
