from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from synthgen.dpmesh.batch import Crops
from synthgen.dpmesh.keypoint_noise import NoiseOptions, corrupt, person_size
from synthgen.joints import DPMESH30

NONE = NoiseOptions.none()
SIDE = 128
LEFT = [DPMESH30.names.index(name) for name in DPMESH30.names if name.startswith("left_")]
MIRROR = list(DPMESH30.flip_permutation())


def crops(count: int = 200, seed: int = 0) -> Crops:
    generator = torch.Generator().manual_seed(seed)
    places = 20 + 88 * torch.rand(count, 30, 2, generator=generator)
    confidence = 0.5 + 0.5 * torch.rand(count, 30, generator=generator)
    return Crops(torch.zeros(count, 3, SIDE, SIDE), places, confidence, torch.eye(3).expand(count, 3, 3))


def noisy(batch: Crops, options: NoiseOptions, seed: int = 7) -> Crops:
    return corrupt(batch, options, torch.Generator().manual_seed(seed))


def distances(found: Crops, batch: Crops) -> Tensor:
    return (found.keypoints_2d - batch.keypoints_2d).norm(dim=-1)


def of(*names: str) -> list[int]:
    return [DPMESH30.index(name) for name in names]


def test_no_noise_changes_nothing() -> None:
    batch = crops()
    found = noisy(batch, NONE)
    assert torch.equal(found.keypoints_2d, batch.keypoints_2d)
    assert torch.equal(found.confidence, batch.confidence)


def test_same_generator_same_errors_and_nothing_is_changed_in_place() -> None:
    batch = crops()
    before = [value.clone() for value in vars(batch).values()]
    first, second, other = (
        noisy(batch, NoiseOptions()),
        noisy(batch, NoiseOptions()),
        noisy(batch, NoiseOptions(), 8),
    )
    assert torch.equal(first.keypoints_2d, second.keypoints_2d)
    assert torch.equal(first.confidence, second.confidence)
    assert not torch.equal(first.keypoints_2d, other.keypoints_2d)
    assert first.images is batch.images
    assert all(map(torch.equal, before, vars(batch).values()))


def test_options_do_not_change_how_much_is_drawn() -> None:
    states = []
    for options in (NONE, NoiseOptions(), NoiseOptions.released()):
        generator = torch.Generator().manual_seed(3)
        corrupt(crops(5), options, generator)
        states.append(generator.get_state())
    assert torch.equal(states[0], states[1]) and torch.equal(states[0], states[2])


def test_the_published_noise_hides_a_tenth() -> None:
    batch = crops(1000)
    found = noisy(batch, NoiseOptions.released())
    is_hidden = found.confidence == 0
    assert is_hidden.float().mean().item() == pytest.approx(0.1, abs=0.006)
    assert torch.equal(found.keypoints_2d[~is_hidden], batch.keypoints_2d[~is_hidden])
    assert torch.equal(found.confidence[~is_hidden], batch.confidence[~is_hidden])
    assert not found.keypoints_2d[is_hidden].any()


@pytest.mark.parametrize(("name", "high", "low"), [("jitter", 0.85, 0.5), ("stray", 0.5, 0.1)])
def test_displaced_joints_lie_at_their_similarity(name: str, high: float, low: float) -> None:
    batch = crops(500)
    found = noisy(batch, replace(NONE, **{name: 0.3}))
    gap = distances(found, batch)
    is_moved = gap > 0
    assert is_moved.float().mean().item() == pytest.approx(0.3, abs=0.02)
    size = person_size(batch.keypoints_2d, batch.confidence, SIDE)
    for joint, falloff in {"left_hip": 0.214, "right_wrist": 0.124, "left_eye": 0.05}.items():
        row = DPMESH30.index(joint)
        similarity = torch.exp(-(gap[:, row] ** 2) / (2 * size**2 * falloff**2))[is_moved[:, row]]
        assert similarity.min().item() >= low - 1e-3
        assert similarity.max().item() <= high + 1e-3
    directions = (found.keypoints_2d - batch.keypoints_2d)[is_moved]
    assert (directions / directions.norm(dim=-1, keepdim=True)).mean(0).abs().max() < 0.05


