"""What the public ScoreHMR code returned on pseudo-random weights, which are the same on any machine.

`tests/data/scorehmr_official.safetensors` holds inputs and outputs of statho/ScoreHMR at f623ed1. Its body is
made of random numbers (it is nobody's body): 11 landmarks, and 24 vertices that stand for what its joint
regressor makes of the others.
"""

from pathlib import Path

import numpy as np
import torch
from official import pseudo_random
from safetensors.torch import load_file
from torch import Tensor

from synthgen.body_file import BodyArrays
from synthgen.joints import OPENPOSE25, SMPL24
from synthgen.scorehmr.cameras import Cameras
from synthgen.scorehmr.denoiser import DenoiserConfig, ScoreDenoiser
from synthgen.scorehmr.guidance import Keypoints
from synthgen.scorehmr.points import SparsePoints
from synthgen.scorehmr.state import Start

DATA = Path(__file__).parents[1] / "data" / "scorehmr_official.safetensors"
PUBLISHED = {  # name of the features: what the model that reads them looks like
    "pare": DenoiserConfig(),
    "pare_betas": DenoiserConfig(3072, 1536, is_split=True, use_betas=True),
    "prohmr_betas": DenoiserConfig(2048, 2048, use_betas=True),
}
_LANDMARKS = (
    "nose", "right_eye", "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel",
    "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip


def goldens(prefix: str = "") -> dict[str, Tensor]:
    """Return the tensors under a prefix, without it."""
    found = load_file(DATA)
    return {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}


def public_key(key: str) -> str:
    """Return the public name of one of our weights."""
    tower, part, rest = key.split(".", 2)
    return f"{part}{'_betas' if tower == 'shape' else ''}.{rest}"


def public_weights(config: DenoiserConfig, prefix: str = "") -> dict[str, Tensor]:
    """Return the denoiser's weights under their public names; `prefix` goes into their seeds."""
    with torch.device("meta"):
        ours = ScoreDenoiser(config).state_dict()
    keys = {public_key(key): value for key, value in ours.items() if key.startswith(("pose.", "shape."))}
    return {key: pseudo_random(prefix + key, tuple(value.shape), "fanin") for key, value in keys.items()}


def public_denoiser(config: DenoiserConfig, prefix: str = "") -> ScoreDenoiser:
    """Return a denoiser with the pseudo-random weights."""
    model, weights = ScoreDenoiser(config), public_weights(config, prefix)
    ours = model.state_dict()
    model.load_state_dict(
        {
            key: weights[public_key(key)] if key.startswith(("pose.", "shape.")) else value
            for key, value in ours.items()
        }
    )
    return model.eval()


def golden_body() -> BodyArrays:
    """Return the body of the goldens."""
    stored = {key: value.numpy() for key, value in goldens("body.").items()}
    count = len(SMPL24)
    regressor = np.concatenate([np.zeros((count, len(_LANDMARKS))), np.eye(count)], 1)
    return BodyArrays(
        v_template=stored["v_template"],
        shapedirs=stored["shapedirs"],
        posedirs=np.concatenate([stored["posedirs"], np.zeros((count, 3, 207), np.float32)]),
        J_regressor=regressor.astype(np.float32),
        weights=np.concatenate([stored["weights"], np.eye(count, dtype=np.float32)]),
        faces=np.zeros((1, 3), np.int32),
        is_open=True,
    )


def golden_points() -> SparsePoints:
    """Return the first 25 joints of the public code on the body of the goldens."""
    count = len(SMPL24)
    rows = np.zeros((len(OPENPOSE25), 2 * count + len(_LANDMARKS)))
    for row, joint in enumerate(OPENPOSE25.names):
        name = "pelvis" if joint == "mid_hip" else joint
        place = SMPL24.index(name) if name in SMPL24.names else count + _LANDMARKS.index(name)
        rows[row, place] = 1
    return SparsePoints(golden_body(), OPENPOSE25.names, rows)


def guided(task: str) -> dict[str, Tensor]:
    """Return inputs and outputs of a guided run."""
    return {key: value for key, value in goldens("guided.").items() if "." not in key} | goldens(
        f"guided.{task}."
    )


def start_of(run: dict[str, Tensor]) -> Start:
    """Return where a guided run started."""
    return Start(run["pred_pose"], run["pred_betas"], run["init_cam_t"], golden_points())


def keypoints_of(run: dict[str, Tensor]) -> Keypoints:
    """Return the keypoint term of a guided run."""
    cameras = Cameras(run["focal_length"], run["camera_center"], run["img_size"].flip(1))
    return Keypoints(run["joints_2d"], run["joints_conf"][..., 0], OPENPOSE25.names, cameras)
