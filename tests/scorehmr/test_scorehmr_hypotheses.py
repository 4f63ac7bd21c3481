"""Other starts: the body seen from the other side; which of several fits is taken."""

import numpy as np
from score_people import CAMERA, person

from synthgen.body import Body
from synthgen.geometry import project
from synthgen.joints import SMPL24
from synthgen.scorehmr.hypotheses import choose, reflected


def test_a_body_mirrored_in_depth_looks_alike_and_changes_sides(body: Body) -> None:
    one = person(np.random.default_rng(1), bend=0.3, turn=0.4)
    pelvis = body.rest_pelvis(one.betas) + one.transl
    other = reflected(one, pelvis)
    before, after = body.joints(body.pose([one, other]).points, SMPL24).astype(np.float64)
    ray = pelvis / np.linalg.norm(pelvis)
    behind = before - 2 * np.outer((before - pelvis) @ ray, ray)
    opposite = list(SMPL24.flip_permutation())
    assert np.abs(after[opposite] - behind).max() < 0.03, "up to what the body itself is not symmetric in"
    moved = np.linalg.norm(project(after[opposite], CAMERA.cam_int) - project(before, CAMERA.cam_int), axis=1)
    assert np.median(moved) < 2 and moved[0] < 0.01, "perspective moves only what is near or far"
    twice = reflected(other, pelvis)
    assert np.allclose(twice.body_pose, one.body_pose, atol=1e-5)
    again = body.pose([twice]).points[0]
    assert np.abs(again - body.pose([one]).points[0]).max() < 1e-3


def test_fits_are_taken_by_energy_and_the_first_has_a_lead() -> None:
    energies = np.array([[1.0, 1.0, 1.0], [0.9, 0.5, np.inf], [0.95, 0.6, 2.0]])
    assert choose(energies, (), 0.8).tolist() == [0, 1, 0]
    assert choose(energies, (), 0.8, rank=1).tolist() == [1, 2, 2]
    assert choose(energies, (), 0.8, rank=9).tolist() == choose(energies, (), 0.8, rank=2).tolist()
    assert len(set(choose(energies, ("a", "b", "b"), 0.8)[1:].tolist())) == 1
