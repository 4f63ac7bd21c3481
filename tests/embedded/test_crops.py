import numpy as np
import pytest
import torch

from synthgen import crop_moves
from synthgen.body import OPEN_FILE, Body
from synthgen.body_file import read_body_file
from synthgen.body_points import BodyPoints, blend
from synthgen.crop_moves import View
from synthgen.embedded import crops
from synthgen.embedded.crops import STILL, Frame, Jitter
from synthgen.geometry import rotvec_to_rotmat
from synthgen.joints import COCO17, SMPL24
from synthgen.sample import Person

WILD = Jitter(scale=0.3, shift=0.1, rotation=0.6, flip=0.5, color=0.3)
FRAME = Frame((64, 48), 1.25, (23.5, 31.5))


def rng():
    return np.random.default_rng(4)


def test_the_whole_picture_is_cut_out_as_it_is(pictures):
    side = pictures.size
    box = np.array([[-0.5, -0.5, side - 0.5, side - 0.5]])
    frame = Frame((side, side), 0.75, ((side - 1) / 2, (side - 1) / 2))  # the square box is widened to 3:4
    view = crops.place(box, frame, STILL, rng())
    found = crops.sample(pictures.image[[2]], view, frame.size)
    assert np.abs(found[0].permute(1, 2, 0).numpy() * 255 - pictures.image[2]).max() < 0.01


def test_joints_move_with_what_the_picture_shows():
    """A bright dot painted at a joint is found where the label went, in whatever crop."""
    images = np.zeros((6, 128, 128, 3), np.uint8)
    spots = np.tile(rng().integers(40, 88, (6, 1, 2)), (1, len(COCO17), 1))
    for image, spot in zip(images, spots[:, 0], strict=True):
        image[spot[1] - 1 : spot[1] + 2, spot[0] - 1 : spot[0] + 2] = 255
    view = crops.place(np.tile([30.0, 20.0, 90.0, 100.0], (6, 1)), FRAME, WILD, rng())
    assert view.is_flipped.any() and not view.is_flipped.all() and (view.angle != 0).any()
    cut = crops.sample(images, view, FRAME.size)[:, 0].numpy()
    moved = crop_moves.move_2d(spots.astype(float), view, COCO17)[:, 0]
    y, x = np.mgrid[: FRAME.size[0], : FRAME.size[1]]
    for picture, spot in zip(cut, moved, strict=True):
        center = [(picture * x).sum() / picture.sum(), (picture * y).sum() / picture.sum()]
        assert np.abs(center - spot).max() < 0.2


def test_poses_move_as_joints_do(body: Body):
    draw = rng()
    count = 8
    orient, pose = draw.normal(0, 0.6, (count, 3)), draw.normal(0, 0.3, (count, 23, 3))
    people = [Person(orient[n], pose[n], np.zeros(10), np.zeros(3)) for n in range(count)]
    joints = body.joints(body.pose(people).points, SMPL24)
    view = crops.place(np.tile([10.0, 10.0, 60.0, 90.0], (count, 1)), FRAME, WILD, draw)
    assert view.is_flipped.any()
    rotmat = torch.from_numpy(crop_moves.move_pose(orient, pose, view)).float()
    found = blend(BodyPoints(read_body_file(OPEN_FILE))(rotmat, torch.zeros(count, 10)), SMPL24).numpy()
    expected = crop_moves.move_3d(joints - joints[:, :1], view, SMPL24)
    assert np.abs(found - found[:, :1] - expected).max() < 2e-4


def test_joints_outside_or_hidden_are_not_seen():
    view = View(np.eye(2, 3)[None], np.zeros(1), np.zeros(1, bool))
    points = np.full((1, 17, 2), 20.0)
    points[0, 0] = (-3, 5)
    visibility = np.ones((1, 17))
    visibility[0, 1] = 0.2
    assert crops.seen(points, visibility, view, (64, 48))[0].tolist() == [0, 0, *[1] * 15]


def test_sides_are_exchanged_in_mirrored_crops_only():
    view = View(np.eye(2, 3)[None].repeat(2, 0), np.zeros(2), np.array([False, True]))
    values = np.tile(np.arange(17.0), (2, 1))
    found = crop_moves.swap_sides(values, view, COCO17)
    assert found[0].tolist() == values[0].tolist()
    assert found[1, COCO17.index("left_knee")] == COCO17.index("right_knee")
    assert found[1, COCO17.index("nose")] == COCO17.index("nose")


@pytest.mark.parametrize("jitter", [STILL, WILD])
def test_colours_change_within_their_range(jitter):
    images = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    found = crops.recolor(images, jitter, rng())
    assert found.min() >= 0 and found.max() <= 1
    assert torch.allclose(found, images, atol=1e-6) == (jitter is STILL)


def test_points_are_those_of_the_body(body: Body):
    draw = rng()
    people = [
        Person(draw.normal(0, 1, 3), draw.normal(0, 0.4, (23, 3)), draw.normal(0, 1, 10), np.zeros(3))
        for _ in range(3)
    ]
    rotvec = np.stack([np.vstack([person.global_orient, person.body_pose]) for person in people])
    rotmat = torch.from_numpy(rotvec_to_rotmat(rotvec)).float()
    betas = torch.from_numpy(np.stack([person.betas for person in people])).float()
    found = BodyPoints(read_body_file(OPEN_FILE))(rotmat, betas)
    assert np.abs(found.numpy() - body.pose(people).points).max() < 1e-5


def test_softening_takes_detail_from_half_a_batch_and_keeps_its_colours():
    images = torch.rand(6, 3, 32, 24)
    soft = crops.soften(images, Jitter(soften=1.0), rng())
    assert torch.equal(soft[:3], images[:3])
    assert (soft[3:].diff(dim=3).abs().mean() < 0.7 * images[3:].diff(dim=3).abs().mean()).item()
    torch.testing.assert_close(soft.mean((2, 3)), images.mean((2, 3)), atol=0.03, rtol=0)


def test_softening_can_be_off_and_leaves_a_single_picture_alone():
    images = torch.rand(4, 3, 16, 16)
    assert crops.soften(images, STILL, rng()) is images
    assert torch.equal(crops.soften(images[:1], Jitter(soften=1.0), rng()), images[:1])
