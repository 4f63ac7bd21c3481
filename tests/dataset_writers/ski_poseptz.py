"""Ski-PosePTZ."""

from pathlib import Path

import h5py
import numpy as np

from dataset_writers import actors

SIZE = (64, 64)
ORDER = (  # as the data set's authors list it
    "pelvis rhip rknee rankle lhip lknee lankle spine thorax jaw head_top lshoulder lelbow lwrist "
    "rshoulder relbow rwrist"
)


def write(root: Path, body, count: int = 6, order: str = ORDER, split: str = "train") -> dict[str, list]:
    people = actors.act(body, 3, count)
    shots = [actors.shoot(0.9 * (n % 3), SIZE) for n in range(count)]
    scale = np.array([SIZE[1], SIZE[0]])
    fields = {
        "seq": [7 + n // 3 for n in range(count)],
        "cam": [n % 3 for n in range(count)],
        "frame": [100 + n // 3 for n in range(count)],
        "subj": [2] * count,
        "3D": [s.see(p.joints(order)).ravel() for p, s in zip(people, shots, strict=True)],
        "2D": [(s.project(p.joints(order)) / scale).ravel() for p, s in zip(people, shots, strict=True)],
        "cam_intrinsic": [s.cam_int / [[SIZE[1]], [SIZE[0]], [1]] for s in shots],
        "cam_position": [s.position for s in shots],
        "R_cam_2_world": [s.R.T for s in shots],
    }
    (root / split).mkdir(parents=True)
    with h5py.File(root / split / "labels.h5", "w") as file:
        for name, values in fields.items():
            file[name] = np.array(values, np.float64)
    for n in range(count):
        name = f"seq_{fields['seq'][n]:03d}/cam_{fields['cam'][n]:02d}/image_{fields['frame'][n]:06d}.png"
        actors.paint(root / split / name, SIZE, n)
    return {"people": people, "shots": shots}
