"""A VAE with channels for body maps, which it neither fills nor reads: as it was trained, and room beside."""

from typing import Any

import torch

from synthgen.embedded.body_maps import COUNT

_NO_VARIANCE = -30.0  # logarithm of it


def widened(model: Any) -> Any:
    """Return the VAE with channels for body maps: it encodes all pictures to 0 there and decodes without."""
    channels = model.config.latent_channels
    wide, kept = _of_channels(model, channels + COUNT), model.state_dict()
    state = {name: torch.zeros_like(value) for name, value in wide.state_dict().items()}
    state["quant_conv.bias"][channels + COUNT :] = _NO_VARIANCE
    for name, place in _places(channels).items():
        state[name][place] = kept[name]
    wide.load_state_dict({**kept, **{name: state[name] for name in _places(channels)}})
    return wide


def narrowed(model: Any) -> Any:
    """Return the VAE without the channels of `widened`."""
    channels = model.config.latent_channels - COUNT
    narrow, state = _of_channels(model, channels), model.state_dict()
    narrow.load_state_dict({**state, **{name: state[name][p] for name, p in _places(channels).items()}})
    return narrow


def _places(channels: int) -> dict[str, Any]:
    """Return where weights of a VAE lie in those of the widened one, for layers that touch latents."""
    own = slice(channels)
    # Means come first, then variances.
    rows = torch.cat([torch.arange(channels), torch.arange(channels) + channels + COUNT])
    return {
        "encoder.conv_out.weight": slice(2 * channels),
        "encoder.conv_out.bias": slice(2 * channels),
        "quant_conv.weight": (rows[:, None], torch.arange(2 * channels)),
        "quant_conv.bias": rows,
        "post_quant_conv.weight": (own, own),
        "post_quant_conv.bias": own,
        "decoder.conv_in.weight": (slice(None), own),
    }


def _of_channels(model: Any, channels: int) -> Any:
    config = {key: value for key, value in model.config.items() if key != "_name_or_path"}
    return type(model).from_config(config | {"latent_channels": channels}).to(model.device)
