"""The plain vision transformer of ViTPose and HMR2 (Xu et al., NeurIPS 2022): picture in, patch tokens out.

Weight names are those of the published checkpoints. The position table has one row more than there are
patches; no class token exists, and that row is added to every patch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

EPS = 1e-6  # of every LayerNorm here


@dataclass(frozen=True)
class ViTConfig:
    """Sizes; the defaults are ViT-H as in ViTPose-H and HMR2.

    Attributes:
        image_size: (H, W) of the input [px], multiples of `patch_size`.
        patch_size: side of a patch [px].
        patch_padding: zeros around the picture before it is cut into patches [px].
        width: channels of a token.
        depth: number of blocks.
        num_heads: attention heads; must divide `width`.
        mlp_ratio: hidden width of the MLPs over `width`.
        drop_path: chance that training skips the last block, rising linearly from 0 at the first.
    """

    image_size: tuple[int, int] = (256, 192)
    patch_size: int = 16
    patch_padding: int = 2
    width: int = 1280
    depth: int = 32
    num_heads: int = 16
    mlp_ratio: float = 4.0
    drop_path: float = 0.55

    def __post_init__(self) -> None:
        if min(self.patch_size, self.width, self.depth, self.num_heads, *self.image_size) < 1:
            raise ValueError(f"sizes of a ViT must be >= 1, got {self}")
        if self.width % self.num_heads:
            raise ValueError(f"num_heads must divide width {self.width}, got {self.num_heads}")
        if not 0 <= self.drop_path < 1:
            raise ValueError(f"drop_path must be in [0, 1), got {self.drop_path}")
        if self.mlp_ratio * self.width < 1:
            raise ValueError(f"mlp_ratio must be positive, got {self.mlp_ratio}")
        for side in self.image_size:
            patches = (side + 2 * self.patch_padding - self.patch_size) // self.patch_size + 1
            if side % self.patch_size or patches != side // self.patch_size:
                raise ValueError(
                    f"image_size must be multiples of patch_size {self.patch_size}, and patch_padding less "
                    f"than half of that, got image_size {self.image_size}, patch_padding {self.patch_padding}"
                )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.image_size[0] // self.patch_size, self.image_size[1] // self.patch_size


class _PatchEmbed(nn.Module):
    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, config.width, config.patch_size, config.patch_size, config.patch_padding)

    def forward(self, image: Tensor) -> Tensor:
        return self.proj(image).flatten(2).transpose(1, 2)


class _Attention(nn.Module):
    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        heads = self.qkv(tokens).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(heads[0], heads[1], heads[2])
        return self.proj(mixed.transpose(1, 2).flatten(2))


class _MLP(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(tokens)))


class _Block(nn.Module):
    def __init__(self, config: ViTConfig, drop_path: float) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.norm1 = nn.LayerNorm(config.width, eps=EPS)
        self.attn = _Attention(config.width, config.num_heads)
        self.norm2 = nn.LayerNorm(config.width, eps=EPS)
        self.mlp = _MLP(config.width, int(config.mlp_ratio * config.width))

    def _kept(self, change: Tensor) -> Tensor:
        """Drop the change of some pictures while training (stochastic depth, Huang et al., ECCV 2016)."""
        if not self.training or self.drop_path == 0:
            return change
        keep = 1 - self.drop_path
        return change * change.new_empty(len(change), 1, 1).bernoulli_(keep) / keep

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self._kept(self.attn(self.norm1(tokens)))
        return tokens + self._kept(self.mlp(self.norm2(tokens)))


class ViT(nn.Module):
    """Pre-norm vision transformer without a class token."""

    def __init__(self, config: ViTConfig) -> None:
        """Build with weights drawn for training from nothing."""
        super().__init__()
        self.config = config
        rows, columns = config.grid
        self.pos_embed = nn.Parameter(torch.zeros(1, rows * columns + 1, config.width))
        self.patch_embed = _PatchEmbed(config)
        rates = torch.linspace(0, config.drop_path, config.depth, device="cpu").tolist()
        self.blocks = nn.ModuleList(_Block(config, rate) for rate in rates)
        self.last_norm = nn.LayerNorm(config.width, eps=EPS)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> Tensor:
        """Turn pictures into tokens.

        Args:
            image: (B, 3, H, W) normalised RGB, (H, W) = `config.image_size`.

        Returns:
            (B, rows * columns, width), row by row.
        """
        tokens = self.patch_embed(image) + self.pos_embed[:, 1:] + self.pos_embed[:, :1]
        for block in self.blocks:
            tokens = block(tokens)
        return self.last_norm(tokens)
