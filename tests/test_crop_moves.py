import numpy as np
import pytest

from synthgen.crop_moves import lay, move_2d, move_3d, move_camera
from synthgen.geometry import intrinsics, project
from synthgen.joints import COCO17


@pytest.mark.parametrize("focal", [(500.0, 500.0), (500.0, 470.0)])
def test_moved_points_project_to_where_their_pixels_moved(focal: tuple[float, float]) -> None:
    rng = np.random.default_rng(3)
    count = 40
    points = rng.uniform(-1, 1, (count, 17, 3)) + (0, 0, 4)
    cam_int = np.tile(intrinsics(500.0, (300, 400)), (count, 1, 1))
    cam_int[:, 0, 0], cam_int[:, 1, 1] = focal
    view = lay(
        rng.uniform(0, 300, (count, 2)),
        rng.uniform(0.3, 2, count),
        rng.uniform(-3, 3, count),
        np.arange(count) % 2 == 0,
        (127.5, 127.5),
    )
    camera = move_camera(cam_int, view)
    expected = move_2d(project(points, cam_int), view, COCO17)
    np.testing.assert_allclose(project(move_3d(points, view, COCO17), camera), expected, atol=1e-9)
    if focal[0] == focal[1]:
        scale = np.sqrt(np.abs(np.linalg.det(view.affine[:, :, :2])))
        linear = 500 * scale[:, None, None] * np.eye(2)
        np.testing.assert_allclose(camera[:, :2, :2], linear, atol=1e-9)


def test_a_mirror_image_moves_the_principal_point() -> None:
    """Cropping the whole picture of width W mirrored puts the axis at W - 1 - cx."""
    cam_int = intrinsics(90.0, (40, 60))[None] + [[0, 0, 7], [0, 0, 0], [0, 0, 0]]
    view = lay(np.array([[29.5, 19.5]]), np.ones(1), np.zeros(1), np.ones(1, bool), (29.5, 19.5))
    np.testing.assert_allclose(move_camera(cam_int, view)[0, 0], [90, 0, 59 - cam_int[0, 0, 2]])
