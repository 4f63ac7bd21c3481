"""Bodies come to fill the segments of their people; an empty segment says nothing."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_closing
from score_people import CAMERA, SIZE, cases_of, person, tiny_denoiser
from torch import Tensor

from synthgen.body import OPEN_FILE, Body
from synthgen.body_file import read_body_file
from synthgen.geometry import project, rotvec_to_rotmat
from synthgen.sample import Person
from synthgen.scorehmr.cameras import Cameras
from synthgen.scorehmr.cases import Cases, Weights
from synthgen.scorehmr.points import SparsePoints
from synthgen.scorehmr.refinery import Refinery
from synthgen.scorehmr.sampling import GuidanceOptions
from synthgen.scorehmr.silhouette import SKIN_POINTS, Silhouette, joints_and_skin

SCALE = 1000 / SIZE[1]


def segment(body: Body, one: Person) -> NDArray[np.bool_]:
    """Return where a person shows."""
    vertices = body.pose([one]).vertices[0].astype(np.float64)
    pixels = project(vertices, CAMERA.cam_int).round().astype(int)
    mask = np.zeros(SIZE, bool)
    mask[pixels[:, 1].clip(0, SIZE[0] - 1), pixels[:, 0].clip(0, SIZE[1] - 1)] = True
    return np.asarray(binary_closing(mask, iterations=2))


@pytest.fixture(scope="module")
def cases(body: Body) -> Cases:
    truth = [person(np.random.default_rng(0))]
    return cases_of(truth, truth, body)


@cache
def skin() -> SparsePoints:
    """Return joints and skin of the open body, made once."""
    return joints_and_skin(read_body_file(OPEN_FILE))


def energy(cases: Cases, body: Body, shift: Tensor, mask: NDArray[np.bool_] | None) -> Tensor:
    """Return the energy of the body moved by `shift` (3,) [m]."""
    points = skin()
    assert len(points.names) == 17 + SKIN_POINTS
    cam_int = torch.tensor(CAMERA.cam_int).float()[None] * torch.tensor([[SCALE], [SCALE], [1.0]])
    cameras = Cameras.of_intrinsics(cam_int, torch.tensor([SIZE]).float() * SCALE)
    term = Silhouette.of_masks([mask], cameras, 1.0)
    one = cases.people[0]
    rotvec = np.concatenate([one.global_orient[None], one.body_pose])
    posed = points(torch.tensor(rotvec_to_rotmat(rotvec)).float()[None], torch.zeros(1, 10))
    transl = torch.tensor(one.transl).float()[None] + shift
    return term(SimpleNamespace(points=posed, transl=transl))  # type: ignore[arg-type]


def test_energy_is_least_in_place_and_pulls_back(cases: Cases, body: Body) -> None:
    mask = segment(body, cases.people[0])
    in_place = energy(cases, body, torch.zeros(3), mask)
    for way in ([0.15, 0, 0], [-0.15, 0, 0], [0, 0.15, 0], [0, 0, 1.0]):
        shift = torch.tensor(way, requires_grad=True)
        moved = energy(cases, body, shift, mask)
        assert moved > 3 * in_place
        (pull,) = torch.autograd.grad(moved.sum(), shift)
        assert (pull * shift.detach()).sum() > 0, "a step against the gradient leads back"


def test_an_empty_segment_says_nothing(cases: Cases, body: Body) -> None:
    far = torch.tensor([0.4, 0.0, 0.0])
    assert energy(cases, body, far, None) == 0
    assert energy(cases, body, far, np.zeros(SIZE, bool)) == 0


def test_a_refinement_moves_bodies_into_their_segments(cases: Cases, body: Body) -> None:
    one = cases.people[0]
    aside = replace(one, transl=one.transl + np.array([0.25, 0.0, 0.0]))
    joints = cases.keypoints_2d + np.array([11.0, 0.0])  # wrong in the same way: they hold the body there
    masks = (segment(body, one),)
    wrong = replace(cases, people=(aside,), keypoints_2d=joints)
    refinery = Refinery(
        tiny_denoiser(), read_body_file(OPEN_FILE), GuidanceOptions(iterations=3), Weights(silhouette=10.0)
    )
    without = refinery.refine_from(wrong).people[0].transl[0] - one.transl[0]
    with_them = refinery.refine_from(replace(wrong, masks=masks)).people[0].transl[0] - one.transl[0]
    assert without > 0.15 and abs(with_them) < 0.5 * without
