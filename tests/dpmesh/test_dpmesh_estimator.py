"""DPMesh as a mesh estimator: where bodies land, whose joints it looks at, what it needs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from synthgen import backends
from synthgen.backends.protocols import Keypoints
from synthgen.body import load_body
from synthgen.dpmesh.config import embedded_config
from synthgen.dpmesh.cutting import Frame, crops_of
from synthgen.dpmesh.estimator import DPMeshEstimator
from synthgen.dpmesh.model import DPMesh
from synthgen.geometry import intrinsics, project, rotvec_to_rotmat
from synthgen.sample import Camera

RANDOM = np.random.default_rng(8)
PICTURE = RANDOM.integers(0, 256, (15, 20, 3), dtype=np.uint8).repeat(12, 0).repeat(12, 1)
BOX = np.array([[60.0, 30, 110, 140]])
CAMERA = intrinsics(300.0, PICTURE.shape[:2])
JOINTS = [Keypoints(RANDOM.uniform((60, 30), (110, 140), (1, 17, 2)), np.ones((1, 17)))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    where = tmp_path_factory.mktemp("models") / "dpmesh"
    DPMesh(embedded_config()).save_folder(where)
    return where


@pytest.fixture(scope="module")
def estimator(folder: Path) -> Iterator[DPMeshEstimator]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    model = DPMeshEstimator(str(folder), batch_size=2)
    model.setup()
    yield model
    torch.set_num_threads(before)


def test_the_body_lies_where_its_crop_saw_it(estimator: DPMeshEstimator, folder: Path) -> None:
    """What the model says of the crop, projected by the crop's camera, is the person in the picture."""
    person = estimator.with_keypoints([PICTURE], [BOX], [CAMERA], JOINTS)[0].people[0]
    camera = Camera(CAMERA, PICTURE.shape[:2])
    crops = crops_of(PICTURE, BOX, JOINTS[0].keypoints_2d, JOINTS[0].confidence, camera, Frame(128))
    with torch.inference_mode():
        bodies = DPMesh.from_folder(folder)(crops)
    body = load_body("open")
    pelvis = body.rest_pelvis(person.betas) + person.transl
    np.testing.assert_allclose(pelvis, bodies.transl[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(rotvec_to_rotmat(person.global_orient), bodies.rotmat[0, 0].numpy(), atol=1e-4)
    np.testing.assert_allclose(rotvec_to_rotmat(person.body_pose), bodies.rotmat[0, 1:].numpy(), atol=1e-4)
    in_crop = project(bodies.transl.numpy().astype(float), crops.cam_int[0].numpy().astype(float))[0]
    in_picture = project(pelvis[None], CAMERA)[0]
    side = 1.2 * 110  # of the crop in the picture, around (85, 85)
    np.testing.assert_allclose(85 + (in_crop - 63.5) * side / 128, in_picture, atol=1e-2)


def test_a_person_moves_with_the_picture(estimator: DPMeshEstimator) -> None:
    """The same pixels elsewhere in a larger picture with the same view: same body."""
    canvas = np.zeros((300, 400, 3), np.uint8)
    canvas[100:280, 140:380] = PICTURE
    shift = np.array([140.0, 100])
    moved_camera = CAMERA.copy()
    moved_camera[:2, 2] += shift
    joints = [replace(JOINTS[0], keypoints_2d=JOINTS[0].keypoints_2d + shift)]
    moved = estimator.with_keypoints([canvas], [BOX + [*shift, *shift]], [moved_camera], joints)[0].people[0]
    first = estimator.with_keypoints([PICTURE], [BOX], [CAMERA], JOINTS)[0].people[0]
    np.testing.assert_allclose(moved.body_pose, first.body_pose, atol=1e-3)
    np.testing.assert_allclose(moved.transl, first.transl, atol=1e-3)


def test_joints_come_from_its_own_keypoint_model(estimator: DPMeshEstimator) -> None:
    detector = backends.build(backends.MODELS["keypoints"], {"backend": "vitpose"})
    detector.setup()
    detected = detector([PICTURE], [BOX])
    found = estimator([PICTURE], [BOX], [CAMERA])[0]
    given = estimator.with_keypoints([PICTURE], [BOX], [CAMERA], detected)[0]
    assert np.array_equal(found.tokens, given.tokens)
    other = estimator.with_keypoints([PICTURE], [BOX], [CAMERA], JOINTS)[0]
    assert not np.allclose(found.tokens, other.tokens)
    assert found.tokens.shape[0] == 1 and found.tokens.shape[2] == embedded_config().feature_channels
    assert detector.version in estimator.version


def test_noise_is_seeded(estimator: DPMeshEstimator) -> None:
    arguments = [PICTURE] * 3, [BOX] * 3, [CAMERA] * 3, JOINTS * 3
    clean, noisy, again, other = (
        np.concatenate([one.tokens for one in estimator.with_keypoints(*arguments, seed)])
        for seed in (None, [4], [4], [4, 1])
    )
    assert np.array_equal(noisy, again)
    assert not np.array_equal(noisy, clean) and not np.array_equal(noisy, other)


def test_nobody_and_points(estimator: DPMeshEstimator) -> None:
    none = estimator([PICTURE], [np.zeros((0, 4))], [CAMERA])[0]
    assert none.people == () and none.tokens.shape[0] == 0 and none.tokens.ndim == 3
    point = estimator([PICTURE], [np.array([[5.0, 5, 5, 5]])], [CAMERA])[0]
    assert len(point.people) == 1 and np.isfinite(point.people[0].transl).all()
    assert point.tokens.shape[1:] == none.tokens.shape[1:]


def test_keys_are_checked_before_anything_is_loaded() -> None:
    problems = backends.model_problems(
        {"mesh": {"backend": "dpmesh", "body": "star", "padding": 0, "keypoints": {"backend": "vitposse"}}}
    )
    assert problems == [
        "models.mesh.padding must be in (0, 10], got 0.0",
        "models.mesh.body must be open or smpl, got 'star'",
        "models.mesh.keypoints.backend: unknown backend 'vitposse'; did you mean 'vitpose'?",
    ]


def test_bodies_of_smpl_need_smpl(folder: Path) -> None:
    """A model that this project trained on SMPL labels does not know where SMPL's pelvis is."""
    with pytest.raises(ValueError, match=r"gives bodies of smpl: smpl_file must say where SMPL's file is"):
        DPMeshEstimator(str(folder), body="smpl").setup()
    from synthgen.body import OPEN_FILE

    with pytest.raises(ValueError, match=r"holds the body open, expected smpl"):
        DPMeshEstimator(str(folder), body="smpl", smpl_file=str(OPEN_FILE)).setup()


def test_a_published_model_knows_its_own_pelvis(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a published checkpoint says of SMPL's pelvis comes off again, so that transl is SMPL's."""
    model = DPMesh.from_folder(folder)
    model.pelvis.copy_(torch.tensor([0.0, -0.2, 0.03]))
    model.pelvis_dirs[1] = 0.01
    monkeypatch.setattr(DPMesh, "from_folder", lambda _: model)
    published = DPMeshEstimator(str(folder), body="smpl")
    published.setup()
    person = published.with_keypoints([PICTURE], [BOX], [CAMERA], JOINTS)[0].people[0]
    model.pelvis.zero_()
    model.pelvis_dirs.zero_()
    camera = Camera(CAMERA, PICTURE.shape[:2])
    crops = crops_of(PICTURE, BOX, JOINTS[0].keypoints_2d, JOINTS[0].confidence, camera, Frame(128))
    with torch.inference_mode():
        np.testing.assert_allclose(person.transl, model(crops).transl[0].numpy(), atol=1e-5)
