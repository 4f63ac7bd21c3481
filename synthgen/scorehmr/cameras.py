"""Cameras of a batch of people, one for each: intrinsics, and where they stand in the world if that is known.

OpenCV axes, metres, pixels; one focal length per axis, no skew, no distortion.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

PUBLISHED_FOCAL_PX = 5000.0  # for pictures of unknown cameras, as ScoreHMR takes it
_SKEW_PX = 1e-3


@dataclass(frozen=True)
class Cameras:
    """What projects B people.

    Attributes:
        focal_length: (B, 2) along x and y [px].
        center: (B, 2) principal point [px].
        image_size: (B, 2) height and width [px].
    """

    focal_length: Tensor
    center: Tensor
    image_size: Tensor

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value.shape != (len(self.focal_length), 2) or not bool(torch.isfinite(value).all()):
                raise ValueError(f"Cameras.{name} must be (B, 2) finite numbers, got {tuple(value.shape)}")
        for name in ("focal_length", "image_size"):
            if not bool((getattr(self, name) > 0).all()):
                raise ValueError(f"Cameras.{name} must be above 0, got {getattr(self, name).min():g}")

    def __len__(self) -> int:
        return len(self.focal_length)

    @classmethod
    def of_intrinsics(cls, cam_int: Tensor, image_size: Tensor) -> Self:
        """Return the cameras of true intrinsics.

        Args:
            cam_int: (B, 3, 3) [px].
            image_size: (B, 2) height and width [px].

        Raises:
            ValueError: matrices of another form, with skew, or that are not finite.
        """
        if cam_int.ndim != 3 or cam_int.shape[1:] != (3, 3):
            raise ValueError(f"cam_int must be (B, 3, 3), got {tuple(cam_int.shape)}")
        rest = torch.stack([cam_int[:, 0, 1], cam_int[:, 1, 0], cam_int[:, 2, 0], cam_int[:, 2, 1]])
        if rest.abs().max() > _SKEW_PX or (cam_int[:, 2, 2] - 1).abs().max() > _SKEW_PX:
            raise ValueError("cam_int must be [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]: no skew, last row 0 0 1")
        return cls(cam_int[:, [0, 1], [0, 1]], cam_int[:, :2, 2], image_size.to(cam_int))

    @classmethod
    def guessed(cls, image_size: Tensor, focal_length: float = PUBLISHED_FOCAL_PX) -> Self:
        """Return cameras that look at the middle of pictures (B, 2) [height and width, px], as ScoreHMR's."""
        size = image_size.to(torch.get_default_dtype())
        return cls(torch.full_like(size, focal_length), size.flip(1) / 2, size)

    def project(self, points: Tensor) -> Tensor:
        """Project points (B, P, 3) [m], camera frame, to pixels (B, P, 2)."""
        flat = points[..., :2] / points[..., 2:]
        return torch.addcmul(self.center[:, None], flat, self.focal_length[:, None])

    def to(self, device: torch.device | str) -> Self:
        """Return the cameras on a device."""
        return type(self)(*(value.to(device) for value in vars(self).values()))


@dataclass(frozen=True)
class Extrinsics:
    """Where the cameras of B people stand: x_camera = rotation x_world + translation.

    Attributes:
        rotation: (B, 3, 3).
        translation: (B, 3) [m].
    """

    rotation: Tensor
    translation: Tensor

    def __post_init__(self) -> None:
        if self.rotation.ndim != 3 or self.rotation.shape[1:] != (3, 3):
            raise ValueError(f"Extrinsics.rotation must be (B, 3, 3), got {tuple(self.rotation.shape)}")
        if self.translation.shape != (len(self.rotation), 3):
            raise ValueError(
                f"Extrinsics.translation must be ({len(self.rotation)}, 3), got "
                f"{tuple(self.translation.shape)}"
            )
        if not all(bool(torch.isfinite(value).all()) for value in vars(self).values()):
            raise ValueError("Extrinsics must be finite")
        check_rotations("Extrinsics.rotation", self.rotation)

    def __len__(self) -> int:
        return len(self.rotation)

    def to_world(self, points: Tensor) -> Tensor:
        """Return one point of each camera frame (B, 3) in the world (B, 3)."""
        return (self.rotation.transpose(1, 2) @ (points - self.translation)[..., None])[..., 0]

    def to_camera(self, points: Tensor) -> Tensor:
        """Return one point of the world for each camera (B, 3) in its frame (B, 3)."""
        return (self.rotation @ points[..., None])[..., 0] + self.translation


def check_rotations(name: str, rotmat: Tensor) -> None:
    """Raise ValueError unless matrices (B, ..., 3, 3) are rotations, naming the first that is none."""
    product = rotmat @ rotmat.transpose(-1, -2)
    off = (product - torch.eye(3, device=rotmat.device, dtype=rotmat.dtype)).abs().amax((-1, -2))
    bad = (off > 1e-2) | (torch.linalg.det(rotmat) < 0)
    if bool(bad.any()):
        place = tuple(bad.nonzero()[0].tolist())
        raise ValueError(f"{name}{list(place)} is no rotation: R R^T is off by {off[place]:.3g}, or mirrored")
