"""A Stage as flat arrays on the device that draws it: one triangle mesh with its search tree, paints, light.

Host side of `synthgen.render.shading`; both renderers draw from it.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Sequence

import numpy as np
import warp as wp
from numpy.typing import NDArray

from synthgen.render.patterns import Paint, paints_of
from synthgen.render.shading import World
from synthgen.sample import Camera
from synthgen.surface import Float32, Light, Material, Stage, Surface

NEAR = wp.constant(0.05)  # [m] both renderers see nothing nearer,
FAR = wp.constant(1000.0)  # [m] and nothing further
LEAF_SIZE = 8  # faces per leaf of the search tree: fastest to build, as fast to search as 4 (CPU)

log = logging.getLogger(__name__)


def start_warp(device: str) -> None:
    """Initialise Warp without its banner.

    Its native part says on file descriptor 2, whatever the log level, that there is no CUDA driver. That is
    no news on a machine without a GPU, so what it writes meanwhile goes to the log at debug level.

    Raises:
        ValueError: Warp cannot use the device that will be drawn on.
    """
    wp.config.log_level = wp.LOG_ERROR
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as words:
        os.dup2(words.fileno(), 2)
        try:
            wp.init()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            words.seek(0)
            log.debug("Warp: %s", words.read().decode(errors="replace").strip())
    available = [str(known) for known in wp.get_devices()]
    if device not in available:
        raise ValueError(f"renderer: no device {device!r} to draw on; available: {', '.join(available)}")


def face_normals(vertices: Float32, faces: NDArray[np.int32]) -> Float32:
    """Return (F, 3) normals, each as long as twice the face's area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    (x1, y1, z1), (x2, y2, z2) = (b - a).T, (c - a).T
    return np.stack([y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2], axis=1)


def vertex_normals(normals: Float32, faces: NDArray[np.int32], num_vertices: int) -> Float32:
    """Return (V, 3) unit normals, averages of those of a vertex's faces by area; zero for lone vertices.

    Args:
        normals: (F, 3) as `face_normals` returns them.
        faces: (F, 3).
        num_vertices: V.
    """
    corners = faces.ravel()
    summed = np.stack(
        [np.bincount(corners, np.repeat(normals[:, k], 3), num_vertices) for k in range(3)], axis=1
    )
    length = np.sqrt(np.einsum("vk,vk->v", summed, summed))
    return (summed / np.maximum(length, 1e-12)[:, None]).astype(np.float32)


def box_frame(normals: Float32) -> Float32:
    """Return the (3, 3) rotation to axes normal to the largest face and to the largest face upright on it.

    Args:
        normals: (F, 3) as `face_normals` returns them.
    """
    area = np.sqrt(np.einsum("fk,fk->f", normals, normals))
    first = normals[area.argmax()] / max(area.max(), 1e-12)
    is_upright = np.abs(normals @ first) < 0.1 * area
    upright = normals[np.where(is_upright, area, 0).argmax()]
    second = np.cross(first, upright if is_upright.any() else np.roll(first, 1) + 0.1)
    second /= max(np.linalg.norm(second), 1e-12)
    turn = np.stack([first, second, np.cross(first, second)])
    return turn if np.allclose(turn @ turn.T, np.eye(3), atol=1e-3) else np.eye(3, dtype=np.float32)


