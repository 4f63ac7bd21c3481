"""Thinning keeps a mesh closed, symmetric, and close to what it was."""

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from synthgen.open_body.mesh_reduction import drop_faces, face_normals, thin
from synthgen.open_body.rest_pose import mirror_vertices


@pytest.fixture(scope="module")
def sphere() -> trimesh.Trimesh:
    return trimesh.creation.icosphere(subdivisions=3)


def reduced(sphere: trimesh.Trimesh, importance: np.ndarray, target: int):
    vertices, faces = np.array(sphere.vertices), np.array(sphere.faces)
    kept, new_faces = thin(vertices, faces, mirror_vertices(vertices), importance, target)
    return kept, trimesh.Trimesh(vertices[kept], new_faces, process=False)


@pytest.mark.parametrize("target", [400, 200, 60])
def test_a_thinned_sphere_is_closed_symmetric_and_round(target, sphere):
    kept, mesh = reduced(sphere, np.ones(len(sphere.vertices)), target)
    assert target - 2 <= len(kept) <= target
    assert mesh.is_watertight and mesh.is_winding_consistent
    assert mesh.euler_number == 2
    mirror_vertices(np.array(mesh.vertices))
    assert 0.8 < mesh.volume / sphere.volume < 1.001
    assert (np.einsum("fa,fa->f", mesh.face_normals, mesh.triangles_center) > 0).all()


def test_important_vertices_stay_and_others_go(sphere):
    importance = np.ones(len(sphere.vertices))
    importance[sphere.vertices[:, 1] > 0] = np.inf
    kept, _ = reduced(sphere, importance, 400)
    assert np.isin(np.flatnonzero(np.isinf(importance)), kept).all()
    assert 398 <= len(kept) <= 400
    importance[:] = np.inf
    assert len(reduced(sphere, importance, 10)[0]) == len(sphere.vertices)


def test_curved_parts_keep_more_vertices_than_flat_ones(sphere):
    vertices = np.array(sphere.vertices)
    vertices[:, 1] = np.maximum(vertices[:, 1], -0.2)  # flat below
    faces = np.array(sphere.faces)
    kept, _ = thin(vertices, faces, mirror_vertices(vertices), np.ones(len(vertices)), 300)
    is_flat = vertices[:, 1] == -0.2
    assert is_flat[kept].sum() / is_flat.sum() < 0.7 * (~is_flat[kept]).sum() / (~is_flat).sum()
    assert cKDTree(vertices[kept]).query(vertices)[0].max() < 0.6


def test_borders_stay(sphere):
    """A hemisphere's rim keeps all its vertices: lips and eyelids do."""
    kept, faces = drop_faces(np.array(sphere.faces), sphere.triangles_center[:, 1] < 0)
    vertices = np.array(sphere.vertices)[kept]
    again, new_faces = thin(vertices, faces, mirror_vertices(vertices), np.ones(len(vertices)), 100)

    def rim(triangles: np.ndarray) -> int:
        edges = np.sort(np.concatenate([triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]), axis=1)
        return int((np.unique(edges, axis=0, return_counts=True)[1] == 1).sum())

    assert rim(new_faces) == rim(faces) > 20
    assert len(again) < len(vertices)


def test_dropped_faces_take_their_vertices_along():
    faces = np.array([[0, 1, 2], [2, 1, 3], [3, 1, 5]])
    kept, renumbered = drop_faces(faces, np.array([False, False, True]))
    np.testing.assert_array_equal(kept, [0, 1, 2, 3])
    np.testing.assert_array_equal(renumbered, faces[:2])
    corners = np.array([[0.0, 0, 0], [2, 0, 0], [0, 3, 0]])
    np.testing.assert_array_equal(face_normals(corners, np.array([[0, 1, 2]])), [[0, 0, 6]])
