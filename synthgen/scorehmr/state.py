"""Where a refinement starts, and what a guidance term sees at every step of it."""

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from synthgen.joints import SMPL24
from synthgen.scorehmr.cameras import check_rotations
from synthgen.scorehmr.denoiser import ScoreDenoiser
from synthgen.scorehmr.placement import FreePlacement, Placement
from synthgen.scorehmr.points import SparsePoints
from synthgen.scorehmr.rotations import rot6d_to_rotmat
from synthgen.scorehmr.sizes import NUM_BETAS, POSE_WIDTH


@dataclass(frozen=True)
class Start:
    """Estimates of B people, each before a camera of their own.

    Attributes:
        rotmat: (B, 24, 3, 3) rotations relative to the parent joint, the root's to the camera.
        betas: (B, 10); refined only where the denoiser models shape.
        transl: (B, 3) [m], added to the body as SMPL poses it: its pelvis stands at rest pelvis + transl.
        points: poses the points that terms look at.
        placement: what of the translations is free.
    """

    rotmat: Tensor
    betas: Tensor
    transl: Tensor
    points: SparsePoints
    placement: Placement = field(default_factory=FreePlacement)

    def __post_init__(self) -> None:
        people = len(self.rotmat)
        shapes = {"rotmat": (people, len(SMPL24), 3, 3), "betas": (people, NUM_BETAS), "transl": (people, 3)}
        for name, shape in shapes.items():
            value: Tensor = getattr(self, name)
            if value.shape != shape:
                raise ValueError(f"Start.{name} must be {shape}, got {tuple(value.shape)}")
            check_finite(f"Start.{name}", value)
        if not people:
            raise ValueError("Start must hold at least one person")
        check_rotations("Start.rotmat", self.rotmat)

    def __len__(self) -> int:
        return len(self.rotmat)

    @property
    def placed(self) -> Tensor:
        """The translations (B, 3) [m] that come nearest to `transl` among those that the placement allows."""
        rest_pelvis = self.points.rest_pelvis(self.betas)
        return self.placement.transl(self.placement.parameters(self.transl, rest_pelvis), rest_pelvis)

    @property
    def positions(self) -> Tensor:
        """The points of the starting bodies (B, P, 3) [m], camera frame."""
        with torch.no_grad():
            return self.points(self.rotmat, self.betas) + self.transl[:, None]


class State:
    """The bodies of one step: clean poses as the model sees them now. What is read is differentiable.

    Attributes:
        x: (B, width) the denoiser's vectors.
        transl: (B, 3) [m].
        time: time step of the diffusion.
        iteration: rounds of inversion and sampling before this one.
    """

    def __init__(
        self, denoiser: ScoreDenoiser, start: Start, x: Tensor, parameters: Tensor, when: tuple[int, int]
    ) -> None:
        self._denoiser, self._start, self._parameters = denoiser, start, parameters
        self.x = x
        self.iteration, self.time = when

    @cached_property
    def pose(self) -> Tensor:
        """Rotations in 6D form (B, 24, 6), the root's first."""
        return self.x[:, :POSE_WIDTH].reshape(-1, len(SMPL24), 6)

    @cached_property
    def rotmat(self) -> Tensor:
        """Rotations (B, 24, 3, 3), the root's first."""
        return rot6d_to_rotmat(self.pose)

    @cached_property
    def betas(self) -> Tensor:
        """Shapes (B, 10); those of the start where the denoiser models none."""
        return self._denoiser.decode_betas(self.x) if self._denoiser.config.use_betas else self._start.betas

    @cached_property
    def transl(self) -> Tensor:
        """Translations (B, 3) [m]."""
        return self._start.placement.transl(self._parameters, self._start.points.rest_pelvis(self.betas))

    @cached_property
    def points(self) -> Tensor:
        """The points of the bodies (B, P, 3) [m], camera axes, without translation."""
        return self._start.points(self.rotmat, self.betas)


def check_finite(name: str, values: Tensor) -> None:
    """Raise ValueError naming the people of values (B, ...) that hold NaN or infinite numbers."""
    bad = ~torch.isfinite(values).flatten(1).all(1)
    if bool(bad.any()):
        people = bad.nonzero()[:, 0].tolist()
        raise ValueError(f"{name} must be finite; person {people[0]} is not ({len(people)} of {len(values)})")
