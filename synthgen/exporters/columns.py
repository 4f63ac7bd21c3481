"""Tables that grow on the disk, a file a column, and become one .npz; memory stays flat."""

import os
import shutil
import struct
import zipfile
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from synthgen.exporters import pickles
from synthgen.exporters.pickles import Streamed

Value = NDArray[Any] | str | float
Order = NDArray[np.int64]
CHUNK_BYTES = 4 << 20
_LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip's entry: lengths of its name and of its extra field
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same export gives the same bytes


class Columns:
    """Rows of named values; every row has the same names, types and shapes.

    Attributes:
        count: rows so far.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._files: dict[str, IO[bytes]] = {}
        self._kinds: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {}
        self._ends: dict[str, array[int]] = {}  # of texts, in their file
        self._longest: dict[str, int] = {}
        self.count = 0

    def add(self, row: Mapping[str, Value]) -> None:
        """Append a row.

        Raises:
            ValueError: it differs in names or shapes from the first.
        """
        if not self.count:
            self._begin(row)
        if row.keys() != self._files.keys():
            raise ValueError(f"row {self.count} has {sorted(row)}, expected {sorted(self._files)}")
        for name, value in row.items():
            if isinstance(value, str):
                self._add_text(name, value)
                continue
            dtype, shape = self._kinds[name]
            cells = np.asarray(value, dtype)
            if cells.shape != shape:
                raise ValueError(f"row {self.count}: {name} has shape {cells.shape}, expected {shape}")
            self._files[name].write(cells.tobytes())
        self.count += 1

    def rows(self, name: str, chosen: Order | range | None = None) -> NDArray[Any]:
        """Return a column of numbers, or some rows of it.

        They are read, not mapped: mapped pages would count as this process's memory.
        """
        file = self._files[name]
        file.flush()
        dtype, shape = self._kinds[name]
        size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        if chosen is None:
            chosen = range(self.count)
        if isinstance(chosen, range):
            data = os.pread(file.fileno(), size * len(chosen), size * chosen.start)
        else:
            data = b"".join(os.pread(file.fileno(), size, size * int(row)) for row in chosen)
        return np.frombuffer(data, dtype).reshape(-1, *shape)

    def stream(self, name: str, order: Order | None = None) -> Streamed:
        """Return a column of numbers as an array whose bytes are read when they are written."""
        dtype, shape = self._kinds[name]
        return Streamed(dtype, (self.count, *shape), lambda: self._parts(name, order))

    def texts(self, name: str, order: Order | None = None) -> Iterator[str]:
        """Yield a column of texts."""
        file, ends = self._files[name], self._ends[name]
        file.flush()
        for row in range(self.count) if order is None else order:
            start = ends[row - 1] if row else 0
            yield os.pread(file.fileno(), ends[row] - start, start).decode()

    def write_npz(
        self, path: Path, order: Order | None = None, extra: Mapping[str, Any] | None = None
    ) -> None:
        """Write all columns, and some further arrays, as `numpy.savez` does.

        Args:
            path: of the file.
            order: of the rows; None for as they came.
            extra: further entries; dicts and lists are stored as 0-d object arrays, pickled; they may hold
            columns as `stream` gives them.
        """
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name in self._files:
                with _entry(archive, name) as file:
                    if name in self._kinds:
                        self._write_numbers(file, name, order)
                    else:
                        self._write_texts(file, name, order)
            for name, value in (extra or {}).items():
                with _entry(archive, name) as file:
                    _write_extra(file, value)

    def close(self) -> None:
        """Delete the files."""
        for file in self._files.values():
            file.close()
        shutil.rmtree(self._folder)

    def _begin(self, row: Mapping[str, Value]) -> None:
        for name, value in row.items():
            self._files[name] = open(self._folder / name, "x+b", buffering=1 << 16)  # noqa: SIM115
            if isinstance(value, str):
                self._ends[name], self._longest[name] = array("Q"), 1
            else:
                cells = np.asarray(value)
                dtype = np.dtype(np.float32) if cells.dtype.kind == "f" and cells.ndim else cells.dtype
                self._kinds[name] = (dtype, cells.shape)

    def _add_text(self, name: str, value: str) -> None:
        data, ends = value.encode(), self._ends[name]
        self._files[name].write(data)
        ends.append((ends[-1] if ends else 0) + len(data))
        self._longest[name] = max(self._longest[name], len(value))

    def _write_numbers(self, file: IO[bytes], name: str, order: Order | None) -> None:
        dtype, shape = self._kinds[name]
        _write_header(file, dtype, (self.count, *shape))
        for part in self._parts(name, order):
            file.write(part)

    def _parts(self, name: str, order: Order | None) -> Iterator[bytes]:
        dtype, shape = self._kinds[name]
        size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        step = max(1, CHUNK_BYTES // max(1, size))
        for start in range(0, self.count, step):
            part = range(start, min(start + step, self.count))
            yield self.rows(name, part if order is None else order[part.start : part.stop]).tobytes()

    def _write_texts(self, file: IO[bytes], name: str, order: Order | None) -> None:
        dtype = np.dtype(f"<U{self._longest[name]}")
        _write_header(file, dtype, (self.count,))
        for text in self.texts(name, order):
            file.write(np.array(text, dtype).tobytes())


def open_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an uncompressed .npz, mapped from the file; pickled ones are loaded.

    Meant for files of one's own making: pickles are run.
    """
    found: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        for entry in archive.infolist():
            file.seek(entry.header_offset)
            header = file.read(_LOCAL_HEADER.size)
            name_length, extra_length = _LOCAL_HEADER.unpack(header)
            file.seek(name_length + extra_length, os.SEEK_CUR)
            start = file.tell()
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError(f"{path.name}: {entry.filename} is no array of numpy's format 1.0")
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            name = entry.filename.removesuffix(".npy")
            if dtype.hasobject or 0 in shape:
                file.seek(start)
                found[name] = np.lib.format.read_array(file, allow_pickle=True)
            else:
                found[name] = np.memmap(path, dtype, "r", file.tell(), shape)
    return found


def _entry(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    return archive.open(zipfile.ZipInfo(f"{name}.npy", EPOCH), "w", force_zip64=True)


def _write_header(file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _write_extra(file: IO[bytes], value: Any) -> None:
    if isinstance(value, dict | list):
        cells = np.empty((), object)
        cells[()] = value
        _write_header(file, np.dtype(object), ())
        pickles.write(file, cells)
        return
    cells = np.asarray(value)
    _write_header(file, cells.dtype, cells.shape)
    file.write(cells.tobytes())
