"""What guides a refinement: energies of bodies, one per person, that observed pictures make small.

A term is any function of a `State` that returns energies (B,); terms add up. Those here are ScoreHMR's
(section 3.3) with its weights: keypoints, several views of one body, smooth motion.
"""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from synthgen.scorehmr.cameras import Cameras, Extrinsics
from synthgen.scorehmr.groups import Groups
from synthgen.scorehmr.sizes import POSE_WIDTH
from synthgen.scorehmr.state import Start, State, check_finite

KEYPOINT_WEIGHT = 0.003
KEYPOINT_SIGMA_PX = 100.0
MULTIVIEW_WEIGHT = 0.005 * 300.0**2
SMOOTHNESS_WEIGHT = 30.0
MIN_DEPTH_M = 0.1  # nearer than this to the camera's plane, a point projects to nowhere
_REFERENCE_SIDE_PX = 1000.0  # errors count as in a picture of this longer side


class Term(Protocol):
    """What guides; a plain function will do."""

    def __call__(self, state: State) -> Tensor:
        """Return the energy of each person (B,)."""
        ...


@runtime_checkable
class CheckedTerm(Term, Protocol):
    """A term that knows whether it fits the people it is given."""

    def prepare(self, start: Start) -> tuple[Term, list[str]]:
        """Return the term for these people and, for each, why it says nothing about them; "" if it does.

        Raises:
            ValueError: the term does not belong to these people.
        """
        ...


@dataclass(frozen=True)
class Keypoints:
    """Robust reprojection error of keypoints: Geman-McClure on pixels, by squared confidence.

    Attributes:
        keypoints_2d: (B, P, 2) [px]; where the confidence is 0, any value.
        confidence: (B, P) in [0, 1]; 0 where a joint was not seen.
        names: of the joints, in order; those that `Start.points` poses.
        cameras: of each person.
        weight: of the term.
        sigma: errors [px] well above it stop to count; one for all, or (B,) one for each.
        use_hips: whether joints named after hips and pelvis count; data sets mean different points by them.
    """

    keypoints_2d: Tensor
    confidence: Tensor
    names: tuple[str, ...]
    cameras: Cameras
    weight: float = KEYPOINT_WEIGHT
    sigma: float | Tensor = KEYPOINT_SIGMA_PX
    use_hips: bool = True

    def __post_init__(self) -> None:
        shape = (len(self.cameras), len(self.names))
        for name, value, wanted in (
            ("keypoints_2d", self.keypoints_2d, (*shape, 2)),
            ("confidence", self.confidence, shape),
        ):
            if value.shape != wanted:
                raise ValueError(
                    f"Keypoints.{name} must be {wanted} for {shape[0]} cameras and {shape[1]} joints, got "
                    f"{tuple(value.shape)}"
                )
        if isinstance(self.sigma, Tensor) and self.sigma.shape != shape[:1]:
            raise ValueError(f"Keypoints.sigma must be ({shape[0]},), got {tuple(self.sigma.shape)}")
        if not bool((torch.as_tensor(self.sigma) > 0).all()):
            raise ValueError(f"Keypoints.sigma must be above 0, got {self.sigma}")
        check_finite("Keypoints.confidence", self.confidence)
        low, high = float(self.confidence.min()), float(self.confidence.max())
        if low < 0 or high > 1:
            raise ValueError(f"Keypoints.confidence must lie in [0, 1], got [{low:g}, {high:g}]")
        lost = ~torch.isfinite(self.keypoints_2d).all(-1) & (self.confidence > 0)
        if bool(lost.any()):
            person, joint = lost.nonzero()[0].tolist()
            raise ValueError(
                f"Keypoints.keypoints_2d: {self.names[joint]} of person {person} is not finite but has "
                f"confidence {self.confidence[person, joint]:g}; a missing joint has confidence 0"
            )

    def prepare(self, start: Start) -> tuple[Self, list[str]]:
        """Return the term without people that it cannot fit, and why (see `CheckedTerm`)."""
        if self.names != start.points.names:
            raise ValueError(
                f"keypoints of {len(self.names)} joints ({', '.join(self.names[:3])}, …) do not go with a "
                f"body of {len(start.points.names)} points ({', '.join(start.points.names[:3])}, …); build "
                "the body for the joint set of the keypoints: SparsePoints.of_joint_set(body, joint_set)"
            )
        if len(self.cameras) != len(start):
            raise ValueError(f"keypoints of {len(self.cameras)} people do not go with {len(start)} bodies")
        counted = self._factors[..., 0] > 0
        is_empty = ~counted.any(1)
        is_behind = (counted & (start.positions[..., 2] < MIN_DEPTH_M)).any(1)
        reasons = [
            "no keypoint was seen" if empty else "the body is behind the camera" if behind else ""
            for empty, behind in zip(is_empty.tolist(), is_behind.tolist(), strict=True)
        ]
        kept = torch.where(is_behind[:, None], 0.0, self.confidence)
        return dataclasses.replace(self, confidence=kept), reasons

    def __call__(self, state: State) -> Tensor:
        """Return the energy of each person (B,)."""
        return self.weight * self.energy(state.points, state.transl)

    def energy(self, points: Tensor, transl: Tensor) -> Tensor:
        """Return the un-weighted energy (B,) of points (B, P, 3) and translations (B, 3) [m]."""
        fixed = (self._targets, self._factors, self.cameras.focal_length[:, None], self._variance)
        return _Reprojection.apply(points, transl, fixed)  # type: ignore[no-untyped-call]

    @cached_property
    def _targets(self) -> Tensor:
        """Keypoints relative to the principal point (B, P, 2) [px]."""
        seen = (self.confidence > 0)[..., None]
        return torch.where(seen, self.keypoints_2d, 0.0) - self.cameras.center[:, None]

    @cached_property
    def _variance(self) -> Tensor:
        """Squared sigma (1, 1, 1) or (B, 1, 1) [px^2]."""
        return torch.as_tensor(self.sigma).to(self.cameras.focal_length).square().reshape(-1, 1, 1)

    @cached_property
    def _factors(self) -> Tensor:
        """Factor of each joint's error (B, P, 1)."""
        size = self.cameras.image_size.amax(1)
        counts = [self.use_hips or not ("hip" in name or "pelvis" in name) for name in self.names]
        scale = (_REFERENCE_SIDE_PX / size).square()[:, None] * self.confidence.square()
        return (scale * torch.tensor(counts, device=size.device))[..., None]


