import numpy as np

from synthgen.nearness import FARTHEST, nearness


def test_nearest_is_one_farthest_stands_out_and_background_is_zero():
    depth = np.array([[[0, 2.0], [3.0, 4.0]], [[0, 0], [8.0, 0]], [[0, 0], [0, 0]]])
    near = nearness(depth)
    assert near.dtype == np.float32 and near.shape == depth.shape
    assert np.allclose(near[0], [[0, 1], [FARTHEST + (1 - FARTHEST) / 3, FARTHEST]])
    assert np.allclose(near[1], [[0, 0], [1, 0]]) and not near[2].any()


def test_flat_bodies_are_not_stretched_over_the_whole_range():
    near = nearness(np.array([[5.0, 5.05, 0]]))
    assert near[0, 0] == 1 and 0.9 < near[0, 1] < 1


def test_scale_does_not_matter():
    depth = np.random.default_rng(0).uniform(1, 9, (2, 5, 5))
    assert np.allclose(nearness(depth), nearness(3 * depth), atol=1e-6)
