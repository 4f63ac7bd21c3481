"""SMART."""

import json
from pathlib import Path

import numpy as np

from dataset_writers import actors

ORDER = (  # OpenPose's 25
    "nose neck rshoulder relbow rwrist lshoulder lelbow lwrist mid_hip rhip rknee rankle lhip lknee lankle "
    "reye leye rear lear left_big_toe left_small_toe left_heel right_big_toe right_small_toe right_heel"
)
GYM, DIVING = "Table_VideoInfo_gym.json", "Table_VideoInfo_diving.json"
FIELD = "Table_VideoInfo_polevalut_highjump_badminton.json"


def video(root: Path, body, name: str, labels: str, frames: int, flag=None) -> dict:
    """Write the pictures of a video and return its record."""
    shot = actors.shoot()
    records = []
    for number, person in enumerate(actors.act(body, len(name), frames)):
        image = f"{name}_{number:04d}.jpg"
        actors.paint(root / "images" / image, seed=number)
        rows = [[*xy, 0] for xy in shot.project(person.joints(ORDER)).tolist()]
        if flag is not None:
            rows[flag[0]][2] = flag[1]
        xy = np.array(rows)[:, :2]
        box = [*xy.min(0), *(xy.max(0) - xy.min(0))]
        records.append({"img_name": image, "joints": rows, "bbox": [float(one) for one in box]})
    return {"VideoName": name, "action_labels": labels, "frames": records}


def write(root: Path, body, files: dict[str, list[dict]]) -> None:
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for name in (GYM, DIVING, FIELD):
        (root / "annotations" / name).write_text(json.dumps(files.get(name, [])))
