import numpy as np
import pytest

from synthgen.sample import OCCLUDER
from synthgen.scenes.meshes import (
    Mesh,
    blade,
    box,
    cone,
    ellipsoid,
    floor,
    frame_along,
    merge,
    sheet,
    tube,
    turn,
)
from synthgen.surface import Material

PAINT = Material((0.5, 0.5, 0.5))


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize(
    ("mesh", "expected"),
    [
        (box((1, 2, 3), PAINT), 6.0),
        (tube([(0, 0, 0), (0, 0, 2)], 0.5, PAINT, 32), np.pi * 0.5**2 * 2),
        (tube([(0, 0, 0), (1, 0, 0), (2, 0.3, 0)], 0.1, PAINT, 16), np.pi * 0.1**2 * (1 + 1.09**0.5)),
        (ellipsoid((1, 2, 0.5), PAINT, 40, 30), 4 / 3 * np.pi),
        (cone(1, 3, PAINT, 40), np.pi),
        (blade(np.array([(0, 0, -1), (0, 0, 1.0)]), np.array([0.5, 0.5]), 0.1, PAINT), 0.2),
    ],
    ids=["box", "tube", "bent tube", "ellipsoid", "cone", "blade"],
)
def test_solids_are_closed_and_face_outwards(mesh, expected):
    assert volume(mesh) == pytest.approx(expected, rel=0.06)
    edges = np.sort(np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]), 1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_boxes_stand_on_the_ground_or_hang_around_the_origin():
    assert box((1, 2, 3), PAINT).vertices[:, 1].min() == 0
    assert box((1, 2, 3), PAINT, bottom=False).vertices[:, 1].min() == -1


def test_floor_covers_its_area_once_and_faces_up():
    cells = np.array([[0, 1], [1, 0], [0, 0]])
    mesh = floor(np.array([-3, -1, 0, 4.0]), np.array([-2, 1, 5.0]), [PAINT, PAINT], cells)
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    assert (normals[:, 1] > 0).all()
    assert normals[:, 1].sum() / 2 == pytest.approx(7 * 7)
    assert list(mesh.face_material) == [0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert mesh.layer == 0


def test_merge_keeps_every_part():
    red, blue = Material((1, 0, 0)), Material((0, 0, 1))
    both = merge([box((1, 1, 1), red).at(5, 0, 0), box((1, 1, 1), blue)])
    assert volume(both) == pytest.approx(2)
    right = both.vertices[both.faces].mean(1)[:, 0] > 2
    assert {both.materials[m] for m in both.face_material[right]} == {red}
    assert both.layer == OCCLUDER


def test_moving_keeps_the_coordinates_of_patterns():
    made = box((1, 1, 1), PAINT)
    moved = made.at(1, 2, 3, 0.5)
    np.testing.assert_array_equal(moved.coordinates, made.vertices)
    np.testing.assert_allclose(moved.vertices.mean(0), (1, 2.5, 3))


def test_turn_takes_forward_to_the_heading():
    np.testing.assert_allclose(turn(0.3) @ (0, 0, 1), (np.sin(0.3), 0, np.cos(0.3)))


@pytest.mark.parametrize("direction", [(0, 0, 1), (1, 2, -3), (1, 0, 0)])
def test_frames_are_rotations_along_the_direction(direction):
    frame = frame_along(np.array(direction, float), np.array([1.0, 0, 0]))
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1)
    np.testing.assert_allclose(frame[:, 2] * np.linalg.norm(direction), direction)


def test_sheet_faces_its_viewer():
    mesh = sheet([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], PAINT)
    a, b, c = mesh.vertices[mesh.faces[0]]
    assert np.cross(b - a, c - a)[2] > 0
