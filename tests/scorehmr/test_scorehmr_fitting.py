"""Fits lie on the joints they are given; who cannot be fitted stays as he is, with a reason."""

from dataclasses import replace

import numpy as np
import pytest
from score_people import CAMERA, cases_of, nudged, person, tiny_denoiser

from synthgen.backends.model_files import BUNDLED_FOLDER
from synthgen.backends.vposer import VPoser
from synthgen.body import OPEN_FILE, Body
from synthgen.body_file import read_body_file
from synthgen.geometry import project
from synthgen.joints import COCO17, FEET6, SMPL24
from synthgen.sample import Person
from synthgen.scorehmr.cases import Cases, Weights
from synthgen.scorehmr.fitting import FittingOptions
from synthgen.scorehmr.refinery import Fitted, Refinery, published
from synthgen.scorehmr.sampling import GuidanceOptions

FEW = FittingOptions(steps=40, rate=0.04)
SHORT = GuidanceOptions(iterations=2)


@pytest.fixture(scope="module")
def refinery() -> Refinery:
    return Refinery(tiny_denoiser(), read_body_file(OPEN_FILE), SHORT)


@pytest.fixture(scope="module")
def prior() -> VPoser:
    return VPoser.from_folder(BUNDLED_FOLDER / "prior")


def pixel_errors(people: tuple[Person, ...], cases: Cases, body: Body) -> np.ndarray:
    joints = body.joints(body.pose(list(people)).points, COCO17).astype(np.float64)
    return np.linalg.norm(project(joints, CAMERA.cam_int) - cases.keypoints_2d, axis=-1).mean(-1)


def wrong(body: Body, count: int = 3, **more: object) -> Cases:
    rng = np.random.default_rng(3)
    truth = [person(rng) for _ in range(count)]
    return cases_of(truth, [nudged(one, rng) for one in truth], body, **more)


def test_fits_come_to_lie_on_the_joints(refinery: Refinery, prior: VPoser, body: Body) -> None:
    cases = wrong(body)
    before = pixel_errors(cases.people, cases, body)
    fits: list[Fitted] = [refinery.refine(cases), refinery.fit(cases, prior, FEW)]
    for fitted in fits:
        assert fitted.reasons == ("",) * 3
        assert (fitted.energy_after < fitted.energy_before).all()
        assert pixel_errors(fitted.people, cases, body).mean() < 0.7 * before.mean()


def test_several_starts_are_blended_and_none_is_the_published_loop(body: Body) -> None:
    features = np.zeros((3, 159), np.float32)
    cases = wrong(body, features=features)
    lost = replace(cases, confidence=cases.confidence * np.array([[1.0], [0.0], [1.0]]))
    arrays = read_body_file(OPEN_FILE)
    several = Refinery(tiny_denoiser(), arrays, replace(SHORT, iterations=4), samples=2)
    found = several.refine(lost)
    assert found.reasons == ("", "no keypoint was seen", "")
    assert np.allclose(found.people[1].body_pose, cases.people[1].body_pose, atol=1e-6)
    assert np.allclose(found.energy_before, several.refine_from(lost).energy_before), "of the estimates"
    assert (found.energy_after[[0, 2]] < 0.5 * found.energy_before[[0, 2]]).all()
    loop = replace(several, samples=0).refine(cases)
    again = several.refine_from(cases)
    assert all(
        np.array_equal(a.body_pose, b.body_pose) for a, b in zip(loop.people, again.people, strict=True)
    )
    assert not np.allclose(loop.people[0].body_pose, found.people[0].body_pose, atol=1e-4)


