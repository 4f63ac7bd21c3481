"""A frozen diffusion model as small as DPMesh takes it, for tests of its training."""

from pathlib import Path
from typing import Any

import torch


def diffusion(folder: Path) -> Path:
    """Save VAE and U-Net in the layout of SD 1.x: three levels, attention at one of them."""
    import diffusers

    vae_class: Any = diffusers.AutoencoderKL
    unet_class: Any = diffusers.UNet2DConditionModel
    with torch.random.fork_rng():
        torch.manual_seed(1)
        vae = vae_class(
            block_out_channels=(8, 8, 16, 16), layers_per_block=1, latent_channels=4, norm_num_groups=8,
            down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        )  # fmt: skip
        unet = unet_class(
            sample_size=8, in_channels=4, out_channels=4, layers_per_block=1, cross_attention_dim=32,
            block_out_channels=(16, 16, 32), norm_num_groups=8, attention_head_dim=2,
            down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        )  # fmt: skip
    vae.save_pretrained(folder / "vae")
    unet.save_pretrained(folder / "unet")
    return folder
