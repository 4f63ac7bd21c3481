"""Other starts: the body seen from the other side; which of several fits is taken."""

import numpy as np
from score_people import CAMERA, person

from synthgen.body import Body
from synthgen.geometry import project
from synthgen.joints import SMPL24
from synthgen.sample import Person
from synthgen.scorehmr.hypotheses import Scouted, choose, reflected


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


def bent(angle: float) -> Person:
    pose = np.zeros((23, 3), np.float32)
    pose[:, 0] = angle
    turn, transl = np.array([0, 0, angle], np.float32), np.array([angle, 0, 3], np.float32)
    return Person(turn, pose, np.zeros(10, np.float32), transl)


def test_fits_are_blended_by_what_they_explain() -> None:
    """Two people, three fits each: the first's are alike in energy but for one, the second's are not."""
    people = tuple((bent(angle), bent(angle)) for angle in (0.2, 0.6, 1.5))
    scouted = Scouted(people, np.array([[5.0, 5.0], [5.0, 1.0], [95.0, np.inf]]), np.ones(2))
    both, one = scouted.blended((), 0.05, 1.0)
    assert np.allclose(both.body_pose[:, 0], 0.4, atol=1e-5), "the mean of rotations about one axis"
    assert np.allclose(both.global_orient, [0, 0, 0.4], atol=1e-5) and np.allclose(both.transl, [0.4, 0, 3])
    assert np.allclose(one.body_pose[:, 0], 0.6, atol=1e-5), "the better one alone"
    warm = scouted.blended((), 4.0, 1.0)[1].body_pose[0, 0]
    weights = np.exp(-np.array([4.0, 0.0]) / 4.0)
    assert abs(warm - weights @ [0.2, 0.6] / weights.sum()) < 0.01, "failures have no weight"
    led = scouted.blended((), 0.05, 0.8)[0].body_pose[0, 0]
    assert abs(led - 0.2) < 1e-4, "the estimate is left for what is clearly better alone"
    together = [found.body_pose[0, 0] for found in scouted.blended(("a", "a"), 1.0, 1.0)]
    assert np.allclose(together[0], together[1]) and together[0] > 0.55, "a group has one weight"


def test_who_fails_from_everywhere_stays_as_estimated() -> None:
    people = tuple((bent(angle), bent(angle)) for angle in (0.2, 0.6))
    scouted = Scouted(people, np.array([[np.inf, 1.0], [np.inf, 1.0]]), np.ones(2))
    lost, found = scouted.blended((), 1.0, 1.0)
    assert np.allclose(lost.body_pose[:, 0], 0.2, atol=1e-6)
    assert np.allclose(found.body_pose[:, 0], 0.4, atol=1e-5)
