from dataclasses import replace
from pathlib import Path

import pytest
import torch
from crops_and_labels import FOCAL, SIDE, body_points, right_answer
from safetensors.torch import load_file

from synthgen.dpmesh.batch import CASCADE_ROWS, Bodies, Crops, Labels
from synthgen.dpmesh.losses import (
    PARTS,
    LossOptions,
    cascade_loss,
    losses,
    mean_difference,
    project,
    total,
)
from synthgen.dpmesh.uncertainty import UncertaintyWeights
from synthgen.joints import DPMESH30

OPTIONS = LossOptions()
PUBLISHED = Path(__file__).parents[1] / "data" / "dpmesh_losses.safetensors"


def measured(
    bodies: Bodies, crops: Crops, labels: Labels, options: LossOptions = OPTIONS
) -> dict[str, torch.Tensor]:
    return losses(bodies, crops, labels, body_points(), options)


def with_gradients(bodies: Bodies) -> Bodies:
    return Bodies(*(value.clone().requires_grad_() for value in vars(bodies).values()))


def gradients(bodies: Bodies, parts: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    torch.autograd.backward(total(parts, OPTIONS))
    return {name: value.grad for name, value in vars(bodies).items() if name != "features"}


def test_weights_are_the_papers() -> None:
    assert (OPTIONS.keypoints_2d, OPTIONS.keypoints_3d, OPTIONS.smpl, OPTIONS.reasoning) == (5, 2, 1, 0.1)
    parts = {name: torch.tensor(10.0**power) for power, name in enumerate(PARTS)}
    parts |= {"reasoning_simclr": torch.tensor(2.0), "reasoning_mse": torch.tensor(3.0)}
    assert total(parts, OPTIONS).item() == pytest.approx(5 + 2 * 10 + 100 + 5 * 1000 + 0.1 * (2 + 3))


def test_a_right_answer_loses_nothing() -> None:
    parts = measured(*right_answer())
    assert set(parts) == set(PARTS)
    for name, value in parts.items():
        assert value.item() == pytest.approx(0, abs=1e-6), name


def test_moving_a_body_sideways_costs_its_way_in_the_picture() -> None:
    bodies, crops, labels = right_answer()
    moved = bodies.transl + torch.tensor([0.1, 0.0, 0.0])
    parts = measured(replace(bodies, transl=moved), crops, labels)
    depth = labels.keypoints_3d[..., 2] + bodies.transl[:, None, 2]
    # Half of the coordinates are y, which stay.
    want = (FOCAL * 0.1 / depth / SIDE).mean() / 2
    assert parts["keypoints_2d"].item() == pytest.approx(want.item(), rel=1e-4)
    assert parts["keypoints_3d"].item() == pytest.approx(0, abs=1e-6)


def test_pose_and_shape_by_hand() -> None:
    bodies, crops, labels = right_answer(2)
    turned = labels.rotmat.clone()
    turned[0, 5] = labels.rotmat[0, 5] + 0.5
    labels = replace(labels, rotmat=turned, betas=labels.betas + 0.25)
    parts = measured(bodies, crops, labels)
    assert parts["smpl"].item() == pytest.approx(0.5 * 9 / (2 * 24 * 9) + 0.25, rel=1e-4)
    less = measured(bodies, crops, labels, replace(OPTIONS, betas=0.1))
    assert less["smpl"].item() == pytest.approx(0.5 * 9 / (2 * 24 * 9) + 0.025, rel=1e-4)


def test_joints_by_hand_count_by_confidence() -> None:
    bodies, crops, labels = right_answer(2)
    joints = labels.keypoints_3d.clone()
    joints[1, 4, 2] += 0.3
    confidence = torch.ones(2, 30)
    confidence[1, 4] = 0.5
    parts = measured(bodies, crops, replace(labels, keypoints_3d=joints, confidence_3d=confidence))
    assert parts["keypoints_3d"].item() == pytest.approx(0.5 * 0.3 / (2 * 30 * 3), rel=1e-3)


def test_cascade_counts_every_layer_and_what_lies_in_its_range() -> None:
    bodies, crops, labels = right_answer(1, layers=2)
    cascade = bodies.cascade.clone()
    cascade[0, 1, 3, 0] += 0.2
    parts = measured(replace(bodies, cascade=cascade), crops, labels)
    assert parts["cascade"].item() == pytest.approx(0.2 / (2 * 15 * 3), rel=1e-4)
    outside = labels.keypoints_2d.clone()
    outside[:, CASCADE_ROWS[3]] = SIDE + 5.0
    parts = measured(replace(bodies, cascade=cascade), crops, replace(labels, keypoints_2d=outside))
    assert parts["cascade"].item() == pytest.approx(0, abs=1e-6)


def test_a_regressor_without_decoder_has_no_cascade_loss() -> None:
    bodies, crops, labels = right_answer(2, layers=0)
    assert measured(bodies, crops, labels)["cascade"].item() == 0


@pytest.mark.parametrize("unknown", [0.0, torch.nan])
def test_nothing_known_teaches_nothing(unknown: float) -> None:
    """Values of unknown labels do not matter, not even NaN."""
    bodies, crops, labels = right_answer(2)
    nothing = Labels(
        *(torch.full_like(value, unknown) for value in (labels.rotmat, labels.betas, labels.keypoints_3d)),
        torch.zeros(2, 30),
        torch.full_like(labels.keypoints_2d, unknown),
        *(torch.zeros(2, 30), torch.zeros(2), torch.zeros(2)),
    )
    bodies = with_gradients(bodies)
    parts = measured(bodies, crops, nothing, replace(OPTIONS, unknown_camera=0.01))
    assert {name: value.item() for name, value in parts.items()} == dict.fromkeys(PARTS, 0.0)
    for name, gradient in gradients(bodies, parts).items():
        assert not gradient.any(), name


@pytest.mark.parametrize(
    ("fields", "silent"),
    [
        (("has_smpl",), {"smpl"}),
        (("confidence_3d",), {"keypoints_3d"}),
        (("confidence_2d",), {"keypoints_2d"}),
    ],
)
def test_flags_silence_their_own_losses_alone(fields: tuple[str, ...], silent: set[str]) -> None:
    bodies, crops, labels = right_answer(2)
    wrong = replace(
        bodies,
        rotmat=bodies.rotmat.roll(1, 1),
        betas=bodies.betas + 1,
        transl=bodies.transl + 0.3,
        cascade=bodies.cascade * 0.9,
    )
    labels = replace(labels, **{name: torch.zeros_like(getattr(labels, name)) for name in fields})
    parts = measured(wrong, crops, labels)
    assert {name for name, value in parts.items() if value.item() == 0} == silent


def test_people_weigh_the_same_whoever_shares_their_batch() -> None:
    """Two halves of a batch add up to it, labels or not, and so do accumulated gradients."""
    bodies, crops, labels = right_answer(4)
    bodies = replace(bodies, transl=bodies.transl + 0.2, betas=bodies.betas * 1.3)
    labels = replace(labels, has_smpl=torch.tensor([1.0, 0.0, 0.0, 0.0]))
    whole = measured(bodies, crops, labels)
    halves = []
    for rows in (slice(0, 2), slice(2, 4)):
        cut = [
            type(part)(*(value[rows] for value in vars(part).values())) for part in (bodies, crops, labels)
        ]
        halves.append(measured(*cut))
    for name in PARTS:
        assert (halves[0][name] + halves[1][name]).item() / 2 == pytest.approx(whole[name].item(), rel=1e-5)


@pytest.mark.parametrize("depth", [0.0, -3.0, 1e-9])
def test_bodies_at_or_behind_the_camera_do_not_explode(depth: float) -> None:
    bodies, crops, labels = right_answer(2)
    bodies = with_gradients(replace(bodies, transl=torch.tensor([[0.3, 0.2, depth]] * 2)))
    parts = measured(bodies, crops, labels)
    assert parts["keypoints_2d"].item() < 20
    found = gradients(bodies, parts)
    assert all(torch.isfinite(gradient).all() for gradient in found.values())
    assert found["transl"].abs().max() < 1e3
    # Too near, it looks too far from the middle: going away is what helps.
    assert (found["transl"][:, 2] < 0).all()


def test_projection_agrees_with_the_pinhole_camera_in_front_of_it() -> None:
    points = torch.tensor([[[0.5, -0.25, 2.0]]], dtype=torch.float64)
    cam_int = torch.tensor([[[100.0, 0, 30], [0, 80.0, 20], [0, 0, 1]]], dtype=torch.float64)
    assert project(points, cam_int, 0.25)[0, 0].tolist() == [55.0, 10.0]
    assert torch.autograd.gradcheck(lambda x: project(x, cam_int, 0.25), points.requires_grad_())


def test_small_errors_count_little_where_the_camera_is_unknown() -> None:
    bodies, crops, labels = right_answer(2)
    labels = replace(labels, has_camera=torch.tensor([1.0, 0.0]))
    near, far = labels.keypoints_2d.clone(), labels.keypoints_2d.clone()
    near[:, 7, 0] += 0.5  # of 64: less than a hundredth of the side
    far[:, 7, 0] += 2.0
    options = replace(OPTIONS, unknown_camera=0.01, slack=0.1)
    count = 2 * 30 * 2
    small = measured(bodies, crops, replace(labels, keypoints_2d=near), options)["keypoints_2d"].item()
    assert small == pytest.approx((1 + 0.1) * 0.5 / SIDE / count, rel=1e-3)
    large = measured(bodies, crops, replace(labels, keypoints_2d=far), options)["keypoints_2d"].item()
    assert large == pytest.approx(2 * 2.0 / SIDE / count, rel=1e-3)


def test_bfloat16_answers_are_judged_in_full_precision() -> None:
    bodies, crops, labels = right_answer(2)
    labels = replace(labels, betas=labels.betas + 1)
    want = measured(bodies, crops, labels)
    with torch.autocast("cpu", torch.bfloat16):
        found = measured(bodies, crops, labels)
    for name in PARTS:
        assert found[name].dtype == torch.float32
        assert found[name].item() == want[name].item()


def test_descending_the_losses_finds_the_body() -> None:
    bodies, crops, labels = right_answer(2)
    betas = torch.zeros(2, 10, requires_grad=True)
    transl = (bodies.transl + torch.tensor([0.4, 0.3, 2.0])).requires_grad_()
    points, optimizer = body_points(), torch.optim.Adam([betas, transl], lr=0.1)
    begin = total(
        losses(replace(bodies, betas=betas, transl=transl), crops, labels, points, OPTIONS), OPTIONS
    )
    for _ in range(150):
        optimizer.zero_grad()
        loss = total(
            losses(replace(bodies, betas=betas, transl=transl), crops, labels, points, OPTIONS), OPTIONS
        )
        torch.autograd.backward(loss)
        optimizer.step()
    assert loss.item() < 0.1 * begin.item()
    assert (transl - bodies.transl).abs().max() < 0.2


def test_learned_weights_are_the_published_formula() -> None:
    weights = UncertaintyWeights()
    with torch.no_grad():
        weights.scales.copy_(torch.tensor([1.0, 2.0, 0.5, 1.0]))
    parts = {name: torch.tensor(3.0) for name in PARTS}
    squares = torch.tensor([1.0, 4.0, 0.25, 1.0])
    want = (0.5 / squares * 3 + torch.log(1 + squares)).sum()
    assert weights(parts, OPTIONS).item() == pytest.approx(want.item())
    more = weights(parts | {"reasoning_mse": torch.tensor(2.0)}, OPTIONS)
    assert more.item() == pytest.approx(want.item() + 0.2)
    with pytest.raises(ValueError, match="cascade"):
        weights({name: parts[name] for name in PARTS[:3]}, OPTIONS)


def test_differences_are_those_of_the_published_code() -> None:
    """The published losses, in its units: 64ths of the crop, its factors taken away."""
    published = load_file(PUBLISHED)

    def agrees(found: torch.Tensor, name: str) -> None:
        assert found.item() == pytest.approx(published[name].item(), rel=2e-5), name

    for name, factor in (("shape", 2.0), ("pose", 2.0)):
        found, true, weight = (published[f"{name}.{kind}"] for kind in ("found", "true", "weight"))
        agrees(factor * mean_difference(found, true, weight), f"{name}.loss")
    projected = [published[f"projected.{kind}"] for kind in ("found", "true", "weight")]
    agrees(mean_difference(*projected), "projected.loss")
    # In the published labels depth is in 64ths too; here it is in metres around the pelvis.
    for name in ("original", "fitted"):
        places = published[f"{name}.true"]
        labels = _labels_of(places[..., :2] * SIDE / 64, (places[..., 2] / 64 - 0.5) * 2)
        labels = replace(
            labels,
            confidence_2d=published[f"{name}.weight"][..., 0],
            confidence_3d=published[f"{name}.weight"][..., 0] * published[f"{name}.is_3d"][:, None],
        )
        agrees(cascade_loss(published["cascade.found"][:, None], labels, SIDE, 2.0), f"{name}.loss")


def _labels_of(pixels: torch.Tensor, depth: torch.Tensor) -> Labels:
    count = len(pixels)
    joints = torch.cat([torch.zeros(count, 30, 2), depth[..., None]], -1)
    zero = torch.zeros(count)
    return Labels(
        torch.zeros(count, 24, 3, 3),
        zero[:, None],
        joints,
        joints[..., 0],
        pixels,
        joints[..., 0],
        zero,
        zero,
    )


def test_cascade_joints_are_the_published_rows() -> None:
    assert CASCADE_ROWS == (0, 1, 2, 4, 5, 7, 8, 12, 29, 16, 17, 18, 19, 20, 21)
    assert DPMESH30.names[CASCADE_ROWS[8]] == "head_top"


@pytest.mark.parametrize(
    ("change", "word"),
    [({"smpl": -1.0}, "smpl"), ({"nearest": 0.0}, "nearest"), ({"slack": 2.0}, "slack"),
     ({"keypoints_2d": float("nan")}, "keypoints_2d")],
)  # fmt: skip
def test_bad_options_are_named(change: dict[str, float], word: str) -> None:
    assert [word in problem for problem in LossOptions(**change).problems()] == [True]


def test_good_options_have_no_problems_and_unknown_parts_are_errors() -> None:
    assert OPTIONS.problems() == []
    with pytest.raises(ValueError, match="unknown loss 'vertices'"):
        total({"vertices": torch.tensor(1.0)}, OPTIONS)
    with pytest.raises(ValueError, match="no losses"):
        total({}, OPTIONS)
