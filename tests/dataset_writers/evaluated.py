"""Data sets that papers evaluate on: 3DOH50K, CMU Panoptic, ScoreHMR's annotation files."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from dataset_writers import actors
from synthgen.joints import OPENPOSE25, SMPL24

COCO19 = (
    "neck nose mid_hip lshoulder lelbow lwrist lhip lknee lankle rshoulder relbow rwrist rhip rknee rankle "
    "leye lear reye rear"
)
EXTRA19 = (
    "rankle rknee rhip lhip lknee lankle rwrist relbow rshoulder lshoulder lelbow lwrist thorax head_top "
    "mid_hip thorax spine jaw head_top"
)


def write_3doh(root: Path, body: Any, scale: float = 7.0, scaled: bool = True, **changes: Any) -> list[Any]:
    """Write a test set of two pictures; lengths are metres times `scale`, translations too where `scaled`."""
    people, shot = actors.act(body, 8, 2), actors.shoot(0.4)
    records = {}
    for number, one in enumerate(people):
        joints = one.joints(SMPL24.names)
        seen = shot.project(joints)
        extri = np.vstack([np.column_stack([shot.R, shot.t * scale]), [0, 0, 0, 1]])
        records[f"{number:05d}"] = {
            "img_path": f"images\\{number:05d}.jpg",
            "pose": [one.pose.tolist()],
            "betas": [one.person.betas.astype(float).tolist()],
            "trans": [(one.person.transl.astype(float) * (scale if scaled else 1)).tolist()],
            "scale": [scale],
            "intri": shot.cam_int.tolist(),
            "extri": extri.tolist(),
            "bbox": [seen.min(0).tolist(), seen.max(0).tolist()],
            "smpl_joints_2d": seen.tolist(),
            "smpl_joints_3d": (joints * scale).tolist(),
            **changes,
        }
        actors.paint(root / "testset" / "images" / f"{number:05d}.jpg", seed=number)
    (root / "testset" / "annots.json").write_text(json.dumps(records))
    return [(one, shot) for one in people]


def write_panoptic(root: Path, body: Any, frames: int = 1) -> list[Any]:
    """Write all four sequences as the toolbox extracts them; return the two people and the cameras."""
    people, cameras = actors.act(body, 11, 2), {"00_16": actors.shoot(0.2), "00_30": actors.shoot(-0.5)}
    for sequence in ("160422_haggling1", "160422_mafia2", "160422_ultimatum1", "160906_pizza1"):
        folder = root / sequence
        (folder / "hdPose3d_stage1_coco19").mkdir(parents=True)
        listed = [
            {"name": name, "type": "hd", "resolution": [128, 96], "K": shot.cam_int.tolist(),
             "distCoef": [0.0] * 5, "R": shot.R.tolist(), "t": (shot.t * 100).reshape(3, 1).tolist()}
            for name, shot in cameras.items()
        ]  # fmt: skip
        (folder / f"calibration_{sequence}.json").write_text(json.dumps({"cameras": listed}))
        for frame in range(7, 7 + frames):
            rows = [np.column_stack([one.joints(COCO19) * 100, np.ones(19)]) for one in people]
            rows[1][0, 3] = -1
            bodies = [{"id": n, "joints19": row.ravel().tolist()} for n, row in enumerate(rows)]
            name = folder / "hdPose3d_stage1_coco19" / f"body3DScene_{frame:08d}.json"
            name.write_text(json.dumps({"version": 0.7, "bodies": bodies}))
            for camera in cameras:
                actors.paint(folder / "hdImgs" / camera / f"{camera}_{frame:08d}.png", seed=frame)
    return [people, cameras]


def groups(root: Path, body: Any, count: int, size: int, is_array: bool = True) -> list[dict[str, Any]]:
    """Paint pictures and return records of groups: one body, seen from several sides."""
    made = []
    for number in range(count):
        actor = actors.act(body, 20 + number)[0]
        shots = [actors.shoot(0.7 * view) for view in range(size)]
        names = [f"pictures/{number}_{view}.jpg" for view in range(size)]
        seen = np.array([shot.project(actor.joints(OPENPOSE25.names)) for shot in shots])
        space = np.array([shot.see(actor.joints(EXTRA19)) for shot in shots])
        low, high = seen.min(1), seen.max(1)
        made.append(
            {
                "imgname": np.array(names) if is_array else names,
                "center": (low + high) / 2,
                "scale": (high - low).max(1) * 1.2,
                "body_keypoints_2d": np.concatenate([seen, np.full((size, 25, 1), 0.7)], -1),
                "extra_keypoints_3d": np.concatenate([space, np.ones((size, 19, 1))], -1).astype(np.float32),
                "body_pose": np.zeros((size, 72), np.float32),
            }
        )
        for view, name in enumerate(names):
            actors.paint(root / name, seed=view)
    return made


def write_batched(root: Path, body: Any, count: int = 2, size: int = 2, is_array: bool = True) -> None:
    (root / "views.pkl").write_bytes(pickle.dumps(groups(root, body, count, size, is_array), protocol=2))
