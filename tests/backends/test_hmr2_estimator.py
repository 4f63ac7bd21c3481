from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synthgen.backends.hmr2 import HMR2Output
from synthgen.backends.hmr2_estimator import HMR2Estimator
from synthgen.backends.mirrored_bodies import averaged
from synthgen.geometry import intrinsics, rotvec_to_rotmat
from synthgen.joints import SMPL24

RANDOM = np.random.default_rng(6)
PICTURE = RANDOM.integers(0, 256, (15, 20, 3), dtype=np.uint8).repeat(12, 0).repeat(12, 1)
BOX = np.array([[60.0, 30, 110, 140]])
CAMERA = intrinsics(300.0, PICTURE.shape[:2])


@pytest.fixture
def model(saved: Callable[[str], Path]) -> HMR2Estimator:
    estimator = HMR2Estimator(str(saved("hmr2")), batch_size=1)
    estimator.setup()
    return estimator


def test_a_person_moves_with_the_picture(model: HMR2Estimator) -> None:
    """The same pixels elsewhere in a larger picture: same body, same pixels covered."""
    canvas = np.zeros((300, 400, 3), np.uint8)
    canvas[100:280, 140:380] = PICTURE
    moved = model([canvas], [BOX + [140, 100, 140, 100]], [CAMERA])[0].people[0]
    first = model([PICTURE], [BOX], [CAMERA])[0].people[0]
    assert np.allclose(moved.body_pose, first.body_pose, atol=1e-5)
    pixel, pixel_moved = (CAMERA @ person.transl / person.transl[2] for person in (first, moved))
    assert np.allclose(pixel_moved - pixel, [140, 100, 0], atol=1e-3)
    assert np.allclose(first.transl[2], moved.transl[2])


def test_the_body_lies_where_its_crop_camera_saw_it(model: HMR2Estimator) -> None:
    """Project a point by both cameras; the crop is 64 px of a square of 110 px around (85, 85)."""
    person = model([PICTURE], [BOX], [CAMERA])[0].people[0]
    crops = model._crop(PICTURE, np.array([85.0, 85.0]), 110.0, 64)[None]
    with torch.inference_mode():
        output = model._model(crops)
    scale, x, y = output.pred_cam[0].double().numpy()
    point = np.array([0.1, -0.2, 0.0])
    # The weak camera of the crop: half its side is 1 unit at depth 1, the middle of the crop lies at 64 / 2.
    in_crop = 32 + 32 * scale * (point[:2] + [x, y])
    expected = 85 + (in_crop - 32) * 110 / 64
    seen = CAMERA @ (point + person.transl)
    assert np.allclose(seen[:2] / seen[2], expected, atol=1e-3)
    assert np.allclose(rotvec_to_rotmat(person.global_orient), output.global_orient[0].numpy(), atol=1e-5)
    assert np.allclose(rotvec_to_rotmat(person.body_pose), output.body_pose[0].numpy(), atol=1e-5)


def test_focal_length_decides_the_distance(model: HMR2Estimator) -> None:
    near, far = (
        model([PICTURE], [BOX], [intrinsics(focal, PICTURE.shape[:2])])[0].people[0]
        for focal in (300.0, 600.0)
    )
    assert np.isclose(far.transl[2], 2 * near.transl[2])
    real, even = intrinsics(300.0, PICTURE.shape[:2]), intrinsics(300.0 * 1.004**0.5, PICTURE.shape[:2])
    real[1, 1] *= 1.004  # as 3DPW's phone has it
    one, other = (model([PICTURE], [BOX], [camera])[0].people[0] for camera in (real, even))
    assert np.allclose(one.transl, other.transl, rtol=1e-6), "the mean of both"
    wrong = CAMERA.copy()
    wrong[1, 1] *= 2
    with pytest.raises(ValueError, match=r"one focal length for both axes"):
        model([PICTURE], [BOX], [wrong])


