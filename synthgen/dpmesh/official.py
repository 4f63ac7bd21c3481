"""Checkpoints of DPMesh as its authors publish them: sizes, what is left out on purpose, our names."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from synthgen.backends.vposer import VPoserConfig
from synthgen.checkpoints import Checkpoint, read_checkpoint, split, wrong_kind
from synthgen.dpmesh.config import DPMeshConfig
from synthgen.dpmesh.official_names import renamed

_UNET = "backbone.sd_model.model.diffusion_model."
_BODY = "human_model_layer."
_HINT = "The published files are 3dpw_best_ckpt.pth.tar and its like for 3DPW-OC, -PC and -Crowd"
_IGNORED = {
    "backbone.unet.": "second names of backbone.sd_model.*",
    "backbone.encoder_vq.": "second names of backbone.sd_model.first_stage_model.*",
    "backbone.sd_model.cond_stage_model.": "the text encoder, which nothing asks",
    "backbone.sd_model.first_stage_model.post_quant_conv.": "of the VAE's decoder, which nothing asks",
    f"{_UNET}out.": "the U-Net's last layers; features are taken before them",
    **{
        f"backbone.sd_model.{name}": "the noise schedule; one step at t = 1 needs none"
        for name in (
            "betas", "alphas_cumprod", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod",
            "log_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod",
            "posterior_", "logvar",
        )
    },
    "pos_embed_1d.": "a table that is computed",
    _BODY: "buffers of a licensed body, of which only the place of the pelvis is kept",
}  # fmt: skip


def read_official(path: Path) -> Checkpoint:
    """Read a released checkpoint, its keys without `module.`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a DPMesh checkpoint, damaged or not safe to open.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.kind != "a DPMesh checkpoint":
        raise wrong_kind(checkpoint, "a DPMesh checkpoint", _HINT)
    tensors = {key.removeprefix("module."): value for key, value in checkpoint.tensors.items()}
    return replace(checkpoint, tensors=tensors)


def config_of(checkpoint: Checkpoint) -> DPMeshConfig:
    """Read the sizes of a released checkpoint from its shapes; numbers of heads are those of the code.

    Raises:
        ValueError: a key that tells a size is missing.
    """

    def size(key: str, axis: int = 0) -> int:
        tensor = checkpoint.tensors.get(key)
        if tensor is None or tensor.ndim <= axis:
            raise ValueError(f"{checkpoint.path} does not fit DPMesh: {key} is missing or no matrix. {_HINT}")
        return tensor.shape[axis]

    def count(prefix: str) -> int:
        return len({key[len(prefix) :].split(".")[0] for key in checkpoint.tensors if key.startswith(prefix)})

    return DPMeshConfig(
        unet_width=size(f"{_UNET}input_blocks.0.0.weight"),
        vae_width=size("backbone.sd_model.first_stage_model.encoder.conv_in.weight"),
        prompt_unobserved=True,
        lora_rank=size(f"{_UNET}middle_block.1.transformer_blocks.0.attn1.to_q.lora_down.weight"),
        feature_channels=size("backbone.outmodules.2.0.weight"),
        width=size("query.weight", 1),
        encoder_layers=count("transformer.encoder.layers."),
        decoder_layers=count("transformer.decoder.layers."),
        lifting_width=size("refine_3d.layers.0.linear1.weight"),
        mlp_width=size("transformer.encoder.layers.0.linear1.weight"),
        vposer=VPoserConfig("v1", *(size("vposer.vposer.bodyprior_dec_fc1.weight", axis) for axis in (0, 1))),
    )


def named_as_ours(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Return the weights under the keys of `DPMesh`; what is left out on purpose is named in the log."""
    weights = renamed(split(checkpoint.tensors, _IGNORED, checkpoint.path))
    return weights | _pelvis(checkpoint)


def _pelvis(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Return where the body's root joint lies at rest, and how it moves with the betas."""
    names = ("th_J_regressor", "th_v_template", "th_shapedirs")
    missing = [_BODY + name for name in names if _BODY + name not in checkpoint.tensors]
    if missing:
        raise ValueError(f"{checkpoint.path} does not fit DPMesh: {', '.join(missing)} missing. {_HINT}")
    regressor, template, dirs = (checkpoint.tensors[_BODY + name].float() for name in names)
    try:
        return {
            "pelvis": regressor[0] @ template[0],
            "pelvis_dirs": torch.einsum("v,vab->ab", regressor[0], dirs),
        }
    except (RuntimeError, IndexError) as error:
        raise ValueError(f"{checkpoint.path}: the body's buffers do not fit each other: {error}") from error
