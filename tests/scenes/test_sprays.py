import numpy as np
import pytest

from synthgen.geometry import intrinsics
from synthgen.sample import Camera
from synthgen.scenes import poses
from synthgen.scenes.cameras import View
from synthgen.scenes.posing import pose_alone
from synthgen.scenes.sprays import Spray, blend_sprays, sprays_for

VIEW = View(Camera(intrinsics(100.0, (64, 64)), (64, 64)), np.eye(3), np.zeros(3), np.zeros(3))
GREY = np.full((64, 64, 3), 80, np.uint8)


def puff(z: float) -> Spray:
    return Spray(np.array([[0.0, 0.0, z]]), np.array([0.1]), np.array([0.8]), (1.0, 1.0, 1.0))


def test_puffs_brighten_their_place_only():
    blended = blend_sprays(GREY, np.zeros((64, 64), np.float32), [puff(2.0)], VIEW, (1, 1, 1))
    assert blended[31, 31, 0] > 200
    assert (blended[:10] == 80).all()
    column = blended[31, 32:, 0].astype(int)
    assert (np.diff(column) <= 0).all()


@pytest.mark.parametrize(("z", "is_covered"), [(2.0, True), (4.0, False)])
def test_people_in_front_of_a_puff_stay_clear(z, is_covered):
    depth = np.full((64, 64), 3.0, np.float32)
    blended = blend_sprays(GREY, depth, [puff(z)], VIEW, (1, 1, 1))
    assert (blended != 80).any() == is_covered


def test_puffs_outside_or_behind_do_nothing():
    far = Spray(np.array([[9.0, 0, 2], [0, 0, -1]]), np.full(2, 0.1), np.ones(2), (1.0, 1.0, 1.0))
    np.testing.assert_array_equal(
        blend_sprays(GREY, np.zeros((64, 64), np.float32), [far], VIEW, (1, 1, 1)), GREY
    )


def test_no_sprays_no_change():
    np.testing.assert_array_equal(
        blend_sprays(GREY, np.zeros((64, 64), np.float32), [], VIEW, (1, 1, 1)), GREY
    )


def figure_of(casting, family: str, action: str):
    rng = np.random.default_rng(2)
    return pose_alone(
        casting.player(poses.draw_action(family, action, rng), family, 0.5, 0.0, rng), casting.body
    ).figure


def test_stopping_on_skis_throws_up_snow_near_the_skis(casting):
    figure = figure_of(casting, "ski", "hockey_stop")
    (spray,) = sprays_for(figure, np.random.default_rng(0))
    (again,) = sprays_for(figure, np.random.default_rng(0))
    np.testing.assert_array_equal(spray.places, again.places)
    assert spray.places[:, 1].min() > 0
    assert np.linalg.norm(spray.places - figure.point("left_ankle"), axis=1).min() < 1.0
    assert spray.opacity.min() > 0


def test_walkers_throw_up_nothing(casting):
    assert sprays_for(figure_of(casting, "everyday", "walk"), np.random.default_rng(0)) == []
