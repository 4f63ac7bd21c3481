"""Pickles that the trainers' old environments open: arrays as numpy 1 names them, lists written as a stream.

Since numpy 2 pickled arrays name `numpy._core`, which numpy before 1.26 does not have; BEDLAM's and
CameraHMR's loaders need numpy below 1.24.
"""

import io
import pickle
from collections.abc import Callable, Iterable
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


def read_list(file: IO[bytes], take: Callable[[Any], None]) -> None:
    """Hand the items of a list of `write_list`'s making to `take`, one at a time; the pickle is run."""
    _Items(file, take).load()


class _Items(pickle._Unpickler):
    """Gives away what is appended to the outermost list instead of keeping it."""

    dispatch = dict(pickle._Unpickler.dispatch)
    stack: list[Any]  # set by the base class, as metastack is
    metastack: list[Any]

    def __init__(self, file: IO[bytes], take: Callable[[Any], None]) -> None:
        super().__init__(file)
        self._take = take

    def load_append(self) -> None:
        value = self.stack.pop()
        if len(self.stack) == 1 and not self.metastack:
            self._take(value)
        else:
            self.stack[-1].append(value)

    dispatch[pickle.APPEND[0]] = load_append  # type: ignore[assignment]
