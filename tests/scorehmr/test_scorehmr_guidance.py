from dataclasses import replace

import numpy as np
import pytest
import torch
from score_goldens import golden_points, guided, keypoints_of
from torch import Tensor

from synthgen.body import OPEN_FILE
from synthgen.body_file import read_body_file
from synthgen.joints import COCO17
from synthgen.scorehmr.cameras import Cameras, Extrinsics
from synthgen.scorehmr.denoiser import DenoiserConfig, ScoreDenoiser
from synthgen.scorehmr.groups import Groups
from synthgen.scorehmr.guidance import Keypoints, MultiView, Smoothness, Term
from synthgen.scorehmr.placement import SharedPlacement, least_squares_transl
from synthgen.scorehmr.points import SparsePoints
from synthgen.scorehmr.rotations import rot6d_to_rotmat
from synthgen.scorehmr.sampling import GuidanceOptions, Refined, refine
from synthgen.scorehmr.state import Start, State

SMALL = DenoiserConfig(pose_features=6, hidden=16, num_blocks=1, time_width=8)
POINTS = SparsePoints.of_joint_set(read_body_file(OPEN_FILE), COCO17)


def denoiser(config: DenoiserConfig = SMALL) -> ScoreDenoiser:
    torch.manual_seed(0)
    return ScoreDenoiser(config).eval()


def random_rotations(*shape: int, seed: int, size: float = 0.3) -> Tensor:
    """Return rotations (*shape, 3, 3) near the identity."""
    noise = torch.randn(*shape, 6, generator=torch.Generator().manual_seed(seed))
    return rot6d_to_rotmat(torch.tensor([1.0, 0, 0, 0, 1, 0]) + size * noise)


def state_of(start: Start, x: Tensor | None = None) -> State:
    model = denoiser()
    x = model.encode(start.rotmat, start.betas) if x is None else x
    return State(model, start, x, start.transl, (0, 0))


def pull_on(term: Term, start: Start) -> Tensor:
    """Return the gradient of a term in the vectors."""
    x = denoiser().encode(start.rotmat, start.betas).requires_grad_()
    return torch.autograd.grad(term(state_of(start, x)).sum(), x)[0]


def crowd(rotmat: Tensor, transl: Tensor | None = None) -> Start:
    count = len(rotmat)
    far = torch.tensor([0.0, 0.0, 4.0]).repeat(count, 1)
    return Start(rotmat, torch.zeros(count, 10), far if transl is None else transl, POINTS)


def cameras(count: int, focal_length: float = 600.0) -> Cameras:
    return Cameras(
        torch.full((count, 2), focal_length), torch.full((count, 2), 250.0), torch.full((count, 2), 500.0)
    )


def seen(start: Start) -> Keypoints:
    """Return the keypoints of bodies, exactly."""
    places = cameras(len(start)).project(start.positions)
    return Keypoints(places, torch.ones(places.shape[:2]), COCO17.names, cameras(len(start)))


def test_reprojection_error_by_hand() -> None:
    start = crowd(random_rotations(2, 24, seed=0))
    term = seen(start)
    assert term(state_of(start)).abs().max() < 1e-6
    nose = COCO17.index("nose")
    moved = term.keypoints_2d.clone()
    moved[1, nose, 0] += 50
    half = torch.ones(2, 17)
    half[:, nose] = 0.5
    energy = replace(term, keypoints_2d=moved, confidence=half)(state_of(start))
    robust = 100**2 * 50**2 / (100**2 + 50**2)
    assert energy[1].item() == pytest.approx(0.003 * (1000 / 500) ** 2 * 0.5**2 * robust, rel=1e-3)
    assert energy[0].abs() < 1e-6


def test_each_person_may_have_a_sigma() -> None:
    """A picture of twice the size with all errors doubled costs the same when its sigma is doubled too."""
    start = crowd(random_rotations(2, 24, seed=0)[:1].repeat(2, 1, 1, 1))
    scale = torch.tensor([1.0, 2.0])[:, None]
    lens = Cameras(*(value * scale for value in vars(cameras(2)).values()))
    places = lens.project(start.positions) + 60 * scale[..., None]
    term = Keypoints(places, torch.ones(2, 17), COCO17.names, lens, sigma=100 * scale[:, 0])
    energy = term(state_of(start))
    assert energy[0] > 1 and torch.allclose(energy[0], energy[1], rtol=1e-4)


