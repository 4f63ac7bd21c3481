"""Reads arrays out of pickles that other people made, without running anything the pickle asks for.

A pickle is a program: it names functions and calls them. Here every name on a short list stands for an inert
note of the call ("csc_matrix with this state"), every other name is refused, and only afterwards are notes
turned into numpy arrays, by the code below. So chumpy and old scipy and numpy need not be installed.
"""

import pickle
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_NUMPY = ("numpy.core", "numpy._core")
_SPARSE = {
    f"scipy.sparse.{folder}{kind}.{kind}_{suffix}": kind
    for folder in ("", "_")
    for kind in ("csc", "csr", "coo")
    for suffix in ("matrix", "array")
}
_RECONSTRUCT = {f"{numpy}.multiarray._reconstruct" for numpy in _NUMPY}
_SCALAR = {f"{numpy}.multiarray.scalar" for numpy in _NUMPY}
_FROM_BUFFER = {f"{numpy}.numeric._frombuffer" for numpy in _NUMPY}
_COPY = {"copy_reg._reconstructor", "copyreg._reconstructor"}
_ENCODE = "_codecs.encode"
_NO_BYTES = {"__builtin__.bytes", "builtins.bytes"}  # what Python 3 writes for b"" in old protocols
_ALLOWED = {
    *_SPARSE,
    *_RECONSTRUCT,
    *_FROM_BUFFER,
    *_COPY,
    _ENCODE,
    *_NO_BYTES,
    *_SCALAR,
    *("numpy.ndarray", "numpy.dtype"),
    *("__builtin__.object", "builtins.object", "__builtin__.set", "builtins.set"),
}
_DATA_TYPES = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"}
_TEXT = re.compile(r"[SU]\d{1,4}")  # names of pictures
_MAX_DEPTH = 16  # chumpy expressions inside chumpy expressions
_MAX_ELEMENTS = 100_000_000  # of an array that a sparse matrix is spread into


class UnsafePickleError(ValueError):
    """The pickle asks for something that is not on the list."""


class _Note:
    """What the pickle asked for: `source` called with `args`, then given `state`. Does nothing."""

    source = ""
    args: tuple[Any, ...] = ()
    state: Any = None

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Unpickler(pickle._Unpickler):  # the one in Python: a huge memo index costs the other one its memory
    def find_class(self, module: str, name: str) -> type[_Note]:
        source = f"{module}.{name}"
        if source not in _ALLOWED and module.split(".")[0] != "chumpy":
            raise UnsafePickleError(
                f"refused: it asks for {source!r}, which no file of arrays needs; it may try to run code"
            )
        return type("_Note", (_Note,), {"source": source})


def load_pickle(file: BinaryIO) -> Any:
    """Read a pickle into plain Python objects and inert notes, which `to_array` turns into arrays.

    Args:
        file: open for reading; protocols 0 to 5, from Python 2 or 3.

    Raises:
        UnsafePickleError: it names something that is not on the list.
        ValueError: it is damaged, or not a pickle.
    """
    try:
        return _Unpickler(file, encoding="latin1").load()
    except UnsafePickleError:
        raise
    except (
        pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError, OverflowError,
        MemoryError, RecursionError, struct.error,
    ) as error:  # fmt: skip
        raise ValueError(f"not a readable pickle ({error or type(error).__name__})") from error


def to_array(value: Any, depth: int = 0) -> NDArray[Any]:
    """Turn a note of a numpy array or number, a sparse matrix or a simple chumpy expression into an array.

    Args:
        value: from `load_pickle`.
        depth: of chumpy expressions around it.

    Raises:
        ValueError: it is none of these, it holds Python objects, or its parts do not fit each other.
    """
    if isinstance(value, np.ndarray):
        return value
    if not isinstance(value, _Note):
        raise ValueError(f"expected an array, got {type(value).__name__}")
    if depth > _MAX_DEPTH:
        raise ValueError(f"more than {_MAX_DEPTH} chumpy expressions inside each other")
    source = value.source
    if source in _COPY and value.args and isinstance(value.args[0], type):
        source = str(getattr(value.args[0], "source", source))
    if source in _CHUMPY:
        return _from_chumpy(_mapping(value.state, source), source, depth + 1)
    return _from_note(value, source)