class Geometry:
    """Meshes joined into one on a device.

    Attributes:
        vertices: (V, 3) float32 [m], camera frame.
        faces: (F, 3) int32.
        layers: (F,) uint8, of each face.
        members: (F,) int32, which of the meshes each face belongs to.
        normals: (F, 3) float32, see `face_normals`.
        device: Warp's name of the device.
        points: vertices on the device.
        corners: faces on the device, flat.
    """

    def __init__(
        self, meshes: Sequence[tuple[Float32, NDArray[np.int32]]], layers: Sequence[int], device: str
    ) -> None:
        for number, (vertices, faces) in enumerate(meshes):
            _check_mesh(number, vertices, faces)
        starts = np.cumsum([0, *(len(vertices) for vertices, _ in meshes)])
        self.vertices = np.concatenate([vertices for vertices, _ in meshes]).astype(np.float32, copy=False)
        self.faces = np.concatenate(
            [faces + start for (_, faces), start in zip(meshes, starts, strict=False)]
        ).astype(np.int32, copy=False)
        sizes = [len(faces) for _, faces in meshes]
        self.layers = np.repeat(np.array(layers, np.uint8), sizes)
        self.members = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        self.device = device
        self.normals = face_normals(self.vertices, self.faces)
        self.points = self.upload(self.vertices, wp.vec3)
        self.corners = self.upload(self.faces.ravel(), wp.int32)

    def search_tree(self) -> tuple[wp.Mesh, Float32]:
        """Build the tree that shadow rays search.

        Returns:
            the mesh in a frame along whose axes the largest faces lie (in the camera's frame, the box around
            a floor or a wall would hold most of the scene, and no ray could pass it by), and the (3, 3)
            rotation to that frame.
        """
        turn = box_frame(self.normals)
        mesh = wp.Mesh(
            points=self.upload(self.vertices @ turn.T, wp.vec3),
            indices=self.corners,
            groups=self.upload(self.layers.astype(np.int32), wp.int32),
            bvh_leaf_size=LEAF_SIZE,
        )
        return mesh, turn

    def upload(self, values: NDArray[np.generic], dtype: object) -> wp.array:
        """Bring an array to the device; on the CPU Warp and numpy share its memory."""
        return wp.array(values, dtype=dtype, device=self.device, copy=False)

    def world(self, camera: Camera) -> World:
        """Return the part of the World that rays need."""
        world = World()
        world.vertices = self.points
        world.faces = self.corners
        world.unproject = wp.mat33(np.linalg.inv(camera.cam_int).astype(np.float32).ravel().tolist())
        world.width = camera.image_size[1]
        world.pixel_size = float(1.0 / np.sqrt(camera.cam_int[0, 0] * camera.cam_int[1, 1]))
        return world


def _check_mesh(number: int, vertices: Float32, faces: NDArray[np.int32]) -> None:
    if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(
            f"mesh {number} must have vertices (V, 3) and faces (F, 3), got {vertices.shape}, {faces.shape}"
        )
    if not np.isfinite(vertices).all():
        raise ValueError(f"mesh {number} has vertices that are not finite")
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise ValueError(
            f"mesh {number}: faces must point into {len(vertices)} vertices, got {faces.min()}..{faces.max()}"
        )


def _check_surface(number: int, surface: Surface) -> None:
    if surface.coordinates.shape != surface.vertices.shape:
        raise ValueError(
            f"surface {number}: coordinates must have the shape of vertices {surface.vertices.shape}, "
            f"got {surface.coordinates.shape}"
        )
    chosen, known = surface.face_material, len(surface.materials)
    if chosen.shape != (len(surface.faces),):
        raise ValueError(
            f"surface {number}: face_material must be ({len(surface.faces)},), got {chosen.shape}"
        )
    if len(chosen) and (chosen.min() < 0 or chosen.max() >= known):
        raise ValueError(
            f"surface {number}: face_material must point into {known} materials, "
            f"got {chosen.min()}..{chosen.max()}"
        )


def stage_geometry(stage: Stage, device: str) -> Geometry:
    """Join the surfaces of a stage; it must have at least one face."""
    surfaces = stage.surfaces
    for number, surface in enumerate(surfaces):
        _check_surface(number, surface)
    return Geometry([(s.vertices, s.faces) for s in surfaces], [s.layer for s in surfaces], device)


def stage_world(stage: Stage, geometry: Geometry) -> tuple[World, wp.Mesh]:
    """Return everything that shading needs to know of a stage, and its search tree, to be kept alive."""
    world = geometry.world(stage.camera)
    mesh, turn = geometry.search_tree()
    world.mesh = mesh.id
    world.turn = wp.mat33(*turn.ravel().tolist())
    normals = vertex_normals(geometry.normals, geometry.faces, len(geometry.vertices))
    world.normals = geometry.upload(normals, wp.vec3)
    coordinates = np.concatenate([s.coordinates for s in stage.surfaces]).astype(np.float32, copy=False)
    world.coordinates = geometry.upload(coordinates, wp.vec3)
    materials: list[tuple[Material, bool]] = []
    face_paint = []
    for surface in stage.surfaces:
        face_paint.append(surface.face_material + len(materials))
        materials += [(material, surface.is_smooth) for material in surface.materials]
    world.face_paint = geometry.upload(np.concatenate(face_paint).astype(np.int32, copy=False), wp.int32)
    world.paints = geometry.upload(paints_of(materials), Paint)
    _set_light(world, stage.light)
    return world, mesh


def _set_light(world: World, light: Light) -> None:
    world.sun_direction = wp.vec3(*map(float, light.direction))
    world.sun = wp.vec3(*light.color)
    world.sky = wp.vec3(*light.sky)
    world.bounce = wp.vec3(*light.bounce)
    world.up = wp.vec3(*map(float, light.up))
    world.shadow = light.shadow
