"""Cross-attention to a prompt of keypoint coordinates, with three numbers a head in place of whole layers.

The prompt's tokens are one linear map of each joint's coordinates (x, y, 1), so keys are such a map, too. The
product of a query with a key then needs three numbers of the query, which a matrix of heads * 3 rows reads
out of the picture's features; values are mixed as coordinates and mapped afterwards. That matrix and its like
for the output replace the four layers of an attention, 64 million weights of Stable Diffusion's U-Net and its
ControlNet. Answers and maps stay the same up to rounding; it is for inference alone.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

COORDINATES = 3  # x, y, 1


class PromptAttention(nn.Module):
    """A folded cross-attention; float32 throughout, whatever the layers beside it compute in.

    Args:
        attention: of diffusers, without low-rank updates beside its layers.
        prompt: makes tokens (T, D) of coordinates (T, 2).
        keep: where the weights, averaged over heads, are left; None keeps nothing.
    """

    def __init__(self, attention: Any, prompt: nn.Linear, keep: Callable[[Tensor], None] | None) -> None:
        super().__init__()
        self.heads, self.keep = int(attention.heads), keep
        tokens = torch.cat([prompt.weight, _bias(prompt)[:, None]], 1).double()
        keys, values = (self._by_head(_map(layer, tokens)) for layer in (attention.to_k, attention.to_v))
        query, out = attention.to_q, attention.to_out[0]
        ask, offset = self._by_head(query.weight.double()), self._by_head(_bias(query).double())
        # Plain tensors, which stay in float32 when the model is brought to another precision.
        self.ask = self._ready(attention.scale * torch.einsum("hdk,hdc->hkc", keys, ask))
        self.offset = self._ready(attention.scale * torch.einsum("hdk,hd->hk", keys, offset))
        mixed = torch.einsum("hdc,hdk->hkc", self._by_head(out.weight.double().T), values)
        self.answer = self._ready(mixed).T.contiguous()
        self.bias = _bias(out).detach().float()

    def forward(self, hidden_states: Tensor, encoder_hidden_states: Tensor, **_: Any) -> Tensor:
        """Attend from (B, N, C) to coordinates (B, T, 3)."""
        with torch.autocast(hidden_states.device.type, enabled=False):
            points = encoder_hidden_states.float()
            asked = linear(hidden_states.float(), self.ask, self.offset)
            asked = torch.unflatten(asked, -1, (self.heads, COORDINATES)).transpose(1, 2)
            weights = torch.softmax(asked @ points[:, None].mT, -1)
            if self.keep is not None:
                self.keep(weights.mean(1))
            mixed = (weights @ points[:, None]).transpose(1, 2).flatten(2)
            return linear(mixed, self.answer, self.bias).to(hidden_states.dtype)

    def _by_head(self, value: Tensor) -> Tensor:
        return torch.unflatten(value, 0, (self.heads, -1))

    @staticmethod
    def _ready(value: Tensor) -> Tensor:
        return value.flatten(0, 1).detach().float()


def coordinates(points: Tensor) -> Tensor:
    """Return what `PromptAttention` looks at, (B, T, 3), of coordinates (B, T, 2)."""
    return torch.cat([points, torch.ones_like(points[..., :1])], -1)


def fold_prompt(model: nn.Module, prompt: nn.Linear) -> list[tuple[Any, PromptAttention]]:
    """Fold the cross-attention of a U-Net or ControlNet, whose layers are taken away.

    Args:
        model: with transformer blocks of diffusers; they cannot be used until each has its new attention.
        prompt: see `PromptAttention`.

    Returns:
        Each block, and what is to become its `attn2` after the model has got its precision.
    """
    found = []
    for block in model.modules():
        old: Any = getattr(block, "attn2", None)
        if old is not None:
            keep = getattr(old.processor, "keep", None)
            found.append((block, PromptAttention(old, prompt, keep)))
            setattr(block, "attn2", None)  # noqa: B010  its type is unknown to mypy
    return found


def _map(layer: nn.Linear, tokens: Tensor) -> Tensor:
    """Return what a layer makes of tokens (D, 3), (C, 3)."""
    mapped = layer.weight.double() @ tokens
    mapped[:, -1] += _bias(layer).double()
    return mapped


def _bias(layer: nn.Linear) -> Tensor:
    return layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias
