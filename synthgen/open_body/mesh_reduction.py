"""Thins a symmetric triangle mesh by removing vertices, keeping the others exactly where they are.

Half-edge collapses ordered by quadric error (Garland and Heckbert, 1997), always done on both sides of the
plane x = 0 at once, so that the mesh stays symmetric. Because no vertex moves, shape directions, skinning
weights and the like are simply subsets.
"""

import heapq
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int = NDArray[np.int64]

_MIN_TURN = 0.2  # cosine between a triangle's normal before and after a collapse
_MIN_QUALITY = 0.15  # height over longest edge of a new triangle
_SPREAD = 4e-3  # how much an edge's length counts beside its quadric error, so that flat parts thin evenly


def face_normals(vertices: Float64, faces: Int) -> Float64:
    """Return normals (F, 3) of faces (F, 3), twice the area long."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


def drop_faces(faces: Int, dropped: NDArray[np.bool_]) -> tuple[Int, Int]:
    """Drop faces and the vertices that only they used.

    Returns:
        kept vertices (K,), ascending indices into the old ones, and the remaining faces in the new numbering.
    """
    faces = faces[~dropped]
    kept, renumbered = np.unique(faces, return_inverse=True)
    return kept, renumbered.reshape(-1, 3)


@dataclass
class _Mesh:
    """A mesh while it is being thinned."""

    vertices: Float64
    mirror: Int
    importance: Float64
    faces: dict[int, tuple[int, int, int]]
    around: list[set[int]] = field(default_factory=list)  # faces at each vertex
    quadrics: Float64 = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        self.around = [set() for _ in self.vertices]
        for face, corners in self.faces.items():
            for corner in corners:
                self.around[corner].add(face)
        triangles = np.array(list(self.faces.values()))
        normals = face_normals(self.vertices, triangles)
        areas = np.linalg.norm(normals, axis=1, keepdims=True)
        units = normals / np.maximum(areas, 1e-12)
        heights = (units * self.vertices[triangles[:, 0]]).sum(1, keepdims=True)
        planes = np.concatenate([units, -heights], axis=1)
        self.quadrics = np.zeros((len(self.vertices), 4, 4))
        for k in range(3):
            np.add.at(self.quadrics, triangles[:, k], planes[:, :, None] * planes[:, None] * areas[..., None])

    def neighbours(self, vertex: int) -> set[int]:
        return {corner for face in self.around[vertex] for corner in self.faces[face]} - {vertex}

    def is_border(self, vertex: int) -> bool:
        return len(self.neighbours(vertex)) != len(self.around[vertex])

    def cost(self, gone: int, kept: int) -> float:
        place = np.append(self.vertices[kept], 1.0)
        error = place @ (self.quadrics[gone] + self.quadrics[kept]) @ place
        length = self.vertices[gone] - self.vertices[kept]
        return float((error + _SPREAD * (length @ length) ** 2) * self.importance[gone])

    def can_collapse(self, gone: int, kept: int) -> bool:
        shared = self.around[gone] & self.around[kept]
        common = self.neighbours(gone) & self.neighbours(kept)
        if not shared or len(common) != len(shared) or self.is_border(gone):
            return False
        changed = np.array([self.faces[face] for face in sorted(self.around[gone] - shared)])
        if not len(changed):
            return False
        before = face_normals(self.vertices, changed)
        moved = np.where(changed == gone, kept, changed)
        after = face_normals(self.vertices, moved)
        size = np.linalg.norm(after, axis=1)
        edges = self.vertices[moved] - self.vertices[np.roll(moved, 1, axis=1)]
        longest = (edges**2).sum(-1).max(1)
        turn = (before * after).sum(1)
        return bool(
            (turn > _MIN_TURN * size * np.linalg.norm(before, axis=1)).all()
            and (size > _MIN_QUALITY * longest).all()
        )

    def collapse(self, gone: int, kept: int) -> dict[int, tuple[int, int, int]]:
        """Replace a vertex by its neighbour and return the faces it had, to restore them."""
        before = {face: self.faces[face] for face in sorted(self.around[gone])}
        for face, corners in before.items():
            if kept in corners:
                for corner in corners:
                    self.around[corner].discard(face)
                del self.faces[face]
            else:
                first, second, third = (kept if corner == gone else corner for corner in corners)
                self.faces[face] = (first, second, third)
                self.around[kept].add(face)
        self.around[gone] = set()
        self.quadrics[kept] += self.quadrics[gone]
        return before

    def restore(self, gone: int, kept: int, before: dict[int, tuple[int, int, int]]) -> None:
        """Undo a collapse that was the last one."""
        self.quadrics[kept] -= self.quadrics[gone]
        for face, corners in before.items():
            self.around[kept].discard(face)
            self.faces[face] = corners
            for corner in corners:
                self.around[corner].add(face)


def thin(vertices: Float64, faces: Int, mirror: Int, importance: Float64, target: int) -> tuple[Int, Int]:
    """Remove the least important vertices of a symmetric mesh.

    Args:
        vertices: (V, 3) [m].
        faces: (F, 3).
        mirror: (V,) each vertex's mirror image; itself on the midline.
        importance: (V,) factor of the error that removing a vertex makes; `inf` keeps it for certain.
        target: how many vertices to keep at most; more stay when no collapse is possible any more.

    Returns:
        kept vertices (K,), ascending indices into the old ones, and faces (G, 3) in the new numbering.
    """
    corners = {face: (int(a), int(b), int(c)) for face, (a, b, c) in enumerate(faces)}
    mesh = _Mesh(vertices, mirror, importance, corners)
    alive = set(np.unique(faces).tolist())
    age = [0] * len(vertices)
    heap: list[tuple[float, int, int, int, int]] = []

    def offer(vertex: int) -> None:
        for other in sorted(mesh.neighbours(vertex)):
            for gone, kept in ((vertex, other), (other, vertex)):
                cost = mesh.cost(gone, kept)
                on_midline = mirror[gone] == gone
                if np.isfinite(cost) and not (on_midline and mirror[kept] != kept):
                    heapq.heappush(heap, (cost, gone, kept, age[gone], age[kept]))

    for vertex in sorted(alive):
        offer(vertex)
    while heap and len(alive) > target:
        _, gone, kept, gone_age, kept_age = heapq.heappop(heap)
        if gone not in alive or kept not in alive or (age[gone], age[kept]) != (gone_age, kept_age):
            continue
        touched = _collapse_both_sides(mesh, gone, kept)
        alive -= {vertex for vertex in (gone, int(mirror[gone])) if not mesh.around[vertex]}
        for vertex in touched & alive:
            age[vertex] += 1
        for vertex in sorted(touched & alive):
            offer(vertex)
    kept_vertices, renumbered = np.unique(np.array(list(mesh.faces.values())), return_inverse=True)
    return kept_vertices, renumbered.reshape(-1, 3)


def _collapse_both_sides(mesh: _Mesh, gone: int, kept: int) -> set[int]:
    """Collapse an edge and its mirror image, or neither; return the vertices whose surroundings changed."""
    if not mesh.can_collapse(gone, kept):
        return set()
    touched = mesh.neighbours(gone)
    before = mesh.collapse(gone, kept)
    twin_gone, twin_kept = int(mesh.mirror[gone]), int(mesh.mirror[kept])
    if twin_gone != gone:
        if not mesh.can_collapse(twin_gone, twin_kept):
            mesh.restore(gone, kept, before)
            return set()
        touched |= mesh.neighbours(twin_gone)
        mesh.collapse(twin_gone, twin_kept)
    return touched