def test_good_estimates_stay_nearer_to_themselves_than_bad_ones(body: Body) -> None:
    """Of an estimate whose joints are off by as much as noise would be, half remains; of far ones little."""
    rng = np.random.default_rng(8)
    truth = [person(rng) for _ in range(2)]
    estimates = [nudged(truth[0], rng, 0.03), nudged(truth[1], rng, 0.6)]
    cases = cases_of(truth, estimates, body, features=np.zeros((2, 159), np.float32))
    several = Refinery(tiny_denoiser(), read_body_file(OPEN_FILE), replace(SHORT, iterations=4), samples=2)
    fits, means = (replace(several, noise=noise).refine(cases) for noise in (0.0, several.noise))
    near, far = fits.energy_before / (fits.energy_before + several.noise * several.weights.keypoints)
    assert near < 0.5 < 0.8 < far

    def way(people: tuple[Person, ...], row: int) -> float:
        return float(np.abs(people[row].body_pose - cases.people[row].body_pose).mean())

    for row, part in ((0, near), (1, far)):
        assert abs(way(means.people, row) / way(fits.people, row) - part) < 0.1
    assert (fits.energy_after <= means.energy_after + 1e-3).all() and (
        means.energy_before == fits.energy_before
    ).all()
    none = replace(several, noise=1e12).refine(cases)
    assert np.allclose(none.people[0].body_pose, cases.people[0].body_pose, atol=1e-4)


def test_feet_that_were_seen_are_fitted(refinery: Refinery, prior: VPoser, body: Body) -> None:
    rng = np.random.default_rng(5)
    truth = person(rng)
    ankles = [SMPL24.index(f"{side}_ankle") - 1 for side in ("left", "right")]
    pose = truth.body_pose.copy()
    pose[ankles] += [0.6, 0.3, 0]
    cases = cases_of([truth], [replace(truth, body_pose=pose)], body)
    feet = project(body.joints(body.pose([truth]).points, FEET6).astype(np.float64), CAMERA.cam_int)
    seen = replace(cases, feet=np.concatenate([feet, np.ones((1, len(FEET6), 1))], 2))

    def off(people: tuple[Person, ...]) -> float:
        found = project(body.joints(body.pose(list(people)).points, FEET6).astype(np.float64), CAMERA.cam_int)
        return float(np.linalg.norm(found - feet, axis=-1).mean())

    for fits in (lambda known: refinery.refine(known), lambda known: refinery.fit(known, None, FEW)):
        assert off(fits(seen).people) < 0.8 * off(fits(cases).people)
    with pytest.raises(ValueError, match=r"feet must be \(1, 6, 3\), got \(1, 6, 2\)"):
        replace(cases, feet=feet)


def test_views_of_a_moment_share_their_shape(refinery: Refinery, body: Body) -> None:
    cases = wrong(body, 2, moments=("a", "a"))
    one, other = cases.people
    cases = cases.with_people([replace(one, betas=one.betas + 1), other])
    shapes = [found.betas for found in refinery.refine(cases).people]
    assert np.allclose(shapes[0], shapes[1]) and np.allclose(shapes[0], 0.5)


def test_polish_moves_shapes_and_leaves_who_was_not_fitted(refinery: Refinery, body: Body) -> None:
    cases = wrong(body)
    cases = replace(cases, confidence=cases.confidence * np.array([[1.0], [0.0], [1.0]]))
    score = refinery.refine_from(cases)
    polished = refinery.polished(score, cases, FittingOptions(steps=20))
    assert polished.reasons == score.reasons and score.reasons[1]
    assert np.allclose(polished.people[1].body_pose, cases.people[1].body_pose, atol=1e-6)
    assert (polished.energy_after[[0, 2]] < score.energy_after[[0, 2]]).all()
    assert not np.allclose(polished.people[0].betas, score.people[0].betas)


@pytest.mark.parametrize("groups", ["moments", "clips"])
def test_groups_end_with_plain_steps_that_leave_shapes(groups: str, body: Body) -> None:
    """Views and frames, fitted from several starts, agree better than guidance leaves them; pictures stay."""
    names: dict[str, object] = {groups: ("a",) * 3} | ({"frames": (0, 1, 2)} if groups == "clips" else {})
    rng = np.random.default_rng(3)
    truth = [person(rng)] * 3
    guesses = [nudged(one, rng) for one in truth]
    cases = cases_of(truth, guesses, body, features=np.zeros((3, 159), np.float32), **names)
    several = Refinery(tiny_denoiser(), read_body_file(OPEN_FILE), SHORT, samples=2)
    found = several.refine(cases)
    scouted = several.scout(cases)
    guided = several.refine_from(
        cases.with_people(scouted.blended(("a",) * 3, several.warmth, several.below)), SHORT
    )
    assert found.energy_after.sum() < 0.98 * guided.energy_after.sum()
    for one, before in zip(found.people, guided.people, strict=True):
        assert np.array_equal(one.betas, before.betas)