def test_boxes_may_be_enlarged_or_empty(model: HMR2Estimator, saved: Callable[[str], Path]) -> None:
    wider = HMR2Estimator(str(saved("hmr2")), box_scale=1.5)
    wider.setup()
    grown = np.array([[85 - 37.5, 85 - 82.5, 85 + 37.5, 85 + 82.5]])
    ours, theirs = (one([PICTURE], [box], [CAMERA])[0] for one, box in ((wider, BOX), (model, grown)))
    assert np.allclose(ours.tokens, theirs.tokens, atol=1e-5)
    assert len(model([PICTURE], [np.array([[5.0, 5, 5, 5]])], [CAMERA])[0].people) == 1, "a point is no crash"
    none = model([PICTURE], [np.zeros((0, 4))], [CAMERA])[0]
    assert none.people == () and none.tokens.shape == (0, *ours.tokens.shape[1:])


def test_published_layout_loads(saved: Callable[[str], Path], tmp_path: Path, monkeypatch: Any) -> None:
    """A Lightning checkpoint goes through the strict loader; here of the small sizes."""
    from synthgen.backends import hmr2

    small = hmr2.HMR2.from_folder(saved("hmr2"))
    torch.save({"state_dict": small.state_dict()}, tmp_path / "epoch=35.ckpt")
    monkeypatch.setattr(hmr2, "configs_of", lambda _: (small.config.backbone, small.config.decoder))
    estimator = HMR2Estimator(str(tmp_path / "epoch=35.ckpt"), body="smpl")
    estimator.setup()
    from_folder = replace(estimator, id=str(saved("hmr2")))
    from_folder.setup()
    ours, theirs = (one([PICTURE], [BOX], [CAMERA])[0].tokens for one in (estimator, from_folder))
    assert np.array_equal(ours, theirs)
    with pytest.raises(ValueError, match=r"body must be open or smpl, got 'star'"):
        HMR2Estimator(body="star")


@pytest.mark.parametrize("flip_test", [False, True])
def test_with_the_flip_test_a_mirror_image_has_the_mirrored_body(
    flip_test: bool, saved: Callable[[str], Path]
) -> None:
    model = HMR2Estimator(str(saved("hmr2")), flip_test=flip_test)
    model.setup()
    width = PICTURE.shape[1]
    camera = intrinsics(300.0, PICTURE.shape[:2])
    box = BOX.copy()
    box[:, [0, 2]] = width - 1 - BOX[:, [2, 0]]
    here = model([PICTURE], [BOX], [camera])[0].people[0]
    there = model([np.ascontiguousarray(PICTURE[:, ::-1])], [box], [camera])[0].people[0]
    pose, other = (np.concatenate([one.global_orient[None], one.body_pose]) for one in (here, there))
    back = other[list(SMPL24.flip_permutation())] * (1, -1, -1)  # axis-angle of a mirrored rotation
    apart = rotvec_to_rotmat(pose) - rotvec_to_rotmat(back)
    assert (np.abs(apart).mean() < 2e-3) == flip_test
    if flip_test:
        assert np.abs(here.betas - there.betas).mean() < 2e-3
        pixel, mirror_pixel = (camera @ person.transl / person.transl[2] for person in (here, there))
        assert np.allclose(pixel[0], width - 1 - mirror_pixel[0], atol=1) and np.isclose(
            pixel[1], mirror_pixel[1], atol=1
        )


def test_the_mean_of_a_body_and_its_mirror_image_is_that_body() -> None:
    """What says the same from both sides stays as it is; tokens are those of the crop itself."""
    torch.manual_seed(0)
    turns = torch.randn(2, 24, 3).double()
    matrices = torch.from_numpy(rotvec_to_rotmat(turns.numpy()))
    mirror = torch.from_numpy(
        rotvec_to_rotmat(turns.numpy()[:, list(SMPL24.flip_permutation())] * (1, -1, -1))
    )
    betas, cam = torch.randn(2, 10).double(), torch.tensor([[0.9, 0.1, 0.2], [1.1, -0.3, 0.0]]).double()
    tokens = torch.randn(2, 4, 8).double()
    once = HMR2Output(matrices[:, 0], matrices[:, 1:], betas, cam, tokens)
    other = HMR2Output(mirror[:, 0], mirror[:, 1:], betas, cam * torch.tensor([1.0, -1.0, 1.0]), -tokens)
    mean = averaged(once, other)
    for name, value in vars(once).items():
        assert torch.allclose(getattr(mean, name), value, atol=1e-6), name
