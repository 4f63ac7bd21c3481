"""Reads SMPL files as users have them (.pkl with chumpy and sparse parts, .npz) into plain, checked arrays.

Nothing in a file is ever run: pickles go through `synthgen.safe_pickle`, .npz files are read without pickles.
Lengths are metres, the frame is SMPL's rest frame.
"""

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from synthgen.joints import ROOT, SMPL24
from synthgen.safe_pickle import load_pickle, to_array

Float32 = NDArray[np.float32]

SMPL_VERTICES = 6890
NUM_SHAPES = 10  # shape directions used; files may hold more
OPEN_MARK = "open_body"  # field that only the files of pipelines/build_open_body.py have
_NUM_POSE_FEATURES = 9 * (len(SMPL24) - 1)
_FIELDS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "f", "kintree_table")
_MAX_BYTES = 2**31
_ZIP_MAGIC = b"PK\x03\x04"
_TOLERANCE = 1e-2  # how far sums of weights may be from 1
SMPL_FILES = {  # names of the official files, by gender
    "neutral": ("SMPL_NEUTRAL.pkl", "SMPL_NEUTRAL.npz", "basicModel_neutral_lbs_10_207_0_v1.0.0.pkl"),
    "male": ("SMPL_MALE.pkl", "SMPL_MALE.npz", "basicModel_m_lbs_10_207_0_v1.0.0.pkl"),
    "female": ("SMPL_FEMALE.pkl", "SMPL_FEMALE.npz", "basicModel_f_lbs_10_207_0_v1.0.0.pkl"),
}

# (vertices, joints) of models that are not SMPL but come in files that look the same.
_OTHER_MODELS = {
    (SMPL_VERTICES, 52): "SMPL-H", (10475, 55): "SMPL-X", (10475, 54): "SMPL-X", (778, 16): "MANO",
    (5023, 5): "FLAME", (SMPL_VERTICES, 25): "SKEL",
}  # fmt: skip


def smpl_file_in(folder: Path, gender: str) -> Path | None:
    """Return a folder's SMPL file of a gender (male, female, neutral), or None."""
    return next((folder / name for name in SMPL_FILES[gender] if (folder / name).is_file()), None)


@dataclass(frozen=True)
class BodyArrays:
    """The fields of an SMPL file that skinning needs.

    Attributes:
        v_template: (V, 3) mean body in the rest pose [m].
        shapedirs: (V, 3, 10) how each beta moves the vertices [m].
        posedirs: (V, 3, 207) how each element of the joints' rotations minus identity does [m].
        J_regressor: (24, V) joints from vertices.
        weights: (V, 24) skinning weights; rows sum to 1.
        faces: (F, 3) int32 into the vertices.
        is_open: whether it is the open body; its vertices are numbered otherwise than SMPL's.
    """

    v_template: Float32
    shapedirs: Float32
    posedirs: Float32
    J_regressor: Float32
    weights: Float32
    faces: NDArray[np.int32]
    is_open: bool


def read_body_file(path: Path) -> BodyArrays:
    """Read and check an SMPL file.

    Args:
        path: SMPL_NEUTRAL.pkl, basicModel_neutral_lbs_10_207_0_v1.0.0.pkl, a male or female one, or an .npz
            with the same fields.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not an SMPL body, is damaged, or a pickle that asks for more than arrays.
    """
    if not path.is_file():
        hint = " (it is a folder; name the file in it)" if path.is_dir() else ""
        raise FileNotFoundError(
            f"body {str(path)!r}: no such file{hint}; "
            "give 'open' or the path of an SMPL file such as SMPL_NEUTRAL.pkl"
        )
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"body {path.name}: {path.stat().st_size} bytes is too large for an SMPL file")
    try:
        with path.open("rb") as file:
            if file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC:
                return _read_npz(path)
            file.seek(0)
            return _read_pickle(file)
    except ValueError as error:
        raise ValueError(f"body {path.name}: {error}") from error


def _read_npz(path: Path) -> BodyArrays:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > _MAX_BYTES:
                raise ValueError(f"unpacks to {size} bytes, too large for an SMPL file")
            damaged = archive.testzip()
        if damaged:
            raise ValueError(f"damaged .npz (the checksum of {damaged} does not match)")
        with np.load(path, allow_pickle=False) as file:
            return _checked(file, lambda name: file[name])
    except (
        zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, SyntaxError, EOFError, OSError,
        MemoryError, RuntimeError, LookupError,
    ) as error:  # fmt: skip
        raise ValueError(f"damaged .npz ({error})") from error


