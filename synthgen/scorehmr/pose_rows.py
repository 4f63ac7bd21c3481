"""What the denoiser learns from: poses with the features of their pictures, and poses without pictures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import rotmat_to_rot6d, rotvec_to_rotmat
from synthgen.guides.motions import Frame, Motions
from synthgen.guides.reading import UnreadableError
from synthgen.scorehmr.features import FeatureRows, FeatureStats
from synthgen.scorehmr.training import ScoreRows

_PITCH_DEG, _ROLL_DEG = 12.0, 4.0  # deviations of cameras that look at unpictured poses
_FLIP = np.diag([1.0, -1.0, -1.0])  # from y up to the camera's y down


def pictured(rows: FeatureRows, stats: FeatureStats) -> ScoreRows:
    """Return people of pictures, told standardised features."""
    return ScoreRows(rows.poses, stats.standardise(rows.features), rows.held_out)


def with_motions(rows: ScoreRows, paths: Sequence[str], count: int, seed: int) -> ScoreRows:
    """Add poses of AMASS-style motion files, seen from anywhere; nothing is told about them.

    Args:
        rows: people of pictures.
        paths: motion files, or folders with some.
        count: poses taken from each path, at most.
        seed: of the cameras.

    Raises:
        ValueError: a path holds no motion.
    """
    found = [_poses(path, count, np.random.default_rng([seed, number])) for number, path in enumerate(paths)]
    poses = np.concatenate([rows.poses, *found])
    more = len(poses) - len(rows.poses)
    unknown = np.zeros((more, rows.conditions.shape[1]), np.float32)
    return ScoreRows(
        poses,
        np.concatenate([rows.conditions, unknown]),
        np.concatenate([rows.held_out, np.zeros(more, np.bool_)]),
    )


def _poses(path: str, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    motions = Motions(path, stride=1)
    rows = []
    for number in range(min(count, len(motions))):
        try:
            rows.append(_seen(motions.read(number), rng))
        except UnreadableError:
            continue
    if not rows:
        raise ValueError(f"{path}: none of its frames can be read")
    return np.stack(rows).astype(np.float32)


def _seen(frame: Frame, rng: np.random.Generator) -> NDArray[np.floating]:
    """Return the 6D rotations (144,) of a pose before a camera of chance."""
    heading = rotvec_to_rotmat(np.array([0.0, rng.uniform(0, 2 * np.pi), 0.0]))
    tilt = np.radians(rng.normal(0, [_PITCH_DEG, 0.0, _ROLL_DEG]))
    root = rotvec_to_rotmat(tilt) @ _FLIP @ heading @ rotvec_to_rotmat(frame.global_orient)
    rotmat = np.concatenate([root[None], rotvec_to_rotmat(frame.body_pose)])
    return rotmat_to_rot6d(rotmat).reshape(-1)
