from dataclasses import replace

import numpy as np
import pytest
from fake_models import Prior, known, standing

from synthgen.geometry import rotmat_to_rotvec, rotvec_to_rotmat
from synthgen.stages import prior
from synthgen.stages.prior import Judged, Judging, judge, vary

EXACT = Judging(code_spread=0, orient_noise_deg=0, shape_noise=0)


def bent(*bends: float):
    """People whose codes have the squared norms bend², with the prior of the fakes."""
    return known([standing(bend=bend) for bend in bends])


def test_the_score_is_the_squared_norm_of_the_code():
    (judged,) = judge([bent(1.5)], Prior(error=np.radians(2)), Judging())
    assert isinstance(judged, Judged)
    assert judged.scores == ({"prior": 2.25, "prior_error": 2.0},)


def test_a_pose_is_easy_below_the_limit_and_a_picture_if_everybodys_is():
    batch = [bent(np.sqrt(2.99)), bent(np.sqrt(3.01)), bent(1.0, 1.0), bent(1.0, 2.0), bent(0.1, 0.1, 0.1)]
    answers = judge(batch, Prior(), Judging(hard_from=3.0))
    assert [one.is_easy for one in answers] == [True, False, True, False, True]
    assert [len(one.scores) for one in answers] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("easy", ["keep", "drop", "redraw"])
def test_only_drop_turns_easy_poses_away(easy):
    answers = judge([bent(0.1), bent(2.0)], Prior(), Judging(hard_from=3.0, easy=easy))
    assert (answers[0] == "easy pose") == (easy == "drop")
    assert isinstance(answers[1], Judged)


def test_implausible_poses_are_turned_away_whoever_has_them():
    options = Judging(hard_from=1.0, plausible_to=4.0)
    answers = judge([bent(1.99), bent(0.1, 2.01)], Prior(), options)
    assert isinstance(answers[0], Judged) and answers[1] == "implausible pose"
    assert judge([bent(1.0)], Prior(error=np.radians(16)), Judging()) == ["pose unknown to the prior"]


def varied(body, options=EXACT, seed=5, bodies=None):
    made = vary(bodies or known([standing(bend=0.4)]), Prior(), body, options, seed)
    assert not isinstance(made, str)
    return made.scene.people[0]


def test_a_variant_scales_the_code(body):
    assert varied(body).body_pose[0, 0] == pytest.approx(1.5 * 0.4)
    assert varied(body, replace(EXACT, code_scale=0.5)).body_pose[0, 0] == pytest.approx(0.2)
    hands = standing()
    hands.body_pose[22] = (0.1, 0.2, 0.3)
    assert np.array_equal(varied(body, bodies=known([hands])).body_pose[22], hands.body_pose[22])


def test_each_component_of_the_code_has_a_scale_of_its_own(body):
    """1.5 + 0.3 N(0, 1) component by component, as in the repository, so that the direction varies, too."""
    person = standing()
    person.body_pose[:21] = 0.05
    options = Judging(orient_noise_deg=0, shape_noise=0, max_penetration=9.0)
    scales = [varied(body, options, seed, known([person])).body_pose[:21] / 0.05 for seed in range(30)]
    assert np.std(scales[0]) > 0.15, "they differ within one variant"
    assert np.mean(scales) == pytest.approx(1.5, abs=0.03)
    assert np.std(scales) == pytest.approx(0.3, abs=0.03)


def test_a_variant_is_turned_by_ten_degrees_about_each_axis(body):
    """Adding to the axis-angle would do less: of somebody upright (half a turn about x) two thirds."""
    options = replace(EXACT, orient_noise_deg=10.0)
    upright = rotvec_to_rotmat(np.array([np.pi, 0, 0]))
    turns = np.array([
        rotmat_to_rotvec(rotvec_to_rotmat(np.float64(varied(body, options, seed).global_orient)) @ upright.T)
        for seed in range(60)
    ])  # fmt: skip
    assert np.degrees(turns.std(0)) == pytest.approx([10, 10, 10], rel=0.3)
    assert np.abs(np.degrees(turns.mean(0))).max() < 4


def test_betas_vary_in_proportion_and_the_pelvis_stays(body):
    person = replace(standing(), betas=np.full(10, 2.0, np.float32))
    options = replace(EXACT, shape_noise=0.1)
    betas = np.array([varied(body, options, seed, known([person])).betas for seed in range(40)])
    assert betas.mean() == pytest.approx(2.0, abs=0.05) and betas.std() == pytest.approx(0.2, abs=0.03)
    one = varied(body, options, 3, known([person]))
    before, after = body.pose([person, one]).points[:, 0]
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert not varied(body, options).betas.any(), "nothing to vary about a mean body"


def test_variants_follow_from_the_seed(body):
    one, same, other = (varied(body, Judging(), seed) for seed in (5, 5, 6))
    assert np.array_equal(one.body_pose, same.body_pose) and np.array_equal(one.betas, same.betas)
    assert not np.array_equal(one.global_orient, other.global_orient)


@pytest.mark.parametrize(
    ("depths", "tries"), [([0.05, 0.02], 2), ([0.05, 0.05, 0.05, 0.03], 4), ([0.05] * 9, 4)]
)
def test_a_variant_that_runs_into_itself_is_drawn_again(body, monkeypatch, depths, tries):
    drawn = []

    def penetration(model, vertices):
        drawn.append(vertices)
        return depths[len(drawn) - 1]

    monkeypatch.setattr(prior, "self_penetration", penetration)
    made = prior.vary(bent(0.4), Prior(), body, Judging(), 5)
    assert len(drawn) == tries and not np.allclose(drawn[0], drawn[1]), "another one each time"
    if depths[tries - 1] > 0.03:
        assert made == "variant runs into itself"
    else:
        np.testing.assert_array_equal(body.pose(made.scene.people).vertices[0], drawn[-1])


def test_options_are_checked():
    assert Judging().problems() == []
    assert Judging(hard_from=50, plausible_to=40).problems() == [
        "plausible_to must be above hard_from 50, got 40"
    ]
    assert len(Judging(variants=0, code_scale=-1, max_error_deg=0).problems()) == 3
