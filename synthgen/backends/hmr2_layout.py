"""HMR2 checkpoints as 4D-Humans writes them: which keys matter, and the sizes behind their shapes."""

from collections.abc import Mapping
from math import isqrt
from typing import Any

import yaml
from torch import Tensor

from synthgen.backends.mesh_decoder import DecoderConfig
from synthgen.backends.vit import ViTConfig
from synthgen.checkpoints import Checkpoint, wrong_kind

IGNORED = {
    "smpl.": "buffers of a licensed body; bodies come from their own file",
    "discriminator.": "used in adversarial training only",
    "initialized": "flag of the trainer",
}
_HINT = (
    "The published file is logs/train/multiruns/hmr2/0/checkpoints/epoch=35-step=1000000.ckpt in the data "
    "that 4D-Humans downloads"
)
_FIX = "give the config it was trained with: HMR2.from_checkpoint(path, HMR2Config(...))"
_LAYERS = "smpl_head.transformer.transformer.layers."


def check_is_hmr2(checkpoint: Checkpoint) -> None:
    """Raise ValueError, naming what it is instead, for a checkpoint of another model."""
    if checkpoint.kind != "an HMR2 checkpoint":
        raise wrong_kind(checkpoint, "an HMR2 checkpoint", _HINT)


def configs_of(checkpoint: Checkpoint) -> tuple[ViTConfig, DecoderConfig]:
    """Read the sizes of an official checkpoint from its shapes and from the settings stored with it.

    Numbers of heads and of iterations leave no trace in the weights. They come from the hyper-parameters in
    the file, else from the `model_config.yaml` where 4D-Humans puts it, else from the published model.

    Raises:
        ValueError: a key that tells a size is missing, or the sizes are not those of 4D-Humans' code.
    """
    return _backbone(checkpoint), _decoder(checkpoint)


def _shape(checkpoint: Checkpoint, key: str, ndim: int) -> tuple[int, ...]:
    tensor: Tensor | None = checkpoint.tensors.get(key)
    if tensor is None:
        raise ValueError(f"{checkpoint.path} does not fit HMR2: {key} is missing. {_HINT}")
    if tensor.ndim != ndim or min(tensor.shape) < 1:
        raise ValueError(
            f"{checkpoint.path} does not fit HMR2: {key} has shape {tuple(tensor.shape)}, "
            f"expected {ndim} axes"
        )
    return tuple(tensor.shape)


def _count(checkpoint: Checkpoint, prefix: str) -> int:
    return len({key[len(prefix) :].split(".")[0] for key in checkpoint.tensors if key.startswith(prefix)})


def _backbone(checkpoint: Checkpoint) -> ViTConfig:
    published = ViTConfig()
    width, _, patch_size, _ = _shape(checkpoint, "backbone.patch_embed.proj.weight", 4)
    num_patches = _shape(checkpoint, "backbone.pos_embed", 3)[1] - 1
    hidden = _shape(checkpoint, "backbone.blocks.0.mlp.fc1.weight", 2)[0]
    unit = isqrt(num_patches // 12)  # crops are 4:3, so there are 4u rows and 3u columns
    if width != published.width or 12 * unit**2 != num_patches or unit == 0:
        raise ValueError(
            f"{checkpoint.path}: a backbone of width {width} with {num_patches} patches is not the published "
            f"one ({published.width}, {published.grid[0] * published.grid[1]}); {_FIX}"
        )
    return ViTConfig(
        image_size=(4 * unit * patch_size, 3 * unit * patch_size),
        patch_size=patch_size,
        depth=_count(checkpoint, "backbone.blocks."),
        mlp_ratio=hidden / width,
    )


def _decoder(checkpoint: Checkpoint) -> DecoderConfig:
    published = DecoderConfig()
    settings = _head_settings(checkpoint)
    sizes = _mapping(settings.get("TRANSFORMER_DECODER"))
    width, query_width = _shape(checkpoint, "smpl_head.transformer.to_token_embedding.weight", 2)
    inner = _shape(checkpoint, f"{_LAYERS}0.0.fn.to_qkv.weight", 2)[0] // 3
    num_heads, head_width, num_iterations = (
        sizes.get("heads", published.num_heads),
        sizes.get("dim_head", published.head_width),
        settings.get("IEF_ITERS", published.num_iterations),
    )
    if not all(isinstance(number, int) for number in (num_heads, head_width, num_iterations)):
        raise ValueError(
            f"{checkpoint.path}: heads, dim_head and IEF_ITERS in its settings must be whole numbers, "
            f"got {num_heads!r}, {head_width!r}, {num_iterations!r}"
        )
    if num_heads * head_width != inner:
        raise ValueError(
            f"{checkpoint.path}: a decoder with attention of width {inner} is not {num_heads} heads of "
            f"{head_width}; {_FIX}"
        )
    return DecoderConfig(
        width=width,
        depth=_count(checkpoint, _LAYERS),
        num_heads=num_heads,
        head_width=head_width,
        mlp_width=_shape(checkpoint, f"{_LAYERS}0.2.fn.net.0.weight", 2)[0],
        query="zero" if query_width == 1 else "mean_shape",
        num_iterations=num_iterations,
    )


def _head_settings(checkpoint: Checkpoint) -> Mapping[str, Any]:
    """Return 4D-Humans' MODEL.SMPL_HEAD, {} where neither the file nor its folder tells."""
    settings: Any = checkpoint.settings.get("cfg", checkpoint.settings)
    beside = checkpoint.path.parent.parent / "model_config.yaml"
    if "MODEL" not in _mapping(settings) and beside.is_file():
        try:
            settings = yaml.safe_load(beside.read_text())
        except yaml.YAMLError as error:
            raise ValueError(f"{beside} is not a YAML file of 4D-Humans: {error}") from error
    for step in ("MODEL", "SMPL_HEAD"):
        settings = _mapping(_mapping(settings).get(step))
    return _mapping(settings)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
