"""What cannot be fitted is an error or a person who comes back unchanged with a reason; never a wrong fit."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from score_goldens import guided, keypoints_of, start_of
from torch import Tensor

from synthgen.joints import COCO17, OPENPOSE25
from synthgen.scorehmr.cameras import Cameras, Extrinsics
from synthgen.scorehmr.denoiser import DenoiserConfig, ScoreDenoiser
from synthgen.scorehmr.groups import Groups
from synthgen.scorehmr.guidance import Keypoints, MultiView, Smoothness, Term
from synthgen.scorehmr.placement import SharedPlacement
from synthgen.scorehmr.sampling import GuidanceOptions, Refined, refine
from synthgen.scorehmr.state import Start, State

RUN = guided("keypoint")
START = start_of(RUN)
TERM = keypoints_of(RUN)
SHORT = GuidanceOptions(iterations=2, start=10, step=2)


def fit(terms: list[Term], start: Start = START, features: Tensor | None = None) -> Refined:
    torch.manual_seed(0)
    model = ScoreDenoiser(DenoiserConfig(pose_features=6, hidden=16, num_blocks=1, time_width=8)).eval()
    return refine(model, start, torch.zeros(len(start), 6) if features is None else features, terms, SHORT)


def assert_unchanged(found: Refined, person: int, start: Start = START) -> None:
    for name in ("rotmat", "betas", "transl"):
        assert torch.equal(getattr(found, name)[person], getattr(start, name)[person])


def changed(values: Tensor, place: tuple[int, ...], value: float) -> Tensor:
    values = values.clone()
    values[place] = value
    return values


SEEN = tuple((TERM.confidence > 0).nonzero()[0].tolist())
FIRST = OPENPOSE25.names[SEEN[1]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(TERM, keypoints_2d=changed(TERM.keypoints_2d, SEEN, torch.nan)),
         f"{FIRST} of person {SEEN[0]} is not finite but has confidence 0.9.*missing joint has confidence 0"),
        (lambda: replace(TERM, confidence=changed(TERM.confidence, (1, 2), torch.nan)),
         r"confidence must be finite; person 1 is not \(1 of 4\)"),
        (lambda: replace(TERM, confidence=TERM.confidence * 100), r"confidence must lie in \[0, 1\], got"),
        (lambda: replace(TERM, keypoints_2d=TERM.keypoints_2d[:, :17]),
         r"keypoints_2d must be \(4, 25, 2\) for 4 cameras and 25 joints, got \(4, 17, 2\)"),
        (lambda: replace(TERM, names=COCO17.names), "for 4 cameras and 17 joints"),
        (lambda: replace(TERM.cameras, focal_length=torch.zeros(4, 2)), "focal_length must be above 0"),
        (lambda: replace(TERM.cameras, center=torch.zeros(3, 2)), r"center must be \(B, 2\) finite"),
        (lambda: Cameras.of_intrinsics(torch.ones(1, 3, 3), torch.ones(1, 2)), "no skew"),
        (lambda: Cameras.of_intrinsics(torch.ones(1, 3, 4), torch.ones(1, 2)), r"got \(1, 3, 4\)"),
        (lambda: Extrinsics(2 * torch.eye(3)[None], torch.zeros(1, 3)), "is no rotation"),
        (lambda: Extrinsics(torch.eye(3)[None], torch.zeros(2, 3)), r"translation must be \(1, 3\)"),
        (lambda: Extrinsics(torch.eye(3)[None], torch.full((1, 3), torch.inf)), "Extrinsics must be finite"),
        (lambda: Groups(torch.tensor([0, 2])), "without gaps"),
        (lambda: Groups(torch.tensor([0.0, 1.0])), "int64"),
        (lambda: Groups.of([0, 0]).neighbours(torch.tensor([3, 3])), "same frame number"),
        (lambda: Groups.of([0, 0]).neighbours(torch.tensor([3])), r"frames must be \(2,\), got \(1,\)"),
        (lambda: MultiView(Groups.of([0, 0]), Extrinsics(torch.eye(3)[None], torch.zeros(1, 3))),
         "2 views have 1 extrinsics"),
        (lambda: SharedPlacement(Groups.of([0, 0]), Extrinsics(torch.eye(3)[None], torch.zeros(1, 3))),
         "2 views have 1 extrinsics"),
        (lambda: fit([MultiView(Groups.of([0, 0, 1]))]), "groups of 3 views do not go with 4 bodies"),
        (lambda: fit([Smoothness(Groups.of([0] * 5))]), "clips of 5 frames do not go with 4 bodies"),
        (lambda: fit([TERM], features=torch.zeros(3, 6)), "features of 3 people do not go with 4 bodies"),
        (lambda: fit([TERM], features=torch.zeros(4, 7)), r"features must be \(B, 6\), got \(4, 7\)"),
        (lambda: fit([TERM], features=changed(torch.zeros(4, 6), (2, 1), torch.nan)),
         "features must be finite; person 2 is not"),
        (lambda: fit([]), "at least one guidance term"),
        (lambda: fit([lambda state: state.x.sum()]),
         r"term <lambda> must return one energy per person, \(4,\)"),
    ],
)  # fmt: skip
def test_is_one_clear_error(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_term_without_gradients_is_not_taken_for_one_that_is_content() -> None:
    with pytest.raises(ValueError, match="term <lambda> pulls on nothing"):
        fit([TERM, lambda state: state.points.detach().square().sum((1, 2))])
    with torch.inference_mode(), pytest.raises(RuntimeError, match="call it under torch.no_grad"):
        fit([TERM])
    with torch.no_grad():
        assert fit([TERM]).reasons == [""] * 4


def test_keypoints_of_another_joint_set_are_not_fitted() -> None:
    coco = Keypoints(TERM.keypoints_2d[:, :17], TERM.confidence[:, :17], COCO17.names, TERM.cameras)
    with pytest.raises(ValueError, match="keypoints of 17 joints.*body of 25 points.*of_joint_set"):
        fit([coco])
    renamed = (OPENPOSE25.names[1], OPENPOSE25.names[0], *OPENPOSE25.names[2:])
    with pytest.raises(ValueError, match="do not go with a body"):
        fit([replace(TERM, names=renamed)])
    with pytest.raises(ValueError, match="keypoints of 4 people do not go with 2 bodies"):
        fit([TERM], Start(START.rotmat[:2], START.betas[:2], START.transl[:2], START.points))


def test_who_was_not_seen_comes_back_with_the_reason() -> None:
    missing = TERM.confidence.clone()
    missing[2] = 0
    found = fit([replace(TERM, confidence=missing)])
    assert found.reasons == ["", "", "no keypoint was seen", ""]
    assert_unchanged(found, 2)
    complete = fit([TERM])
    assert torch.equal(found.rotmat[[0, 1, 3]], complete.rotmat[[0, 1, 3]])
    assert not torch.equal(found.rotmat[0], START.rotmat[0])


def test_who_was_seen_by_hips_alone_has_no_keypoints_without_them() -> None:
    hips = TERM.confidence.clone()
    hips[1] = 0
    hips[1, OPENPOSE25.index("left_hip")] = 1
    assert fit([replace(TERM, confidence=hips)]).reasons == [""] * 4
    found = fit([replace(TERM, confidence=hips, use_hips=False)])
    assert found.reasons == ["", "no keypoint was seen", "", ""]


def test_who_is_behind_the_camera_comes_back_with_the_reason() -> None:
    for depth in (-5.0, 0.0):
        transl = changed(START.transl, (1, 2), depth)
        start = replace(START, transl=transl)
        found = fit([TERM], start)
        assert found.reasons == ["", "the body is behind the camera", "", ""]
        assert_unchanged(found, 1, start)
        assert bool(torch.isfinite(found.energy_after).all())


def test_who_ends_behind_the_camera_comes_back_with_the_reason() -> None:
    def pushes_back(state: State) -> Tensor:
        return torch.where(torch.arange(4) == 3, 1e3 * state.transl[:, 2], 0 * state.transl[:, 2])

    start = replace(START, transl=changed(START.transl, (3, 2), 1.2))
    torch.manual_seed(0)
    model = ScoreDenoiser(DenoiserConfig(pose_features=6, hidden=16, num_blocks=1, time_width=8)).eval()
    options = replace(SHORT, camera_rate=0.2)
    found = refine(model, start, torch.zeros(4, 6), [pushes_back], options)
    assert found.reasons == ["", "", "", "ended behind the camera"]
    assert_unchanged(found, 3, start)


def test_who_diverges_comes_back_with_the_reason_and_others_are_refined() -> None:
    def explodes(state: State) -> Tensor:
        return torch.tensor([torch.nan, 0, 0, 0]) * state.rotmat[:, 0, 0, 0]

    found = fit([TERM, explodes])
    assert found.reasons == ["diverged", "", "", ""]
    assert_unchanged(found, 0)
    assert torch.allclose(found.rotmat[1:], fit([TERM]).rotmat[1:], atol=1e-6)


def test_a_lone_view_and_a_lone_frame_have_nothing_to_agree_with() -> None:
    names = [0, 0, 1, 0]
    found = fit([MultiView(Groups.of(names))])
    assert found.reasons == ["", "", "the only view of its group", ""]
    found = fit([Smoothness(Groups.of(names)), TERM])
    assert found.reasons == [""] * 4 and found.remarks[2] == "the only frame of its clip"
    missing = TERM.confidence.clone()
    missing[2] = 0
    found = fit([Smoothness(Groups.of(names)), replace(TERM, confidence=missing)])
    assert found.reasons[2] == "the only frame of its clip; no keypoint was seen"
    assert_unchanged(found, 2)
