"""Poses from AMASS-style motion files (.npz): SMPL, SMPL+H or SMPL-X, axis-angle, root first, z up.

Of a file only the header of `poses` is read to count its frames; the frames themselves when one is asked for.
Nothing pickled is ever opened.
"""

import io
import logging
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from synthgen import storage
from synthgen.geometry import Array, rotmat_to_rotvec, rotvec_to_rotmat
from synthgen.guides.reading import UnreadableError, list_files
from synthgen.joints import SMPL24
from synthgen.sample import NUM_BETAS

SUFFIX = ".npz"
POSES, BETAS = "poses", "betas"
WIDTHS = {  # values in a row of `poses`, and how many joints behind the root are also SMPL's
    72: 23,  # SMPL
    66: 21,  # the joints that all models share
    156: 21,  # SMPL+H: then fingers
    165: 21,  # SMPL-X: then jaw, eyes, fingers
}
MAX_VALUES = 100_000_000  # of one file; 640,000 frames of SMPL+H
UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # from z up to y up
_GOLDEN = (5**0.5 - 1) / 2
_ERRORS = (  # what zipfile and numpy raise at damaged files
    *(ValueError, OSError, EOFError, KeyError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Frame:
    """One moment of a motion.

    Attributes:
        global_orient: (3,) axis-angle [rad], y-up world; zero is upright and facing +z.
        body_pose: (23, 3) axis-angle [rad].
        betas: (10,), None where the file gives none.
    """

    global_orient: Array
    body_pose: Array
    betas: Array | None


class Motions:
    """Frames of motion files by number, from 0.

    Neighbours in a motion look alike, so neighbouring numbers are frames far apart, mostly of other files.
    Each frame has one number all the same.
    """

    def __init__(self, path: str, stride: int) -> None:
        """Count frames.

        Args:
            path: a motion file, or a folder with some; local or behind an fsspec URL.
            stride: take each so-manieth frame of a file.

        Raises:
            ValueError: there are no motions, or one is not what it should be; the message names file and key.
            StorageError: a file cannot be read.
        """
        self._stride = stride
        files = (
            [path] if path.endswith(SUFFIX) else [storage.join(path, n) for n in list_files(path, (SUFFIX,))]
        )
        counts = {file: _count_frames(file, is_alone=path.endswith(SUFFIX)) for file in files}
        self._files = [file for file, count in counts.items() if count is not None]
        if not self._files:
            raise ValueError(
                f"path: {path} holds no motion ({SUFFIX} with a key {POSES!r}) and no shard "
                "(<run>-000000.tar); set path to a folder with either"
            )
        if skipped := len(files) - len(self._files):
            log.warning("%s: %d of %d %s files have no key %r", path, skipped, len(files), SUFFIX, POSES)
        taken = [-(-count // stride) for count in counts.values() if count is not None]
        self._ends = np.cumsum(taken, dtype=np.int64)
        self._step = _coprime_near(round(len(self) * _GOLDEN), len(self))
        self._last: tuple[int, tuple[Array, Array | None]] | None = None

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, number: int) -> Frame:
        """Return a frame.

        Raises:
            UnreadableError: its file is damaged, or the frame holds NaN.
            StorageError: its file cannot be read.
        """
        place = number * self._step % len(self)
        file = int(np.searchsorted(self._ends, place, side="right"))
        row = (place - (int(self._ends[file - 1]) if file else 0)) * self._stride
        try:
            if self._last is None or self._last[0] != file:
                self._last = (file, _read_motion(self._files[file]))
            poses, betas = self._last[1]
            return _frame(poses, row, betas)
        except ValueError as error:
            raise UnreadableError("pose cannot be read", f"{self._files[file]}: {error}") from error


def _frame(poses: Array, row: int, betas: Array | None) -> Frame:
    if row >= len(poses):
        raise ValueError(f"key {POSES!r} lost frames since they were counted")
    if not np.isfinite(poses[row]).all():
        raise ValueError(f"key {POSES!r} holds NaN or inf in frame {row}")
    joints = np.asarray(poses[row], np.float64).reshape(-1, 3)
    kept = WIDTHS[poses.shape[1]]
    body_pose = np.zeros((len(SMPL24) - 1, 3))
    body_pose[:kept] = joints[1 : 1 + kept]
    return Frame(rotmat_to_rotvec(UP @ rotvec_to_rotmat(joints[0])), body_pose, betas)


def _count_frames(file: str, is_alone: bool) -> int | None:
    """Return how many frames a motion file has; None for a file of something else, unless it stands alone."""
    with storage.open_read(file) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                if f"{POSES}.npy" not in archive.namelist():
                    if not is_alone:
                        return None
                    names = ", ".join(name.removesuffix(".npy") for name in archive.namelist()[:20])
                    raise ValueError(f"has no key {POSES!r}; it holds {names or 'nothing'}")
                with archive.open(f"{POSES}.npy") as member:
                    shape, dtype = _read_header(member)
        except _ERRORS as error:
            raise ValueError(f"path: {file} is no motion file: {error}") from error
    problem = _shape_problem(shape, dtype)
    if problem:
        raise ValueError(f"path: {file}: key {POSES!r} {problem}")
    return shape[0]


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], "np.dtype[Any]"]:
    """Return shape and type of an array in .npy format, without its values."""
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    return shape, dtype


def _shape_problem(shape: tuple[int, ...], dtype: "np.dtype[Any]") -> str:
    if dtype.kind != "f":
        return f"must hold floating point numbers, got {dtype}"
    if len(shape) != 2 or shape[1] not in WIDTHS or not shape[0]:
        widths = ", ".join(map(str, WIDTHS))
        return f"must have shape (N, {widths}) with one of these widths and N >= 1, got {shape}"
    return f"holds {shape[0]} frames, more than fit into memory" if shape[0] * shape[1] > MAX_VALUES else ""


def _read_motion(file: str) -> tuple[Array, Array | None]:
    """Return poses (N, 66|72|156|165) [rad] and betas (10,), None where there are none.

    Raises:
        ValueError: damaged; the message names the key.
    """
    content = io.BytesIO(storage.read_bytes(file))
    try:
        with np.load(content, allow_pickle=False) as archive:
            poses = archive[POSES]
            betas = _betas(archive)
    except _ERRORS as error:
        raise ValueError(f"{error}") from error
    problem = _shape_problem(poses.shape, poses.dtype)
    if problem:
        raise ValueError(f"key {POSES!r} {problem}")
    return poses, betas


def _betas(archive: Mapping[str, NDArray[Any]]) -> Array | None:
    """Return the first ten betas, missing ones zero."""
    if BETAS not in archive:
        return None
    given = archive[BETAS]
    if given.dtype.kind not in "fi" or given.shape not in ((given.size,), (1, given.size)):
        raise ValueError(f"key {BETAS!r} must hold one row of numbers, got {given.shape} {given.dtype}")
    if not np.isfinite(given).all():
        raise ValueError(f"key {BETAS!r} holds NaN or inf")
    betas = np.zeros(NUM_BETAS)
    row = given.ravel()[:NUM_BETAS]
    betas[: len(row)] = row
    return betas


def _coprime_near(wanted: int, count: int) -> int:
    """Return the step next above `wanted` that visits each of `count` places before it comes round."""
    step = max(wanted, 1)
    while gcd(step, count) != 1:
        step += 1
    return step