def _read_pickle(file: BinaryIO) -> BodyArrays:
    fields = load_pickle(file)
    if not isinstance(fields, dict):
        raise ValueError(f"expected a pickled dict of arrays, got {type(fields).__name__}")
    return _checked(fields, lambda name: to_array(fields[name]))


def _checked(fields: Mapping[Any, Any], read: Callable[[str], NDArray[Any]]) -> BodyArrays:
    missing = [name for name in _FIELDS if name not in fields]
    if missing:
        known = ", ".join(sorted(str(name) for name in fields)[:12]) or "nothing"
        raise ValueError(f"not an SMPL body: it lacks {', '.join(missing)}; it holds {known}")
    arrays = {name: _numbers(name, read) for name in _FIELDS}
    is_open = OPEN_MARK in fields
    _check_model(arrays, is_open)
    count = len(arrays["v_template"])
    shapes: dict[str, tuple[int | None, ...]] = {
        "v_template": (count, 3),
        "shapedirs": (count, 3, None),
        "posedirs": (count, 3, _NUM_POSE_FEATURES),
        "J_regressor": (len(SMPL24), count),
        "weights": (count, len(SMPL24)),
        "f": (None, 3),
        "kintree_table": (2, len(SMPL24)),
    }
    for name, shape in shapes.items():
        _check_shape(name, arrays[name], shape)
    _check_values(arrays)
    return BodyArrays(
        v_template=_float32(arrays["v_template"]),
        shapedirs=_float32(arrays["shapedirs"][:, :, :NUM_SHAPES]),
        posedirs=_float32(arrays["posedirs"]),
        J_regressor=_float32(arrays["J_regressor"]),
        weights=_float32(arrays["weights"]),
        faces=np.ascontiguousarray(arrays["f"], np.int32),
        is_open=is_open,
    )


def _float32(array: NDArray[Any]) -> Float32:
    return np.ascontiguousarray(array, np.float32)


def _numbers(name: str, read: Callable[[str], NDArray[Any]]) -> NDArray[Any]:
    try:
        array = read(name)
    except ValueError as error:
        raise ValueError(f"field {name}: {error}") from error
    if not isinstance(array, np.ndarray):
        raise ValueError(f"field {name}: not a numpy array")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"field {name}: expected numbers, got dtype {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"field {name}: holds NaN or infinite values")
    return array


def _check_model(arrays: Mapping[str, NDArray[Any]], is_open: bool) -> None:
    vertices, tree = arrays["v_template"], arrays["kintree_table"]
    if vertices.ndim != 2 or tree.ndim != 2:
        raise ValueError(f"not an SMPL body: v_template is {vertices.shape}, kintree_table is {tree.shape}")
    found = (len(vertices), tree.shape[1])
    if (is_open and found[0] >= SMPL_VERTICES and found[1] == len(SMPL24)) or found == (
        SMPL_VERTICES,
        len(SMPL24),
    ):
        return
    model = _OTHER_MODELS.get(found)
    looks = f"looks like a {model} model" if model else "not an SMPL body"
    raise ValueError(
        f"{looks}: {found[0]} vertices and {found[1]} joints; SMPL has {SMPL_VERTICES} and {len(SMPL24)}"
    )


def _check_shape(name: str, array: NDArray[Any], expected: tuple[int | None, ...]) -> None:
    fits = array.ndim == len(expected) and all(
        want is None or got == want for got, want in zip(array.shape, expected, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if want is None else str(want) for want in expected)
        raise ValueError(f"field {name} must have shape ({wanted}), got {array.shape}")


def _check_values(arrays: Mapping[str, NDArray[Any]]) -> None:
    shapes = arrays["shapedirs"].shape[2]
    if shapes < NUM_SHAPES:
        raise ValueError(f"field shapedirs must hold at least {NUM_SHAPES} directions, got {shapes}")
    faces = arrays["f"]
    count = len(arrays["v_template"])
    if faces.dtype.kind == "f" or not len(faces) or not 0 <= faces.min() <= faces.max() < count:
        raise ValueError(f"field f must hold whole numbers from 0 to {count - 1}")
    parents = [int(parent) for parent in arrays["kintree_table"][0]]
    parents[0] = ROOT  # written as 4294967295 or -1
    if tuple(parents) != SMPL24.parents:
        raise ValueError(
            f"field kintree_table must hold SMPL's parents {SMPL24.parents}, got {tuple(parents)}"
        )
    for name in ("weights", "J_regressor"):
        off = np.abs(arrays[name].sum(1) - 1).max()
        if off > _TOLERANCE:
            raise ValueError(f"field {name}: rows must sum to 1, one is off by {off:.3g}")
