"""Keys of the released DPMesh, whose parts are written as in the first Stable Diffusion, under our names."""

import re
from collections.abc import Mapping

from torch import Tensor

from synthgen.backends.vposer import V1_NAMES

_BLOCKS = 2  # residual blocks of a level in an encoder; a decoder has one more

_RESNET = {
    "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.0": "norm2",
    "out_layers.3": "conv2", "skip_connection": "conv_shortcut",
}  # fmt: skip
_LORA = {"linear": "base_layer", "lora_down": "lora_A.default", "lora_up": "lora_B.default"}
_VAE = (
    (r"encoder\.down\.(\d)\.block\.(\d)\.", r"encoder.down_blocks.\1.resnets.\2."),
    (r"encoder\.down\.(\d)\.downsample\.", r"encoder.down_blocks.\1.downsamplers.0."),
    (r"encoder\.mid\.block_1\.", "encoder.mid_block.resnets.0."),
    (r"encoder\.mid\.block_2\.", "encoder.mid_block.resnets.1."),
    (r"encoder\.mid\.attn_1\.norm\.", "encoder.mid_block.attentions.0.group_norm."),
    (r"encoder\.mid\.attn_1\.proj_out\.", "encoder.mid_block.attentions.0.to_out.0."),
    (r"encoder\.mid\.attn_1\.([qkv])\.", r"encoder.mid_block.attentions.0.to_\1."),
    (r"nin_shortcut\.", "conv_shortcut."),
    (r"encoder\.norm_out\.", "encoder.conv_norm_out."),
)
_REGRESSOR = (
    (r"spose_shape_cam_param", "parameter_queries"),
    (r"query\.weight", "joint_queries"),
    (r"transformer\.smpl_tgt", "parameter_start"),
    (r"transformer\.kp_tgt", "joint_start"),
    (r"transformer\.encoder\.", "encoder."),
    (r"transformer\.decoder\.joint_img_regress\.", "joints."),
    (r"transformer\.decoder\.fc_pos_3d\.", "joint_positions."),
    (r"transformer\.decoder\.", ""),
    (r"cascade_root_pose_out\.", "root."),
    (r"cascade_pose_out\.", "code."),
    (r"cascade_shaoe_out\.", "betas."),
    (r"cascade_cam_out\.", "cam."),
    (r"conv_3d_coord\.0\.", "lifting.conv_3d_coord."),
    (r"(exponent|conv2d_to_3d|refine_3d)", r"lifting.\1"),
)


def renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return official weights under the keys of `DPMesh`; a key without a rule keeps its name.

    Keys are without `module.`. Attention of the VAE, kept as 1x1 convolutions, becomes linear.
    """
    found = {}
    for key, value in tensors.items():
        name = _name(key)
        is_linear = re.search(r"vae\.encoder\.mid_block\.attentions\.0\.to_.*weight$", name) is not None
        found[name] = value[:, :, 0, 0] if is_linear and value.ndim == 4 else value
    return found


def _name(key: str) -> str:
    for prefix, rename in _PARTS:
        if key.startswith(prefix):
            return rename(key.removeprefix(prefix))
    return _regressor(key)


def _unet(key: str) -> str:
    if match := re.fullmatch(r"(.*)\.(linear|lora_down|lora_up)\.(weight|bias)", key):
        key = f"{match[1]}.{_LORA[match[2]]}.{match[3]}"
    return f"backbone.unet.{_blocks(key)}"


def _control(key: str) -> str:
    key = re.sub(r"^zero_convs\.(\d+)\.0\.", r"controlnet_down_blocks.\1.", key)
    key = re.sub(r"^middle_block_out\.0\.", "controlnet_mid_block.", key)
    return f"backbone.control.{_blocks(key)}"


def _blocks(key: str) -> str:
    """Rename layers of a U-Net or ControlNet: numbered blocks become levels."""
    for old, new in _RESNET.items():
        key = key.replace(f".{old}.", f".{new}.")
    key = re.sub(r"^time_embed\.([02])\.", lambda m: f"time_embedding.linear_{1 + int(m[1]) // 2}.", key)
    key = key.replace("input_blocks.0.0.", "conv_in.", 1)
    key = re.sub(r"^input_blocks\.(\d+)\.(\d)\.(op\.)?", _encoder_block, key)
    key = re.sub(r"^output_blocks\.(\d+)\.(\d)\.(conv\.)?", _decoder_block, key)
    return re.sub(r"^middle_block\.(\d)\.", _middle, key)


def _encoder_block(match: re.Match[str]) -> str:
    level, block = divmod(int(match[1]) - 1, _BLOCKS + 1)
    if block == _BLOCKS:
        return f"down_blocks.{level}.downsamplers.0.conv."
    return f"down_blocks.{level}.{'attentions' if match[2] == '1' else 'resnets'}.{block}."


def _decoder_block(match: re.Match[str]) -> str:
    level, block = divmod(int(match[1]), _BLOCKS + 1)
    if match[3]:
        return f"up_blocks.{level}.upsamplers.0.conv."
    return f"up_blocks.{level}.{'attentions' if match[2] == '1' else 'resnets'}.{block}."


def _middle(match: re.Match[str]) -> str:
    place = int(match[1])
    return "mid_block.attentions.0." if place == 1 else f"mid_block.resnets.{place // 2}."


def _vae(key: str) -> str:
    for pattern, new in _VAE:
        key = re.sub(pattern, new, key)
    return f"backbone.vae.{key}"


def _vposer(key: str) -> str:
    layer, _, name = key.partition(".")
    return f"pose_head.vposer.{V1_NAMES.get(layer, layer)}.{name}"


def _regressor(key: str) -> str:
    for pattern, new in _REGRESSOR:
        if re.match(pattern, key):
            return f"regressor.{re.sub(f'^{pattern}', new, key)}"
    return key if key.startswith(("backbone.", "pelvis")) else f"regressor.{key}"


_PARTS = (
    ("backbone.sd_model.model.diffusion_model.", _unet),
    ("backbone.sd_model.control_model.", _control),
    ("backbone.sd_model.first_stage_model.", _vae),
    ("vposer.vposer.", _vposer),
    ("kp_lifting.", lambda key: f"backbone.kp_lifting.{key}"),
)