def to_texts(value: Any) -> list[str]:
    """Turn a list of text, or a note of a numpy array of text, into text, flat.

    Args:
        value: from `load_pickle`.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return list(value)
    if isinstance(value, _Note) and value.source in _RECONSTRUCT and isinstance(value.state, tuple):
        shape, dtype_note, _, data = value.state[-4:] if len(value.state) in (4, 5) else [None] * 4
    elif isinstance(value, _Note) and value.source in _FROM_BUFFER and len(value.args) == 4:
        data, dtype_note, shape, _ = value.args
    else:
        raise ValueError(f"expected text, got {type(value).__name__}")
    kind = dtype_note.args[0] if isinstance(dtype_note, _Note) and dtype_note.args else ""
    if not _TEXT.fullmatch(str(kind)):
        raise ValueError(f"expected text, got dtype {kind!r:.40}")
    texts = _shaped(_bytes(data), np.dtype(kind).newbyteorder("<"), _shape(shape), False)
    return [one.decode("utf-8") if isinstance(one, bytes) else str(one) for one in texts.ravel().tolist()]


def _from_note(value: _Note, source: str) -> NDArray[Any]:
    """Turn a note of numpy or scipy into an array."""
    if source in _RECONSTRUCT:
        return _from_state(value.state)
    if source in _FROM_BUFFER:
        return _from_buffer(value.args)
    if source in _SCALAR:
        return _from_scalar(value.args)
    if source in _SPARSE:
        return _from_sparse(_mapping(value.state, source), _SPARSE[source])
    raise ValueError(f"expected an array, got {source}")


def _mapping(state: Any, source: str) -> Mapping[Any, Any]:
    if not isinstance(state, dict):
        raise ValueError(f"{source} has no state")
    return state


def _bytes(value: Any) -> bytes:
    if isinstance(value, _Note) and value.source == _ENCODE and value.args[1:] == ("latin1",):
        value = value.args[0]
    if isinstance(value, _Note) and value.source in _NO_BYTES and not value.args:
        return b""
    if isinstance(value, str):
        return value.encode("latin1")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    raise ValueError(f"expected the bytes of an array, got {type(value).__name__}")


def _shape(value: Any) -> tuple[int, ...]:
    shape = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(shape) > 8 or not all(isinstance(size, int) and 0 <= size < 2**40 for size in shape):
        raise ValueError(f"expected the shape of an array, got {shape!r:.80}")
    return shape


def _dtype(value: Any) -> np.dtype[Any]:
    if not isinstance(value, _Note) or value.source != "numpy.dtype" or not value.args:
        raise ValueError("expected a numpy dtype")
    kind = value.args[0]
    if kind not in _DATA_TYPES:
        objects = ", that is Python objects" if str(kind).startswith("O") else ""
        raise ValueError(f"holds dtype {kind!r:.40}{objects}; expected numbers")
    order = value.state[1] if isinstance(value.state, tuple) and len(value.state) > 1 else "="
    return np.dtype(kind).newbyteorder(">" if order == ">" else "<" if order == "<" else "=")


def _shaped(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], is_fortran: bool) -> NDArray[Any]:
    expected = dtype.itemsize * int(np.prod(shape, dtype=object))
    if len(data) != expected:
        raise ValueError(f"array {shape} of {dtype} needs {expected} bytes, got {len(data)}")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")


def _from_state(state: Any) -> NDArray[Any]:
    if not isinstance(state, tuple) or len(state) not in (4, 5):
        raise ValueError("a numpy array lacks its state")
    shape, dtype_note, is_fortran, data = state[-4:]
    dtype = _dtype(dtype_note)
    return _shaped(_bytes(data), dtype, _shape(shape), bool(is_fortran))


def _from_buffer(args: tuple[Any, ...]) -> NDArray[Any]:
    if len(args) != 4:
        raise ValueError("a numpy array lacks its buffer")
    data, dtype_note, shape, order = args
    dtype = _dtype(dtype_note)
    return _shaped(_bytes(data), dtype, _shape(shape), order == "F")


def _from_scalar(args: tuple[Any, ...]) -> NDArray[Any]:
    if len(args) != 2:
        raise ValueError("a numpy number lacks its bytes")
    return _shaped(_bytes(args[1]), _dtype(args[0]), (), False)


def _from_sparse(state: Mapping[Any, Any], kind: str) -> NDArray[Any]:
    shape = _shape(state.get("_shape", state.get("shape")))
    if len(shape) != 2 or int(np.prod(shape, dtype=object)) > _MAX_ELEMENTS:
        raise ValueError(f"a sparse matrix has shape {shape}")
    try:
        values = to_array(state["data"])
        if kind == "coo":
            pair = state["coords"] if "coords" in state else (state["row"], state["col"])
            rows, columns = (to_array(indices) for indices in pair)
        else:
            minor, starts = to_array(state["indices"]), to_array(state["indptr"]).astype(np.int64)
            counts = np.diff(starts)
            if (counts < 0).any() or counts.sum() != len(minor):
                raise ValueError("a sparse matrix is inconsistent")
            major = np.repeat(np.arange(len(counts)), counts)
            rows, columns = (minor, major) if kind == "csc" else (major, minor)
    except KeyError as error:
        raise ValueError(f"a sparse matrix lacks {error}") from error
    if not values.ndim == 1 or not values.shape == rows.shape == columns.shape:
        raise ValueError("a sparse matrix is inconsistent")
    for indices, size in ((rows, shape[0]), (columns, shape[1])):
        if len(indices) and not 0 <= indices.min() <= indices.max() < size:
            raise ValueError("a sparse matrix has an index outside its shape")
    dense = np.zeros(shape, np.float64)
    np.add.at(dense, (rows, columns), values)
    return dense


def _select(state: Mapping[Any, Any], depth: int) -> NDArray[Any]:
    picked = to_array(state["a"], depth).ravel()[to_array(state["idxs"], depth)]
    return picked.reshape(_shape(state["preferred_shape"])) if "preferred_shape" in state else picked


def _from_chumpy(state: Mapping[Any, Any], source: str, depth: int) -> NDArray[Any]:
    try:
        return _CHUMPY[source](state, depth)
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"cannot evaluate {source} ({type(error).__name__}: {error})") from error


# chumpy expressions that body files hold where others hold arrays; how chumpy evaluates each.
_CHUMPY: dict[str, Callable[[Mapping[Any, Any], int], NDArray[Any]]] = {
    "chumpy.ch.Ch": lambda state, depth: to_array(state["x"], depth),
    "chumpy.Ch": lambda state, depth: to_array(state["x"], depth),
    "chumpy.reordering.Select": _select,
    "chumpy.reordering.Reshape": lambda state, depth: to_array(state["a"], depth).reshape(
        _shape(state["newshape"])
    ),
    "chumpy.reordering.transpose": lambda state, depth: to_array(state["a"], depth).transpose(
        state.get("axes")
    ),
}
