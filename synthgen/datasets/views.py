"""Calibrated cameras of data sets: into the camera's frame, onto the picture through the lens, and turned."""

from dataclasses import dataclass

import numpy as np

from synthgen.geometry import Array, transform_points
from synthgen.sample import Camera

_TURN: Array = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # of a camera whose picture turns clockwise
_NEAR = 1e-6  # [m]


@dataclass(frozen=True)
class View:
    """A calibrated camera.

    Attributes:
        cam_int: (3, 3) [px].
        extrinsics: (3, 4) [R | t], world to camera [m].
        distortion: (4,), (5,) or (8,) as OpenCV orders them, or None.
    """

    cam_int: Array
    extrinsics: Array
    distortion: Array | None = None

    def camera(self, image_size: tuple[int, int]) -> Camera:
        """Return the pinhole of it."""
        return Camera(self.cam_int, image_size)

    def to_camera(self, points: Array) -> Array:
        """Move points (..., N, 3) [m] from the world into the camera's frame."""
        return transform_points(self.extrinsics[:, :3], self.extrinsics[:, 3], points)

    def project(self, points: Array) -> Array:
        """Project points (N, 3) of the camera's frame to pixels (N, 2) as the lens shows them.

        What lies behind the camera, or is not finite, becomes NaN.
        """
        z = np.where(points[:, 2] > _NEAR, points[:, 2], np.nan)
        rays: Array = points[:, :2] / z[:, None]
        if self.distortion is not None:
            rays = distort(rays, self.distortion)
        return np.column_stack([rays, np.ones(len(rays))]) @ self.cam_int[:2].T

    def turned(self, turns: int, image_size: tuple[int, int]) -> "View":
        """Return the camera of the picture turned clockwise by quarter turns.

        A lens' tangential terms turn as well; where a lens has any, and is turned, 2D joints are projected
        before: see `turn_points`.

        Args:
            turns: quarter turns clockwise, may be negative.
            image_size: (H, W) of the turned picture.
        """
        cam_int: Array = self.cam_int
        extrinsics: Array = self.extrinsics
        height, width = image_size if turns % 2 == 0 else image_size[::-1]
        for _ in range(turns % 4):
            fx, fy, cx, cy = cam_int[0, 0], cam_int[1, 1], cam_int[0, 2], cam_int[1, 2]
            cam_int = np.array([[fy, 0, height - 1 - cy], [0, fx, cx], [0, 0, 1.0]])
            extrinsics = _TURN @ extrinsics
            height, width = width, height
        is_same = turns % 4 == 0
        return View(cam_int, extrinsics, self.distortion if is_same else _radial(self.distortion))


def distort(rays: Array, coefficients: Array) -> Array:
    """Apply OpenCV's lens model to rays (N, 2) = (x / z, y / z): k1, k2, p1, p2[, k3[, k4, k5, k6]]."""
    k = np.zeros(8)
    k[: len(coefficients)] = coefficients
    x, y = rays[:, 0], rays[:, 1]
    r2 = x**2 + y**2
    radial = (1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) / (1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])))
    along = 2 * k[2] * x * y + k[3] * (r2 + 2 * x**2)
    across = k[2] * (r2 + 2 * y**2) + 2 * k[3] * x * y
    return np.stack([x * radial + along, y * radial + across], 1)


def turn_points(points: Array, turns: int, image_size: tuple[int, int]) -> Array:
    """Turn pixels (N, 2) clockwise with their picture.

    Args:
        points: in the picture as it was.
        turns: quarter turns clockwise, may be negative.
        image_size: (H, W) of the turned picture.
    """
    height, width = image_size if turns % 2 == 0 else image_size[::-1]
    for _ in range(turns % 4):
        points = np.stack([height - 1 - points[:, 1], points[:, 0]], 1)
        height, width = width, height
    return points


def _radial(distortion: Array | None) -> Array | None:
    """Return the part of a lens that looks the same from all sides; None where it has another as well."""
    if distortion is None or np.any(distortion[2:4]):
        return None
    return distortion
