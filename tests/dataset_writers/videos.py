"""AIST++, SportsPose, AthletePose3D: frames in folders where videos would be."""

import json
import pickle
from pathlib import Path

import numpy as np

from dataset_writers import actors
from synthgen.geometry import rotmat_to_rotvec

COCO = (
    "nose leye reye lear rear lshoulder rshoulder lelbow relbow lwrist rwrist lhip rhip lknee rknee "
    "lankle rankle"
)
H36M = (
    "pelvis rhip rknee rankle lhip lknee lankle spine thorax jaw head_top lshoulder lelbow lwrist rshoulder "
    "relbow rwrist"
)
LENS = [0.05, -0.02, 0.001, -0.002, 0.01]


def lens(rays: np.ndarray, k: list[float]) -> np.ndarray:
    """OpenCV's model, written out."""
    x, y = rays[:, 0], rays[:, 1]
    r2 = x * x + y * y
    radial = 1 + k[0] * r2 + k[1] * r2**2 + k[4] * r2**3
    return np.stack(
        [
            x * radial + 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x),
            y * radial + k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y,
        ],
        1,
    )


def through(shot: actors.Shot, points: np.ndarray, k: list[float]) -> np.ndarray:
    seen = shot.see(points)
    return np.column_stack([lens(seen[:, :2] / seen[:, 2:], k), np.ones(len(seen))]) @ shot.cam_int[:2].T


def frames(folder: Path, count: int, size: tuple[int, int] = actors.SIZE) -> None:
    for number in range(count):
        actors.paint(folder / f"{number + 1:06d}.jpg", size, number)


def write_aist(
    root: Path, body, name: str = "gBR_sBM_cAll_d04_mBR0_ch01", scaling: float = 94.0, count: int = 3
):
    people = actors.act(body, 8, count)
    shots = {f"c{n:02d}": actors.shoot(0.6 * n) for n in range(1, 10)}
    for folder in ("cameras", "motions", "keypoints3d", "keypoints2d", "splits"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "cameras" / "mapping.txt").write_text(f"{name} setting1\n")
    (root / "cameras" / "setting1.json").write_text(
        json.dumps(
            [
                {"name": view, "size": [128, 96], "matrix": shot.cam_int.tolist(), "distortions": LENS,
                 "rotation": rotmat_to_rotvec(shot.R).tolist(), "translation": (scaling * shot.t).tolist()}
                for view, shot in shots.items()
            ]
        )
    )  # fmt: skip
    points = np.array([scaling * one.joints(COCO) for one in people])
    points[1, 0] = np.nan
    detected = np.array(
        [
            [np.column_stack([through(shot, one.joints(COCO), LENS), np.full(17, 0.7)]) for one in people]
            for shot in shots.values()
        ]
    )
    detected[2, 0] = np.nan
    motion = {
        "smpl_poses": np.array([one.pose for one in people]), "smpl_scaling": np.array([scaling]),
        "smpl_trans": np.array([scaling * one.person.transl for one in people]), "smpl_loss": 0.1,
    }  # fmt: skip
    contents = {
        "motions": motion,
        "keypoints3d": {"keypoints3d": points + 1, "keypoints3d_optim": points},
        "keypoints2d": {
            "keypoints2d": detected,
            "det_scores": np.ones((9, count)),
            "timestamps": np.arange(count),
        },
    }
    for folder, content in contents.items():
        (root / folder / f"{name}.pkl").write_bytes(pickle.dumps(content))
    for view in ("c01", "c03"):
        frames(root / "videos" / name.replace("cAll", view), count)
    return people, shots


def write_sportspose(root: Path, body, turns: int = 1, place: str = "indoors", count: int = 4):
    people, shots = actors.act(body, 9, count), [actors.shoot(n) for n in range(2)]
    folder = root / "data" / place / "S04"
    (folder / "soccer").mkdir(parents=True)
    calibration = [
        {"f": np.diag(s.cam_int)[:2].copy(), "c": s.cam_int[:2, 2].copy(),
         "k": np.array([0.03, -0.01, 0, 0, 0.02]),
         "T": s.t, "R": np.eye(3), "tpr": rotmat_to_rotvec(s.R)}
        for s in shots
    ]  # fmt: skip
    calib = {"calibration": calibration, "numtimesrot90clockwise": [0, turns]}
    (folder / "calib.pkl").write_bytes(pickle.dumps(calib))
    np.save(folder / "soccer" / "soccer0001.npy", np.array([one.joints(COCO) for one in people]))
    timing = {
        "video_path": ["indoors", "S04", "soccer0001"],
        "video_index": [np.arange(count) + 1, np.arange(count) + 1], "times_ms": [np.arange(count)] * 2,
    }  # fmt: skip
    (folder / "soccer" / "soccer0001_timing.pkl").write_bytes(pickle.dumps(timing))
    for camera in range(2):
        frames(root / "videos" / "indoors" / "S04" / "soccer0001" / f"CAM{camera}", count + 1)
    return people, shots


def write_athletepose(root: Path, body, unit: float = 1000.0, is_turned: bool = False, count: int = 3):
    people, shot = actors.act(body, 10, count), actors.shoot(0.4)
    camera = {
        "affine_intrinsics_matrix": shot.cam_int.tolist(),
        "extrinsic_matrix": (shot.R * [[1], [-1], [-1]]).tolist(),
        "xyz": (1000 * shot.position).tolist(), "distortion": [0.1, 0, 0, 0, 0],
    }  # fmt: skip
    folder = root / "data" / "train_set" / "S1"
    folder.mkdir(parents=True)
    (root / "cam_param.json").write_text(json.dumps({"fs_camera_1": camera}))
    about = {
        "video_width": 128,
        "video_height": 96,
        "type": "Axel",
        "source_file": "x",
        "cam": "fs_camera_1",
        "fps": 60,
    }
    if is_turned:
        about["rotation_ccw_90"] = 1
    (folder / "Axel_1_cam_1.json").write_text(json.dumps(about))
    np.save(folder / "Axel_1_cam_1_coco.npy", unit * np.array([one.joints(COCO) for one in people]))
    np.save(folder / "Axel_1_cam_1_h36m.npy", unit * np.array([one.joints(H36M) for one in people]))
    frames(folder / "Axel_1_cam_1", count, (128, 96) if is_turned else (96, 128))
    return people, shot
