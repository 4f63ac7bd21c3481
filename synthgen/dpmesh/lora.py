"""Low-rank updates of frozen layers (Hu et al., ICLR 2022), by peft."""

from typing import Any

import torch
from torch import nn

# The U-Net's attention and gated layers, 9 in each transformer block.
ATTENTION = r".*\.(to_q|to_k|to_v|to_out\.0|ff\.net\.0\.proj)"
# All layers of an encoder.
ENCODER = (
    ATTENTION
    + r"|.*\.(conv1|conv2|conv_shortcut|time_emb_proj|conv|proj_in|proj_out|ff\.net\.2)"
    + r"|time_embedding\.linear_."
)


def add_lora(model: nn.Module, rank: int, sites: str) -> None:
    """Give layers a trainable update that begins at zero.

    Keys become `<layer>.base_layer.weight`, `<layer>.lora_A.default.weight`, `<layer>.lora_B.default.weight`.

    Args:
        model: changed in place; whether its other weights learn stays as it is.
        rank: of the updates; 0 adds none.
        sites: pattern of the layers' names.
    """
    if not rank:
        return
    from peft import LoraConfig, inject_adapter_in_model

    from synthgen.dpmesh.merged_lora import merge_small

    learnt = {id(value) for value in model.parameters() if value.requires_grad}
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=sites), model)
    for layer in lora_layers(model):
        layer.base_layer.requires_grad_(False)
        nn.init.normal_(layer.lora_A["default"].weight, std=1 / rank)
        nn.init.zeros_(layer.lora_B["default"].weight)
        merge_small(layer)
    for name, value in model.named_parameters():
        if id(value) in learnt and ".base_layer." not in name:
            value.requires_grad_(True)


def lora_layers(model: nn.Module) -> list[Any]:
    """Return the layers that carry an update."""
    return [module for module in model.modules() if hasattr(module, "lora_A")]


@torch.no_grad()
def fold_lora(model: nn.Module) -> None:
    """Add the updates to the weights and take the layers that held them away; for inference only."""
    for name, module in list(model.named_modules()):
        if hasattr(module, "lora_A"):
            base: Any = module.base_layer
            base.weight = nn.Parameter(base.weight + module.get_delta_weight("default"), requires_grad=False)
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, base)
