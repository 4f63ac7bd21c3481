"""Bodies come to fill the segments of their people; an empty segment says nothing."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from score_people import CAMERA, SIZE, cases_of, person, tiny_denoiser
from torch import Tensor

from synthgen.body import OPEN_FILE, Body
from synthgen.body_file import read_body_file
from synthgen.geometry import intrinsics, rotvec_to_rotmat
from synthgen.joints import COCO23
from synthgen.render import Renderer, make_renderer
from synthgen.sample import Camera, Person
from synthgen.scorehmr.cameras import Cameras
from synthgen.scorehmr.cases import Cases, Weights
from synthgen.scorehmr.points import SparsePoints
from synthgen.scorehmr.refinery import Refinery
from synthgen.scorehmr.sampling import GuidanceOptions
from synthgen.scorehmr.silhouette import FINE, ROUGH, Detail, Silhouette, joints_and_skin


@cache
def renderer() -> Renderer:
    """Return what draws the pictures of a run, made once."""
    return make_renderer("warp", "cpu")


def segment(body: Body, one: Person, camera: Camera = CAMERA) -> NDArray[np.bool_]:
    """Return where a person shows, as the renderer of the package draws it."""
    _, index = renderer().depth([(body.pose([one]).vertices[0], body.faces)], camera)
    return np.asarray(index == 1)


@pytest.fixture(scope="module")
def cases(body: Body) -> Cases:
    truth = [person(np.random.default_rng(0))]
    return cases_of(truth, truth, body)


@cache
def skin(count: int) -> SparsePoints:
    """Return joints and skin of the open body, made once."""
    return joints_and_skin(read_body_file(OPEN_FILE), count)


def seen_by(camera: Camera) -> Cameras:
    """Return a camera as terms take it: the longer side of its picture counts as 1000 px."""
    scale = 1000 / max(camera.image_size)
    cam_int = torch.tensor(camera.cam_int).float()[None] * torch.tensor([[scale], [scale], [1.0]])
    return Cameras.of_intrinsics(cam_int, torch.tensor([camera.image_size]).float() * scale)


def energy(
    cases: Cases,
    body: Body,
    shift: Tensor,
    mask: NDArray[np.bool_] | None,
    camera: Camera = CAMERA,
    detail: Detail = ROUGH,
) -> Tensor:
    """Return the energy of the body moved by `shift` (3,) [m]."""
    points = skin(detail.skin_points)
    assert len(points.names) == len(COCO23) + detail.skin_points
    term = Silhouette.of_masks([mask], seen_by(camera), 1.0, detail)
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


@pytest.mark.parametrize("size", [(96, 128), (48, 64)])
def test_pixels_lie_where_the_renderer_has_them(cases: Cases, body: Body, size: tuple[int, int]) -> None:
    camera = Camera(intrinsics(160.0 * size[1] / 128, size), size)
    one, pixel_m = cases.people[0], cases.people[0].transl[2] / camera.cam_int[0, 0]
    mask = segment(body, one, camera)
    steps = torch.linspace(-2, 2, 17)  # [px]
    for axis in (0, 1):
        energies = []
        for step in steps:
            shift = torch.zeros(3)
            shift[axis] = step * float(pixel_m)
            energies.append(float(energy(cases, body, shift, mask, camera)))
        fit = np.polyfit(steps.numpy(), energies, 2)
        assert abs(-fit[1] / (2 * fit[0])) < 0.2, "half a pixel off, it would be 0.5"


@pytest.mark.parametrize("size", [(96, 128), (48, 64), (384, 512)])
def test_in_detail_bodies_are_as_large_as_their_segments(
    cases: Cases, body: Body, size: tuple[int, int]
) -> None:
    camera = Camera(intrinsics(160.0 * size[1] / 128, size), size)
    one = cases.people[0]
    mask = segment(body, one, camera)
    scales = np.linspace(0.94, 1.06, 13)
    least = {}
    for detail in (ROUGH, FINE):
        shifts = [torch.tensor(one.transl).float() * (1 / scale - 1) for scale in scales]
        energies = [float(energy(cases, body, shift, mask, camera, detail)) for shift in shifts]
        least[detail] = float(scales[int(np.argmin(energies))])
    assert abs(least[FINE] - 1) < 0.025, "that of a body that is drawn where the segment is"
    assert least[ROUGH] <= least[FINE], "smaller ones cost little"


def test_beyond_the_window_distances_grow_on(cases: Cases, body: Body) -> None:
    mask = segment(body, cases.people[0])
    ways = [torch.tensor([way, 0.0, 0.0]) for way in (0.5, 0.8, 1.1)]
    near, further, far = (float(energy(cases, body, way, mask)) for way in ways)
    assert near < further < far


def test_a_pixel_is_its_centre_and_the_first_one_is_0() -> None:
    camera = Camera(intrinsics(100.0, (40, 50)), (40, 50))
    mask = np.zeros((40, 50), bool)
    mask[[0, 0, 39], [0, 7, 49]] = True
    term = Silhouette.of_masks([mask], seen_by(camera), 1.0)
    assert torch.equal(term.pixels[0].unique(dim=0), torch.tensor([[0.0, 0.0], [140.0, 0.0], [980.0, 780.0]]))


def test_a_segment_that_fills_its_picture_has_no_outline() -> None:
    camera = Camera(intrinsics(100.0, (40, 50)), (40, 50))
    term = Silhouette.of_masks([np.ones((40, 50), bool)], seen_by(camera), 1.0, FINE)
    assert (term.beyond < 0).all() and torch.isfinite(term.beyond).all() and torch.isfinite(term.pixels).all()


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
