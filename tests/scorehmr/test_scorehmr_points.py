import numpy as np
import pytest
import torch
from score_goldens import golden_points, goldens
from torch import Tensor

from synthgen.backends import rotations
from synthgen.body import OPEN_FILE, Body
from synthgen.body_file import BodyArrays, read_body_file
from synthgen.joints import COCO17, H36M17, OPENPOSE25, SMPL24
from synthgen.sample import Person
from synthgen.scorehmr.points import SparsePoints
from synthgen.scorehmr.rotations import rot6d_to_rotmat, rotmat_to_rot6d


@pytest.fixture(scope="module")
def arrays() -> BodyArrays:
    return read_body_file(OPEN_FILE)


def people(count: int) -> tuple[Tensor, Tensor]:
    """Return 6D rotations (count, 24, 6) and betas (count, 10)."""
    generator = torch.Generator().manual_seed(3)
    return torch.randn(count, 24, 6, generator=generator), torch.randn(count, 10, generator=generator)


def test_agrees_with_the_public_code() -> None:
    run = goldens("body.")
    found = golden_points()(run["rotmats"], run["betas"])
    assert torch.allclose(found, run["joints"], rtol=0, atol=2e-6)


@pytest.mark.parametrize("joint_set", [COCO17, OPENPOSE25, H36M17, SMPL24])
def test_joint_sets_are_those_of_the_whole_body(body: Body, arrays: BodyArrays, joint_set: object) -> None:
    rng = np.random.default_rng(0)
    crowd = [
        Person(rng.normal(size=3), 0.5 * rng.normal(size=(23, 3)), rng.normal(size=10), np.zeros(3))
        for _ in range(3)
    ]
    expected = body.joints(body.pose(crowd).points, joint_set)  # type: ignore[arg-type]
    import roma

    rotvec = torch.from_numpy(
        np.stack([np.concatenate([one.global_orient[None], one.body_pose]) for one in crowd])
    )
    betas = torch.from_numpy(np.stack([one.betas for one in crowd])).float()
    points = SparsePoints.of_joint_set(arrays, joint_set)  # type: ignore[arg-type]
    found = points(roma.rotvec_to_rotmat(rotvec).float(), betas)
    assert torch.allclose(found, torch.from_numpy(expected), atol=1e-5)
    assert np.allclose(points.rest_pelvis(betas), body.rest_pelvis(betas.numpy()), atol=1e-6)


def plain_skinning(arrays: BodyArrays, rows: np.ndarray, rotmat: Tensor, betas: Tensor) -> Tensor:
    """Return blends of joints and vertices as SMPL's paper writes them down: every vertex, autograd."""
    kept = {name: torch.from_numpy(getattr(arrays, name)).double() for name in
            ("v_template", "shapedirs", "posedirs", "J_regressor", "weights")}  # fmt: skip
    shaped = kept["v_template"] + torch.einsum("vab,nb->nva", kept["shapedirs"], betas)
    joints = kept["J_regressor"] @ shaped
    bend = (rotmat[:, 1:] - torch.eye(3)).flatten(1)
    rest = shaped + torch.einsum("vab,nb->nva", kept["posedirs"], bend)
    turns, places = [rotmat[:, 0]], [joints[:, 0]]
    for child, parent in list(enumerate(SMPL24.parents))[1:]:
        offset = (joints[:, child] - joints[:, parent])[..., None]
        places.append(places[parent] + (turns[parent] @ offset)[..., 0])
        turns.append(turns[parent] @ rotmat[:, child])
    turn, place = torch.stack(turns, 1), torch.stack(places, 1)
    shift = place - (turn @ joints[..., None])[..., 0]
    blended = torch.einsum("vk,nkab->nvab", kept["weights"], turn)
    vertices = (blended @ rest[..., None])[..., 0] + kept["weights"] @ shift
    return torch.from_numpy(rows) @ torch.cat([place, vertices], 1)


def test_values_and_gradients_of_any_regressor(arrays: BodyArrays) -> None:
    """Rows over hundreds of vertices and some joints, against plain skinning and autograd."""
    rng = np.random.default_rng(0)
    rows = np.zeros((5, 24 + len(arrays.v_template)))
    for row in rows[:4]:
        row[24 + rng.choice(len(arrays.v_template), 200, replace=False)] = rng.dirichlet(np.ones(200))
    rows[1, 24:] *= 0.5
    rows[1, [3, 7]] = 0.25
    rows[4, 20] = 1
    points = SparsePoints(arrays, tuple("abcde"), rows).double()
    pull = torch.from_numpy(rng.normal(size=(2, 5, 3)))
    results = []
    for pose in (points, lambda *body: plain_skinning(arrays, rows, *body)):
        rot6d, betas = (value.double().requires_grad_() for value in people(2))
        found = pose(rotations.rot6d_to_rotmat(rot6d), betas)
        results.append((found, *torch.autograd.grad((found * pull).sum(), [rot6d, betas])))
    for ours, plain in zip(*results, strict=True):
        assert torch.allclose(ours, plain, rtol=0, atol=2e-6 * max(1, plain.abs().max().item()))


def test_the_gradient_of_6d_rotations_is_the_one_of_autograd() -> None:
    rot6d = people(4)[0].double().requires_grad_()
    pull = torch.randn(4, 24, 3, 3, generator=torch.Generator().manual_seed(1)).double()
    ours, plain = rot6d_to_rotmat(rot6d), rotations.rot6d_to_rotmat(rot6d)
    assert torch.allclose(ours, plain, atol=1e-12)
    gradients = [torch.autograd.grad((one * pull).sum(), rot6d)[0] for one in (ours, plain)]
    assert torch.allclose(*gradients, atol=1e-10)
    assert torch.allclose(rot6d_to_rotmat(rotmat_to_rot6d(plain)), plain)


def test_a_body_of_several_types(arrays: BodyArrays) -> None:
    points = SparsePoints.of_joint_set(arrays, COCO17)
    rot6d, betas = people(2)
    single = points(rot6d_to_rotmat(rot6d), betas)
    double = points.double()(rot6d_to_rotmat(rot6d.double()), betas.double())
    assert double.dtype == torch.float64 and torch.allclose(single.double(), double, atol=1e-5)


def test_rows_that_are_no_blends_are_named(arrays: BodyArrays) -> None:
    with pytest.raises(ValueError, match=r"rows must be \(2, 24 joints \+ \d+ vertices\)"):
        SparsePoints(arrays, ("a", "b"), np.ones((2, 7)))
    with pytest.raises(ValueError, match="each row of rows must sum to 1"):
        SparsePoints(arrays, ("a",), np.ones((1, 24 + len(arrays.v_template))))
