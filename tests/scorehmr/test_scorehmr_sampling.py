from dataclasses import replace

import pytest
import torch
from score_goldens import (
    PUBLISHED,
    golden_points,
    goldens,
    guided,
    keypoints_of,
    public_denoiser,
    start_of,
)
from torch import Tensor

from synthgen.scorehmr.adam import Adam
from synthgen.scorehmr.denoiser import DenoiserConfig, ScoreDenoiser
from synthgen.scorehmr.groups import Groups
from synthgen.scorehmr.guidance import MultiView, Smoothness, Term
from synthgen.scorehmr.rotations import rot6d_to_rotmat
from synthgen.scorehmr.sampling import GuidanceOptions, SamplingOptions, refine, sample
from synthgen.scorehmr.state import Start, State
from synthgen.scorehmr.stopping import EarlyStopping
from synthgen.scorehmr.trajectory import trajectory

VIEWS = GuidanceOptions(iterations=2, start=100, step=10)  # as the public code evaluates several views
SHORT = GuidanceOptions(iterations=2, start=10, step=2)
SMALL = DenoiserConfig(pose_features=6, hidden=16, num_blocks=1, time_width=8)


@pytest.fixture(scope="module")
def denoiser() -> ScoreDenoiser:
    return public_denoiser(PUBLISHED["pare"], "model.")


def small(config: DenoiserConfig = SMALL) -> ScoreDenoiser:
    torch.manual_seed(0)
    return ScoreDenoiser(config).eval()


def terms_of(task: str, run: dict[str, Tensor]) -> list[Term]:
    one = Groups.of(["one"] * 4)
    return {
        "keypoint": [keypoints_of(run)],
        "multiview": [MultiView(one)],
        "temporal": [keypoints_of(run), Smoothness(one)],
    }[task]


@pytest.mark.parametrize("task", ["keypoint", "multiview", "temporal"])
def test_trajectories_agree_with_the_public_code(denoiser: ScoreDenoiser, task: str) -> None:
    run = guided(task)
    options = VIEWS if task == "multiview" else GuidanceOptions()
    given = (start_of(run), run["cond"], terms_of(task, run))
    steps = list(trajectory(denoiser, *given, options))
    assert len(steps) == (40 if task == "multiview" else 500)
    for row, index in enumerate(run["at"].tolist()):
        step = steps[index]
        for name, found in (("x_t", step.x), ("pred_noise", step.noise), ("x_start", step.clean)):
            scale = max(1, run[name][row].abs().max().item())
            assert torch.allclose(found, run[name][row], rtol=0, atol=2e-5 * scale), (name, index)
    assert torch.allclose(steps[-1].clean, run["x_0"], rtol=0, atol=2e-5)
    if "camera_translation" in run:
        assert torch.allclose(steps[-1].transl, run["camera_translation"], rtol=0, atol=2e-5)


def test_draws_from_noise_agree_with_the_public_code() -> None:
    run = goldens("vanilla.")
    found = sample(public_denoiser(PUBLISHED["pare"]), run["cond"], noise=run["x_T"])
    assert torch.allclose(found, run["x_0"], rtol=0, atol=1e-4)


def test_a_refinement_lowers_the_error_and_changes_nothing_that_it_was_given() -> None:
    run = guided("keypoint")
    before = {key: value.clone() for key, value in run.items()}
    start, features = start_of(run), torch.zeros(4, 6)
    found = refine(small(), start, features, [keypoints_of(run)])
    assert found.reasons == found.remarks == [""] * 4
    assert bool((found.energy_after < found.energy_before).all())
    identity = found.rotmat @ found.rotmat.transpose(-1, -2)
    assert torch.allclose(identity, torch.eye(3).expand_as(identity), atol=1e-5)
    assert torch.equal(found.betas, run["pred_betas"])
    assert all(torch.equal(value, before[key]) for key, value in run.items())
    assert all(value.grad is None and not value.requires_grad for value in run.values())


