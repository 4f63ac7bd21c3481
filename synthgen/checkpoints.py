"""Weights of a known architecture: read from official checkpoints, fitted strictly, saved as folders.

A checkpoint that belongs elsewhere is named for what it is. A folder of this project is `config.json` (the
architecture's name and config) beside `model.safetensors`.
"""

import dataclasses
import json
import logging
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from synthgen.fields import Setting, fill
from synthgen.torch_file import is_mapped, let_go, plain_settings, read_torch_file

logger = logging.getLogger(__name__)

C = TypeVar("C")
M = TypeVar("M", bound=nn.Module)
WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
_SHOWN = 4  # problems spelled out in one message

# What a file is, by prefixes of its keys; the first row whose prefixes all occur wins.
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a DPMesh checkpoint", ("backbone.sd_model.",)),
    ("an HMR2 checkpoint", ("backbone.blocks.0.attn.qkv.", "smpl_head.")),
    ("a ViTPose checkpoint of mmpose", ("backbone.blocks.0.attn.qkv.", "keypoint_head.")),
    ("a ViTPose checkpoint of transformers", ("backbone.encoder.layer.0.", "head.")),
    ("a bare ViT (ViTPose or MAE) backbone", ("blocks.0.attn.qkv.", "patch_embed.proj.")),
    ("a VPoser v2 checkpoint", ("vp_model.encoder_net.",)),
    ("a VPoser v2 checkpoint", ("encoder_net.", "decoder_net.")),
    ("a VPoser v1 checkpoint", ("bodyprior_enc_", "bodyprior_dec_")),
    ("a ScoreHMR checkpoint", ("ema_model.model.",)),
    ("a ScoreHMR denoiser", ("time_mlp.", "init_mlp.", "final_mlp.")),
    ("a PARE checkpoint", ("head.keypoint_deconv_layers.",)),
    ("a PARE checkpoint", ("model.head.keypoint_deconv_layers.",)),
    ("an HMR or SPIN checkpoint", ("layer1.0.conv1.", "decpose.")),
    ("a Stable Diffusion checkpoint", ("model.diffusion_model.",)),
    ("a diffusers U-Net", ("down_blocks.", "mid_block.", "conv_in.")),
)


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes:
        path: where it was read.
        tensors: the state dict.
        settings: hyper-parameters stored beside it, as plain dicts; empty where there are none.
        kind: what the file looks like, "an HMR2 checkpoint".
        mapped: where storages of these tensors begin that are mapped from the file; see `torch_file.let_go`.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    settings: Mapping[str, Any]
    kind: str
    mapped: frozenset[int] = frozenset()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a bare state dict, a Lightning checkpoint, or another dict with a state dict inside.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no weights in it, or not safe to open (see `read_torch_file`).
    """
    content = read_torch_file(path)
    if not isinstance(content, Mapping):
        raise ValueError(f"{path} holds {type(content).__name__}, expected a dict of weights")
    for wrapper in ("state_dict", "ema", "network", "model", None):
        tensors = content if wrapper is None else content.get(wrapper)
        if isinstance(tensors, Mapping):
            found = {str(key): value for key, value in tensors.items() if isinstance(value, Tensor)}
            others = [str(key) for key, value in tensors.items() if not isinstance(value, Tensor)]
            if found and others:
                raise ValueError(
                    f"{path} mixes weights with other things: {_some(others)}; save a state_dict"
                )
            if found:
                settings = plain_settings(content.get("hyper_parameters", {})) if wrapper else {}
                mapped = (
                    {one.untyped_storage().data_ptr() for one in found.values()} if is_mapped(path) else ()
                )
                known = settings if isinstance(settings, dict) else {}
                return Checkpoint(path, found, known, _kind(found), frozenset(mapped))
    raise ValueError(f"{path} holds no weights; its keys are {_some(list(map(str, content)))}")


def _kind(keys: Mapping[str, Tensor]) -> str:
    names = [key.removeprefix("module.") for key in keys]
    for kind, prefixes in _KINDS:
        if all(any(name.startswith(prefix) for name in names) for prefix in prefixes):
            return kind
    return f"an unknown model with keys {_some(names)}"


def wrong_kind(checkpoint: Checkpoint, wanted: str, hint: str = "") -> ValueError:
    """Return the error for a checkpoint of another model.

    Args:
        checkpoint: what was read.
        wanted: what the caller loads, "an HMR2 checkpoint".
        hint: how to come by the right file.
    """
    return ValueError(
        f"{checkpoint.path} is not {wanted}; it looks like {checkpoint.kind}{'. ' if hint else ''}{hint}"
    )


def split(tensors: Mapping[str, Tensor], ignored: Mapping[str, str], path: Path) -> dict[str, Tensor]:
    """Drop the groups of weights that are left out on purpose and say so in the log.

    Args:
        tensors: state dict.
        ignored: {prefix of keys: why they are not needed}.
        path: named in the log.

    Returns:
        The other weights.
    """
    for prefix, reason in ignored.items():
        count = sum(key.startswith(prefix) for key in tensors)
        if count:
            logger.info("%s: %d keys %s* ignored on purpose: %s", path, count, prefix, reason)
    return {key: value for key, value in tensors.items() if not key.startswith(tuple(ignored))}


def fit(model: M, tensors: Mapping[str, Tensor], path: Path, mapped: Collection[int] = ()) -> M:
    """Fill a model built on the meta device with weights; every key must be used, none may be missing.

    It takes the memory of the model's weights and of one tensor.

    Args:
        model: module whose parameters and buffers lie on the meta device.
        tensors: {key: values}; floating values of any precision become float32.
        path: named in errors.
        mapped: see `Checkpoint`.

    Returns:
        The model, on the CPU, in evaluation mode.

    Raises:
        ValueError: keys missing, unknown, of another shape or type, or not finite.
    """
    ready = dict(fitting(model.state_dict(), type(model).__name__, tensors, path, mapped))
    model.load_state_dict(ready, strict=True, assign=True)
    return model.eval()


def fitting(
    wanted: Mapping[str, Tensor],
    name: str,
    tensors: Mapping[str, Tensor],
    path: Path,
    mapped: Collection[int] = (),
) -> Iterator[tuple[str, Tensor]]:
    """Yield the weights for a state dict one by one, copied, in float32.

    Args:
        wanted: the state dict; only keys, shapes and types of it count.
        name: of the model, for errors.
        tensors: see `fit`.
        path: named in errors.
        mapped: see `Checkpoint`.

    Raises:
        ValueError: as `fit`; for values that are not finite at the end, when all others have been given.
    """
    problems = [f"{key} is missing" for key in wanted if key not in tensors]
    problems += [f"{key} is unknown" for key in tensors if key not in wanted]
    for key, expected in wanted.items():
        if key in tensors and (problem := _misfit(tensors[key], expected)):
            problems.append(f"{key} {problem}")
    if problems:
        raise ValueError(
            f"{path} does not fit {name}: {_some(problems, '; ')}. Give the file as "
            "published, or the config it was trained with"
        )
    broken = []
    for key, value in tensors.items():
        dtype = torch.float32 if value.is_floating_point() else value.dtype
        ready = value.to(dtype, copy=True).contiguous()
        if value.untyped_storage().data_ptr() in mapped:
            let_go(value)
        if bool(torch.isfinite(ready).all()):
            yield key, ready
        else:
            broken.append(key)
    if broken:
        raise ValueError(f"{path}: NaN or infinite weights in {_some(broken)}; the file is damaged")


def _misfit(value: Tensor, expected: Tensor) -> str:
    if value.shape != expected.shape:
        return f"has shape {tuple(value.shape)}, expected {tuple(expected.shape)}"
    if value.is_floating_point() != expected.is_floating_point() or value.layout != torch.strided:
        return f"has type {value.dtype} ({value.layout}), expected dense {expected.dtype}"
    return ""


def _some(items: Sequence[str], separator: str = ", ") -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return separator.join(items[:_SHOWN]) + more


def save_folder(model: nn.Module, config: Any, folder: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write `config.json` and `model.safetensors`; each appears whole or not at all.

    Args:
        model: its state dict is written.
        config: its dataclass config.
        folder: made when missing.
        dtype: precision of floating weights in the file.
    """
    save_weights(model.state_dict(), type(model).__name__, config, folder, dtype)


