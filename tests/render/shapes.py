"""Simple surfaces and stages for the tests of drawing, in the camera frame."""

import numpy as np

from synthgen.geometry import intrinsics
from synthgen.sample import Camera
from synthgen.surface import Light, Material, Stage, Surface

UP = np.array([0, -1, 0], np.float32)


def camera(height=48, width=64, focal=60.0):
    return Camera(intrinsics(focal, (height, width)), (height, width))


def quad(center, width, height):
    """A rectangle that faces the camera; returns vertices and faces."""
    x, y, z = center
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    vertices = np.array([(x + a * width / 2, y + b * height / 2, z) for a, b in corners], np.float32)
    return vertices, np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def ball(center, radius, rings=24):
    """A sphere; returns vertices and faces."""
    polar, around = np.meshgrid(
        np.linspace(0, np.pi, rings + 1), np.arange(2 * rings) * np.pi / rings, indexing="ij"
    )
    directions = np.stack(
        [np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], axis=-1
    )
    index = np.arange(directions.shape[0] * directions.shape[1]).reshape(directions.shape[:2])
    a, b = index[:-1], index[1:]
    c, d = np.roll(a, -1, axis=1), np.roll(b, -1, axis=1)
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([c, b, d], -1).reshape(-1, 3)])
    vertices = np.array(center) + radius * directions.reshape(-1, 3)
    return vertices.astype(np.float32), faces.astype(np.int32)


def surface(mesh, layer, material=None, is_smooth=True):
    vertices, faces = mesh
    material = material or Material((0.6, 0.6, 0.6), roughness=1.0)
    face_material = np.zeros(len(faces), np.int32)
    return Surface(vertices, faces, (material,), face_material, vertices.copy(), layer, is_smooth)


def light(sun=(0.0, 0.0, 0.0), direction=(0.0, 0.0, -1.0), sky=(1.0, 1.0, 1.0), shadow=1.0):
    """By default an even glow, in which matt surfaces show exactly their own colour."""
    toward = np.array(direction, np.float32)
    return Light(toward / np.linalg.norm(toward), sun, sky, sky, UP, shadow)


def stage(surfaces, view=None, glow=None, backdrop=(0.2, 0.4, 0.6)):
    view = view or camera()
    picture = np.broadcast_to(np.array(backdrop, np.float32), (*view.image_size, 3))
    return Stage(view, tuple(surfaces), glow or light(), np.ascontiguousarray(picture))