def test_jitter_grows_with_the_person() -> None:
    batch = crops(400)
    small = replace(batch, keypoints_2d=40 + batch.keypoints_2d / 4)
    options = replace(NONE, jitter=1.0)
    ratio = distances(noisy(small, options), small) / distances(noisy(batch, options), batch)
    assert ratio.mean().item() == pytest.approx(0.25, rel=1e-3)


def test_pairs_change_places_with_their_confidence() -> None:
    batch = crops(1000)
    found = noisy(batch, replace(NONE, inversion=0.2))
    is_hit = distances(found, batch) > 0
    assert torch.equal(is_hit, is_hit[:, MIRROR])
    assert is_hit[:, LEFT].float().mean().item() == pytest.approx(0.2, abs=0.02)
    assert torch.equal(found.keypoints_2d[is_hit], batch.keypoints_2d[:, MIRROR][is_hit])
    assert torch.equal(found.confidence[is_hit], batch.confidence[:, MIRROR][is_hit])


def test_limbs_change_sides_as_a_whole() -> None:
    batch = crops(1000)
    is_hit = distances(noisy(batch, replace(NONE, inversion_limb=0.3)), batch) > 0
    legs = is_hit[:, of("left_hip", "left_knee", "left_ankle", "left_foot", "right_foot", "right_hip")]
    arms = is_hit[:, of("left_shoulder", "left_elbow", "left_wrist", "right_hand")]
    for limb in (legs, arms):
        assert torch.equal(limb.all(1), limb.any(1))
        assert limb[:, 0].float().mean().item() == pytest.approx(0.3, abs=0.05)
    assert not torch.equal(legs[:, 0], arms[:, 0])
    assert not is_hit[:, of("pelvis", "neck", "left_collar")].any()


def test_bodies_change_sides_as_a_whole() -> None:
    batch = crops(1000)
    is_hit = distances(noisy(batch, replace(NONE, inversion_body=0.25)), batch)[:, LEFT] > 0
    assert torch.equal(is_hit.all(1), is_hit.any(1))
    assert is_hit[:, 0].float().mean().item() == pytest.approx(0.25, abs=0.05)
    certain = replace(NONE, inversion_body=1.0, inversion_limb=1.0)
    face = distances(noisy(batch, certain), batch)[:, of("left_eye", "right_ear", "left_knee")]
    assert not face.any(), "inverted twice is not inverted"


def test_doubled_joints_lie_on_one_side() -> None:
    batch = crops(1000)
    found = noisy(batch, replace(NONE, doubled=0.2))
    is_hit = distances(found, batch) > 0
    assert torch.equal(found.keypoints_2d[is_hit], batch.keypoints_2d[:, MIRROR][is_hit])
    assert is_hit[:, LEFT].float().mean().item() == pytest.approx(0.2, abs=0.02)
    assert (is_hit & ~is_hit[:, MIRROR]).any()


def test_confused_joints_lie_at_neighbours_of_the_skeleton() -> None:
    batch = crops(300)
    found = noisy(batch, replace(NONE, confusion=1.0))
    row = DPMESH30.index("left_elbow")
    places = batch.keypoints_2d[:, of("left_shoulder", "left_wrist")]
    gap = (found.keypoints_2d[:, row, None] - places).norm(dim=-1)
    assert (gap.amin(1) == 0).all()
    assert 0.3 < (gap[:, 0] == 0).float().mean() < 0.7
    assert torch.equal(found.keypoints_2d[:, of("nose")], batch.keypoints_2d[:, of("head")])


