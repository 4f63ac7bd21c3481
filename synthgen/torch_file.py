"""Opens PyTorch files without running what is inside them.

`torch.load(weights_only=True)` does the reading. Settings objects of trainers (yacs, omegaconf, pathlib, ...)
become plain ordered dicts with what they held; their packages are never imported. Any other global is refused
by name before a byte is unpickled.
"""

import ctypes
import mmap
import pickle
import pickletools
import re
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

# Names in a file of weights. Torch has the last word on its own; a stand-in never calls what it stands for.
_OF_TORCH = re.compile(
    r"torch\.(cuda\.|sparse\.|storage\.)?\w+|torch\._utils\._rebuild_\w+|torch\._tensor\._rebuild_from_type_v2"
    r"|torch\.nn\.parameter\.Parameter|torch\.serialization\._get_layout"
    r"|collections\.(OrderedDict|Counter)|_codecs\.encode|builtins\.(bytearray|set|complex)"
)
_OF_SETTINGS = re.compile(
    r"(yacs|omegaconf|dotmap|easydict|addict|mmengine\.config|mmcv\.utils\.config|human_body_prior)\..+"
    r"|(pytorch_lightning|lightning|lightning_fabric|pathlib|typing|enum|datetime)\..+"
    r"|argparse\.Namespace|types\.SimpleNamespace|collections\.(defaultdict|deque)"
    r"|builtins\.(bool|bytes|dict|float|int|list|object|str|tuple)"
)
_OF_NUMPY = re.compile(r"numpy\..+")
# Protocol 2 writes names as Python 2 knew them.
_PYTHON_2_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_PYTHON_2_NAMES = {"builtins.long": "builtins.int", "builtins.unicode": "builtins.str"}

_MAGIC_PICKLE = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # first bytes of torch files before version 1.6
_LEGACY_PICKLES = 5  # magic number, version, system, the object, storage keys; raw storages follow
_BROKEN = (
    OSError, RuntimeError, EOFError, MemoryError, ValueError, LookupError, AttributeError, TypeError,
    AssertionError, OverflowError, struct.error, pickle.UnpicklingError, zipfile.BadZipFile,
)  # fmt: skip


class RefusedFileError(ValueError):
    """The file is something else than a checkpoint, or asks for code that weights do not need."""


class _Settings:
    """Stands for a class that holds settings: its instances are read as ordered dicts."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return OrderedDict()


class _Opaque:
    """Stands for numpy's scalars and types, whose state is not a mapping; keeps nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def read_torch_file(path: Path) -> Any:
    """Read what `torch.save` wrote: weights as CPU tensors, containers, plain values.

    Args:
        path: file of the zip format (memory-mapped: unused tensors cost nothing) or of the older one.

    Returns:
        The saved object. Foreign settings objects in it are OrderedDicts; see `plain_settings`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is no PyTorch file, damaged, or asks for code that weights do not need.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint file")
    with path.open("rb") as file:
        start = file.read(512)
    try:
        return _read(path, start)
    except RefusedFileError:
        raise
    except _BROKEN as error:
        reason = _reason(error)
        raise ValueError(
            f"{path} is damaged or cut short ({path.stat().st_size} bytes), or holds more than weights: "
            f"{reason}. Fetch it again from its source"
        ) from error


def _reason(error: BaseException) -> str:
    """Return what went wrong in one line, without torch's advice to open the file unsafely."""
    text = str(error).rpartition("WeightsUnpickler error:")[2].strip() or type(error).__name__
    return text.splitlines()[0].split(". Please use")[0].rstrip(".")


def _read(path: Path, start: bytes) -> Any:
    is_zip = _check_container(path, start)
    names = _check_globals(path, is_zip)
    stand_ins: list[Any] = [(_Settings, name) for name in names if _OF_SETTINGS.fullmatch(name)]
    stand_ins += [(_Opaque, name) for name in names if _OF_NUMPY.fullmatch(name)]
    with torch.serialization.safe_globals(stand_ins):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=is_mapped(path))


