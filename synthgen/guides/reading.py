"""Which guide belongs to a request, which files a folder holds, what becomes of damaged ones."""

import logging

from synthgen import storage
from synthgen.sample import Rejection, Request
from synthgen.shards.shard import SHARD_PATTERN

MAX_DEPTH = 16  # folders within folders

log = logging.getLogger(__name__)


class UnreadableError(ValueError):
    """A guide that is damaged.

    Attributes:
        reason: short and countable, for the rejection.
    """

    def __init__(self, reason: str, details: str) -> None:
        self.reason = reason
        super().__init__(details)


class Complaints:
    """Turns damaged guides into rejections, and names each file once in the log."""

    def __init__(self) -> None:
        self._named: set[str] = set()

    def reject(self, request: Request, error: UnreadableError) -> Rejection:
        """Return the rejection of a request whose guide is damaged."""
        if str(error) not in self._named:
            self._named.add(str(error))
            log.warning("%s: %s", error.reason, error)
        return Rejection(request.key, "compose", error.reason)


def place_of(request: Request) -> int:
    """Return which guide a request starts from: this one of them, counted round and round."""
    return request.guide_index


def require(path: str, expected: str) -> None:
    """Raise FileNotFoundError unless there is something at `path`; the message says what was expected."""
    if not path.strip():
        raise FileNotFoundError(f"path is empty; set it to {expected}")
    if not storage.exists(path):
        raise FileNotFoundError(f"path: there is no {path}; expected {expected}")


def holds_shards(path: str) -> bool:
    """Tell whether `path` is a tar, or a folder with shards of samples (<run>-000000.tar) right in it."""
    if path.endswith(".tar"):
        return True
    names = (name.removesuffix(".tar") for name in storage.list_names(path) if name.endswith(".tar"))
    return any(SHARD_PATTERN.fullmatch(name) for name in names)


def list_files(folder: str, suffixes: tuple[str, ...]) -> list[str]:
    """Return the sorted names, relative to `folder`, of all files below it with one of the suffixes.

    Case does not matter; hidden files and folders are left out.

    Raises:
        ValueError: folders are nested too deeply.
        StorageError: a folder cannot be listed.
    """
    found: list[str] = []
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        if inside.count("/") > MAX_DEPTH:
            raise ValueError(
                f"path: {folder} holds more than {MAX_DEPTH} folders within each other ({inside:.80}…); does "
                "a link lead back? Set path to the folder that holds the files"
            )
        names = storage.list_names(storage.join(folder, inside) if inside else folder)
        seen = [inside + name for name in names if not name.startswith(".")]
        waiting += [name for name in seen if name.endswith("/")]
        found += [name for name in seen if name.lower().endswith(suffixes)]
    return sorted(found)
