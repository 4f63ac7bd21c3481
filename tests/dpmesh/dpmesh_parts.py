"""DPMesh at tiny sizes, crops for it, and pseudo-random checkpoints in the layout of the released one."""

from pathlib import Path

import torch
from official import INTEGERS, SEED, layout, pseudo_random
from torch import Tensor

from synthgen.backends.vposer import VPoserConfig
from synthgen.dpmesh.batch import Crops
from synthgen.dpmesh.codebook import CodebookConfig
from synthgen.dpmesh.config import DPMeshConfig
from synthgen.dpmesh.model import DPMesh
from synthgen.dpmesh.official_names import renamed

TINY = DPMeshConfig(
    unet_width=32,
    vae_width=32,
    crop_size=128,
    lora_rank=2,
    feature_channels=32,
    width=16,
    num_heads=2,
    encoder_layers=1,
    decoder_layers=2,
    lifting_width=16,
    mlp_width=16,
    vposer=VPoserConfig("v1", num_neurons=16),
    codebook=CodebookConfig(tokens=4, codes=8, code_dim=8, width=8, depth=1),
)
OFFICIAL = DPMeshConfig(unet_width=64, vae_width=32, lora_rank=8, prompt_unobserved=True)


def crops(side: int, count: int = 2, seed: int = 0) -> Crops:
    """Return noise with joints, some of them unseen."""
    rng = torch.Generator().manual_seed(seed)
    cam_int = torch.tensor([[2.0 * side, 0, 0.5 * side], [0, 2.0 * side, 0.5 * side], [0, 0, 1]])
    return Crops(
        torch.rand(count, 3, side, side, generator=rng),
        torch.rand(count, 30, 2, generator=rng) * side,
        (torch.rand(count, 30, generator=rng) > 0.2).float(),
        cam_int.expand(count, 3, 3),
    )


def official_crops() -> Crops:
    """Return what the official code was given; it takes joints and heatmaps in 32nds of the crop."""
    rng = torch.Generator().manual_seed(SEED)
    images = torch.rand(2, 3, 256, 256, generator=rng)
    joints = torch.rand(2, 30, 2, generator=rng) * 40 - 4
    confidence = (torch.rand(2, 30, generator=rng) > 0.2).float()
    cam_int = torch.tensor([[1500.0, 0, 128], [0, 1500, 128], [0, 0, 1]])
    return Crops(images, joints * 8, confidence, cam_int.expand(2, 3, 3))


def official_checkpoint(config: DPMeshConfig) -> dict[str, Tensor]:
    """Return a checkpoint as released, second names and all; what nobody reads is one number a tensor."""
    with torch.device("meta"):
        shapes = {key: tuple(value.shape) for key, value in DPMesh(config).state_dict().items()}
    state: dict[str, Tensor] = {}
    for key, full in layout("dpmesh").items():
        (name,) = renamed({key: torch.empty(full, device="meta")})
        shape = shapes.get(name, (1,))
        if ".mid.attn_1." in key and key.endswith("weight") and len(shape) == 2:
            shape = (*shape, 1, 1)
        state[f"module.{key}"] = _value(key, shape)
        for first, second in _SECOND_NAMES.items():
            if key.startswith(first):
                state[f"module.{second}{key.removeprefix(first)}"] = state[f"module.{key}"]
    return state | _body()


_SECOND_NAMES = {
    "backbone.sd_model.": "backbone.unet.unet.",
    "backbone.sd_model.first_stage_model.": "backbone.encoder_vq.",
}


def _value(key: str, shape: tuple[int, ...]) -> Tensor:
    if key == "exponent":
        return torch.tensor(3.0)
    if key.endswith(INTEGERS):
        return torch.tensor(0)
    return pseudo_random(key, shape, "fanin")


def _body() -> dict[str, Tensor]:
    """Return the buffers that tell where the pelvis lies, of a body of two vertices."""
    regressor = torch.zeros(24, 2)
    regressor[0] = torch.tensor([0.25, 0.75])
    return {
        "module.human_model_layer.th_J_regressor": regressor,
        "module.human_model_layer.th_v_template": torch.tensor([[[0.0, 0, 0], [0.4, -0.2, 0]]]),
        "module.human_model_layer.th_shapedirs": torch.zeros(2, 3, 10),
    }


def written(path: Path, state: dict[str, Tensor]) -> Path:
    """Save a bare state dict, as the authors do."""
    torch.save(state, path)
    return path
