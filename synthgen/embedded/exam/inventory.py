"""What lies in a weights folder: files, sizes, parameters, how each model is built and was trained."""

import json
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from synthgen.embedded import body_maps, earlier
from synthgen.embedded.exam.ledger import missing
from synthgen.embedded.exam.models import FOLDERS, VAE

CLASSES = {
    VAE: "diffusers AutoencoderKL",
    "draft": "diffusers StableDiffusionPipeline: CLIP text encoder, U-Net",
    "redraw": "diffusers StableDiffusionDepth2ImgPipeline: U-Net with a depth channel",
    "segmenter": "transformers UperNetForSemanticSegmentation on ResNet",
    "keypoints": "transformers VitPoseForPoseEstimation",
    "mesh": "synthgen HMR2: ViT and cross-attention decoder",
    "prior": "synthgen VPoser v2",
}


@dataclass(frozen=True)
class Kept:
    """One model of the folder.

    Attributes:
        folder: below the weights folder.
        kind: its class.
        build: sizes, in words.
        parameters: of its own; draft and redraw share the VAE's, redraw the draft's text encoder.
        rounds: of training, as the log beside it tells, oldest first.
    """

    folder: str
    kind: str
    build: str
    parameters: int
    rounds: list[dict[str, Any]]


def files(weights: Path) -> dict[str, int]:
    """Return the size [bytes] of each weights file by its path below the folder."""
    return {
        path.relative_to(weights).as_posix(): path.stat().st_size
        for path in sorted(weights.rglob("*.safetensors"))
    }


def kept(weights: Path) -> list[Kept]:
    """Return the models that are there."""
    own = {"draft": ("unet", "text_encoder"), "redraw": ("unet",)}
    found = []
    for folder in FOLDERS:
        if missing(weights, folder):
            continue
        paths = [weights / folder / part for part in own.get(folder, ("",))]
        count = sum(_parameters(file) for path in paths for file in path.glob("*.safetensors"))
        rounds = earlier.read_log(weights / folder)
        found.append(Kept(folder, CLASSES[folder], _build(weights, folder), count, rounds))
    return found


def _parameters(path: Path) -> int:
    """Return the number of values in a safetensors file, from its header."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    return sum(prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def _build(weights: Path, folder: str) -> str:
    where = weights / folder / ("unet" if folder in ("draft", "redraw") else "")
    config = json.loads((where / "config.json").read_text())
    if folder == VAE:
        factor = 2 ** (len(config["block_out_channels"]) - 1)
        own = config["latent_channels"] - body_maps.COUNT
        return (
            f"channels {config['block_out_channels']}, latent {own} × 1/{factor}, and room for "
            f"{body_maps.COUNT} maps of bodies"
        )
    if folder == "redraw":
        return f"channels {config['block_out_channels']}, {config['in_channels']} in"
    if folder == "draft":
        text = json.loads((weights / folder / "text_encoder" / "config.json").read_text())
        return (
            f"U-Net channels {config['block_out_channels']}; text {text['num_hidden_layers']} layers of "
            f"{text['hidden_size']}, {text['vocab_size']} tokens"
        )
    return _SIZES[folder](config)


def _vit(config: dict[str, Any], depth: str, width: str) -> str:
    height, across = config["image_size"]
    patch = config["patch_size"]
    patch = patch if isinstance(patch, int) else patch[0]
    return f"ViT {config[depth]} blocks of {config[width]}, crop {height} × {across} px, patch {patch} px"


_SIZES = {
    "segmenter": lambda c: (
        f"channels {c['backbone_config']['hidden_sizes']}, blocks {c['backbone_config']['depths']}, "
        f"decoder {c['hidden_size']}"
    ),
    "keypoints": lambda c: _vit(c["backbone_config"], "num_hidden_layers", "hidden_size"),
    "mesh": lambda c: (
        _vit(c["backbone"], "depth", "width")
        + f"; decoder {c['decoder']['depth']} layers of {c['decoder']['width']}"
    ),
    "prior": lambda c: f"{c['num_neurons']} neurons, code of {c['latent_dim']}",
}