_Fixed = tuple[Tensor, Tensor, Tensor, Tensor]  # targets, factors, focal lengths, sigma squared


class _Reprojection(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, points: Tensor, transl: Tensor, fixed: _Fixed) -> Tensor:
        targets, factors, focal_length, variance = fixed
        placed = points + transl[:, None]
        depth = placed[..., 2:]
        pixels = placed[..., :2] / depth * focal_length
        error = pixels - targets
        square = error.square()
        ratio = variance / (square + variance)
        ctx.save_for_backward(depth, pixels, error, ratio, factors, focal_length)
        return (square * ratio * factors).sum((1, 2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        depth, pixels, error, ratio, factors, focal_length = ctx.saved_tensors
        to_pixels = ratio.square().mul_(error).mul_(factors * (2 * gradient)[:, None, None]).div_(depth)
        to_depth = -(to_pixels * pixels).sum(-1, keepdim=True)
        to_points = torch.cat([to_pixels * focal_length, to_depth], -1)
        return to_points, to_points.sum(1), None


@dataclass(frozen=True)
class MultiView:
    """Views of one body must agree: squared distance of each view's pose from the mean of its group.

    Without extrinsics the roots are free, each to its own camera; with them, they are compared in the world.

    Attributes:
        groups: which people are views of one body at one moment.
        extrinsics: of the views' cameras, or None where nobody calibrated them.
        weight: of the term.
        shares_betas: whether the shapes must agree too, where the denoiser models them.
    """

    groups: Groups
    extrinsics: Extrinsics | None = None
    weight: float = MULTIVIEW_WEIGHT
    shares_betas: bool = True

    def __post_init__(self) -> None:
        if self.extrinsics is not None and len(self.extrinsics) != len(self.groups):
            raise ValueError(f"{len(self.groups)} views have {len(self.extrinsics)} extrinsics")

    def prepare(self, start: Start) -> tuple[Self, list[str]]:
        """Return the term and who is the only view of the group (see `CheckedTerm`)."""
        if len(self.groups) != len(start):
            raise ValueError(f"groups of {len(self.groups)} views do not go with {len(start)} bodies")
        return self, ["the only view of its group" if one else "" for one in self.groups.is_alone.tolist()]

    def __call__(self, state: State) -> Tensor:
        """Return the energy of each person (B,)."""
        parts = [state.pose[:, 1:].flatten(1)]
        if self.extrinsics is not None:
            columns = state.pose[:, 0].reshape(-1, 2, 3) @ self.extrinsics.rotation
            parts.append(columns.flatten(1))
        if self.shares_betas:
            parts.append(state.x[:, POSE_WIDTH:])
        values = torch.cat(parts, 1)
        # The sum of squares does not change with the mean (its derivative is 0), so none has to flow there.
        return self.weight * (values - self.groups.shared(values.detach())).square().sum(1)


@dataclass(frozen=True)
class Smoothness:
    """Neighbouring frames of a clip must be alike: squared difference of their rotations, the root's too.

    Attributes:
        clips: which people are frames of one person in one clip.
        frames: (B,) frame numbers; a pair counts by the inverse of the time between. None: in the order of
            the batch, without gaps.
        weight: of the term.
        transl_weight: of the squared difference of translations [1/m²]; ScoreHMR has none.
    """

    clips: Groups
    frames: Tensor | None = None
    weight: float = SMOOTHNESS_WEIGHT
    transl_weight: float = 0.0

    def prepare(self, start: Start) -> tuple[Self, list[str]]:
        """Return the term and who is the only frame of the clip (see `CheckedTerm`)."""
        if len(self.clips) != len(start):
            raise ValueError(f"clips of {len(self.clips)} frames do not go with {len(start)} bodies")
        return self, ["the only frame of its clip" if one else "" for one in self.clips.is_alone.tolist()]

    def __call__(self, state: State) -> Tensor:
        """Return the energy of each person (B,)."""
        first, second, rate = self._pairs
        pose = state.x[:, :POSE_WIDTH]
        energy = self.weight * (pose[second] - pose[first]).square().sum(1)
        if self.transl_weight:
            moved = (state.transl[second] - state.transl[first]).square().sum(1)
            energy = energy + self.transl_weight * moved
        return energy.new_zeros(len(self.clips)).index_add(0, first, energy * rate)

    @cached_property
    def _pairs(self) -> tuple[Tensor, Tensor, Tensor]:
        first, second = self.clips.neighbours(self.frames)
        if self.frames is None:
            return first, second, torch.ones(len(first), device=first.device)
        return first, second, 1 / (self.frames[second] - self.frames[first]).float()
