from pathlib import Path

import numpy as np
import pytest
from dataset_writers import actors
from dataset_writers.emdb import FRAMES, write

from synthgen.datasets.emdb import rest_pelvis
from synthgen.datasets.entry import LayoutError
from synthgen.joints import COCO17, SMPL24
from synthgen.sample import Rejection


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
    with pytest.raises(LayoutError, match=r"_data.pkl: kp2d has an array of shape \(12, 17, 2\)"):
        read_all("emdb", tmp_path)
