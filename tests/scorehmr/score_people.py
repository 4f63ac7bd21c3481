"""Posed people of the open body before cameras, with their exact joints, for tests of fits."""

import numpy as np
import torch

from synthgen.body import Body
from synthgen.geometry import intrinsics, project
from synthgen.joints import COCO17
from synthgen.sample import Camera, Person
from synthgen.scorehmr.cases import Cases
from synthgen.scorehmr.denoiser import DenoiserConfig, ScoreDenoiser

SIZE = (128, 128)
CAMERA = Camera(intrinsics(160.0, SIZE), SIZE)
UPRIGHT = np.array([np.pi - 0.05, 0.0, 0.0])


def person(rng: np.random.Generator, bend: float = 0.2, turn: float = 0.0) -> Person:
    """Draw somebody who faces the camera, turned about the vertical by `turn` [rad]."""
    from scipy.spatial.transform import Rotation

    orient = (Rotation.from_rotvec([0, turn, 0]) * Rotation.from_rotvec(UPRIGHT)).as_rotvec()
    return Person(orient, rng.normal(0, bend, (23, 3)), np.zeros(10), np.array([0.0, 0.2, 3.4]))


def nudged(one: Person, rng: np.random.Generator, by: float = 0.25) -> Person:
    """Return an estimate of somebody that is wrong by about `by` [rad] in each joint."""
    pose = one.body_pose + rng.normal(0, by, (23, 3))
    return Person(one.global_orient, pose, one.betas, one.transl + rng.normal(0, 0.1, 3))


def cases_of(truth: list[Person], estimates: list[Person], body: Body, **more: object) -> Cases:
    """Return cases with exact joints."""
    joints = body.joints(body.pose(truth).points, COCO17)
    pixels = project(joints.astype(np.float64), CAMERA.cam_int)
    count = len(truth)
    return Cases(tuple(estimates), (CAMERA,) * count, pixels, np.ones((count, 17)), **more)  # type: ignore[arg-type]


def tiny_denoiser(features: int = 159, seed: int = 0) -> ScoreDenoiser:
    """Return a small denoiser with weights of chance that predicts little noise."""
    torch.manual_seed(seed)
    sizes = DenoiserConfig(pose_features=features, hidden=16, num_blocks=1, time_width=16)
    model = ScoreDenoiser(sizes).eval()
    torch.nn.init.zeros_(model.pose.final_mlp.weight)
    torch.nn.init.zeros_(model.pose.final_mlp.bias)
    return model
