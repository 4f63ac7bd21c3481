"""Figures against cases worked out by hand and against naive twins, joint by joint."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from synthgen import metrics
from synthgen.geometry import rotvec_to_rotmat
from synthgen.joints import COCO17
from synthgen.metrics.bodies import aligned_errors

RNG = np.random.default_rng(5)
TRUE = RNG.normal(0, 0.4, (6, 14, 3))
FOUND = TRUE + RNG.normal(0, 0.05, TRUE.shape)
WEIGHT = (RNG.random((6, 14)) > 0.4) * RNG.random((6, 14))
Array = NDArray[np.float64]


def naive_mean(values: list[float], weights: list[float]) -> float:
    total = sum(weights)
    return sum(v * w for v, w in zip(values, weights, strict=True)) / total if total else math.nan


def naive_alignment(source: Array, target: Array, weight: Array) -> Array:
    """Best similarity by Horn's quaternions, on the points that count alone."""
    kept = weight > 0
    s, t, w = source[kept], target[kept], weight[kept] / weight[kept].sum()
    mean_s, mean_t = (w[:, None] * s).sum(0), (w[:, None] * t).sum(0)
    outer = sum(one * np.outer(a - mean_s, b - mean_t) for one, a, b in zip(w, s, t, strict=True))
    delta = np.array([outer[1, 2] - outer[2, 1], outer[2, 0] - outer[0, 2], outer[0, 1] - outer[1, 0]])
    form = np.zeros((4, 4))
    form[0, 0], form[0, 1:], form[1:, 0] = np.trace(outer), delta, delta
    form[1:, 1:] = outer + outer.T - np.trace(outer) * np.eye(3)
    q0, qx, qy, qz = np.linalg.eigh(form)[1][:, -1]
    axis = np.array([qx, qy, qz])
    angle = 2 * math.atan2(np.linalg.norm(axis), q0)
    turn = rotvec_to_rotmat(axis / max(np.linalg.norm(axis), 1e-12) * angle)
    turned = (s - mean_s) @ turn.T
    scale = (w[:, None] * turned * (t - mean_t)).sum() / (w[:, None] * turned**2).sum()
    return scale * (source - mean_s) @ turn.T + mean_t


def test_mpjpe_by_hand() -> None:
    """Root moved by a metre, one joint of two 30 and 40 mm aside: 50 / 2."""
    true = np.array([[0.0, 0, 0], [0, 1, 0]])
    found = np.array([[1.0, 0, 0], [1.03, 1.04, 0]])
    assert metrics.mpjpe(found, true) == pytest.approx(25)
    assert metrics.mpjpe(found, true, weight=np.array([0.0, 1])) == pytest.approx(50)
    assert metrics.mpjpe(found, true, weight=np.array([3.0, 1])) == pytest.approx(12.5)
    assert metrics.mpjpe(found, true, root=None) == pytest.approx((1000 + math.hypot(1030, 40)) / 2)


def test_mpjpe_as_its_naive_twin() -> None:
    for weight in (np.ones_like(WEIGHT), WEIGHT):
        found = metrics.mpjpe(FOUND, TRUE, 3, weight)
        for body in range(len(TRUE)):
            errors = [
                1000 * math.dist(FOUND[body, j] - FOUND[body, 3], TRUE[body, j] - TRUE[body, 3])
                for j in range(14)
            ]
            assert found[body] == pytest.approx(naive_mean(errors, list(weight[body])))


def test_alignment_ignores_turn_size_and_place_and_nothing_else() -> None:
    turn = rotvec_to_rotmat(np.array([0.3, -1.2, 2.0]))
    moved = 1.7 * TRUE @ turn.T + [4.0, 5, 6]
    np.testing.assert_allclose(metrics.pa_mpjpe(moved, TRUE), 0, atol=1e-9)
    assert (metrics.pa_mpjpe(TRUE * [-1, 1, 1], TRUE) > 50).all(), "a mirror image is no rotation"


def test_pa_mpjpe_as_its_naive_twin() -> None:
    for weight in (np.ones_like(WEIGHT), WEIGHT):
        found = metrics.pa_mpjpe(FOUND, TRUE, weight)
        for body in range(len(TRUE)):
            aligned = naive_alignment(FOUND[body], TRUE[body], weight[body])
            errors = [1000 * math.dist(*pair) for pair in zip(aligned, TRUE[body], strict=True)]
            assert found[body] == pytest.approx(naive_mean(errors, list(weight[body])))
    np.testing.assert_allclose(metrics.pa_mpjpe(FOUND, TRUE), metrics.pa_mpjpe(FOUND, TRUE, np.ones((6, 14))))


