"""Pickles that the trainers' old environments open: arrays as numpy 1 names them, lists written as a stream.

Since numpy 2 pickled arrays name `numpy._core`, which numpy before 1.26 does not have; BEDLAM's and
CameraHMR's loaders need numpy below 1.24.
"""

import io
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

PROTOCOL = 3  # bytes as they are, no frames: items can be written one by one
_NEW, _OLD = b"cnumpy._core.", b"cnumpy.core."
_GLOBALS = (b"multiarray\n_reconstruct\n", b"multiarray\nscalar\n", b"numeric\n_frombuffer\n")
_HEAD = len(pickle.PROTO) + 1


@dataclass(frozen=True)
class Streamed:
    """An array that is not in memory.

    Attributes:
        dtype: of its numbers.
        shape: of it.
        parts: gives its bytes, in C order, part after part.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    parts: Callable[[], Iterator[bytes]]


def write(file: IO[bytes], value: Any) -> None:
    """Pickle a value as `dumps` does; arrays in it may be `Streamed`."""
    arrays: list[Streamed] = []
    data = dumps(value, arrays)
    for number, array in enumerate(arrays):
        mark = _mark(number)
        head, _, data = data.partition(pickle.SHORT_BINBYTES + bytes([len(mark)]) + mark)
        size = array.dtype.itemsize * int(np.prod(array.shape, dtype=np.int64))
        file.write(head + pickle.BINBYTES8 + size.to_bytes(8, "little"))
        for part in array.parts():
            file.write(part)
    file.write(data)


def dumps(value: Any, arrays: list[Streamed] | None = None) -> bytes:
    """Pickle a value of arrays, numbers, texts, lists and dicts.

    Args:
        value: to be pickled.
        arrays: takes the arrays that are `Streamed`; marks stand for their bytes.
    """
    stream = io.BytesIO()
    pickler = _Pickler(stream, [] if arrays is None else arrays)
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


class _Pickler(pickle.Pickler):
    """Writes the heads of streamed arrays, with marks for their bytes."""

    def __init__(self, file: IO[bytes], arrays: list[Streamed]) -> None:
        super().__init__(file, PROTOCOL)
        self._arrays = arrays

    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, Streamed):
            return NotImplemented
        reduced = np.zeros(0, value.dtype).__reduce__()
        assert isinstance(reduced, tuple)
        make, arguments = reduced[:2]
        self._arrays.append(value)
        return make, arguments, (1, value.shape, value.dtype, False, _mark(len(self._arrays) - 1))


def _mark(number: int) -> bytes:
    return b"\0streamed array %06d\0" % number


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
