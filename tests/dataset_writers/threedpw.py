"""3DPW."""

import pickle
from pathlib import Path

import numpy as np

from dataset_writers import actors
from synthgen.joints import SMPL24

OPENPOSE18 = (
    "nose neck rshoulder relbow rwrist lshoulder lelbow lwrist rhip rknee rankle lhip lknee lankle reye leye "
    "rear lear"
)


def write(root: Path, body, split: str, name: str, frames: int = 3, **changes) -> list:
    """Write a sequence of two people and return them: [person][frame]."""
    people = []
    for seed in (1, 2):
        betas = np.full(10, seed / 5, np.float32)
        own = [actors.replace_betas(body, one, betas) for one in actors.act(body, seed, min(frames, 3))]
        people.append([own[number % len(own)] for number in range(frames)])
    shots = [actors.shoot(0.2 * n) for n in range(frames)]
    content = {
        "sequence": name,
        "poses": [np.array([one.pose for one in own]) for own in people],
        "betas": [np.concatenate([own[0].person.betas, np.zeros(290)]) for own in people],
        "trans": [np.array([one.person.transl for one in own], np.float64) for own in people],
        "jointPositions": [
            np.array([one.joints(SMPL24.names).ravel() for one in own], np.float64) for own in people
        ],
        "poses2d": [
            np.array([np.vstack([s.project(p.joints(OPENPOSE18)).T, np.full(18, 0.5)])
                      for p, s in zip(own, shots, strict=True)])
            for own in people
        ],
        "campose_valid": [np.ones(frames, np.uint8)] * 2,
        "genders": ["m", "f"],
        "img_frame_ids": np.arange(frames),
        "cam_poses": np.array([one.matrix for one in shots]),
        "cam_intrinsics": shots[0].cam_int,
        "texture_maps": [np.zeros((4, 4, 3), np.uint8)] * 2,
    }  # fmt: skip
    content |= changes
    if "gender" in changes:  # another release
        content["poses2D"] = content.pop("poses2d")
        del content["genders"]
    path = root / "sequenceFiles" / split / f"{name}.pkl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=2))
    for frame in range(frames):
        actors.paint(root / "imageFiles" / name / f"image_{frame:05d}.jpg", seed=frame)
    return people
