"""Where the samples of a tar lie, found by jumping from header to header, as far as somebody asks.

A tar is never read whole: of a local one the headers are, of a remote one blocks of some megabytes. Checksums
are left to those who read the members, so that a hundred thousand samples are found in a second or two.
"""

from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from synthgen import storage
from synthgen.shards.records import IMAGE_FORMATS, JSON_MEMBER
from synthgen.shards.tarball import BLOCK, MAX_MEMBER_BYTES

AHEAD_REMOTE = 4 << 20  # bytes asked of a store at once
_NAME, _SIZE, _KIND, _MAGIC = slice(0, 100), slice(124, 136), slice(156, 157), slice(257, 262)


class TarIndex:
    """Keys and places of a tar's samples; may be asked by several threads.

    Args:
        url: local path or fsspec URL.

    Attributes:
        problem: why it ended before the end-of-archive mark, or empty.
        is_complete: all that can be found is found.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.problem = ""
        self.is_complete = False
        self._keys: list[str] = []
        self._starts = array("Q")
        self._records = array("Q")  # offset and size of each sample's record
        self._pictures = array("Q")  # offset and size of each sample's picture
        self._end = 0  # behind the last member that was seen
        self._lock = Lock()
        self._block, self._block_start = b"", 0

    def __len__(self) -> int:
        """Return how many samples are known so far; of an incomplete index, but those whose end is known."""
        return len(self._keys) if self.is_complete else max(len(self._keys) - 1, 0)

    def reach(self, count: int) -> int:
        """Look for at least `count` samples and return how many are known.

        Raises:
            StorageError: the tar cannot be read.
        """
        with self._lock:
            if len(self) >= count or self.is_complete:
                return len(self)
            with self._headers() as read:
                while len(self) < count and not self.is_complete:
                    self._step(read(self._end))
            return len(self)

    def key(self, row: int) -> str:
        """Return the key of a known sample."""
        return self._keys[row]

    def members(self, row: int) -> dict[str, tuple[int, int]]:
        """Return (offset, size) of each member of a known sample, by suffix.

        Raises:
            StorageError: the tar cannot be read.
        """
        offset, stop = self.span(row)
        found = {}
        while offset < stop:
            header = storage.read_part(self.url, offset, BLOCK)
            name, size = _parse(header)
            found[name.partition(".")[2]] = (offset + BLOCK, size)
            offset += BLOCK + size + -size % BLOCK
        return found

    def span(self, row: int) -> tuple[int, int]:
        """Return where a known sample's first header begins and its last member ends."""
        stop = self._starts[row + 1] if row + 1 < len(self._starts) else self._end
        return self._starts[row], stop

    def record(self, row: int) -> bytes:
        """Return the JSON record of a known sample; empty where it has none.

        Raises:
            StorageError: the tar cannot be read.
        """
        return storage.read_part(self.url, self._records[2 * row], self._records[2 * row + 1])

    def picture(self, row: int) -> bytes:
        """Return the picture of a known sample, as its file is; empty where it has none.

        Raises:
            StorageError: the tar cannot be read.
        """
        return storage.read_part(self.url, self._pictures[2 * row], self._pictures[2 * row + 1])

    def _step(self, header: bytes) -> None:
        """Take in the member that begins with a header."""
        if len(header) == BLOCK and not any(header):
            self.is_complete = True
            return
        try:
            if len(header) < BLOCK:
                raise ValueError("truncated: the end-of-archive mark is missing")
            name, size = _parse(header)
        except ValueError as error:
            self.problem, self.is_complete = f"{self.url}: {error}", True
            return
        key = name.partition(".")[0]
        if not self._keys or self._keys[-1] != key:
            self._keys.append(key)
            self._starts.append(self._end)
            self._records.extend((0, 0))
            self._pictures.extend((0, 0))
        suffix = name.partition(".")[2]
        if suffix == JSON_MEMBER:
            self._records[-2], self._records[-1] = self._end + BLOCK, size
        elif suffix in IMAGE_FORMATS and not self._pictures[-1]:
            self._pictures[-2], self._pictures[-1] = self._end + BLOCK, size
        self._end += BLOCK + size + -size % BLOCK

    @contextmanager
    def _headers(self) -> Iterator[Callable[[int], bytes]]:
        """Give a function that reads the header at an offset."""
        if storage.is_remote(self.url):
            yield self._remote_header
            return
        with storage.open_read(self.url) as file:

            def read(offset: int) -> bytes:
                file.seek(offset)
                return file.read(BLOCK)

            yield read

    def _remote_header(self, offset: int) -> bytes:
        place = offset - self._block_start
        if not 0 <= place <= len(self._block) - BLOCK:
            self._block = storage.read_part(self.url, offset, AHEAD_REMOTE)
            self._block_start, place = offset, 0
        return self._block[place : place + BLOCK]


def _parse(header: bytes) -> tuple[str, int]:
    """Return name and size of a member.

    Raises:
        ValueError: it is no plain file of reasonable size.
    """
    if header[_MAGIC] != b"ustar" or header[_KIND] not in (b"0", b"\0"):
        raise ValueError("damaged, or holds something that is no plain file")
    name = header[_NAME].partition(b"\0")[0].decode("utf-8", "surrogateescape")
    try:
        size = int(header[_SIZE].strip(b" \0") or b"0", 8)
    except ValueError as error:
        raise ValueError(f"member {name!r}: damaged header") from error
    if not 0 <= size <= MAX_MEMBER_BYTES:
        raise ValueError(f"member {name!r} has {size} bytes, expected at most {MAX_MEMBER_BYTES}")
    return name, size