def test_the_last_step_is_the_result() -> None:
    run, model = guided("keypoint"), small()
    start, term = start_of(run), keypoints_of(run)
    *_, last = trajectory(model, start, torch.zeros(4, 6), [term], SHORT)
    found = refine(model, start, torch.zeros(4, 6), [term], SHORT)
    assert torch.equal(found.rotmat, model.decode(last.clean).rotmat) and torch.equal(
        found.transl, last.transl
    )


def test_people_do_not_depend_on_their_company() -> None:
    run, model = guided("keypoint"), small()
    features = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    together = refine(model, start_of(run), features, [keypoints_of(run)], SHORT)
    for one in range(4):
        row = slice(one, one + 1)
        shared = ("pred_pose", "pred_betas", "init_cam_t", "joints_2d", "joints_conf", "img_size")
        alone = run | {key: run[key][row] for key in (*shared, "camera_center", "focal_length")}
        found = refine(model, start_of(alone), features[row], [keypoints_of(alone)], SHORT)
        assert torch.allclose(found.rotmat[0], together.rotmat[one], atol=1e-5)
        assert torch.allclose(found.transl[0], together.transl[one], atol=1e-5)


def test_a_term_of_one_s_own_is_one_function() -> None:
    run, model = guided("keypoint"), small()

    def low_left_wrist(state: State) -> Tensor:
        joint = golden_points().names.index("left_wrist")
        return 50 * (state.points[:, joint, 1] - 1).square()

    def near(state: State) -> Tensor:
        return (state.transl[:, 2] - 3).square()

    start = start_of(run)
    found = refine(model, start, torch.zeros(4, 6), [low_left_wrist, near])
    assert bool((found.energy_after < found.energy_before).all())
    assert bool(((start.transl - found.transl)[:, 2] > 1).all())
    assert torch.equal(found.transl[:, :2], start.transl[:, :2])


def test_terms_add_up() -> None:
    run, model = guided("keypoint"), small()
    start, term = start_of(run), keypoints_of(run)
    twice = refine(model, start, torch.zeros(4, 6), [term, term], SHORT)
    double = refine(model, start, torch.zeros(4, 6), [replace(term, weight=2 * term.weight)], SHORT)
    assert torch.allclose(twice.rotmat, double.rotmat, atol=1e-5)


def test_without_a_pull_an_estimate_comes_back() -> None:
    run, model = guided("keypoint"), small()
    found = refine(model, start_of(run), torch.zeros(4, 6), [lambda state: 0 * state.x.sum(1)])
    assert torch.allclose(found.rotmat, run["pred_pose"], atol=0.05)
    assert torch.equal(found.transl, run["init_cam_t"])


def test_shapes_follow_where_the_denoiser_knows_them() -> None:
    run = guided("keypoint")
    model = small(replace(SMALL, use_betas=True, shape_features=6))
    model.betas_min.fill_(-5)
    model.betas_max.fill_(5)
    taller = 3.0

    def first_beta(state: State) -> Tensor:
        return 3 * (state.betas[:, 0] - taller).square()

    found = refine(model, start_of(run), torch.zeros(4, 6), [first_beta])
    distance = (run["pred_betas"][:, 0] - taller).abs()
    assert bool(((found.betas[:, 0] - taller).abs() < 0.5 * distance).all())