@pytest.mark.parametrize("nonsense", [1e6, np.nan, np.inf])
def test_joints_of_weight_zero_change_nothing(nonsense: float) -> None:
    odd = FOUND.copy()
    odd[WEIGHT == 0] = nonsense
    for figure in (metrics.pa_mpjpe, lambda *args: metrics.mpjpe(args[0], args[1], None, args[2])):
        np.testing.assert_allclose(figure(odd, TRUE, WEIGHT), figure(FOUND, TRUE, WEIGHT))


def test_nothing_to_measure_is_nan_and_never_zero() -> None:
    none, two = np.zeros(14), np.zeros(14)
    two[:2] = 1
    assert math.isnan(metrics.mpjpe(FOUND[0], TRUE[0], weight=none))
    assert math.isnan(metrics.pa_mpjpe(FOUND[0], TRUE[0], two)), "two points can be laid onto any two"
    assert math.isnan(metrics.pck_3d(np.zeros(14), none)) and math.isnan(
        metrics.pck_3d_auc(np.zeros(14), none)
    )
    pixels = np.zeros((17, 2))
    assert math.isnan(metrics.oks(pixels, pixels, np.array(9.0), np.zeros(17)))
    assert math.isnan(metrics.pck(pixels, pixels, np.array(0.0), 0.5))
    some = metrics.mpjpe(FOUND[:2], TRUE[:2], weight=np.stack([none, two]))
    assert math.isnan(some[0]) and some[1] > 0, "a batch keeps its others"


def test_a_body_shrunk_to_a_point_is_nan_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert math.isnan(metrics.pa_mpjpe(np.zeros((14, 3)), TRUE[0], np.ones(14)))
    assert not recwarn.list


def test_mpvpe_in_millimetres_ignores_the_place() -> None:
    pelvis = np.zeros((6, 3))
    np.testing.assert_allclose(metrics.mpvpe(TRUE + 5.0, pelvis + 5.0, TRUE, pelvis), 0, atol=1e-9)
    np.testing.assert_allclose(metrics.mpvpe(TRUE + [0.01, 0, 0], pelvis, TRUE, pelvis), 10.0)


def test_mpvpe_as_its_naive_twin() -> None:
    roots, true_roots = FOUND[:, 3] + 0.5, TRUE[:, 3] - 0.25
    found = metrics.mpvpe(FOUND, roots, TRUE, true_roots)
    for body in range(6):
        gaps = [
            math.dist(FOUND[body, v] - roots[body], TRUE[body, v] - true_roots[body])
            for v in range(len(TRUE[body]))
        ]
        assert found[body] == pytest.approx(1000 * sum(gaps) / len(gaps))


def test_3d_pck_and_its_area_by_hand() -> None:
    """Of errors 0, 75, 150, 151 mm three lie within 150; 31, 16, 1 and 0 thresholds find them."""
    errors = np.array([0.0, 75, 150, 151])
    assert metrics.pck_3d(errors) == 0.75
    assert metrics.pck_3d_auc(errors) == pytest.approx((31 + 16 + 1 + 0) / (4 * 31))
    assert metrics.pck_3d(errors, np.array([0.0, 0, 1, 1])) == 0.5


def test_hidden_joints_are_measured_after_everybody_was_aligned() -> None:
    """OCC-PA-MPJPE: the body as a whole is laid onto the true one, then the hidden joints are looked at."""
    hidden = np.zeros((6, 14))
    hidden[:, :2] = 1
    errors = aligned_errors(FOUND, TRUE, np.ones((6, 14)))
    found = metrics.mean_error(errors, hidden)
    for body in range(6):
        aligned = naive_alignment(FOUND[body], TRUE[body], np.ones(14))
        assert found[body] == pytest.approx(
            np.mean([1000 * math.dist(aligned[j], TRUE[body, j]) for j in (0, 1)])
        )
    assert np.isnan(metrics.mean_error(errors, np.zeros((6, 14)))).all()


