"""Looks into files of weights without loading them: how many numbers, whole or cut short.

A safetensors file begins with a table of its tensors; a PyTorch file is mapped, not read.
"""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path

NAMES = ("model", "diffusion_pytorch_model", "pytorch_model")  # of files, before what marks their kind
SUFFIXES = ("safetensors", "bin")  # the first that is there is read
MAX_TABLE = 100 << 20  # [bytes]; safetensors' own limit


@dataclass(frozen=True)
class Table:
    """What a file of weights holds.

    Attributes:
        shapes: {name of a tensor: its shape}.
        bytes: of the file.
    """

    shapes: dict[str, tuple[int, ...]]
    bytes: int

    @property
    def count(self) -> int:
        """Numbers in all tensors."""
        return sum(prod(shape) for shape in self.shapes.values())


def read_table(path: Path) -> Table:
    """Read which tensors a file holds.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it holds no weights, or is damaged.
    """
    size = path.stat().st_size
    if path.suffix == ".safetensors":
        return Table(_safetensors_shapes(path, size), size)
    from synthgen.checkpoints import read_checkpoint

    tensors = read_checkpoint(path).tensors
    return Table({name: tuple(tensor.shape) for name, tensor in tensors.items()}, size)


def _safetensors_shapes(path: Path, size: int) -> dict[str, tuple[int, ...]]:
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= MAX_TABLE:
            raise ValueError(
                f"{path} is no safetensors file (first bytes {start!r}, {size} bytes in all); fetch it again"
            )
        table = file.read(length)
    if len(table) < length:
        raise ValueError(f"{path} is cut short within its table of tensors; fetch it again")
    try:
        header = json.loads(table)
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        end = max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
        shapes = {name: tuple(entry["shape"]) for name, entry in tensors.items()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is no safetensors file, its table of tensors cannot be read: {error}"
        ) from error
    if 8 + length + end != size:
        raise ValueError(f"{path} has {size} bytes, expected {8 + length + end}: damaged or cut short")
    return shapes


def weight_files(folder: Path, variant: str = "") -> list[Path]:
    """Return the files that hold a model's weights: one, or the parts that an index names.

    Args:
        folder: of one model.
        variant: "fp16" for the files so marked; "" for the plain ones.

    Raises:
        FileNotFoundError: there are none, or parts are missing.
        ValueError: the index is damaged.
    """
    mark = f".{variant}" if variant else ""
    for suffix in SUFFIXES:
        for name in NAMES:
            index = folder / f"{name}.{suffix}.index{mark}.json"
            if index.is_file():
                return _parts(index)
            single = folder / f"{name}{mark}.{suffix}"
            if single.is_file():
                return [single]
    wanted = f"{NAMES[0]}{mark}.safetensors or {NAMES[1]}{mark}.safetensors"
    raise FileNotFoundError(f"{folder} has no weights: expected {wanted}")


def _parts(index: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{index} is no index of weights: {error}") from error
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{index.parent} lacks {len(missing)} of {len(names)} parts: {missing[0]}, …")
    return [index.parent / name for name in names]


def count_weights(folder: Path, variant: str = "") -> int:
    """Return how many numbers the model of a folder has; see `weight_files` and `read_table`."""
    return sum(read_table(path).count for path in weight_files(folder, variant))
