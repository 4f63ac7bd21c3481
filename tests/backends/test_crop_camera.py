import torch

from synthgen.backends.crop_camera import crop_translation, picture_translation

CAM = torch.tensor([[0.9, 0.1, -0.05], [0.4, -0.3, 0.2]])


def cam_int(focal_length: float, center_x: float, center_y: float) -> torch.Tensor:
    return torch.tensor([[focal_length, 0, center_x], [0, focal_length, center_y], [0, 0, 1.0]])


def test_picture_translation_is_that_of_the_official_code() -> None:
    center, size = torch.tensor([[310.0, 200.0], [700.0, 90.0]]), torch.tensor([250.0, 410.0])
    cameras = torch.stack([cam_int(1234, 320, 240), cam_int(1234, 640, 360)])
    want = torch.tensor([[1.1111e-02, -4.0556e-01, 1.0969e01], [4.3171e-01, -3.0927e00, 1.5049e01]])
    assert torch.allclose(picture_translation(CAM, center, size, cameras), want, rtol=1e-4)


def test_crop_translation_by_hand() -> None:
    depth = 2 * 5000 / (256 * 0.5)
    assert torch.allclose(crop_translation(torch.tensor([0.5, 0.1, 0.2])), torch.tensor([0.1, 0.2, depth]))


def test_both_cameras_show_the_body_at_the_same_place() -> None:
    points = torch.tensor(
        [[0.0, 0.0, 0.0], [0.2, -0.6, 0.0], [-0.3, 0.8, 0.0]]
    )  # no depth: both agree exactly
    center, size, camera = torch.tensor([400.0, 130.0]), torch.tensor(180.0), cam_int(900, 319.5, 239.5)
    in_crop = points + crop_translation(CAM[0])
    pixels = 5000 * in_crop[:, :2] / in_crop[:, 2:]  # from the middle of the crop, 256 px wide
    in_picture = (points + picture_translation(CAM[0], center, size, camera)) @ camera.T
    assert torch.allclose(in_picture[:, :2] / in_picture[:, 2:], center + pixels * size / 256, atol=1e-2)
