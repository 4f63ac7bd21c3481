"""The camera of a picture whose camera nobody knows, and the part of a picture around a person."""

import math

import numpy as np

from synthgen.geometry import intrinsics
from synthgen.observation import Observation
from synthgen.sample import Camera, Float

AROUND = 1.5  # side of the square around a person, of the box's longer side


def camera_of(observation: Observation) -> Camera:
    """Return a picture's camera; where unknown, its focal length is taken to be the picture's diagonal."""
    if observation.camera is not None:
        return observation.camera
    height, width = observation.image.shape[:2]
    return Camera(intrinsics(math.hypot(height, width), (height, width)), (height, width))


def square_around(bbox: Float, image_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return x0, y0, x1, y1 [px], ends excluded, of the square around a box, as much as the picture has."""
    height, width = image_size
    center, half = (bbox[:2] + bbox[2:]) / 2, AROUND * float((bbox[2:] - bbox[:2]).max()) / 2
    low = np.floor(np.clip(center - half, 0, [width - 1, height - 1])).astype(int)
    high = np.maximum(np.ceil(np.clip(center + half, 1, [width, height])).astype(int), low + 1)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def cut(camera: Camera, square: tuple[int, int, int, int]) -> Camera:
    """Return the camera of a part of the picture, see `square_around`."""
    cam_int = np.array(camera.cam_int, np.float64)
    cam_int[:2, 2] -= square[:2]
    return Camera(cam_int, (square[3] - square[1], square[2] - square[0]))
