"""Batches that agree: crops of posed bodies with their labels, and the answers that are right for them."""

import torch
from torch import Tensor

from synthgen.body import OPEN_FILE
from synthgen.body_file import read_body_file
from synthgen.body_points import BodyPoints, blend
from synthgen.dpmesh.batch import CASCADE_ROWS, Bodies, Crops, Labels
from synthgen.joints import DPMESH30

SIDE = 64
FOCAL = 200.0


def body_points() -> BodyPoints:
    return BodyPoints(read_body_file(OPEN_FILE))


def rotations(*shape: int, seed: int = 0, scale: float = 0.3) -> Tensor:
    """Return random rotation matrices (*shape, 3, 3)."""
    vector = torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed)) * scale
    zero = torch.zeros(shape)
    x, y, z = vector.unbind(-1)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    return torch.linalg.matrix_exp(cross)


def right_answer(count: int = 3, layers: int = 2) -> tuple[Bodies, Crops, Labels]:
    """Return an answer without any error, and what it answers."""
    rotmat, betas = rotations(count, 24), torch.linspace(-1, 1, 10).expand(count, 10).clone()
    transl = torch.tensor([0.05, -0.1, 8.0]).expand(count, 3).clone()
    joints = blend(body_points()(rotmat, betas), DPMESH30)
    joints = joints - joints[:, :1]
    moved = joints + transl[:, None]
    cam_int = torch.tensor([[FOCAL, 0, 31.5], [0, FOCAL, 31.5], [0, 0, 1.0]]).expand(count, 3, 3).clone()
    pixels = FOCAL * moved[..., :2] / moved[..., 2:] + 31.5
    ones = torch.ones(count, 30)
    labels = Labels(
        rotmat.clone(), betas.clone(), joints, ones, pixels, ones, torch.ones(count), torch.ones(count)
    )
    cascade = torch.cat([pixels / SIDE, joints[..., 2:] / 2 + 0.5], -1)[:, None, list(CASCADE_ROWS)]
    features = torch.randn(count, 4, 2, 2, generator=torch.Generator().manual_seed(1))
    crops = Crops(torch.zeros(count, 3, SIDE, SIDE), pixels, ones, cam_int)
    return Bodies(rotmat, betas, transl, cascade.repeat(1, layers, 1, 1), features), crops, labels
