import pickle
from pathlib import Path

import actors
import numpy as np
import pytest

from synthgen.datasets.emdb import rest_pelvis
from synthgen.datasets.entry import LayoutError
from synthgen.joints import COCO17, SMPL24
from synthgen.sample import Rejection

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


def test_bodies_come_into_the_cameras_frame_without_an_smpl_file(tmp_path: Path, body, read_all) -> None:
    people = write(tmp_path, body)
    found = read_all("emdb", tmp_path)
    assert isinstance(found[3], Rejection) and found[3].reason == "marked as not good by the data set"
    for frame in (0, 5, 11):
        shot, notes = actors.shoot(0.1 * frame), found[frame].notes
        [one] = notes.people
        posed = body.pose([one.person]).points[0, : len(SMPL24)]
        np.testing.assert_allclose(posed, shot.see(people[frame].joints(SMPL24.names)), atol=2e-3)
        seen = shot.project(people[frame].joints("right_ankle"))[0]
        np.testing.assert_allclose(one.keypoints_2d[COCO17.index("right_ankle")], seen, atol=1e-2)
        assert one.gender == "female" and notes.sequence == "P0_09_outdoor_walk"
    low = actors.shoot(0.0).project(people[0].joints(SMPL24.names)).min(0)
    np.testing.assert_allclose(found[0].notes.people[0].bbox[:2], low - 3, atol=1e-2)
    assert found[5].notes.people[0].bbox[0] > 0, "an invalid box is made of the joints"


def test_splits(tmp_path: Path, body, read_all) -> None:
    write(tmp_path, body)
    write(tmp_path, body, "P1", "14_outdoor_climb", emdb1=False, emdb2=True)
    assert len(read_all("emdb", tmp_path, "emdb1")) == FRAMES
    assert {
        item.notes.sequence for item in read_all("emdb", tmp_path, "emdb2") if hasattr(item, "notes")
    } == {"P1_14_outdoor_climb"}
    assert len(read_all("emdb", tmp_path, "all", every=5)) == 6


def test_a_pelvis_that_the_frames_contradict_is_unknown() -> None:
    rng = np.random.default_rng(0)
    shots = [actors.shoot(0.1 * n) for n in range(FRAMES)]
    trans, pelvis = rng.normal(0, 0.2, (FRAMES, 3)), np.array([0.01, -0.24, 0.03])
    extrinsics, cam_int = np.array([one.extrinsics for one in shots]), shots[0].cam_int
    seen = np.array([s.project((pelvis + own)[None])[0] for s, own in zip(shots, trans, strict=True)])
    good = np.ones(FRAMES, bool)
    np.testing.assert_allclose(rest_pelvis(seen, trans, extrinsics, cam_int, good), pelvis, atol=1e-9)
    assert rest_pelvis(seen[:4], trans[:4], extrinsics[:4], cam_int, good[:4]) is None, "too few frames"
    assert rest_pelvis(rng.uniform(0, 90, seen.shape), trans, extrinsics, cam_int, good) is None


def test_missing_and_odd_files_say_what_to_do(tmp_path: Path, body, read_all) -> None:
    with pytest.raises(LayoutError, match=r"no P\*/\*/\*_data.pkl there.*eth-ait.github.io/emdb"):
        read_all("emdb", tmp_path)
    write(tmp_path, body, kp2d=np.zeros((FRAMES, 17, 2)))
    with pytest.raises(LayoutError, match=r"_data.pkl: has an array of shape \(12, 17, 2\)"):
        read_all("emdb", tmp_path)
