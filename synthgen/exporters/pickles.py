"""Pickles that the trainers' old environments open: arrays as numpy 1 names them, lists written as a stream.

Since numpy 2 pickled arrays name `numpy._core`, which numpy before 1.26 does not have; BEDLAM's and
CameraHMR's loaders need numpy below 1.24.
"""

import io
import pickle
from collections.abc import Iterable
from typing import IO, Any

PROTOCOL = 3  # bytes as they are, no frames: items can be written one by one
_NEW, _OLD = b"cnumpy._core.", b"cnumpy.core."
_GLOBALS = (b"multiarray\n_reconstruct\n", b"multiarray\nscalar\n", b"numeric\n_frombuffer\n")
_HEAD = len(pickle.PROTO) + 1


def dumps(value: Any) -> bytes:
    """Pickle a value of arrays, numbers, texts, lists and dicts."""
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, PROTOCOL)
    pickler.fast = True  # no references backwards, so that items are independent of each other
    pickler.dump(value)
    data = stream.getvalue()
    for name in _GLOBALS:
        data = data.replace(_NEW + name, _OLD + name)
    return data


def write_list(file: IO[bytes], items: Iterable[Any]) -> None:
    """Write one pickled list; only one item is held in memory."""
    file.write(pickle.PROTO + bytes([PROTOCOL]) + pickle.EMPTY_LIST)
    for item in items:
        file.write(dumps(item)[_HEAD : -len(pickle.STOP)] + pickle.APPEND)
    file.write(pickle.STOP)