def test_fresh_noise_comes_from_the_generator() -> None:
    run, model = guided("keypoint"), small()
    options = replace(SHORT, eta=0.5)
    given = (model, start_of(run), torch.zeros(4, 6), [keypoints_of(run)], options)
    first, again, other = (refine(*given, torch.Generator().manual_seed(seed)).rotmat for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    drawn = [sample(model, torch.zeros(2, 6), generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert drawn[0].shape == (2, 144) and drawn[0].abs().max() <= 1


def test_the_camera_may_stay() -> None:
    run, model = guided("keypoint"), small()
    options = replace(SHORT, camera_rate=0.0)
    found = refine(model, start_of(run), torch.zeros(4, 6), [keypoints_of(run)], options)
    assert torch.equal(found.transl, run["init_cam_t"])


def test_early_stopping_keeps_what_stood_still_and_goes_on_with_the_others() -> None:
    run, model = guided("keypoint"), small()
    start, term = start_of(run), keypoints_of(run)

    def still(state: State) -> Tensor:  # person 0 stands still from the second guided step on
        return torch.where(torch.arange(4) == 0, 0 * state.x.sum(1) + 1, term(state))

    given = (model, start, torch.zeros(4, 6), [still])
    plain = list(trajectory(*given, SHORT))
    steps = list(trajectory(*given, replace(SHORT, early_stopping=True)))
    at = [index for index, step in enumerate(plain) if not step.is_inverse][1]
    assert torch.equal(steps[-1].clean[0], plain[at].clean[0]) and len(steps) == len(plain)
    assert not torch.equal(plain[-1].clean[0], plain[at].clean[0])
    assert torch.equal(steps[-1].clean[1:], plain[-1].clean[1:])
    short = list(trajectory(*given, replace(SHORT, early_stopping=True, tolerance=10.0)))
    assert len(short) == at + 1  # nobody is left


def test_what_stands_still_pulls_no_more() -> None:
    stopping = EarlyStopping(tolerance=0.01, floor=1.0)
    pull = torch.tensor([100.0, 100.0, 0.001], requires_grad=True)
    assert torch.equal(stopping.counted(pull), pull)
    stopping.kept(torch.zeros(3, 1), torch.zeros(3, 3))
    later = stopping.counted(pull * torch.tensor([1.001, 1.1, 2.0]))  # below the floor, 2 is no change
    assert [value == 0 for value in later.tolist()] == [True, False, True]
    assert torch.autograd.grad(later.sum(), pull)[0].tolist() == [0, pytest.approx(1.1), 0]


def test_adam_is_torch_s() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(5, 3, generator=generator)
    theirs = values.clone().requires_grad_()
    optimizer, adam = torch.optim.Adam([theirs], 0.02), Adam(0.02)
    for _ in range(5):
        gradient = torch.randn(5, 3, generator=generator)
        theirs.grad = gradient
        optimizer.step()
        before = values.clone()
        values = adam.step(kept := values, gradient)
        assert torch.equal(kept, before)
    assert torch.allclose(values, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (GuidanceOptions(iterations=0), "iterations must be at least 1, got 0"),
        (GuidanceOptions(start=2, step=4), r"step must be in \[1, start = 2\], got 4"),
        (GuidanceOptions(eta=2), r"eta must be in \[0, 1\], got 2"),
        (GuidanceOptions(scale=-1), "scale must be at least 0, got -1"),
        (GuidanceOptions(camera_rate=float("nan")), "camera_rate must be at least 0, got nan"),
        (GuidanceOptions(energy_floor=0), "energy_floor must be above 0, got 0"),
        (GuidanceOptions(start=1000), "start must be below the denoiser's 1000 steps, got 1000"),
    ],
)
def test_options_out_of_range_are_named(options: GuidanceOptions, message: str) -> None:
    run = guided("keypoint")
    with pytest.raises(ValueError, match=message):
        refine(small(), start_of(run), torch.zeros(4, 6), [keypoints_of(run)], options)


def test_draws_need_steps_that_the_schedule_has() -> None:
    with pytest.raises(ValueError, match="1 <= step <= start < 1000"):
        sample(small(), torch.zeros(2, 6), SamplingOptions(start=1000))
    with pytest.raises(ValueError, match=r"noise must be \(2, 144\), got \(3, 144\)"):
        sample(small(), torch.zeros(2, 6), noise=torch.zeros(3, 144))


def test_starts_that_are_no_bodies_are_named() -> None:
    run = guided("keypoint")
    start = start_of(run)
    for changes, message in (
        ({"transl": torch.zeros(3, 3)}, r"Start.transl must be \(4, 3\), got \(3, 3\)"),
        ({"betas": torch.full((4, 10), torch.inf)}, "Start.betas must be finite; person 0 is not"),
        ({"rotmat": torch.zeros(4, 24, 3, 3)}, r"Start.rotmat\[0, 0\] is no rotation"),
        ({"rotmat": -start.rotmat}, "mirrored"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(start, **changes)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one person"):
        Start(*(value[:0] for value in (start.rotmat, start.betas, start.transl)), start.points)
    assert rot6d_to_rotmat(torch.zeros(1, 6)).isfinite().all()
