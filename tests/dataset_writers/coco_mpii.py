"""COCO and MPII."""

import json
from pathlib import Path

import numpy as np
from scipy.io import savemat

from dataset_writers import actors

COCO = (
    "nose leye reye lear rear lshoulder rshoulder lelbow relbow lwrist rwrist lhip rhip lknee rknee "
    "lankle rankle"
)
LEGS, ARMS = "rankle rknee rhip lhip lknee lankle", "rwrist relbow rshoulder lshoulder lelbow lwrist"
MPII = f"{LEGS} mid_hip thorax neck head_top {ARMS}"
SIZE = actors.SIZE


def annotation(identity: int, image: int, joints: np.ndarray, flags: list[int]) -> dict:
    low, high = joints.min(0) - 2, joints.max(0) + 2
    return {
        "id": identity, "image_id": image, "category_id": 1, "iscrowd": 0, "num_keypoints": len(joints),
        "bbox": [*low, *(high - low)], "keypoints": np.column_stack([joints, flags]).ravel().tolist(),
    }  # fmt: skip


def write_coco(root: Path, body, split: str = "train") -> list[actors.Actor]:
    people, shot = actors.act(body, 20, 3), actors.shoot()
    seen = [shot.project(one.joints(COCO)) for one in people]
    flags = [2] * 15 + [1, 0]  # left ankle hidden, right ankle not labelled
    images = [{"id": 40 + n, "file_name": f"{n:012d}.jpg", "width": 128, "height": 96} for n in range(4)]
    notes = [annotation(900, 41, seen[0], flags), annotation(901, 40, seen[1], [2] * 17)]
    notes += [annotation(902, 41, seen[2], [2] * 17), {**annotation(903, 42, seen[0], flags), "iscrowd": 1}]
    content = {
        "info": {"description": "é \\u00e9 [{"},
        "images": images,
        "annotations": notes,
        "categories": [],
    }
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1)
    (root / "annotations" / f"person_keypoints_{split}2017.json").write_text(text)
    for n in range(4):
        actors.paint(root / f"{split}2017" / f"{n:012d}.jpg", seed=n)
    return people


def points_of(joints: np.ndarray, hidden: int) -> dict:
    """Return annopoints as MATLAB has them: pixels from 1, one hidden, one missing, no flag at the head."""
    points = []
    for number, (x, y) in enumerate(joints):
        if number == 10:
            continue  # right wrist
        flag = np.zeros((0, 0)) if number == 9 else float(number != hidden)
        points.append({"x": x + 1, "y": y + 1, "id": float(number), "is_visible": flag})
    return {"point": points}


def write_mat(root: Path, body) -> list[actors.Actor]:
    people, shot = actors.act(body, 21, 2), actors.shoot()
    persons = [{"annopoints": points_of(shot.project(one.joints(MPII)), 3), "scale": 1.0} for one in people]
    names = ["000001.jpg", "000002.jpg", "000003.jpg"]
    annolist = [
        {"image": {"name": names[0]}, "annorect": persons[:1]},
        {"image": {"name": names[1]}, "annorect": [{"scale": 1.0}]},
        {"image": {"name": names[2]}, "annorect": persons},
    ]
    act = [{"cat_name": "sports", "act_name": "skiing, downhill", "act_id": 1}] * 3
    release = {"annolist": annolist, "img_train": np.array([1, 1, 0]), "act": act, "version": "12"}
    savemat(root / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": release})
    for number, name in enumerate(names):
        actors.paint(root / "images" / name, seed=number)
    return people
