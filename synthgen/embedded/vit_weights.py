"""The same vision transformer under two sets of names: HMR2's backbone here, ViTPose's in transformers."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from synthgen.backends.vit import ViT

PATCH_PADDING = 2  # that transformers' ViTPose always has [px]
_PREFIX = "backbone."
_NAMES = {
    "pos_embed": "embeddings.position_embeddings",
    "patch_embed.proj": "embeddings.patch_embeddings.projection",
    "last_norm": "layernorm",
}
_BLOCK_NAMES = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
_QKV = ("query", "key", "value")


def put(source: nn.Module, target: nn.Module) -> None:
    """Copy backbone weights between a `ViT` and a ViTPose model of the same sizes, in either direction.

    Raises:
        ValueError: neither or both of them are a `ViT`, or sizes differ.
    """
    if isinstance(source, ViT) == isinstance(target, ViT):
        raise ValueError(
            f"one of the two must be a ViT, got {type(source).__name__} and {type(target).__name__}"
        )
    if isinstance(source, ViT):
        made = to_vitpose(source.state_dict())
        own = {name for name in target.state_dict() if name.startswith(_PREFIX)}
    else:
        made = from_vitpose(source.state_dict())
        own = set(target.state_dict())
    shapes = {name: value.shape for name, value in target.state_dict().items() if name in own}
    if shapes != {name: value.shape for name, value in made.items()}:
        raise ValueError("the two backbones differ in depth or width")
    target.load_state_dict(made, strict=False)


def to_vitpose(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights of a `ViT` under the names of a ViTPose model's backbone."""
    renamed: dict[str, Tensor] = {}
    for name, value in state.items():
        block = re.match(r"blocks\.(\d+)\.attn\.qkv\.(\w+)$", name)
        if block:
            for part, piece in zip(_QKV, value.chunk(3), strict=True):
                layer = f"encoder.layer.{block[1]}.attention.attention.{part}.{block[2]}"
                renamed[_PREFIX + layer] = piece.clone()
        else:
            renamed[_PREFIX + _renamed(name)] = value.clone()
    return renamed


def from_vitpose(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the backbone's weights of a ViTPose model under the names of a `ViT`."""
    theirs = {name.removeprefix(_PREFIX): v for name, v in state.items() if name.startswith(_PREFIX)}
    ours: dict[str, Tensor] = {}
    for name, value in theirs.items():
        part = re.match(r"encoder\.layer\.(\d+)\.attention\.attention\.query\.(\w+)$", name)
        if part:
            stem = f"encoder.layer.{part[1]}.attention.attention"
            pieces = [theirs[f"{stem}.{which}.{part[2]}"] for which in _QKV]
            ours[f"blocks.{part[1]}.attn.qkv.{part[2]}"] = torch.cat(pieces)
        elif ".attention.attention." not in name:
            ours[_renamed(name, back=True)] = value.clone()
    return ours


def _renamed(name: str, back: bool = False) -> str:
    """Translate one name, or translate it back."""
    table, blocks = _NAMES, _BLOCK_NAMES
    numbered = r"encoder\.layer\.(\d+)\." if back else r"blocks\.(\d+)\."
    if back:
        table, blocks = ({v: k for k, v in names.items()} for names in (table, blocks))
    block = re.match(numbered, name)
    if block:
        stem, _, kind = name[block.end() :].rpartition(".")
        start = f"blocks.{block[1]}." if back else f"encoder.layer.{block[1]}."
        return f"{start}{blocks[stem]}.{kind}"
    if name in table:
        return table[name]
    stem, _, kind = name.rpartition(".")
    return f"{table[stem]}.{kind}"
