"""Poses that the codebook is trained on: drawn from the project's pose library, or labels of pictures."""

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthgen.geometry import rotvec_to_rotmat
from synthgen.joints import SMPL24
from synthgen.observation import Notes, Observation
from synthgen.scenes.poses import FAMILIES, SPORTS, draw_pose

logger = logging.getLogger(__name__)

Float32 = NDArray[np.float32]

_LOG_EVERY = 5000  # poses
_HELD_OUT_EVERY = 20


@dataclass(frozen=True)
class LibraryOptions:
    """Poses to draw from the library.

    Attributes:
        poses: to draw.
        everyday: part of them that is everyday; the rest is spread over the sports.
    """

    poses: int = 40000
    everyday: float = 0.5

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [] if self.poses >= 1 else [f"poses must be at least 1, got {self.poses}"]
        if not 0 <= self.everyday <= 1:
            found.append(f"everyday must be in [0, 1], got {self.everyday}")
        return found


def draw_poses(options: LibraryOptions, seed: int, file: Path | None = None) -> Float32:
    """Draw poses from the library; pose i follows from (seed, i).

    Args:
        options: which.
        seed: of all chance.
        file: .npz that keeps them; read when it holds the same draw, else written.

    Returns:
        (N, 24, 3) axis-angle [rad], the root's first, without any heading.
    """
    said = json.dumps([options.poses, options.everyday, seed, list(FAMILIES)])
    if file is not None and file.is_file():
        with np.load(file) as kept:
            if str(kept["drawn"]) == said:
                return kept["poses"]
    poses = np.empty((options.poses, len(SMPL24), 3), np.float32)
    for index in range(options.poses):
        poses[index] = _drawn(options, seed, index)
        if index % _LOG_EVERY == _LOG_EVERY - 1:
            logger.info("codebook: %d of %d poses drawn", index + 1, options.poses)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{file.name}.partial")
        with partial.open("wb") as stream:
            np.savez(stream, poses=poses, drawn=np.array(said))
        os.replace(partial, file)
    return poses


def poses_of(observations: Iterable[Observation | Notes]) -> Float32:
    """Collect the poses of all people whose SMPL parameters are known.

    Returns:
        (N, 24, 3) axis-angle [rad], the root's first, in the camera frame.

    Raises:
        ValueError: nobody has any.
    """
    people = [found.person for item in observations for found in item.people if found.person is not None]
    if not people:
        raise ValueError(
            "no person with SMPL parameters among these pictures; a codebook learns from other shards, or "
            "from the pose library"
        )
    return np.array([np.vstack([one.global_orient[None], one.body_pose]) for one in people], np.float32)


class PoseSet:
    """Poses to train on and poses held out.

    Attributes:
        train: (N, 24, 3, 3) rotations.
        held_out: (M, 24, 3, 3), every 20th pose; all of them where there are fewer than 20.
    """

    def __init__(self, poses: Float32) -> None:
        """Take poses (N, 24, 3) [rad], the root's first.

        Raises:
            ValueError: no poses, of another shape, or not finite.
        """
        if poses.ndim != 3 or poses.shape[1:] != (len(SMPL24), 3) or not len(poses):
            raise ValueError(f"poses must be (N, {len(SMPL24)}, 3) with N >= 1, got {poses.shape}")
        if not np.isfinite(poses).all():
            broken = int((~np.isfinite(poses)).any((1, 2)).sum())
            raise ValueError(f"poses must be finite, got NaN or infinity in {broken} of {len(poses)}")
        rotmat = torch.from_numpy(rotvec_to_rotmat(poses).astype(np.float32))
        is_kept = torch.arange(len(rotmat)) % _HELD_OUT_EVERY == 0
        is_few = len(rotmat) < _HELD_OUT_EVERY
        self.train = rotmat if is_few else rotmat[~is_kept]
        self.held_out = rotmat if is_few else rotmat[is_kept]

    def draw(self, count: int, rng: np.random.Generator) -> Tensor:
        """Draw rotations (count, 24, 3, 3) to train on, with replacement."""
        return self.train[torch.from_numpy(rng.integers(0, len(self.train), count))]


def _drawn(options: LibraryOptions, seed: int, index: int) -> Float32:
    rng = np.random.default_rng([seed, index])
    family = "everyday" if rng.random() < options.everyday else str(rng.choice(SPORTS))
    pose = draw_pose(family, rng)
    return np.vstack([pose.global_orient[None], pose.body_pose]).astype(np.float32)
