"""Shape statistics, joint regression and numbering of the open body's build."""

import numpy as np
import pytest

from synthgen.joints import SMPL24
from synthgen.open_body.shape_space import (
    farthest,
    fit_regressor,
    fit_regressors,
    numbering,
    principal_shapes,
)


def test_principal_shapes_have_unit_variance_coefficients_and_grow_upwards():
    rng = np.random.default_rng(0)
    mean, true = rng.normal(0, 1, (30, 3)), rng.normal(0, 1, (30, 3, 2)) * [3, 1]
    bodies = mean + np.einsum("pak,nk->npa", true, rng.normal(0, 1, (400, 2)))
    shapes = principal_shapes(bodies, 2)
    np.testing.assert_allclose(shapes[..., 0], bodies.mean(0), atol=1e-9)
    directions = shapes[..., 1:].reshape(-1, 2)
    betas = np.linalg.lstsq(directions, (bodies - bodies.mean(0)).reshape(400, -1).T, rcond=None)[0].T
    np.testing.assert_allclose(np.cov(betas.T, bias=True), np.eye(2), atol=1e-9)
    np.testing.assert_allclose(betas @ directions.T, (bodies - bodies.mean(0)).reshape(400, -1), atol=1e-9)
    assert np.linalg.norm(directions[:, 0]) > np.linalg.norm(directions[:, 1])
    top, bottom = shapes[..., 0][:, 1].argmax(), shapes[..., 0][:, 1].argmin()
    assert (shapes[top, 1, 1:] > shapes[bottom, 1, 1:]).all()


def test_a_joint_inside_is_found_with_few_non_negative_weights():
    rng = np.random.default_rng(0)
    vertices = rng.normal(0, 0.1, (60, 3, 4))
    wanted = np.zeros(60)
    wanted[[3, 17, 40]] = 0.2, 0.3, 0.5
    joint = np.einsum("v,vak->ak", wanted, vertices)
    found = fit_regressor(joint, vertices)
    assert found.min() >= 0 and found.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.einsum("v,vak->ak", found, vertices), joint, atol=1e-6)


def test_joint_regressors_are_symmetric_local_and_exact_on_what_they_were_made_from():
    rng = np.random.default_rng(1)
    flip = list(SMPL24.flip_permutation())
    per_joint, sides = 12, [-1, 1, 1]
    joints = rng.normal(0, 0.5, (24, 3, 3))
    joints[:, 0][[index for index, other in enumerate(flip) if index == other]] = 0
    for index, other in enumerate(flip):
        joints[other] = joints[index] * np.array(sides)[:, None] if other > index else joints[other]
    offsets = rng.normal(0, 0.05, (per_joint, 3, 1))
    offsets = np.concatenate(
        [offsets - offsets.mean(0), (offsets - offsets.mean(0)) * np.array(sides)[:, None]]
    )
    vertices = (joints[:, None] + offsets).reshape(-1, 3, 3)
    count = 2 * per_joint
    within = np.roll(np.arange(count), per_joint)
    mirror = np.concatenate([flip[index] * count + within for index in range(24)])
    weights = np.repeat(np.eye(24), count, axis=0)
    regressor = fit_regressors(joints, vertices, weights, mirror)
    assert regressor.min() >= 0
    np.testing.assert_allclose(regressor.sum(1), 1)
    np.testing.assert_allclose(regressor[flip][:, mirror], regressor, atol=1e-12)
    np.testing.assert_allclose(np.einsum("jv,vak->jak", regressor, vertices), joints, atol=1e-3)


def test_chosen_vertices_get_their_numbers_and_the_rest_keep_their_order():
    order = numbering(6, {5: 0, 1: 3})
    np.testing.assert_array_equal(order, [5, 0, 2, 1, 3, 4])
    with pytest.raises(ValueError, match="places must be distinct and below 6"):
        numbering(6, {0: 2, 1: 2})
    with pytest.raises(ValueError, match="places must be distinct and below 6"):
        numbering(6, {0: 6})


def test_farthest_looks_only_among_the_marked():
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    assert farthest(vertices, np.array([True, True, False]), (1, 0, 0)) == 1
    with pytest.raises(ValueError, match="no vertex to look for"):
        farthest(vertices, np.zeros(3, bool), (1, 0, 0))