def save_weights(
    weights: Mapping[str, Tensor], architecture: str, config: Any, folder: Path, dtype: torch.dtype
) -> None:
    """Write what `save_folder` writes, for a part of a model's state dict."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    ready = {
        key: value.detach().to("cpu", dtype if value.is_floating_point() else value.dtype).contiguous()
        for key, value in weights.items()
    }
    text = json.dumps({"architecture": architecture, **dataclasses.asdict(config)}, indent=2)
    partial = folder / f"{WEIGHTS_FILE}.partial"
    save_file(ready, partial)
    os.replace(partial, folder / WEIGHTS_FILE)
    partial = folder / f"{CONFIG_FILE}.partial"
    partial.write_text(text + "\n")
    os.replace(partial, folder / CONFIG_FILE)


def read_folder(folder: Path, architecture: str, config_class: type[C]) -> tuple[C, dict[str, Tensor]]:
    """Read what `save_folder` wrote.

    Args:
        folder: with `config.json` and `model.safetensors`.
        architecture: class name that the config must carry.
        config_class: dataclass of the config.

    Returns:
        The config and the weights.

    Raises:
        FileNotFoundError: one of the two files is missing.
        ValueError: another architecture, an unknown or missing field, a damaged file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder} has no {name}; a model folder holds {CONFIG_FILE} and {WEIGHTS_FILE}"
            )
    try:
        fields = json.loads((folder / CONFIG_FILE).read_text())
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG_FILE} is not JSON: {error}") from error
    found = fields.pop("architecture", None) if isinstance(fields, dict) else None
    if found != architecture:
        raise ValueError(f"{folder / CONFIG_FILE}: architecture must be {architecture!r}, got {found!r}")
    config, problems = fill(config_class, [Setting((key,), value) for key, value in fields.items()])
    if config is None:
        raise ValueError(f"{folder / CONFIG_FILE}: {_some(problems, '; ')}")
    try:
        return config, load_file(folder / WEIGHTS_FILE)
    except SafetensorError as error:
        raise ValueError(f"{folder / WEIGHTS_FILE} is damaged or cut short: {error}") from error
