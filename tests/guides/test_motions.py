from pathlib import Path

import numpy as np
import pytest

from synthgen.guides.motions import Motions
from synthgen.guides.reading import UnreadableError

TURN = np.array([np.pi / 2, 0, 0])  # from SMPL's rest, y up, to AMASS's z up


def write_motion(path: Path, frames: int = 6, width: int = 156, **others: object) -> Path:
    """Write a motion of upright frames; joint j of frame n is turned by (n + j) / 1000 rad about x."""
    poses = np.zeros((frames, width // 3, 3))
    poses[..., 0] = (np.arange(frames)[:, None] + np.arange(width // 3)) / 1000
    poses[:, 0] = TURN
    arrays = {"poses": poses.reshape(frames, width), "trans": np.zeros((frames, 3)), "mocap_framerate": 120.0}
    np.savez(path, **{**arrays, **others})
    return path


def _frame_number(frame) -> int:
    return round(frame.body_pose[0, 0] * 1000) - 1


@pytest.mark.parametrize(("width", "kept"), [(66, 21), (72, 23), (156, 21), (165, 21)])
def test_fingers_are_not_hands(tmp_path: Path, width: int, kept: int) -> None:
    frame = Motions(str(write_motion(tmp_path / "a.npz", 1, width)), 1).read(0)
    np.testing.assert_allclose(frame.global_orient, 0, atol=1e-12)
    np.testing.assert_allclose(frame.body_pose[:kept, 0], np.arange(1, kept + 1) / 1000)
    assert not frame.body_pose[kept:].any() and frame.body_pose.shape == (23, 3)


def test_each_frame_once_and_neighbours_far_apart(tmp_path: Path) -> None:
    write_motion(tmp_path / "a.npz", 40)
    (tmp_path / "more").mkdir()
    write_motion(tmp_path / "more" / "b.npz", 60, 66, betas=np.ones(10))
    np.savez(tmp_path / "shape.npz", betas=np.zeros(16))  # AMASS has such files
    motions = Motions(str(tmp_path), 2)
    assert len(motions) == 20 + 30
    frames = [motions.read(number) for number in range(50)]
    seen = [_frame_number(frame) + 1000 * (frame.betas is not None) for frame in frames]
    assert sorted(seen) == [*range(0, 40, 2), *range(1000, 1060, 2)]
    assert min(abs(a - b) for a, b in zip(seen, seen[1:], strict=False)) > 20


@pytest.mark.parametrize(
    ("given", "expected"),
    [([1.0, 2], [1.0, 2] + [0] * 8), (np.arange(16.0), np.arange(10)), ([[3.0] * 10], [3] * 10)],
)
def test_betas(tmp_path: Path, given, expected) -> None:
    path = write_motion(tmp_path / "a.npz", betas=np.array(given))
    np.testing.assert_array_equal(Motions(str(path), 1).read(0).betas, expected)
    assert Motions(str(write_motion(tmp_path / "b.npz")), 1).read(0).betas is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pose": np.zeros((2, 72))}, "has no key 'poses'; it holds pose"),
        (
            {"poses": np.zeros((2, 75))},
            r"key 'poses' must have shape \(N, 72, 66, 156, 165\).* got \(2, 75\)",
        ),
        ({"poses": np.zeros((0, 72))}, r"N >= 1, got \(0, 72\)"),
        ({"poses": np.zeros((2, 24, 3))}, r"got \(2, 24, 3\)"),
        ({"poses": np.zeros((2, 72), int)}, "key 'poses' must hold floating point numbers, got int64"),
        ({"poses": np.array([{"a": 1}])}, "key 'poses' must hold floating point numbers, got object"),
    ],
)
def test_wrong_files_are_named_with_their_key(tmp_path: Path, arrays, message: str) -> None:
    path = tmp_path / "odd.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=f"odd.npz.* {message}"):
        Motions(str(path), 1)


def test_what_is_no_npz(tmp_path: Path) -> None:
    (tmp_path / "odd.npz").write_bytes(b"not a zip")
    with pytest.raises(ValueError, match=r"odd\.npz is no motion file"):
        Motions(str(tmp_path), 1)
    (tmp_path / "odd.npz").unlink()
    np.savez(tmp_path / "shape.npz", betas=np.zeros(16))
    with pytest.raises(ValueError, match="holds no motion"):
        Motions(str(tmp_path), 1)


@pytest.mark.parametrize(
    ("betas", "message"),
    [
        (np.full(10, np.nan), "key 'betas' holds NaN"),
        (np.zeros((3, 10)), r"key 'betas' must hold one row of numbers, got \(3, 10\)"),
        (np.array({"a": 1}, object), "Object arrays cannot be loaded"),
    ],
)
def test_wrong_betas_are_found_when_read(tmp_path: Path, betas, message: str) -> None:
    motions = Motions(str(write_motion(tmp_path / "a.npz", betas=betas)), 1)
    with pytest.raises(UnreadableError, match=f"a.npz: {message}"):
        motions.read(0)


def test_one_broken_frame(tmp_path: Path) -> None:
    poses = np.zeros((5, 72))
    poses[3, 7] = np.inf
    path = write_motion(tmp_path / "a.npz", poses=poses)
    motions, broken = Motions(str(path), 1), []
    for number in range(5):
        try:
            motions.read(number)
        except UnreadableError as error:
            broken.append(str(error))
    assert broken == [f"{path}: key 'poses' holds NaN or inf in frame 3"]
