from pathlib import Path

import h5py
import numpy as np
import pytest
from dataset_writers.ski_poseptz import ORDER, write

from synthgen.datasets.entry import LayoutError
from synthgen.datasets.sides import Sides
from synthgen.joints import COCO17, SMPL24


def test_joints_cameras_and_views(tmp_path: Path, body, read_all) -> None:
    made = write(tmp_path, body)
    found = read_all("ski_poseptz", tmp_path, "train")
    assert len(found) == 6
    for item, person, shot in zip(found, made["people"], made["shots"], strict=True):
        notes = item.notes
        np.testing.assert_allclose(notes.camera.cam_int, shot.cam_int, atol=1e-6)
        np.testing.assert_allclose(notes.extrinsics, shot.extrinsics, atol=1e-9)
        [one] = notes.people
        for name in ("right_hip", "left_ankle", "left_wrist", "right_shoulder"):
            np.testing.assert_allclose(
                one.keypoints_3d[SMPL24.index(name)], shot.see(person.points[name]), atol=1e-5
            )
            np.testing.assert_allclose(
                one.keypoints_2d[COCO17.index(name)], shot.project(person.points[name][None])[0], atol=1e-3
            )
        assert one.confidence_2d[COCO17.index("nose")] == 0 and one.joints.names[10] == "head_top"
        assert one.joints.confidence_3d.all() and len(one.joints.names) == 17
        assert (one.bbox >= 0).all() and (one.bbox <= 63).all()
    assert [item.notes.view for item in found[:3]] == ["cam00", "cam01", "cam02"]
    assert len({(item.notes.sequence, item.notes.frame) for item in found[:3]}) == 1
    assert found[0].notes.source == "ski_poseptz/train"
    path = tmp_path / "train" / "seq_007" / "cam_00" / "image_000100.png"
    assert found[0].data == path.read_bytes(), "bytes are unchanged"


def test_the_right_side_is_right(tmp_path: Path, body, read_all) -> None:
    """A right hip lies on a body's right; a file in another order, legs swapped, is noticed."""
    write(tmp_path / "as_published", body, 30)
    sides = Sides()
    for item in read_all("ski_poseptz", tmp_path / "as_published"):
        sides.add(item.notes)
    assert sides.facing == 30 and sides.is_left == 30 and sides.problems() == []
    swapped = ORDER.replace("rhip rknee rankle lhip lknee lankle", "lhip lknee lankle rhip rknee rankle")
    write(tmp_path / "swapped", body, 30, swapped)
    sides = Sides()
    for item in read_all("ski_poseptz", tmp_path / "swapped"):
        sides.add(item.notes)
    assert any("legs look swapped" in problem for problem in sides.problems())


def test_missing_and_odd_files_say_what_to_do(tmp_path: Path, body, read_all) -> None:
    with pytest.raises(LayoutError, match=r"train/labels.h5: no such file.*EPFL CVLab"):
        read_all("ski_poseptz", tmp_path)
    write(tmp_path, body, 2)
    with pytest.raises(LayoutError, match="split of Ski-PosePTZ must be one of train, test, got 'val'"):
        read_all("ski_poseptz", tmp_path, "val")
    path = tmp_path / "train" / "labels.h5"
    with h5py.File(path, "a") as file:
        del file["3D"]
    with pytest.raises(LayoutError, match=r"labels.h5: .*3D.*Ski-PosePTZ comes from"):
        read_all("ski_poseptz", tmp_path)
    path.write_bytes(b"no hdf5 at all")
    with pytest.raises(LayoutError, match=r"labels.h5: .*comes from"):
        read_all("ski_poseptz", tmp_path)
