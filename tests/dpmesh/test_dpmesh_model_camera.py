"""DPMesh's camera: the released formula in the middle, and the same picture off the axis."""

import torch

from synthgen.dpmesh.camera import camera_translation

CAM = torch.tensor([[0.1, -0.2, 0.3], [0.0, 0.0, -1.0]])


def camera(focal: float, x: float, y: float) -> torch.Tensor:
    return torch.tensor([[focal, 0, x], [0, focal, y], [0, 0, 1.0]]).expand(2, 3, 3)


def test_in_the_middle_it_is_the_released_formula() -> None:
    depth = torch.sigmoid(CAM[:, 2]) * 1500 * 2.5 / 256
    assert torch.allclose(
        camera_translation(CAM, camera(1500, 128, 128), 256), torch.stack([*CAM[:, :2].T, depth], 1)
    )


def test_off_the_axis_bodies_stay_where_they_are_in_the_crop() -> None:
    for x, y in ((128.0, 128.0), (900.0, -300.0)):
        cam_int = camera(1500, x, y)
        place = camera_translation(CAM, cam_int, 256)
        pixel = (cam_int @ (place / place[:, 2:])[..., None])[:, :2, 0]
        assert torch.allclose(pixel, 128 + 1500 * CAM[:, :2] / place[:, 2:], atol=1e-2)


def test_crops_of_any_size_give_the_same_body() -> None:
    large = camera_translation(CAM, camera(1500, 128, 128), 256)
    assert torch.allclose(large, camera_translation(CAM, camera(750, 64, 64), 128))
