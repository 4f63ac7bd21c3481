"""The elements of large JSON files, found once and read one by one: the index is numbers, not Python objects.

A file is walked through in pieces; each element of its lists (COCO's images, annotations) or of the object
that it is (fits by annotation) is decoded once for the index and again when it is asked for.
"""

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 22  # bytes read at a time
MAX_ELEMENT = 1 << 28  # bytes of one element
_SPACE = " \t\r\n"
_IN_NUMBERS = "0123456789.eE+-"  # a number at the end of a piece may go on in the next


@dataclass(frozen=True)
class Element:
    """One element of a list, or one entry of the object that the file is.

    Attributes:
        member: key of the list, or of the entry, in the file's object; "" where the file is a list.
        is_listed: whether it is an element of a list.
        start: of its text in the file [bytes].
        end: of its text.
        value: what it holds.
    """

    member: str
    is_listed: bool
    start: int
    end: int
    value: Any


@dataclass(frozen=True)
class Rows:
    """Elements that can be read again.

    Attributes:
        path: the file.
        starts: (N,) of their texts in the file [bytes].
        ends: (N,).
    """

    path: Path
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def read(self, row: int) -> Any:
        """Read one element.

        Raises:
            ValueError: the file has changed since it was indexed.
        """
        with self.path.open("rb") as file:
            file.seek(int(self.starts[row]))
            return json.loads(file.read(int(self.ends[row] - self.starts[row])).decode("utf-8"))


class RowsMaker:
    """Collects where elements are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts, self._ends = array("q"), array("q")

    def add(self, element: Element) -> None:
        """Note an element."""
        self._starts.append(element.start)
        self._ends.append(element.end)

    def rows(self) -> Rows:
        """Return what was noted."""
        return Rows(self._path, np.array(self._starts, np.int64), np.array(self._ends, np.int64))


def elements(path: Path) -> Iterator[Element]:
    """Yield the elements of all lists of the object, or of the list, that a JSON file is, in order.

    Raises:
        ValueError: it is no JSON, or neither an object nor a list.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        text = _Text(file)
        first = text.peek()
        if first == "[":
            yield from _listed(text, "")
        elif first == "{":
            yield from _entries(text)
        else:
            raise ValueError("neither an object nor a list")
        if text.peek():
            raise ValueError(f"something follows its end at byte {text.place}")


def _entries(text: "_Text") -> Iterator[Element]:
    for _ in text.items("{", "}"):
        name = text.value()[2]
        if not isinstance(name, str):
            raise ValueError(f"a key at byte {text.place} is no text")
        text.take(":")
        if text.peek() == "[":
            yield from _listed(text, name)
        else:
            start, end, value = text.value()
            yield Element(name, False, start, end, value)


def _listed(text: "_Text", member: str) -> Iterator[Element]:
    for _ in text.items("[", "]"):
        start, end, value = text.value()
        yield Element(member, True, start, end, value)


class _Text:
    """A JSON file being walked through; bytes stand for characters, so that places are bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = json.JSONDecoder()
        self._text, self._at, self._before = "", 0, 0

    @property
    def place(self) -> int:
        return self._before + self._at

    def peek(self) -> str:
        """Return the next character that is no space, or "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(CHUNK):
                return ""

    def take(self, mark: str) -> None:
        if self.peek() != mark:
            raise ValueError(f"{mark!r} expected at byte {self.place}")
        self._at += 1

    def items(self, opening: str, closing: str) -> Iterator[None]:
        """Stand before each item between two brackets; who iterates takes the item."""
        self.take(opening)
        if self.peek() == closing:
            self.take(closing)
            return
        while True:
            yield
            if self.peek() == closing:
                self.take(closing)
                return
            self.take(",")

    def value(self) -> tuple[int, int, Any]:
        """Return start, end and content of the next value."""
        mark = self.peek()
        size, is_end = CHUNK, False
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if is_end:
                    where = self._before + error.pos
                    raise ValueError(f"no JSON at byte {where}: {error.msg}") from error
            else:
                follows = self._text[end : end + 1]
                if is_end or mark in '{["' or (follows and follows not in _IN_NUMBERS):
                    break
            if len(self._text) - self._at > MAX_ELEMENT:
                raise ValueError(f"an element at byte {self.place} is longer than {MAX_ELEMENT} bytes")
            is_end = not self._more(size)
            size *= 2
        piece = self._text[self._at : end]
        if not piece.isascii():  # bytes stood for letters
            value = json.loads(piece.encode("latin-1").decode("utf-8"))
        start, self._at = self.place, end
        return start, self.place, value

    def _more(self, size: int) -> bool:
        piece = self._file.read(size)
        self._text = self._text[self._at :] + piece.decode("latin-1")
        self._before, self._at = self._before + self._at, 0
        return bool(piece)
