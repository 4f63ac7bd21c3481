"""Samples that somebody marked as bad: the file is read and written with every change."""

from collections.abc import Iterable
from threading import Lock

from synthgen import storage
from synthgen.shards.bad_list import read_bad_list, write_bad_list


class Marks:
    """The list of bad samples in a file.

    Args:
        path: local path or fsspec URL; need not exist.

    Raises:
        ValueError: it exists and is no such list.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = Lock()
        self._keys = self._read()

    @property
    def keys(self) -> frozenset[str]:
        """The keys as of the last change."""
        return self._keys

    def change(self, keys: Iterable[str], is_bad: bool) -> frozenset[str]:
        """Add keys to the list or take them off; what others wrote into it meanwhile stays.

        Raises:
            StorageError: it cannot be written.
        """
        with self._lock:
            before = self._read()
            self._keys = before | frozenset(keys) if is_bad else before - frozenset(keys)
            if self._keys != before:
                write_bad_list(self.path, self._keys)
            return self._keys

    def _read(self) -> frozenset[str]:
        return read_bad_list(self.path) if storage.exists(self.path) else frozenset()
