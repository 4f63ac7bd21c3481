"""Members of a shard's tar, read as a stream and strictly: plain small files up to the end-of-archive mark.

Python's `tarfile` ends in silence at a damaged header; a shard that lost samples that way would look whole.
"""

import tarfile
from collections.abc import Iterator
from typing import IO, Protocol

BLOCK = tarfile.BLOCKSIZE  # bytes; headers and contents are padded to it
MAX_MEMBER_BYTES = 64 << 20  # far more than a 4096 px picture needs


class Readable(Protocol):
    """What is needed of a file."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; fewer only at the end."""


def read_entries(file: Readable | IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of each member, and read the file to its end.

    Raises:
        ValueError: the tar is truncated or damaged, or holds anything but plain files of reasonable size; the
            message says behind which member.
    """
    last = "at its start"
    while True:
        header = file.read(BLOCK)
        if len(header) < BLOCK:
            raise ValueError(f"truncated {last}: the end-of-archive mark is missing")
        if not any(header):
            break
        entry = _parse(header, last)
        content = file.read(entry.size)
        padding = -entry.size % BLOCK
        if len(content) < entry.size or len(file.read(padding)) < padding:
            raise ValueError(f"truncated within {entry.name!r}")
        yield entry.name, content
        last = f"behind {entry.name!r}"
    while rest := file.read(1 << 16):
        if any(rest):
            raise ValueError(f"data behind the end-of-archive mark, {last}")


def read_groups(file: Readable | IO[bytes]) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Yield (key, [(suffix, content), …]) of each run of members with the same key; see `read_entries`.

    As webdataset has it, the key is the name up to its first dot.
    """
    key = ""
    members: list[tuple[str, bytes]] = []
    for name, content in read_entries(file):
        stem, _, suffix = name.partition(".")
        if stem != key and members:
            yield key, members
            members = []
        key = stem
        members.append((suffix, content))
    if members:
        yield key, members


def _parse(header: bytes, last: str) -> tarfile.TarInfo:
    try:
        entry = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise ValueError(f"damaged {last}: {error}") from error
    if not entry.isreg():
        raise ValueError(f"member {entry.name!r} is no plain file")
    if not 0 <= entry.size <= MAX_MEMBER_BYTES:
        raise ValueError(f"member {entry.name!r} has {entry.size} bytes, expected at most {MAX_MEMBER_BYTES}")
    return entry