def test_swapped_joints_are_somebody_elses_who_stands_beside() -> None:
    batch = crops(400)
    batch = replace(batch, confidence=torch.ones(400, 30))
    found = noisy(batch, replace(NONE, swap=0.3))
    is_hit = distances(found, batch) > 0
    assert is_hit.float().mean().item() == pytest.approx(0.3, abs=0.02)
    # All that a person lost went to one other, moved by one step aside.
    person = next(row for row in range(400) if is_hit[row].sum() > 4)
    taken = found.keypoints_2d[person, is_hit[person]] - batch.keypoints_2d[:, is_hit[person]]
    spread = (taken - taken.mean(1, keepdim=True)).abs().amax((1, 2))
    assert spread.argmin().item() != person
    assert spread.amin() < 1e-3
    aside = taken[spread.argmin()].mean(0) / person_size(batch.keypoints_2d, batch.confidence, SIDE)[person]
    assert 0.3 <= aside[0].abs() <= 0.8
    assert aside[1].abs() <= 0.15


def test_swap_takes_whole_limbs() -> None:
    batch = crops(1000)
    is_hit = distances(noisy(batch, replace(NONE, swap_limb=0.2)), batch) > 0
    leg = is_hit[:, of("right_hip", "right_knee", "right_ankle", "right_foot")]
    assert torch.equal(leg.all(1), leg.any(1))
    assert leg[:, 0].float().mean().item() == pytest.approx(0.2, abs=0.05)


def test_a_single_person_swaps_with_a_twin_beside() -> None:
    batch = crops(1)
    found = noisy(batch, replace(NONE, swap=1.0))
    shift = found.keypoints_2d - batch.keypoints_2d
    assert torch.allclose(shift, shift[:, :1].expand_as(shift), atol=1e-4)
    assert shift.abs().max() > 1


def test_missing_limbs_are_hidden_whole() -> None:
    found = noisy(crops(1000), replace(NONE, missing_limb=0.2))
    arm = found.confidence[:, of("left_shoulder", "left_elbow", "left_wrist", "left_hand")] == 0
    assert torch.equal(arm.all(1), arm.any(1))
    assert arm[:, 0].float().mean().item() == pytest.approx(0.2, abs=0.05)
    assert (found.confidence[:, of("pelvis", "nose")] > 0).all()


def test_unseen_joints_stay_unseen_where_they_are() -> None:
    batch = crops(300)
    unseen = of("nose", "left_wrist", "spine2")
    confidence, places = batch.confidence.clone(), batch.keypoints_2d.clone()
    confidence[:, unseen] = 0
    places[:, unseen] = torch.nan
    batch = replace(batch, confidence=confidence, keypoints_2d=places)
    always = NoiseOptions(**{field.name: 0.5 for field in fields(NoiseOptions)})
    found = noisy(batch, replace(always, inversion=0, inversion_limb=0, inversion_body=0))
    assert not found.confidence[:, unseen].any()
    assert torch.isnan(found.keypoints_2d[:, unseen]).all()
    others = [row for row in range(30) if row not in unseen]
    assert torch.isfinite(found.keypoints_2d[:, others]).all()


def test_nobody_seen_is_no_error() -> None:
    batch = replace(crops(3), confidence=torch.zeros(3, 30))
    found = noisy(batch, NoiseOptions())
    assert torch.equal(found.keypoints_2d, batch.keypoints_2d)
    assert not found.confidence.any()
    assert person_size(batch.keypoints_2d, batch.confidence, SIDE).tolist() == [SIDE / 8] * 3


def test_default_noise_leaves_most_joints_about_right() -> None:
    batch = crops(1000)
    found = noisy(batch, NoiseOptions())
    size = person_size(batch.keypoints_2d, batch.confidence, SIDE)[:, None]
    is_right = (found.confidence > 0) & (distances(found, batch) < 0.1 * size)
    assert 0.5 < is_right.float().mean() < 0.85
    assert NoiseOptions().problems() == NONE.problems() == []


def test_bad_options_are_named() -> None:
    assert "swap must be in [0, 1], got 1.5" in NoiseOptions(swap=1.5).problems()
    assert "jitter + stray" in NoiseOptions(jitter=0.7, stray=0.7).problems()[0]
    assert len(NoiseOptions(missing=float("nan"), doubled=-1.0).problems()) == 2
