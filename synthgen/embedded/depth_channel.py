"""The fifth channel of a depth-conditioned U-Net: how depth gets into it, and U-Nets with and without it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthgen.backends.denoising import stretch
from synthgen.embedded.body_maps import COUNT, MEAN_SHARE, SIZES
from synthgen.embedded.pictures import Pictures
from synthgen.nearness import nearness
from synthgen.shards.records import DEPTH_UNITS_PER_M

_FIRST, _FIRST_BIAS = "conv_in.weight", "conv_in.bias"


def depth_channel(near: NDArray[np.floating], size: tuple[int, int]) -> Tensor:
    """Return (B, 1, h, w) in [-1, 1] of maps (B, H, W), as the redraw backend gives it to the U-Net."""
    return 2 * stretch(near, size) - 1


def nearness_of(
    pictures: Pictures, rows: NDArray[np.int64], is_flipped: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return how near bodies are, (B, H, W) in [0, 1], in pictures of which some are mirrored."""
    near = nearness(pictures.depth_mm[rows] / DEPTH_UNITS_PER_M)
    return near if is_flipped is None else np.where(is_flipped[:, None, None], near[..., ::-1], near)


def with_depth_channel(unet: Any, like: Mapping[str, Tensor] | None = None) -> nn.Module:
    """Return a U-Net that takes one more channel.

    Args:
        unet: without the channel.
        like: weights of a U-Net that has the channel, and from which it is taken over; without them the new
            one is blind to it at first.
    """
    state = dict(unet.state_dict())
    weight = state[_FIRST]
    added = torch.zeros_like(weight[:, :1]) if like is None else like[_FIRST][:, -1:].to(weight)
    state[_FIRST] = torch.cat([weight, added], 1)
    return _of_channels(unet, 1, state)


def without_depth_channel(unet: Any) -> nn.Module:
    """Return the U-Net that sees what `unet` sees when its last channel is 0 everywhere."""
    state = dict(unet.state_dict())
    state[_FIRST] = state[_FIRST][:, :-1]
    return _of_channels(unet, -1, state)


def told_by_maps(unet: Any) -> nn.Module:
    """Return a U-Net with a channel for depth that reads its map of bodies as if it were depth, too.

    Bodies are 1 in the depth channel, as far as outlines go, and all else -1.
    """
    state = dict(unet.state_dict())
    weight, bias, depth = state[_FIRST].clone(), state[_FIRST_BIAS], state[_FIRST][:, -1]
    share = -1 - COUNT  # place of the channel that says how much of a cell bodies cover
    weight[:, share] += depth * 2 / SIZES[0]
    state[_FIRST], state[_FIRST_BIAS] = weight, bias + depth.sum((1, 2)) * (2 * MEAN_SHARE - 1)
    return _of_channels(unet, 0, state)


def rebuilt(unet: Any) -> nn.Module:
    """Return the same U-Net without the folder it was loaded from, which it would write down again."""
    return _of_channels(unet, 0, dict(unet.state_dict()))


def _of_channels(unet: Any, more: int, state: dict[str, Tensor]) -> nn.Module:
    import diffusers

    unets: Any = diffusers.UNet2DConditionModel
    config = {key: value for key, value in unet.config.items() if key != "_name_or_path"}
    config["in_channels"] += more
    made: nn.Module = unets.from_config(config)
    made.load_state_dict({name: value.clone() for name, value in state.items()})
    return made
