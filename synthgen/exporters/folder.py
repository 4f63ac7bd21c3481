"""The folder an export writes: it appears under its name when complete, and not at all before."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from synthgen import storage
from synthgen.exporters.intake import Picture

RECORD = "export.json"  # in every export: what it is and where it comes from


@contextlib.contextmanager
def new_folder(output: str, overwrite: bool) -> Iterator[Path]:
    """Make a folder under a temporary name; renamed to `output` when the block ends, deleted when it fails.

    Leftovers of killed exports to the same place are deleted first.

    Args:
        output: local path that does not exist yet.
        overwrite: an earlier export may be there; it is replaced in the end.

    Raises:
        ValueError: something is there already, or `output` is not on this machine.
        StorageError: the folder cannot be written.
    """
    target = _target(output, overwrite)
    storage.make_folder(str(target.parent))
    for leftover in target.parent.glob(f".{target.name}.*{storage.TEMPORARY_SUFFIX}"):
        shutil.rmtree(leftover)
    temporary = _beside(target)
    try:
        temporary.mkdir()
        yield temporary
        os.sync()  # one for all pictures; a rename that survives a power cut must not point to half of them
        _put_in_place(temporary, target)
    except OSError as error:
        if isinstance(error, storage.StorageError):
            raise
        raise storage.StorageError(f"{output} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class Pictures:
    """A folder of pictures, one subfolder a shard; bytes are copied as they are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, picture: Picture) -> str:
        """Write a picture and return its path below the folder."""
        if picture.shard not in self._made:
            (self._folder / picture.shard).mkdir(exist_ok=True)
            self._made.add(picture.shard)
        with open(self._folder / picture.name, "xb", buffering=0) as file:
            file.write(picture.data)
        return picture.name


def _target(output: str, overwrite: bool) -> Path:
    if storage.is_remote(output):
        raise ValueError(
            f"output={output}: trainers read local folders; export to one, then copy it to your store"
        )
    target = Path(output).expanduser().resolve()
    if not target.exists():
        return target
    if not overwrite:
        raise ValueError(f"output={output}: exists already; overwrite=true replaces an earlier export")
    if not (target / RECORD).is_file():
        raise ValueError(f"output={output}: is no export ({RECORD} is missing), so it is not replaced")
    return target


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(6)}{storage.TEMPORARY_SUFFIX}")


def _put_in_place(temporary: Path, target: Path) -> None:
    if not target.exists():
        os.rename(temporary, target)
        return
    old = _beside(target)
    os.rename(target, old)
    os.rename(temporary, target)
    shutil.rmtree(old)