def test_gradients_of_the_reprojection_error_are_those_of_autograd() -> None:
    run = guided("keypoint")
    term = keypoints_of({key: value.double() for key, value in run.items()})
    points = golden_points().double()(run["pred_pose"].double(), run["pred_betas"].double())
    leaves = points.requires_grad_(), run["init_cam_t"].double().requires_grad_()
    ours = torch.autograd.grad(term.energy(*leaves).sum(), leaves)
    placed = leaves[0] + leaves[1][:, None]
    error = term.cameras.project(placed) - term.keypoints_2d
    robust = error.square() * 1e4 / (error.square() + 1e4)
    scale = (1000 / term.cameras.image_size.amax(1)).square()[:, None]
    plain = (robust.sum(-1) * term.confidence.square() * scale).sum()
    for one, other in zip(ours, torch.autograd.grad(plain, leaves), strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-9)


def test_hips_can_be_left_out() -> None:
    start = crowd(random_rotations(1, 24, seed=0))
    moved = seen(start).keypoints_2d.clone()
    moved[:, [COCO17.index("left_hip"), COCO17.index("right_hip")]] += 30
    term = replace(seen(start), keypoints_2d=moved)
    assert term(state_of(start)) > 1
    assert replace(term, use_hips=False)(state_of(start)) < 1e-6


def test_positions_of_missing_keypoints_mean_nothing() -> None:
    start = crowd(random_rotations(2, 24, seed=0))
    lost = torch.zeros(2, 17, dtype=torch.bool)
    lost[0, 3] = lost[1, 5:9] = True
    energies = []
    for value in (0.0, 1e6, float("nan")):
        places = torch.where(lost[..., None], value, seen(start).keypoints_2d + 20)
        term = replace(seen(start), keypoints_2d=places, confidence=(~lost).float())
        assert bool(torch.isfinite(pull_on(term, start)).all())
        energies.append(term(state_of(start)))
    assert torch.equal(energies[0], energies[1]) and torch.equal(energies[0], energies[2])


def test_views_are_pulled_to_the_mean_of_their_own_group() -> None:
    """Groups of three, one and two views, mixed in the batch; roots are free."""
    start = crowd(random_rotations(6, 24, seed=0))
    names = ["a", "b", "a", "c", "a", "b"]
    term = MultiView(Groups.of(names), weight=2.0)
    pose = denoiser().encode(start.rotmat, start.betas)
    expected = torch.zeros(6)
    for row, name in enumerate(names):
        group = torch.stack([pose[other, 6:] for other in range(6) if names[other] == name])
        expected[row] = 2 * (pose[row, 6:] - group.mean(0)).square().sum()
    assert torch.allclose(term(state_of(start)), expected, rtol=1e-5)
    assert expected[3] == 0 < expected[0]
    pull = pull_on(term, start)
    assert torch.equal(pull[:, :6], torch.zeros(6, 6)) and torch.equal(pull[3], torch.zeros(144))
    numeric = pose.double().requires_grad_()
    groups = Groups.of(names)
    total = 2 * (numeric[:, 6:] - groups.shared(numeric[:, 6:])).square().sum()
    assert torch.allclose(pull, torch.autograd.grad(total, numeric)[0].float(), atol=1e-4)


def views(count: int) -> tuple[Start, Extrinsics, Tensor]:
    """Return one body before cameras around it, the cameras, and the pelvis in the world (3,)."""
    body = random_rotations(1, 24, seed=1)
    angles = torch.linspace(0, 4, count)
    turn = torch.eye(3).repeat(count, 1, 1)
    turn[:, 0, 0] = turn[:, 2, 2] = angles.cos()
    turn[:, 0, 2], turn[:, 2, 0] = angles.sin(), -angles.sin()
    world = Extrinsics(turn, torch.tensor([0.0, 0.0, 5.0]).repeat(count, 1))
    rotmat = body.repeat(count, 1, 1, 1)
    rotmat[:, 0] = turn @ rotmat[:, 0]
    pelvis = torch.tensor([0.3, -0.2, 0.1])
    transl = world.to_camera(pelvis.repeat(count, 1)) - POINTS.rest_pelvis(torch.zeros(count, 10))
    return crowd(rotmat, transl), world, pelvis