def is_mapped(path: Path) -> bool:
    """Tell whether `read_torch_file` maps the tensors of a file into memory instead of reading them."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:  # of compressed members the file's bytes are not the weights'
        return all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())


def let_go(tensor: Tensor) -> None:
    """Give back the memory of a tensor that is mapped from a file; who asks again reads the file again.

    Args:
        tensor: one that `read_torch_file` mapped and nobody has written to. Any other loses its values.
    """
    if not hasattr(mmap, "MADV_DONTNEED"):
        return
    storage = tensor.untyped_storage()
    first = -(-storage.data_ptr() // mmap.PAGESIZE)  # pages that hold nothing else
    end = (storage.data_ptr() + storage.nbytes()) // mmap.PAGESIZE
    if end > first:
        start, size = (pages * mmap.PAGESIZE for pages in (first, end - first))
        # An advice that is not taken costs memory and nothing else.
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), mmap.MADV_DONTNEED)


def plain_settings(value: Any) -> Any:
    """Turn what `read_torch_file` made of yacs and omegaconf nodes into plain dicts, lists and values."""
    inside = vars(value) if isinstance(value, OrderedDict) else {}
    if "_content" in inside:  # omegaconf container
        return plain_settings(inside["_content"])
    if "_val" in inside:  # omegaconf leaf
        return plain_settings(inside["_val"])
    if isinstance(value, Mapping):
        return {key: plain_settings(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_settings(item) for item in value]
    return value


def _check_container(path: Path, start: bytes) -> bool:
    """Return whether the file is a zip archive of torch; raise what it is when it is no torch file."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if not _pickle_member(archive):
                raise RefusedFileError(
                    f"{path} is a zip archive without weights; unpack it and give the file inside"
                )
        return True
    if start.startswith(_MAGIC_PICKLE) or start[:1] == b"\x80":
        return False
    raise RefusedFileError(f"{path} is not a PyTorch checkpoint; it looks like {_what_bytes_are(start)}")


def _what_bytes_are(start: bytes) -> str:
    text = start.lstrip().lower()
    if not start:
        return "an empty file"
    if start.startswith(b"PK\x03\x04"):
        return "a PyTorch or zip file that is cut short; fetch it again"
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page, as a download without a login leaves it; log in and fetch the file again"
    if text.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer; fetch the content with `git lfs pull`"
    if start.startswith(b"\x1f\x8b") or start[257:262] == b"ustar":
        return "a tar or gzip archive; unpack it and give the file inside"
    if start[8:9] == b"{":
        return "a safetensors file; give the folder that holds it and its config.json"
    return f"something else (first bytes {start[:8]!r})"


def _pickle_member(archive: zipfile.ZipFile) -> str:
    return next((name for name in archive.namelist() if name.endswith("/data.pkl")), "")


def _check_globals(path: Path, is_zip: bool) -> set[str]:
    """Return the classes and functions that the pickle asks for; raise on any that weights do not need."""
    if is_zip:
        with zipfile.ZipFile(path) as archive, archive.open(_pickle_member(archive)) as stream:
            names = set(_globals_in(stream, 1))
    else:
        with path.open("rb") as stream:
            is_torch = stream.read(len(_MAGIC_PICKLE)) == _MAGIC_PICKLE
            stream.seek(0)
            names = set(_globals_in(stream, _LEGACY_PICKLES if is_torch else 1))
    known = (_OF_TORCH, _OF_SETTINGS, _OF_NUMPY)
    unknown = sorted(name for name in names if not any(pattern.fullmatch(name) for pattern in known))
    if unknown:
        raise RefusedFileError(
            f"{path} is refused: opening it would call {', '.join(unknown)}, which weights do not need. "
            "Use the file as its authors published it, or save its state_dict alone"
        )
    if not is_zip and not is_torch:
        raise RefusedFileError(f"{path} is a Python pickle, not a PyTorch checkpoint")
    return names


def _globals_in(stream: IO[bytes], num_pickles: int) -> Iterator[str]:
    """Yield the dotted names that the next pickles of a stream import, without unpickling them."""
    for _ in range(num_pickles):
        strings: list[Any] = ["?", "?"]  # STACK_GLOBAL takes the two pushed last
        memo: dict[int, Any] = {}
        operations: Iterator[tuple[Any, Any, Any]] = pickletools.genops(stream)
        for opcode, argument, _position in operations:
            if opcode.name in ("GLOBAL", "INST"):
                module, name = argument.split(" ", 1)
                full_name = f"{_PYTHON_2_MODULES.get(module, module)}.{name}"
                yield _PYTHON_2_NAMES.get(full_name, full_name)
            elif opcode.name == "STACK_GLOBAL":
                yield f"{strings[-2]}.{strings[-1]}"
            elif opcode.name in ("PUT", "BINPUT", "LONG_BINPUT"):
                memo[argument] = strings[-1]
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = strings[-1]
            elif opcode.name in ("GET", "BINGET", "LONG_BINGET"):
                strings.append(memo.get(argument))
            elif isinstance(argument, str):
                strings.append(argument)
