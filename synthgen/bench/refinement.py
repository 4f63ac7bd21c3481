"""Refinement by ScoreHMR's settings, beside a plain implementation of the same.

Plain: all vertices of the body are skinned by smplx and differentiated by autograd at every guided step, and
the whole denoiser runs at every step. Real: both take the published network's sizes and the open body.
"""

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from synthgen.body import LANDMARK_VERTICES, OPEN_FILE
from synthgen.body_file import BodyArrays, read_body_file
from synthgen.joints import LANDMARK_NAMES, OPENPOSE25, SMPL24
from synthgen.scorehmr.cameras import Cameras
from synthgen.scorehmr.denoiser import DenoiserConfig, Prepared, ScoreDenoiser
from synthgen.scorehmr.guidance import Keypoints
from synthgen.scorehmr.points import SparsePoints
from synthgen.scorehmr.rotations import rot6d_to_rotmat
from synthgen.scorehmr.sampling import GuidanceOptions, Refined, refine
from synthgen.scorehmr.state import Start

_SPREAD = 0.1  # of the poses [units of 6D]
_ERROR_PX = 20.0
_SIDE_PX = 1000


class PlainDenoiser(ScoreDenoiser):
    """The same network, run whole at every step."""

    def prepare(self, features: Tensor, times: Sequence[int]) -> Prepared:
        """Return a function of x and one time step."""
        return lambda x, time: self(x, torch.full((len(x),), time, device=x.device), features)


class WholeBody(SparsePoints):
    """The joints of OpenPose, taken from all vertices."""

    def __init__(self, arrays: BodyArrays) -> None:
        super().__init__(arrays, SMPL24.names, np.eye(len(SMPL24), len(SMPL24) + len(arrays.v_template)))
        self.names = OPENPOSE25.names
        directions = arrays.posedirs.reshape(-1, arrays.posedirs.shape[-1]).T
        given = (arrays.v_template, arrays.shapedirs, directions, arrays.J_regressor, arrays.weights)
        self._arrays = [torch.from_numpy(np.ascontiguousarray(array)) for array in given]
        self._parents = torch.tensor(SMPL24.parents)
        self._landmarks = [LANDMARK_VERTICES[name] for name in LANDMARK_NAMES]
        self._blend = torch.from_numpy(OPENPOSE25.point_weights())

    def forward(self, rotmat: Tensor, betas: Tensor) -> Tensor:
        """Pose bodies (see `SparsePoints.forward`)."""
        from smplx.lbs import lbs

        template, shapes, poses, regressor, weights = self._arrays
        vertices, joints = lbs(
            betas, rotmat, template, shapes, poses, regressor, self._parents, weights, pose2rot=False
        )
        return self._blend @ torch.cat([joints, vertices[:, self._landmarks]], 1)


def fit(people: int, is_plain: bool, options: GuidanceOptions) -> tuple[float, Refined]:
    """Fit people to keypoints that are some pixels off.

    Args:
        people: how many, in one batch.
        is_plain: by the plain implementation.
        options: of the refinement.

    Returns:
        How long it took without building the models [s], and what came of it.
    """
    torch.manual_seed(0)
    denoiser = (PlainDenoiser if is_plain else ScoreDenoiser)(DenoiserConfig()).eval()
    arrays = read_body_file(OPEN_FILE)
    points = SparsePoints.of_joint_set(arrays, OPENPOSE25)
    still = torch.tensor([1.0, 0, 0, 0, 1, 0])
    rotmat = rot6d_to_rotmat(still + _SPREAD * torch.randn(people, len(SMPL24), 6))
    transl = torch.tensor([0.0, 0.3, 25.0]).repeat(people, 1)
    start = Start(rotmat, torch.zeros(people, 10), transl, points)
    cameras = Cameras.guessed(torch.full((people, 2), _SIDE_PX))
    places = cameras.project(start.positions) + _ERROR_PX * torch.randn(people, len(points.names), 2)
    term = Keypoints(places, torch.ones(people, len(points.names)), points.names, cameras)
    features = torch.randn(people, denoiser.config.num_features)
    if is_plain:
        start = Start(rotmat, start.betas, transl, WholeBody(arrays))
    begun = time.perf_counter()
    found = refine(denoiser, start, features, [term], options)
    return time.perf_counter() - begun, found
