"""EMDB."""

import pickle
from pathlib import Path

import numpy as np

from dataset_writers import actors
from synthgen.joints import SMPL24

FRAMES = 12


def write(
    root: Path, body, subject: str = "P0", name: str = "09_outdoor_walk", **changes
) -> list[actors.Actor]:
    betas = actors.act(body, 5)[0].person.betas
    people = [actors.replace_betas(body, one, betas) for one in actors.act(body, 6, FRAMES)]
    shots = [actors.shoot(0.1 * n) for n in range(FRAMES)]
    seen = np.array([s.project(p.joints(SMPL24.names)) for p, s in zip(people, shots, strict=True)])
    good = np.ones(FRAMES, bool)
    good[3] = False
    poses = np.array([one.pose for one in people])
    content = {
        "gender": "female", "name": f"{subject}_{name}", "emdb1": True, "emdb2": np.bool_(False),
        "n_frames": FRAMES, "good_frames_mask": good,
        "camera": {"intrinsics": shots[0].cam_int, "extrinsics": np.array([one.matrix for one in shots]),
                   "width": 128, "height": 96},
        "smpl": {"poses_root": poses[:, :3], "poses_body": poses[:, 3:], "betas": betas,
                 "trans": np.array([one.person.transl for one in people])},
        "kp2d": seen,
        "bboxes": {"bboxes": np.concatenate([seen.min(1) - 3, seen.max(1) + 3], 1),
                   "invalid_idxs": np.array([5])},
        **changes,
    }  # fmt: skip
    folder = root / subject / name
    folder.mkdir(parents=True)
    (folder / f"{subject}_{name}_data.pkl").write_bytes(pickle.dumps(content))
    for frame in range(FRAMES):
        actors.paint(folder / "images" / f"{frame:05d}.jpg", seed=frame)
    return people
