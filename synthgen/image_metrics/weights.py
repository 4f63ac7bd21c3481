"""Reads the file of FID's Inception, which is the user's to provide; says what any other file is.

The file is a state dict of plain tensors. It is opened without running anything in it.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from synthgen import storage
from synthgen.checkpoints import Checkpoint, fit, read_checkpoint, wrong_kind
from synthgen.image_metrics.inception import CLASSES, FIDInception
from synthgen.image_metrics.origin import SHA256_START, WANTED, WHERE

IMAGENET_CLASSES = 1000
_COUNTER = ".num_batches_tracked"  # of training; nothing is computed with it


@dataclass(frozen=True)
class Inception:
    """The network with its weights, and which they are.

    Attributes:
        network: pictures (N, 3, 299, 299) to features (N, 2048), on the CPU, in evaluation mode.
        sha256: of the file.
    """

    network: FIDInception
    sha256: str

    @property
    def is_published(self) -> bool:
        """Whether these are the weights that published figures were measured with."""
        return self.sha256.startswith(SHA256_START)


def read_inception(path: Path) -> Inception:
    """Read the network's file; every weight of it must be there, none other may be.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is something else, damaged, or holds NaN; the message says where the right one is.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file. {WHERE}")
    if _is_torchscript(path):
        raise ValueError(
            f"{path} is a TorchScript program, as StyleGAN and clean-fid have it (inception-2015-12-05.pt), "
            f"expected a state dict. {WHERE}, and holds the same weights"
        )
    try:
        checkpoint = read_checkpoint(path)
    except ValueError as error:
        raise ValueError(f"{error}. {WHERE}") from error
    tensors = {key: value for key, value in checkpoint.tensors.items() if not key.endswith(_COUNTER)}
    _check_kind(checkpoint, tensors)
    with torch.device("meta"):
        network = FIDInception()
    network = fit(network, tensors, path).requires_grad_(False)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # 0.7 of the time
    return Inception(network, storage.digest(str(path))[0])


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def _check_kind(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> None:
    """Raise what a file of another network is."""
    if "Mixed_7c.branch_pool.conv.weight" not in tensors:
        raise wrong_kind(checkpoint, WANTED, WHERE)
    classes = tensors["fc.bias"].shape[0] if tensors.get("fc.bias", torch.empty(())).ndim else CLASSES
    if any(key.startswith("AuxLogits.") for key in tensors) or classes == IMAGENET_CLASSES:
        raise ValueError(
            f"{checkpoint.path} is torchvision's Inception v3 of ImageNet ({classes} classes, expected "
            f"{CLASSES}); its features are others, and distances in them cannot be compared. {WHERE}"
        )
