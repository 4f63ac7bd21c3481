"""Opens the files of a data set; whatever is wrong with one is a LayoutError that helps.

It says which file, what was expected there, and where the data set comes from under which licence. Pickles go
through `synthgen.safe_pickle`: nothing in them is ever run.
"""

import contextlib
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.datasets.entry import LayoutError, Origin, UnusableError
from synthgen.geometry import Array
from synthgen.safe_pickle import load_pickle, to_array

ODD = (LookupError, TypeError, ValueError, AttributeError, OverflowError, OSError, EOFError, RuntimeError,
       MemoryError, pickle.UnpicklingError, zipfile.BadZipFile, zlib.error, struct.error)  # fmt: skip
MAX_PROBLEM = 400  # characters of what is wrong with a file


@dataclass(frozen=True)
class Files:
    """The files of one data set.

    Attributes:
        origin: named in every complaint.
        root: its folder.
    """

    origin: Origin
    root: Path

    def odd(self, path: Path | str, problem: str, expected: str) -> LayoutError:
        """Return the error for a file that is missing or not as expected."""
        told = " ".join(problem.split())[:MAX_PROBLEM]  # libraries' own messages go over several lines
        return LayoutError(f"{path}: {told}; expected {expected}. {self.origin}")

    def need(self, path: Path | str, expected: str) -> Path:
        """Return a path below the root, or any absolute one, which must exist.

        Raises:
            LayoutError: it does not.
        """
        whole = self.root / path
        if not os.path.exists(whole):  # Path.exists raises for names that are too long
            raise self.odd(whole, "no such file or folder", expected)
        return whole

    def first(self, paths: Sequence[str], expected: str) -> Path:
        """Return the first of some paths below the root that exists.

        Raises:
            LayoutError: none does.
        """
        for path in paths:
            if os.path.exists(self.root / path):
                return self.root / path
        raise self.odd(self.root / paths[0], f"no such file or folder{_others(paths)}", expected)

    @contextlib.contextmanager
    def reading(self, path: Path, expected: str, record: str = "") -> Iterator[None]:
        """Turn whatever goes wrong while a file is parsed into a LayoutError that names it, and its record.

        A picture that cannot be used says nothing about its file, and stays an UnusableError.
        """
        within = f"{record}: " if record else ""
        try:
            yield
        except (LayoutError, UnusableError):
            raise
        except KeyError as error:
            raise self.odd(path, f"{within}lacks {error.args[0]!r}", expected) from error
        except ODD as error:
            raise self.odd(path, f"{within}{str(error) or type(error).__name__}", expected) from error

    def json(self, path: Path | str, expected: str) -> Any:
        """Return the content of a JSON file that fits into memory."""
        whole = self.need(path, expected)
        with self.reading(whole, expected):
            return json.loads(whole.read_text("utf-8"))

    def pickled(self, path: Path | str, expected: str) -> dict[str, Any]:
        """Return a pickled dict: plain Python and notes of arrays, which `array` turns into arrays."""
        whole = self.need(path, expected)
        with self.reading(whole, expected), whole.open("rb") as file:
            content = load_pickle(file)
            if not isinstance(content, dict):
                raise TypeError(f"holds a {type(content).__name__}, no dict")
            return content

    def npy(self, path: Path | str, expected: str) -> NDArray[Any]:
        """Map a .npy file of numbers into memory."""
        whole = self.need(path, expected)
        with self.reading(whole, expected):
            found: NDArray[Any] = np.load(whole, mmap_mode="r", allow_pickle=False)
            if found.dtype.kind not in "fiu":
                raise ValueError(f"holds {found.dtype}, no numbers")
            return found

    def lines(self, path: Path | str, expected: str) -> list[str]:
        """Return the lines of a text file that hold anything."""
        whole = self.need(path, expected)
        with self.reading(whole, expected):
            return [line.strip() for line in whole.read_text("utf-8").splitlines() if line.strip()]

    def folders(self, path: Path | str, expected: str) -> list[Path]:
        """Return the sorted folders in a folder, at least one."""
        whole = self.need(path, expected)
        found = sorted(one for one in whole.iterdir() if one.is_dir())
        if not found:
            raise self.odd(whole, "holds no folder", expected)
        return found


def array(value: Any, shape: tuple[int | None, ...]) -> Array:
    """Return numbers from JSON or a pickle as float64 of a shape; None stands for any length.

    Raises:
        ValueError: they are no numbers, or of another shape.
    """
    try:
        if isinstance(value, list | tuple):
            value = np.array([array_of(one) for one in value], np.float64) if value else np.zeros(0)
        found = np.array(array_of(value), np.float64)  # a copy, as pickled arrays cannot be written to
    except OverflowError as error:
        raise ValueError(f"holds a number beyond any float: {error}") from error
    fits = len(found.shape) == len(shape) and all(
        want is None or have == want for have, want in zip(found.shape, shape, strict=True)
    )
    if not fits:
        wanted = tuple("any" if one is None else one for one in shape)
        raise ValueError(f"has an array of shape {found.shape}, expected {wanted}".replace("'", ""))
    return found


def field(record: Mapping[str, Any], name: str, shape: tuple[int | None, ...]) -> Array:
    """Return the numbers of a record's field as `array` does; errors name the field.

    Raises:
        KeyError: the record lacks it.
        ValueError: it holds no numbers, or has another shape.
    """
    value = record[name]
    try:
        return array(value, shape)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from error


def array_of(value: Any) -> NDArray[Any]:
    """Return whatever stands for numbers, notes of pickled arrays included, as an array."""
    if isinstance(value, list | tuple):
        return np.array([array_of(one) for one in value])
    if isinstance(value, int | float | np.number):
        return np.asarray(value)
    found = to_array(value)
    if found.dtype.kind not in "fiub":
        raise ValueError(f"holds {found.dtype}, no numbers")
    return found


def _others(paths: Sequence[str]) -> str:
    return f", nor {' or '.join(paths[1:])}" if len(paths) > 1 else ""
