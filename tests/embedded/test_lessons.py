"""Each model learns: a few steps on one batch lower its loss, and its figures and pictures are made."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from embedded_options import TINY
from torch import nn

from synthgen.backends.hmr2 import HMR2Output
from synthgen.backends.rotations import nearest_rotation, rot6d_to_rotmat
from synthgen.embedded import prior
from synthgen.embedded.crops import STILL
from synthgen.embedded.imagenet import normalized
from synthgen.embedded.keypoints import KeypointsLesson
from synthgen.embedded.loop import Draw
from synthgen.embedded.mesh import MeshLesson
from synthgen.embedded.mesh_student import look_error
from synthgen.embedded.prior import PriorLesson, area_under_curve
from synthgen.embedded.segmenter import SegmenterLesson, classes_of
from synthgen.embedded.vae import VaeLesson, psnr
from synthgen.geometry import rotvec_to_rotmat
from synthgen.scenes.poses import FAMILIES

FIGURES = {
    "vae": {"psnr_db"},
    "segmenter": {"iou_person", "iou_object"},
    "keypoints": {"pck"},
    "mesh": {"pa_mpjpe_mm", "mpjpe_mm", "pa_mpjpe_mm_sports", "mpjpe_mm_sports"},
}


@cache
def poses():
    rng = np.random.default_rng(0)
    return rng.normal(0, 0.4, (60, 21, 3)).astype(np.float32), np.arange(60) % len(FAMILIES)


def lesson_of(name, pictures):
    torch.manual_seed(1)
    made = {"vae": VaeLesson, "segmenter": SegmenterLesson, "keypoints": KeypointsLesson, "mesh": MeshLesson}
    return PriorLesson(TINY.prior, *poses()) if name == "prior" else made[name](getattr(TINY, name), pictures)


def same_draw():
    return Draw(np.random.default_rng(0), torch.Generator().manual_seed(0), torch.device("cpu"))


@pytest.mark.parametrize("name", ["vae", "segmenter", "keypoints", "mesh", "prior"])
def test_the_same_batch_is_learned(name, pictures):
    lesson = lesson_of(name, pictures)
    optimizer = torch.optim.AdamW(lesson.model.parameters(), lr=5e-3)
    losses = []
    for _ in range(25):
        loss = lesson.loss(lesson.model.train(), same_draw())["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0], losses


@pytest.mark.parametrize("name", FIGURES)
def test_figures_and_pictures_are_the_same_each_time(name, pictures):
    lesson = lesson_of(name, pictures)
    model = lesson.model.eval()
    with torch.no_grad():
        figures, picture = lesson.measure(model), lesson.picture(model)
        assert lesson.measure(model) == figures and np.array_equal(lesson.picture(model), picture)
    assert figures.keys() == FIGURES[name]
    assert picture.dtype == np.uint8 and picture.shape[2] == 3 and picture.std() > 10


def test_true_heatmaps_find_every_joint(pictures):
    lesson = KeypointsLesson(replace(TINY.keypoints, height=128), pictures)
    rows = pictures.people_rows(True)
    images = pictures.image[pictures.people.picture[rows]]
    _, joints, is_seen = lesson._batch(rows, images, STILL, np.random.default_rng(0))
    true = torch.from_numpy(lesson.heatmaps(joints, is_seen))
    assert is_seen.sum() > 10
    assert lesson.measure(_Fixed(true))["pck"] == 1
    assert lesson.measure(_Fixed(true.flip(3)))["pck"] < 0.7


class _Fixed(nn.Module):
    """Finds the same heatmaps in whatever it is shown."""

    def __init__(self, heatmaps) -> None:
        super().__init__()
        self.heatmaps = nn.Parameter(heatmaps)

    def forward(self, images):
        return self


def test_the_mesh_estimator_never_trains_on_sports(pictures):
    lesson = MeshLesson(TINY.mesh, pictures)
    families = {pictures.families[pictures.people.picture[row]] for row in lesson._train}
    assert families == {"everyday"}
    with pytest.raises(ValueError, match="no picture of everyday to train on"):
        MeshLesson(TINY.mesh, replace(pictures, families=("ski",) * len(pictures)))


def test_a_true_estimate_has_no_error(pictures):
    """The losses of the true parameters are zero, but for the camera, which is weak."""
    lesson = MeshLesson(TINY.mesh, pictures)
    batch = lesson.batch(pictures.people_rows(False), STILL, np.random.default_rng(0))
    count = len(batch.betas)
    cam = torch.tensor([[0.9, 0.0, 0.0]]).expand(count, -1)
    truth = HMR2Output(batch.rotmat[:, 0], batch.rotmat[:, 1:], batch.betas, cam, torch.zeros(count, 1, 1))
    errors = lesson._errors(truth, batch)
    assert errors["rotations"] < 1e-9 and errors["betas"] == 0 and errors["keypoints_3d"] < 1e-5
    moved = replace_betas(truth, batch.betas + 1)
    assert lesson._errors(moved, batch)["keypoints_3d"] > 1e-3


def replace_betas(output, betas):
    return HMR2Output(output.global_orient, output.body_pose, betas, output.pred_cam, output.tokens)


def test_the_estimator_starts_from_rotations_though_people_face_all_ways(pictures):
    """The mean of opposite orientations is no rotation; offsets from it would be of no size."""
    head = MeshLesson(TINY.mesh, pictures).model.get_submodule("hmr2.smpl_head")
    rotmat = rot6d_to_rotmat(head.init_body_pose.view(-1, 6))
    assert torch.allclose(head.init_body_pose.view(-1, 6).norm(dim=-1), torch.tensor(2**0.5), atol=1e-5)
    assert torch.allclose(torch.linalg.det(rotmat), torch.ones(len(rotmat)), atol=1e-5)
    opposite = rotvec_to_rotmat(np.array([[0.0, 0.1, 0.0], [0.0, np.pi - 0.2, 0.0]])).mean(0)
    found = nearest_rotation(torch.from_numpy(opposite))
    assert torch.allclose(found @ found.T, torch.eye(3, dtype=found.dtype), atol=1e-9)


def test_a_weak_camera_puts_joints_where_the_crop_shows_them(pictures):
    """With scale and shift fitted to the truth, projected joints lie within two hundredths of the crop."""
    lesson = MeshLesson(TINY.mesh, pictures)
    batch = lesson.batch(pictures.people_rows(False), STILL, np.random.default_rng(0))
    cam = torch.tensor([[0.9, 0.0, 0.0]]).repeat(len(batch.betas), 1).requires_grad_()
    optimizer = torch.optim.Adam([cam], lr=0.02)
    for _ in range(250):
        output = HMR2Output(batch.rotmat[:, 0], batch.rotmat[:, 1:], batch.betas, cam, torch.zeros(1))
        loss = (lesson.projected(output) - batch.keypoints_2d).abs().sum(-1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.02


def test_classes_of_masks():
    found = classes_of(np.array([[[0, 1, 3, 255, 0]]], np.uint8), np.array([[[0, 0, 0, 1, 1]]], np.uint8))
    assert found.tolist() == [[[0, 1, 1, 2, 2]]]


def test_psnr_of_a_known_error():
    target = torch.zeros(2, 3, 4, 4)
    assert abs(psnr(target + 0.2, target) - 20) < 1e-4


def test_area_under_curve():
    low, high = np.array([1.0, 2.0, 3.0]), np.array([3.0, 4.0])
    assert area_under_curve(low, high) == pytest.approx((2.5 + 3) / 6)
    assert area_under_curve(low, low) == pytest.approx(0.5)


def test_mirrored_poses_are_those_of_the_mirrored_body():
    pose = torch.from_numpy(poses()[0][:4])
    twice = prior.mirrored(prior.mirrored(pose, torch.ones(4, dtype=bool)), torch.ones(4, dtype=bool))
    assert torch.equal(twice, pose)
    once = prior.mirrored(pose, torch.tensor([True, False, False, False]))
    assert torch.equal(once[1:], pose[1:])
    assert torch.allclose(once[0, 0], pose[0, 1] * torch.tensor([1.0, -1.0, -1.0]))  # hips change sides


def test_poses_are_drawn_once_and_everyday_ones_most(tmp_path):
    options = replace(TINY.prior, poses=12, everyday=0.75)
    drawn, families = prior.open_poses(options, 0, tmp_path)
    made = (tmp_path / "poses.npz").stat().st_mtime_ns
    again, _ = prior.open_poses(options, 0, tmp_path)
    assert drawn.shape == (12, 21, 3) and np.array_equal(drawn, again)
    assert (tmp_path / "poses.npz").stat().st_mtime_ns == made
    assert (families == FAMILIES.index("everyday")).mean() > 0.4
    assert not np.array_equal(prior.open_poses(options, 1, tmp_path)[0], drawn)


def test_heads_that_look_at_their_joints_err_least():
    joints = torch.tensor([[[2.0, 1.0], [0.0, 3.0]]])
    looks = torch.zeros(1, 3, 16)  # 4 rows of 4 patches; the third head is free
    looks[0, 0, 1 * 4 + 2] = looks[0, 1, 3 * 4 + 0] = 2
    whole, one = torch.ones(1, 2), torch.tensor([[1.0, 0.0]])
    right, swapped = (look_error(looks[:, order], joints, whole, (4, 4)) for order in ([0, 1, 2], [1, 0, 2]))
    assert right < look_error(0 * looks, joints, whole, (4, 4)) < swapped
    first = (look_error(looks[:, order], joints, one, (4, 4)) for order in ([0, 1, 2], [0, 2, 1]))
    assert len({float(error) for error in first}) == 1  # joints outside the picture do not count


def test_a_student_answers_for_each_patch_and_joint(pictures):
    lesson = MeshLesson(TINY.mesh, pictures)
    batch = lesson.batch(pictures.people_rows(False)[:2], STILL, np.random.default_rng(0))
    answer = lesson.model.eval()(normalized(batch.images))
    grid = lesson.model.get_submodule("hmr2").config.backbone.grid
    assert answer.looks.shape == (2, TINY.mesh.decoder_heads, grid[0] * grid[1])
    assert answer.heatmaps.shape[:2] == (2, 17)
