"""Draws of the pose library: within limits, repeatable, varied, free of collisions, well supported."""

from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from synthgen.joints import POINT_NAMES
from synthgen.sample import Person
from synthgen.scenes import anatomy, limits, poses
from synthgen.scenes.collision import self_penetration
from synthgen.scenes.keyframes import LIBRARY
from synthgen.scenes.poses import FAMILIES, SPORTS, DrawnPose, actions, draw_action, draw_pose

_DRAWS = 300
_FEWEST = {"everyday": 40, "ski": 12, "gymnastics": 15, "diving": 8, "athletics": 14, "yoga": 20}


@cache
def _draws(family: str) -> tuple[DrawnPose, ...]:
    rng = np.random.default_rng(11)
    return tuple(draw_pose(family, rng) for _ in range(_DRAWS))


def _posed(body, pose: DrawnPose) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    posed = body.pose([Person(pose.global_orient, pose.body_pose, np.zeros(10), np.zeros(3))])
    return posed.vertices[0], dict(zip(POINT_NAMES, posed.points[0], strict=True))


def test_families_are_broad():
    assert set(FAMILIES) == set(_FEWEST) and set(SPORTS) == set(FAMILIES) - {"everyday"}
    for family, fewest in _FEWEST.items():
        assert len(set(actions(family))) == len(actions(family)) >= fewest
    for family, wanted in {
        "everyday": {"stand", "walk", "sit", "reach"},
        "ski": {"tuck", "slalom_turn", "jump", "fall"},
        "gymnastics": {"split_leap", "handstand", "bridge", "tuck"},
        "diving": {"pike", "tuck", "layout"},
        "athletics": {"sprint", "hurdle", "pole_vault", "high_jump"},
    }.items():
        assert wanted <= set(actions(family))


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_stay_within_anatomical_limits(family):
    flexible = limits.is_flexible(family)
    for pose in _draws(family):
        found = limits.violations(anatomy.from_body_pose(pose.body_pose), flexible)
        assert found == {}, (pose.action, found)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_pose(family):
    first, again, other = (draw_pose(family, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert first.action == again.action and first.lift == again.lift
    np.testing.assert_array_equal(first.body_pose, again.body_pose)
    np.testing.assert_array_equal(first.global_orient, again.global_orient)
    assert not np.array_equal(first.body_pose, other.body_pose)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_action_is_drawn_and_well_described(family):
    drawn = _draws(family)
    assert {pose.action for pose in drawn} == set(actions(family))
    for pose in drawn:
        assert pose.family == family and pose.body_pose.shape == (23, 3) and pose.global_orient.shape == (3,)
        assert np.isfinite(pose.body_pose).all() and np.isfinite(pose.global_orient).all()
        assert pose.verb == pose.verb.strip() and not pose.verb.endswith(".")
        assert (pose.lift == 0) if pose.support == "ground" else (pose.lift >= 0)


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_of_an_action_vary(family):
    for action in actions(family):
        rng = np.random.default_rng(3)
        drawn = np.stack([draw_action(family, action, rng).body_pose for _ in range(6)])
        spread = np.degrees(np.linalg.norm(drawn - drawn.mean(0), axis=-1))
        assert spread.mean() > 1.8, action


@pytest.mark.parametrize("family", FAMILIES)
def test_bodies_do_not_run_into_themselves(body, family):
    depths = np.array([self_penetration(body, _posed(body, pose)[0]) for pose in _draws(family)[:60]])
    assert depths.mean() < 0.012
    assert (depths > 0.05).mean() <= 0.05
    assert depths.max() < 0.09


def test_left_and_right_are_drawn_alike():
    rng = np.random.default_rng(8)
    raised = []
    for _ in range(80):
        angles = anatomy.from_body_pose(draw_action("everyday", "wave", rng).body_pose)
        left, right = (angles[anatomy.ANGLES.index(f"{side}_arm_raise")] for side in ("left", "right"))
        raised.append(left > right)
    assert 25 <= sum(raised) <= 55


def _mean_height(points: dict[str, np.ndarray], part: str) -> float:
    return float(np.mean([points[f"{side}_{part}"][1] for side in ("left", "right")]))


@pytest.mark.parametrize(
    ("family", "action"),
    [("gymnastics", "handstand"), ("diving", "entry"), ("diving", "armstand"), ("yoga", "headstand")],
)
def test_who_is_upside_down_has_hands_below_hips_below_feet(body, family, action):
    for seed in range(8):
        _, points = _posed(body, draw_action(family, action, np.random.default_rng(seed)))
        assert _mean_height(points, "wrist") < points["pelvis"][1] < _mean_height(points, "ankle") + 0.05


@pytest.mark.parametrize(
    ("family", "action"),
    [("everyday", "stand"), ("everyday", "cross_arms"), ("everyday", "bend_down"), ("yoga", "chair")],
)
def test_feet_that_stand_are_flat_and_level(body, family, action):
    for seed in range(8):
        vertices, points = _posed(body, draw_action(family, action, np.random.default_rng(seed)))
        soles = [
            points[f"{side}_{n}"][1] for side in ("left", "right") for n in ("heel", "big_toe", "small_toe")
        ]
        assert np.ptp(soles) < 0.06 and min(soles) - vertices[:, 1].min() < 0.06


def test_planks_rest_on_hands_and_toes(body):
    for seed in range(8):
        vertices, points = _posed(body, draw_action("yoga", "plank", np.random.default_rng(seed)))
        ground = vertices[:, 1].min()
        for side in ("left", "right"):
            assert points[f"{side}_hand"][1] - ground < 0.09 and points[f"{side}_big_toe"][1] - ground < 0.09
        assert points["pelvis"][1] - ground > 0.15


def test_sports_are_far_from_everyday():
    def lying_or_inverted(family: str) -> float:
        up = [Rotation.from_rotvec(pose.global_orient).as_matrix()[1, 1] for pose in _draws(family)]
        return float((np.array(up) < np.cos(np.radians(50))).mean())

    assert lying_or_inverted("everyday") < 0.2
    assert min(lying_or_inverted(family) for family in ("gymnastics", "diving", "yoga")) > 0.3
    assert {pose.support for pose in _draws("gymnastics")} == {"ground", "air", "hang", "apparatus"}


def test_keyframes_of_a_library_have_unique_names_and_lifts_that_fit():
    for family, library in LIBRARY.items():
        for action in library:
            is_grounded = action.support == "ground"
            assert (action.lift == (0.0, 0.0)) == is_grounded, (family, action.name)


def test_unknown_names_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="unknown pose family 'golf'; known: everyday"):
        poses.draw_pose("golf", rng)
    with pytest.raises(ValueError, match="unknown action 'putt' in ski; known: tuck"):
        draw_action("ski", "putt", rng)
