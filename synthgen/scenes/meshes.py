"""Small triangle meshes to furnish a scene with: boxes, tubes, ellipsoids, sheets, floors.

World frame of `synthgen.scenes`: y up, metres, ground at y=0. Every maker returns a Mesh around its own
origin; `Mesh.moved` puts it somewhere and `Mesh.surface` brings it to the camera.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthgen.geometry import Array, transform_points
from synthgen.sample import OCCLUDER
from synthgen.surface import Material, Surface


@dataclass(frozen=True)
class Mesh:
    """A mesh with materials, not yet seen by a camera.

    Attributes:
        vertices: (V, 3) [m].
        faces: (F, 3) int32, counter-clockwise seen from outside.
        materials: what the faces are made of.
        face_material: (F,) int32 into materials.
        coordinates: (V, 3) [m], where patterns are evaluated; stays as made when the mesh is moved.
        is_smooth: shade with interpolated normals.
        layer: as in `Surface`.
    """

    vertices: Array
    faces: NDArray[np.int32]
    materials: tuple[Material, ...]
    face_material: NDArray[np.int32]
    coordinates: Array
    is_smooth: bool = False
    layer: int = OCCLUDER

    def moved(self, rotation: Array, shift: ArrayLike) -> "Mesh":
        """Return the mesh after x -> rotation x + shift."""
        return replace(self, vertices=transform_points(rotation, np.asarray(shift, float), self.vertices))

    def at(self, x: float, y: float, z: float, heading: float = 0.0) -> "Mesh":
        """Return the mesh turned about y by `heading` [rad], then shifted to (x, y, z)."""
        return self.moved(turn(heading), (x, y, z))

    def on_layer(self, layer: int) -> "Mesh":
        """Return the mesh as part of another layer."""
        return replace(self, layer=layer)

    def surface(self, rotation: Array, shift: Array) -> Surface:
        """Return the mesh in the frame of a camera with world-to-camera x -> rotation x + shift."""
        return Surface(
            vertices=transform_points(rotation, shift, self.vertices).astype(np.float32),
            faces=self.faces,
            materials=self.materials,
            face_material=self.face_material,
            coordinates=self.coordinates.astype(np.float32),
            layer=self.layer,
            is_smooth=self.is_smooth,
        )


def turn(heading: float) -> Array:
    """Return the (3, 3) rotation about y that takes +z to (sin, 0, cos) of heading [rad]."""
    cos, sin = np.cos(heading), np.sin(heading)
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])


def frame_along(direction: Array, side: Array) -> Array:
    """Return the (3, 3) rotation whose z axis is `direction` and whose x axis is nearest to `side`."""
    z = direction / math.sqrt(direction @ direction)
    x = side - z * (side @ z)
    if x @ x < 1e-12:
        x = _cross(z, np.eye(3)[0] if abs(z[0]) < 0.9 else np.eye(3)[1])
    x = x / math.sqrt(x @ x)
    return np.array([x, _cross(z, x), z]).T


def _cross(a: Array, b: Array) -> Array:
    """Cross product of two 3-vectors; numpy's own takes ten times as long on so little."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def plain_mesh(
    vertices: Array, faces: NDArray[np.integer], material: Material, is_smooth: bool = False
) -> Mesh:
    """Return a mesh of one material whose patterns lie in its own coordinates."""
    index = faces.astype(np.int32)
    return Mesh(vertices, index, (material,), np.zeros(len(index), np.int32), vertices, is_smooth)


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """Join meshes into one; shading and layer are those of the first."""
    vertex_start = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    material_start = np.cumsum([0, *(len(mesh.materials) for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([m.faces + s for m, s in zip(meshes, vertex_start, strict=False)]).astype(np.int32),
        tuple(material for mesh in meshes for material in mesh.materials),
        np.concatenate([m.face_material + s for m, s in zip(meshes, material_start, strict=False)]).astype(
            np.int32
        ),
        np.concatenate([mesh.coordinates for mesh in meshes]),
        meshes[0].is_smooth,
        meshes[0].layer,
    )


_BOX_FACES = np.array(
    [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
     (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)],
    np.int32,
)  # fmt: skip


def box(size: ArrayLike, material: Material, bottom: bool = True) -> Mesh:
    """Return a box of (x, y, z) size; it stands on y=0 where `bottom`, else is centred at the origin."""
    corners = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    vertices = (corners + ((0, 0.5, 0) if bottom else (0, 0, 0))) * np.asarray(size, float)
    return plain_mesh(vertices, _BOX_FACES, material)


def _rings(rings: Array, material: Material) -> Mesh:
    """Skin (R, S, 3) rings of S points each, counter-clockwise about the way they are stacked."""
    count, sides = rings.shape[:2]
    here = np.arange(count * sides).reshape(count, sides)
    right = np.roll(here, -1, axis=1)
    a, b, c, d = here[:-1], right[:-1], here[1:], right[1:]
    faces = np.stack([np.stack([a, b, d], -1), np.stack([a, d, c], -1)]).reshape(-1, 3)
    fan = np.arange(1, sides - 1)
    first = np.stack([np.zeros_like(fan), fan + 1, fan], -1)
    last = np.stack([np.zeros_like(fan), fan, fan + 1], -1) + (count - 1) * sides
    return plain_mesh(rings.reshape(-1, 3), np.concatenate([faces, first, last]), material, True)


def tube(
    points: ArrayLike | Sequence[Array],
    radius: ArrayLike,
    material: Material,
    sides: int = 8,
) -> Mesh:
    """Return a tube along a polyline (N, 3); `radius` [m] is one number or one per point."""
    line = np.asarray(points, float)
    radii = np.broadcast_to(np.asarray(radius, float), len(line))
    tangents = np.gradient(line, axis=0)
    side = (
        np.array([1.0, 0.0, 0.0]) if abs(tangents[0][0]) < 0.9 * np.linalg.norm(tangents[0]) else np.eye(3)[2]
    )
    angles = np.arange(sides) * 2 * np.pi / sides
    circle = np.stack([np.cos(angles), np.sin(angles), np.zeros(sides)], -1)
    rings = []
    for point, tangent, width in zip(line, tangents, radii, strict=True):
        frame = frame_along(tangent, side)
        side = frame[:, 0]
        rings.append(point + width * circle @ frame.T)
    return _rings(np.stack(rings), material)


def ellipsoid(radii: ArrayLike, material: Material, segments: int = 12, rings: int = 8) -> Mesh:
    """Return an ellipsoid with semi-axes (x, y, z) around the origin."""
    polar = np.linspace(-np.pi / 2, np.pi / 2, rings)
    polar[[0, -1]] *= 0.995
    azimuth = -np.arange(segments) * 2 * np.pi / segments
    unit = np.stack(
        [
            np.cos(polar)[:, None] * np.cos(azimuth),
            np.broadcast_to(np.sin(polar)[:, None], (rings, segments)),
            np.cos(polar)[:, None] * np.sin(azimuth),
        ],
        -1,
    )
    return _rings(unit * np.asarray(radii, float), material)


def cone(radius: float, height: float, material: Material, sides: int = 9) -> Mesh:
    """Return a cone that stands on y=0 with its tip at (0, height, 0)."""
    return tube([(0, 0, 0), (0, height, 0)], [radius, 0.01 * radius], material, sides)


def blade(path: Array, half_widths: Array, thickness: float, material: Material) -> Mesh:
    """Return a flat body along a path in the yz plane, wide in x (a ski, a board).

    Args:
        path: (N, 3) middle line of the underside [m], from back to front.
        half_widths: (N,) [m].
        thickness: [m], upwards.
        material: of all of it.
    """
    across = np.stack([half_widths, np.zeros_like(half_widths), np.zeros_like(half_widths)], -1)
    up = np.array([0.0, thickness, 0.0])
    rings = np.stack([path - across, path + across, path + across + up, path - across + up], axis=1)
    mesh = _rings(rings, material)
    return replace(mesh, is_smooth=False)


def sheet(corners: ArrayLike, material: Material) -> Mesh:
    """Return a quadrilateral of four corners, counter-clockwise seen from its front."""
    vertices = np.asarray(corners, float)
    return plain_mesh(vertices, np.array([(0, 1, 2), (0, 2, 3)]), material)


def floor(edges_x: Array, edges_z: Array, materials: Sequence[Material], cells: NDArray[np.integer]) -> Mesh:
    """Return a level floor at y=0 of rectangles that share no area.

    Args:
        edges_x: (A+1,) rising borders of the columns [m].
        edges_z: (B+1,) rising borders of the rows [m].
        materials: to choose from; patterns lie in the plane: first coordinate world x, second world z.
        cells: (A, B) int into materials.
    """
    x, z = np.meshgrid(edges_x, edges_z, indexing="ij")
    flat = np.stack([x, np.zeros_like(x), z], -1).reshape(-1, 3)
    here = np.arange(len(flat)).reshape(x.shape)
    a, b, c, d = here[:-1, :-1], here[1:, :-1], here[:-1, 1:], here[1:, 1:]
    faces = np.stack([np.stack([a, c, d], -1), np.stack([a, d, b], -1)], axis=2).reshape(-1, 3)
    return Mesh(
        flat,
        faces.astype(np.int32),
        tuple(materials),
        np.repeat(np.asarray(cells, np.int32).reshape(-1), 2),
        flat[:, [0, 2, 1]],
        is_smooth=False,
        layer=0,
    )
