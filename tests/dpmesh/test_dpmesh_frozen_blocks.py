"""Residual blocks in place: the same numbers as those of diffusers, and gradients where they are wanted."""

import copy
from typing import Any

import pytest
import torch
from diffusers.models.resnet import ResnetBlock2D
from torch import nn

from synthgen.dpmesh.config import DPMeshConfig
from synthgen.dpmesh.frozen_blocks import FrozenBlock, use_frozen_blocks
from synthgen.dpmesh.unet import load_unet


def block(**options: Any) -> ResnetBlock2D:
    torch.manual_seed(0)
    sizes = {"in_channels": 32, "out_channels": 64, "temb_channels": None, "groups": 8}
    made = ResnetBlock2D(**sizes | options).requires_grad_(False).eval()
    for weight in made.parameters():
        nn.init.normal_(weight, std=0.2)
    return made


@pytest.mark.parametrize("out", [32, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_numbers_are_those_of_diffusers(out: int, dtype: torch.dtype) -> None:
    plain = block(out_channels=out).to(dtype)
    mine = copy.deepcopy(plain)
    use_frozen_blocks(nn.Sequential(mine))
    assert type(mine) is FrozenBlock
    image = torch.randn(2, 32, 8, 8, dtype=dtype)
    kept = image.clone()
    with torch.inference_mode():
        assert torch.equal(mine(image), plain(image, None))
        assert torch.equal(image, kept), "the input is somebody else's"
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(mine(image), plain(image, None))


def test_gradients_pass_as_ever() -> None:
    plain = block()
    mine = copy.deepcopy(plain)
    use_frozen_blocks(nn.Sequential(mine))
    image = torch.randn(2, 32, 8, 8, requires_grad=True)
    want, found = (torch.autograd.grad(one(image, None).square().sum(), image)[0] for one in (plain, mine))
    assert torch.equal(found, want)


@pytest.mark.parametrize(
    "options",
    [
        {"temb_channels": 16},
        {"up": True},
        {"down": True},
        {"output_scale_factor": 2.0},
        {"non_linearity": "gelu"},
    ],
)
def test_others_stay_as_they_are(options: dict[str, Any]) -> None:
    other = block(**options)
    use_frozen_blocks(nn.Sequential(other))
    assert type(other) is ResnetBlock2D


def test_the_encoder_has_them_and_the_unet_has_not() -> None:
    vae, unet = load_unet(DPMeshConfig(unet_width=32, vae_width=32))
    kinds = [{type(m) for m in part.modules() if isinstance(m, ResnetBlock2D)} for part in (vae, unet)]
    assert kinds == [{FrozenBlock}, {ResnetBlock2D}]