def test_calibrated_views_agree_in_the_world() -> None:
    start, world, _ = views(4)
    one = Groups.of([0] * 4)
    assert MultiView(one, world)(state_of(start)).max() < 1e-6
    turned = start.rotmat.clone()
    turned[2, 0] = turned[2, 0] @ random_rotations(seed=5)
    off = replace(start, rotmat=turned)
    assert MultiView(one)(state_of(off)).max() < 1e-6  # uncalibrated, roots may turn as they like
    energy = MultiView(one, world)(state_of(off))
    assert energy.argmax() == 2 and bool((energy > 0.1).all())
    assert bool((pull_on(MultiView(one, world), off)[:, :6].abs().amax(1) > 0.1).all())


def test_shared_placement_keeps_one_pelvis_in_the_world() -> None:
    start, world, pelvis = views(3)
    placement = SharedPlacement(Groups.of([0] * 3), world)
    rest = POINTS.rest_pelvis(start.betas)
    assert torch.allclose(placement.parameters(start.transl, rest), pelvis[None], atol=1e-5)
    noisy = start.transl + 0.3 * torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
    shared = placement.transl(placement.parameters(noisy, rest), rest)
    assert torch.allclose(world.to_world(shared + rest)[0], world.to_world(shared + rest)[2], atol=1e-5)
    term = seen(start)
    run = replace(start, transl=shared, placement=placement)
    found = refine(denoiser(), run, torch.zeros(3, 6), [term, MultiView(placement.groups, world)])
    places = world.to_world(found.transl + rest)
    assert torch.allclose(places[0], places[1], atol=1e-4)
    assert (places[0] - pelvis).norm() < 0.5 * (world.to_world(shared + rest)[0] - pelvis).norm()


def test_views_of_one_place_start_there_whatever_one_of_them_says() -> None:
    """One view's estimate lies behind its camera; the place that all share does not."""
    start, world, _ = views(4)
    placement = SharedPlacement(Groups.of([0] * 4), world)
    term = seen(start)
    transl = start.transl.clone()
    transl[1, 2] = -0.5
    off = replace(start, transl=transl, placement=placement)
    found = refine(denoiser(), off, torch.zeros(4, 6), [term])
    assert found.reasons == [""] * 4
    assert bool((found.energy_after < found.energy_before).all())
    still = refine(denoiser(), off, torch.zeros(4, 6), [term], GuidanceOptions(1, 4, 2, camera_rate=0.0))
    assert torch.allclose(still.transl, off.placed, atol=1e-6)


def test_neighbouring_frames_are_alike() -> None:
    """Two clips of three and two frames and a lone one, mixed and not in order."""
    start = crowd(random_rotations(6, 24, seed=0))
    clips, frames = ["a", "b", "a", "c", "a", "b"], torch.tensor([2, 9, 0, 5, 1, 7])
    pose = denoiser().encode(start.rotmat, start.betas)

    def apart(one: int, other: int) -> Tensor:
        return (pose[one] - pose[other]).square().sum()

    total = Smoothness(Groups.of(clips), frames, weight=3)(state_of(start)).sum()
    expected = 3 * (apart(2, 4) + apart(4, 0) + apart(5, 1) / 2)
    assert torch.allclose(total, expected, rtol=1e-5)
    in_order = Smoothness(Groups.of(clips), weight=3)(state_of(start)).sum()
    assert torch.allclose(in_order, 3 * (apart(0, 2) + apart(2, 4) + apart(1, 5)), rtol=1e-5)


def test_translations_can_be_smooth_too() -> None:
    start = crowd(random_rotations(3, 24, seed=0))
    transl = torch.tensor([[0.0, 0, 4], [1, 0, 4], [1, 2, 4]])
    one = Groups.of(["a"] * 3)
    energies = [
        Smoothness(one, weight=1, transl_weight=weight)(state_of(replace(start, transl=transl))).sum()
        for weight in (0.0, 10.0)
    ]
    assert (energies[1] - energies[0]).item() == pytest.approx(10 * (1 + 4), rel=1e-4)


