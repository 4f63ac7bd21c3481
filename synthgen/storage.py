"""Files on a local path or behind any fsspec URL: whole or not there at all, and errors in one sentence.

Local files are written under a temporary name in the same folder, flushed to the disk and renamed. Remote
ones are written to a temporary file on this machine first and sent by a single put once complete, so that an
interrupted job leaves nothing half-written on the store.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

TEMPORARY_SUFFIX = ".tmp"  # of local files being written: ".<name>.<random>.tmp"
CHUNK = 1 << 20  # bytes read at a time
OBJECT_STORES = (
    "s3",
    "s3a",
    "gs",
    "gcs",
    "az",
    "abfs",
    "abfss",
)  # know no folders; making one makes a bucket
S3_PUT_OPTIONS = {"chunksize": 16 << 20, "max_concurrency": 2}  # its own defaults hold 500 MB in memory


class StorageError(OSError):
    """A file could not be read or written; the message says which, why, and what to do."""


def is_remote(url: str) -> bool:
    """Tell whether `url` names something that is not a local file."""
    return "://" in url and not url.startswith(("file://", "local://"))


def join(folder: str, name: str) -> str:
    """Return the url of `name` in `folder`."""
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else str(_local(folder) / name)


def split(url: str) -> tuple[str, str]:
    """Return the folder of `url` and its last part."""
    head, _, tail = url.rstrip("/").rpartition("/")
    return (head or ("/" if url.startswith("/") else ".")), tail


def make_folder(folder: str) -> None:
    """Make a folder with its parents and check that files can be written there.

    Raises:
        StorageError: it cannot be made or written to.
    """
    if not is_remote(folder):
        with _clear_errors(folder, "made"):
            _local(folder).mkdir(parents=True, exist_ok=True)
    elif folder.partition("://")[0] not in OBJECT_STORES:
        with _clear_errors(folder, "made"):
            filesystem, path = _connect(folder)
            filesystem.makedirs(path, exist_ok=True)
    probe = join(folder, f".writable.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
    with _clear_errors(folder, "written to"):
        if is_remote(folder):
            filesystem, path = _connect(probe)
            filesystem.pipe_file(path, b"x")
            filesystem.rm_file(path)
        else:
            _local(probe).touch(exist_ok=False)
            _local(probe).unlink()


class Output:
    """A file being written: hashed on the way, and complaining in one sentence.

    Attributes:
        size: bytes written so far.
    """

    def __init__(self, file: IO[bytes], url: str) -> None:
        self._file = file
        self._url = url
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Append all of `data`."""
        with _clear_errors(self._url, f"written after {self.size} bytes"):
            self._file.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    @property
    def sha256(self) -> str:
        """The sha256 (hex) of what was written so far."""
        return self._hash.hexdigest()


@contextlib.contextmanager
def atomic_write(url: str) -> Iterator[Output]:
    """Open `url` for writing; it appears, or changes, only when the block ends without an exception.

    Raises:
        StorageError: the folder is missing or read-only, the disk full, the store out of reach.
    """
    with _remote_write(url) if is_remote(url) else _local_write(_local(url)) as output:
        yield output


def write_bytes(url: str, data: bytes) -> None:
    """Write a whole file; see `atomic_write`."""
    with atomic_write(url) as file:
        file.write(data)


@contextlib.contextmanager
def open_read(url: str) -> Iterator[IO[bytes]]:
    """Open `url` for reading from its start.

    Raises:
        StorageError: it cannot be opened or read.
    """
    with _clear_errors(url, "read"):
        if not is_remote(url):
            with _local(url).open("rb") as file:
                yield file
            return
        filesystem, path = _connect(url)
        with filesystem.open(path, "rb") as file:
            yield file


def read_bytes(url: str, limit: int = 1 << 30) -> bytes:
    """Read a whole file of at most `limit` bytes; see `open_read`."""
    with open_read(url) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise StorageError(f"{url} is larger than {limit} bytes, which is more than it can rightly be")
    return data


def read_part(url: str, offset: int, size: int) -> bytes:
    """Read bytes from within a file; fewer only where it ends.

    Raises:
        StorageError: it cannot be read.
    """
    with _clear_errors(url, "read"):
        if not is_remote(url):
            with _local(url).open("rb", buffering=0) as file:
                file.seek(offset)
                return file.read(size)
        filesystem, path = _connect(url)
        return bytes(filesystem.cat_file(path, start=offset, end=offset + size))


def exists(url: str) -> bool:
    """Tell whether there is a file or folder at `url`."""
    if not is_remote(url):
        return _local(url).exists()
    with _clear_errors(url, "reached"):
        filesystem, path = _connect(url)
        return bool(filesystem.exists(path))


def list_names(folder: str) -> list[str]:
    """Return the sorted names in a folder; a folder's own end with "/". Empty where there is no folder."""
    if not is_remote(folder):
        path = _local(folder)
        if not path.is_dir():
            return []
        with _clear_errors(folder, "listed"):
            return sorted(entry.name + "/" * entry.is_dir() for entry in path.iterdir())
    return sorted(name + "/" * _is_folder(entry) for name, entry in _remote_entries(folder))