def test_acceleration_by_hand() -> None:
    """One joint falls x = t² mm while it should stand: a second difference of 2 mm; at 10 fps 200 mm/s²."""
    true = np.zeros((5, 1, 3))
    found = true.copy()
    found[:, 0, 1] = np.arange(5) ** 2 / 1000
    np.testing.assert_allclose(metrics.acceleration_error(found, true), 2)
    np.testing.assert_allclose(metrics.acceleration_error(found, true, fps=10), 200)
    steady = true + np.linspace(0, 3, 5)[:, None, None]
    np.testing.assert_allclose(metrics.acceleration_error(steady, true), 0, atol=1e-9)
    weight = np.ones((5, 1))
    weight[0] = 0
    np.testing.assert_array_equal(np.isnan(metrics.acceleration_error(found, true, None, weight)), [1, 0, 0])
    with pytest.raises(ValueError, match=r"at least 3 frames, got 2"):
        metrics.acceleration_error(found[:2], true[:2])


def test_pck_by_hand_and_naive() -> None:
    box = np.array([[10.0, 10, 60, 110]])
    side = metrics.longer_side(box)
    assert side[0] == 100
    true = np.zeros((1, 17, 2))
    found = true.copy()
    found[0, 0], found[0, 1] = (6.0, 8), (6.0, 8.001)
    assert metrics.pck(found, true, side, 0.1)[0] == pytest.approx(16 / 17)
    weight = np.zeros((1, 17))
    weight[0, 1] = 1
    assert metrics.pck(found, true, side, 0.1, weight)[0] == 0
    one, other = RNG.normal(0, 20, (2, 5, 17, 2))
    weight, reference = RNG.random((5, 17)), RNG.random(5) * 100
    for body, value in enumerate(metrics.pck(one, other, reference, 0.3, weight)):
        near = [
            float(math.dist(*p) <= 0.3 * reference[body]) for p in zip(one[body], other[body], strict=True)
        ]
        assert value == pytest.approx(naive_mean(near, list(weight[body])))


def test_torso_and_other_lengths() -> None:
    points = np.zeros((17, 2))
    points[COCO17.index("left_shoulder")], points[COCO17.index("right_hip")] = (3, 0), (0, 4)
    assert metrics.segment_length(points, COCO17) == 5
    assert metrics.segment_length(points, COCO17, ("left_shoulder", "nose")) == 3
    with pytest.raises(ValueError, match=r"unknown joint 'head_top' in coco17"):
        metrics.segment_length(points, COCO17, ("head_top", "nose"))


def test_oks_by_hand_and_naive() -> None:
    knee = COCO17.index("left_knee")
    found, true, weight = np.zeros((17, 2)), np.zeros((17, 2)), np.zeros(17)
    found[knee], weight[knee] = (30, 40), 1
    expected = math.exp(-(50**2) / (2 * 5000 * (2 * 0.087) ** 2))
    assert metrics.oks(found, true, np.array(5000.0), weight) == pytest.approx(expected)
    one, other = RNG.normal(0, 20, (2, 17, 2))
    similar = [
        math.exp(-(math.dist(a, b) ** 2) / (2 * 900 * (2 * sigma) ** 2))
        for a, b, sigma in zip(one, other, metrics.SIGMAS, strict=True)
    ]
    assert metrics.oks(one, other, np.array(900.0)) == pytest.approx(np.mean(similar))


def test_figures_of_many_are_those_of_each() -> None:
    for figure in (metrics.mpjpe, metrics.pa_mpjpe):
        alone = [figure(a, b) for a, b in zip(FOUND, TRUE, strict=True)]
        np.testing.assert_allclose(figure(FOUND, TRUE), alone)
        grouped = figure(FOUND.reshape(2, 3, 14, 3), TRUE.reshape(2, 3, 14, 3))
        np.testing.assert_allclose(grouped.ravel(), alone)


def test_the_crop_of_spin_by_hand() -> None:
    points = np.zeros((2, len(COCO17), 2))
    names = ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "right_ankle")
    places = ((0, 0), (10, 0), (0, 30), (10, 40), (10, 200))
    weight = np.zeros((2, len(COCO17)))
    for name, place in zip(names, places, strict=True):
        points[0, COCO17.index(name)], weight[0, COCO17.index(name)] = place, 1
    np.testing.assert_allclose(metrics.crop_side(points, weight, COCO17)[0], 1.2 * 200, err_msg="box")
    weight[0, COCO17.index("right_ankle")] = 0
    np.testing.assert_allclose(
        metrics.crop_side(points, weight, COCO17)[0], 3 * (30 + 40) / 2, err_msg="both torsos"
    )
    weight[0, COCO17.index("left_hip")] = 0
    np.testing.assert_allclose(metrics.crop_side(points, weight, COCO17)[0], 3 * 40, err_msg="one torso")
    assert np.isnan(metrics.crop_side(points, weight, COCO17)[1]), "nothing is known"