def test_who_cannot_be_fitted_stays_as_he_is(refinery: Refinery, prior: VPoser, body: Body) -> None:
    cases = wrong(body)
    confidence = cases.confidence.copy()
    confidence[1] = 0
    behind = Person(
        *(getattr(cases.people[2], n) for n in ("global_orient", "body_pose", "betas")), np.zeros(3)
    )
    lost = Cases((*cases.people[:2], behind), cases.cameras, cases.keypoints_2d, confidence)
    for fitted in (refinery.refine(lost), refinery.fit(lost, prior, FEW)):
        assert fitted.reasons[0] == "" and fitted.reasons[1] == "no keypoint was seen"
        assert np.allclose(fitted.people[1].body_pose, lost.people[1].body_pose, atol=1e-5)
        assert np.isfinite(fitted.energy_after[0])
    alone = refinery.refine(cases.take([0]))
    assert np.allclose(alone.people[0].body_pose, refinery.refine(lost).people[0].body_pose, atol=1e-3)


def test_a_start_far_from_the_joints_is_placed_by_them(refinery: Refinery, body: Body) -> None:
    """Whoever stands behind the camera or metres away begins where the joints put the body."""
    cases = wrong(body)
    moved = [
        Person(one.global_orient, one.body_pose, one.betas, one.transl + np.array([5.0, 0, 30.0]))
        for one in cases.people
    ]
    fitted = refinery.refine(cases.with_people(moved))
    assert fitted.reasons == ("",) * 3
    assert pixel_errors(fitted.people, cases, body).mean() < 5


def test_views_come_to_agree_and_frames_to_move_smoothly(body: Body) -> None:
    rng = np.random.default_rng(5)
    pose = person(rng)
    turns = [0.0, 0.8, -0.8, 2.4]
    truth = [
        Person(person(rng, 0, turn).global_orient, pose.body_pose, pose.betas, pose.transl) for turn in turns
    ]
    estimates = [nudged(one, rng, 0.15) for one in truth]

    def spread(people: tuple[Person, ...]) -> float:
        return float(np.std([one.body_pose for one in people], axis=0).mean())

    views = cases_of(truth, estimates, body, moments=("a",) * 4)
    both = Refinery(tiny_denoiser(), read_body_file(OPEN_FILE), published("views"))
    assert spread(both.refine(views).people) < 0.5 * spread(views.people)
    clip = cases_of([pose] * 8, [nudged(pose, rng, 0.15) for _ in range(8)], body)
    clip = Cases(*(getattr(clip, n) for n in ("people", "cameras", "keypoints_2d", "confidence")),
                 clips=("a",) * 8, frames=tuple(range(8)))  # fmt: skip
    smooth = Refinery(tiny_denoiser(), read_body_file(OPEN_FILE), SHORT)
    assert spread(smooth.refine(clip).people) < 0.6 * spread(clip.people)


def test_cases_are_checked(body: Body) -> None:
    cases = wrong(body)
    with pytest.raises(ValueError, match=r"keypoints_2d must be \(3, 17, 2\)"):
        Cases(cases.people, cases.cameras, cases.keypoints_2d[:, :16], cases.confidence)
    with pytest.raises(ValueError, match="3 people but 2 clips"):
        Cases(cases.people, cases.cameras, cases.keypoints_2d, cases.confidence, clips=("a", "b"))
    with pytest.raises(ValueError, match="at least one person"):
        Cases((), (), np.zeros((0, 17, 2)), np.zeros((0, 17)))
    assert Weights(sigma=0, keypoints=-1).problems() and not Weights().problems()
    assert len(FittingOptions(steps=0, rate=-1, root_part=1.1).problems()) == 3