def list_sizes(folder: str) -> dict[str, int]:
    """Return the sizes [bytes] of all files in a folder, by name; a store is asked for one listing."""
    if is_remote(folder):
        entries = _remote_entries(folder)
        return {name: int(entry["size"] or 0) for name, entry in entries if not _is_folder(entry)}
    sizes: dict[str, int] = {}
    path = _local(folder)
    if path.is_dir():
        with _clear_errors(folder, "listed"), os.scandir(path) as found:
            for file in found:
                with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
                    if file.is_file():
                        sizes[file.name] = file.stat().st_size
    return sizes


def is_folder(url: str) -> bool:
    """Tell whether `url` is a folder that exists."""
    if not is_remote(url):
        return _local(url).is_dir()
    with _clear_errors(url, "reached"):
        filesystem, path = _connect(url)
        return bool(filesystem.isdir(path))


def digest(url: str) -> tuple[str, int]:
    """Return the sha256 (hex) and the size [bytes] of a file."""
    seen, size = hashlib.sha256(), 0
    with open_read(url) as file:
        while block := file.read(CHUNK):
            seen.update(block)
            size += len(block)
    return seen.hexdigest(), size


def remove(url: str) -> None:
    """Delete a file if it is there."""
    with _clear_errors(url, "deleted"):
        if not is_remote(url):
            _local(url).unlink(missing_ok=True)
            return
        filesystem, path = _connect(url)
        if filesystem.exists(path):
            filesystem.rm_file(path)


def remove_leftovers(folder: str) -> list[str]:
    """Delete temporary files that killed writers left in a local folder; nobody may be writing to it.

    Returns:
        Their names.
    """
    leftovers = [] if is_remote(folder) else [name for name in list_names(folder) if is_leftover(name)]
    for name in leftovers:
        remove(join(folder, name))
    return leftovers


def is_leftover(name: str) -> bool:
    """Tell whether a file name is one of `atomic_write`'s temporary names."""
    return name.startswith(".") and name.endswith(TEMPORARY_SUFFIX)


def _local(url: str) -> Path:
    for scheme in ("file://", "local://"):
        url = url.removeprefix(scheme)
    return Path(url).expanduser()


def _remote_entries(folder: str) -> list[tuple[str, dict[str, Any]]]:
    """Return names in a folder of a store, and what it says of each."""
    with _clear_errors(folder, "listed"):
        filesystem, root = _connect(folder)
        if not filesystem.isdir(root):
            return []
        entries = filesystem.ls(root, detail=True)
    named = ((entry["name"].rstrip("/").rpartition("/")[2], entry) for entry in entries)
    return [(name, entry) for name, entry in named if name]


def _is_folder(entry: dict[str, Any]) -> bool:
    return entry.get("type") == "directory"


@contextlib.contextmanager
def _local_write(path: Path) -> Iterator[Output]:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
    with _clear_errors(str(path), "written"):
        file = temporary.open("xb")
    try:
        yield Output(file, str(path))
        with _clear_errors(str(path), "written"):
            file.flush()
            os.fsync(file.fileno())
            file.close()
            os.replace(temporary, path)
            _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):  # a full disk fails the last flush once more
            file.close()
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _remote_write(url: str) -> Iterator[Output]:
    with tempfile.NamedTemporaryFile(prefix="synthgen-", suffix=TEMPORARY_SUFFIX) as file:
        yield Output(file, file.name)
        with _clear_errors(url, "written"):
            file.flush()
            filesystem, path = _connect(url)
            options = S3_PUT_OPTIONS if url.startswith(("s3://", "s3a://")) else {}
            filesystem.put_file(file.name, path, **options)


@contextlib.contextmanager
def _clear_errors(url: str, verb: str) -> Iterator[None]:
    """Turn what operating systems and stores raise into a StorageError that says what could not be done."""
    try:
        yield
    except StorageError:
        raise
    except _store_errors() as error:
        raise StorageError(f"{url} cannot be {verb}: {_reason(error)}") from error


def _store_errors() -> tuple[type[Exception], ...]:
    """Return OSError and what the S3 client, if it was imported at all, raises beside it."""
    client = sys.modules.get("botocore.exceptions")
    return (OSError, client.BotoCoreError, client.ClientError) if client else (OSError,)


def _reason(error: Exception) -> str:
    hints = {
        errno.ENOSPC: "; free space or choose another output",
        errno.EROFS: "; choose an output that can be written to",
        errno.EACCES: "; choose an output that you may write to",
    }
    if isinstance(error, FileNotFoundError) and error.errno is None:
        return f"no such file or bucket ({error})"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{hints.get(error.errno or 0, '')}"
    return f"{str(error).strip() or type(error).__name__}"


def _connect(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of `url`, with nothing cached, and the path on it."""
    import fsspec

    scheme = url.partition("://")[0]
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        extra = "pip install 'synthgen[s3]'" if scheme in ("s3", "s3a") else str(error)
        raise StorageError(
            f"{url}: reading and writing {scheme}:// needs one more package: {extra}"
        ) from error
    except ValueError as error:
        raise StorageError(f"{url}: {error}") from error
    filesystem.invalidate_cache()
    return filesystem, path