def test_a_clip_is_smoothed_and_a_frame_without_keypoints_goes_along() -> None:
    clean = random_rotations(1, 24, seed=0, size=0.2).repeat(5, 1, 1, 1)
    start = crowd(clean @ random_rotations(5, 24, seed=1, size=0.1))
    term = seen(crowd(clean))
    confidence = term.confidence.clone()
    confidence[2] = 0
    terms = [replace(term, confidence=confidence), Smoothness(Groups.of(["a"] * 5))]
    found = refine(denoiser(), start, torch.zeros(5, 6), terms)
    assert found.reasons == [""] * 5
    assert found.remarks == ["", "", "no keypoint was seen", "", ""]

    def roughness(rotmat: Tensor) -> Tensor:
        return (rotmat[2:] - 2 * rotmat[1:-1] + rotmat[:-2]).square().sum()

    assert roughness(found.rotmat) < 0.1 * roughness(start.rotmat)


def fit(start: Start, terms: list[Term], features: Tensor) -> Refined:
    return refine(denoiser(), start, features, terms, GuidanceOptions(iterations=2, start=10, step=2))


def test_groups_of_a_batch_do_not_see_each_other() -> None:
    """Ragged groups and clips in one batch give what each gives alone."""
    start = crowd(random_rotations(6, 24, seed=0))
    term = replace(seen(start), keypoints_2d=seen(start).keypoints_2d + 15)
    features = torch.randn(6, 6, generator=torch.Generator().manual_seed(0))
    names = ["a", "b", "a", "b", "b", "a"]
    together = fit(start, [term, MultiView(Groups.of(names)), Smoothness(Groups.of(names))], features)
    for name in "ab":
        rows = [row for row, other in enumerate(names) if other == name]
        alone = Start(start.rotmat[rows], start.betas[rows], start.transl[rows], POINTS)
        part = Keypoints(term.keypoints_2d[rows], term.confidence[rows], COCO17.names, cameras(len(rows)))
        own = Groups.of([0] * len(rows))
        found = fit(alone, [part, MultiView(own), Smoothness(own)], features[rows])
        assert torch.allclose(found.rotmat, together.rotmat[rows], atol=1e-4)
        assert torch.allclose(found.transl, together.transl[rows], atol=1e-4)


def test_shapes_are_shared_where_the_denoiser_knows_them() -> None:
    model = denoiser(replace(SMALL, use_betas=True, shape_features=6))
    start = crowd(random_rotations(1, 24, seed=0).repeat(2, 1, 1, 1))
    x = model.encode(start.rotmat, torch.stack([torch.zeros(10), torch.ones(10)]))
    state = State(model, start, x, start.transl, (0, 0))
    one = Groups.of([0, 0])
    assert MultiView(one, weight=1)(state).tolist() == [pytest.approx(2.5)] * 2
    assert MultiView(one, weight=1, shares_betas=False)(state).tolist() == [0, 0]


def test_true_intrinsics_project_as_opencv_does() -> None:
    cam_int = torch.tensor([[[500.0, 0, 320], [0, 450, 200], [0, 0, 1]]])
    camera = Cameras.of_intrinsics(cam_int, torch.tensor([[480, 640]]))
    assert camera.project(torch.tensor([[[1.0, -2, 4]]])).tolist() == [[[445, -25]]]
    guessed = Cameras.guessed(torch.tensor([[480, 640]]))
    assert guessed.center.tolist() == [[320, 240]] and guessed.focal_length.tolist() == [[5000, 5000]]


def test_translations_by_least_squares() -> None:
    start = crowd(random_rotations(3, 24, seed=0))
    true = torch.tensor([[0.2, 0.1, 3], [-1, 0.5, 8], [0.0, 0, 2]])
    points = POINTS(start.rotmat, start.betas)
    places = cameras(3).project(points + true[:, None])
    confidence = torch.ones(3, 17)
    confidence[0, 4:] = 0
    places[0, 4:] = torch.nan
    confidence[2] = 0
    found = least_squares_transl(points, places, confidence, cameras(3))
    assert torch.allclose(found[:2], true[:2], atol=1e-3)
    assert bool(found[2].isnan().all())


def test_groups_keep_order_and_means() -> None:
    groups = Groups.of(["x", ("y", 1), "x"])
    assert groups.members.tolist() == [0, 1, 0] and groups.is_alone.tolist() == [False, True, False]
    values = torch.arange(6.0).view(3, 2)
    assert groups.mean(values).tolist() == [[2, 3], [2, 3]]
    assert np.array_equal(groups.shared(values), [[2, 3]] * 3)
