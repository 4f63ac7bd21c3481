"""The Inception v3 that FID is defined by: TensorFlow's graph of 2015-12-05, as its PyTorch port lays it out.

It is not torchvision's: 1008 classes, average pooling that does not count the border, and in the last block
maximum pooling. Names of the weights are those of `pt_inception-2015-12-05-6726825d.pth`. Source: Heusel et
al. 2017 (arXiv 1706.08500) for the use, Szegedy et al. 2015 (arXiv 1512.00567) for the blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 299  # [px] of the pictures it takes
FEATURES = 2048
CLASSES = 1008
_EPSILON = 1e-3  # of its batch normalisation


@dataclass(frozen=True)
class Layer:
    """A convolution; where it keeps the size of the map, it is padded.

    Attributes:
        name: of its weights.
        channels: out of it.
        height: of the kernel.
        width: of the kernel; 0 for that of the height.
        stride: 1 keeps the size, 2 halves it, without padding.
    """

    name: str
    channels: int
    height: int = 1
    width: int = 0
    stride: int = 1


Branch = tuple[Layer | tuple[Layer, ...], ...]  # layers after one another; a tuple within: side by side
Pool = Literal["average", "maximum", "halve"]


class Norm(nn.Module):
    """Batch normalisation that has learned already; without the counter of training steps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.empty(channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise (N, C, H, W)."""
        mean, var = self.get_buffer("running_mean"), self.get_buffer("running_var")
        weight, bias = self.get_buffer("weight"), self.get_buffer("bias")
        return functional.batch_norm(maps, mean, var, weight, bias, eps=_EPSILON)


class Conv(nn.Module):
    """Convolution without offset, normalisation, rectifier."""

    def __init__(self, channels: int, layer: Layer, is_padded: bool = True) -> None:
        super().__init__()
        kernel = (layer.height, layer.width or layer.height)
        keeps = is_padded and layer.stride == 1
        padding = (kernel[0] // 2, kernel[1] // 2) if keeps else (0, 0)
        self.conv = nn.Conv2d(channels, layer.channels, kernel, layer.stride, padding, bias=False)
        self.bn = Norm(layer.channels)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H', W')."""
        return functional.relu(self.bn(self.conv(maps)))


class Mixed(nn.Module):
    """Paths side by side, and a pooling one, their maps behind one another.

    Args:
        channels: into the block.
        paths: of convolutions.
        pool: of the last path: "average" and "maximum" keep the size, "halve" takes the maximum.
        pooled: channels of the convolution after the pooling; 0 for none.
    """

    def __init__(self, channels: int, paths: Sequence[Branch], pool: Pool, pooled: int = 0) -> None:
        super().__init__()
        self.paths, self.pool = tuple(paths), pool
        self.channels = pooled or channels
        for path in paths:
            inside = channels
            for step in path:
                layers = step if isinstance(step, tuple) else (step,)
                for layer in layers:
                    self.add_module(layer.name, Conv(inside, layer))
                inside = sum(layer.channels for layer in layers)
            self.channels += inside
        self.branch_pool = Conv(channels, Layer("branch_pool", pooled)) if pooled else None

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, self.channels, H', W')."""
        found = []
        for path in self.paths:
            inside = maps
            for step in path:
                layers = step if isinstance(step, tuple) else (step,)
                inside = torch.cat([self.get_submodule(layer.name)(inside) for layer in layers], 1)
            found.append(inside)
        pooled = self._pooled(maps)
        return torch.cat([*found, pooled if self.branch_pool is None else self.branch_pool(pooled)], 1)

    def _pooled(self, maps: Tensor) -> Tensor:
        if self.pool == "average":
            return functional.avg_pool2d(maps, 3, stride=1, padding=1, count_include_pad=False)
        stride, padding = (1, 1) if self.pool == "maximum" else (2, 0)
        return functional.max_pool2d(maps, 3, stride, padding)


def _block_a(channels: int, pooled: int) -> Mixed:
    paths: list[Branch] = [
        (Layer("branch1x1", 64),),
        (Layer("branch5x5_1", 48), Layer("branch5x5_2", 64, 5)),
        (Layer("branch3x3dbl_1", 64), Layer("branch3x3dbl_2", 96, 3), Layer("branch3x3dbl_3", 96, 3)),
    ]
    return Mixed(channels, paths, "average", pooled)


def _block_b(channels: int) -> Mixed:
    tower = (Layer("branch3x3dbl_1", 64), Layer("branch3x3dbl_2", 96, 3))
    paths: list[Branch] = [
        (Layer("branch3x3", 384, 3, stride=2),),
        (*tower, Layer("branch3x3dbl_3", 96, 3, stride=2)),
    ]
    return Mixed(channels, paths, "halve")


def _block_c(channels: int, inside: int) -> Mixed:
    tower = (
        Layer("branch7x7dbl_1", inside),
        Layer("branch7x7dbl_2", inside, 7, 1),
        Layer("branch7x7dbl_3", inside, 1, 7),
        Layer("branch7x7dbl_4", inside, 7, 1),
        Layer("branch7x7dbl_5", 192, 1, 7),
    )
    paths: list[Branch] = [
        (Layer("branch1x1", 192),),
        (Layer("branch7x7_1", inside), Layer("branch7x7_2", inside, 1, 7), Layer("branch7x7_3", 192, 7, 1)),
        tower,
    ]
    return Mixed(channels, paths, "average", 192)


def _block_d(channels: int) -> Mixed:
    tower = (
        Layer("branch7x7x3_1", 192),
        Layer("branch7x7x3_2", 192, 1, 7),
        Layer("branch7x7x3_3", 192, 7, 1),
        Layer("branch7x7x3_4", 192, 3, stride=2),
    )
    paths: list[Branch] = [(Layer("branch3x3_1", 192), Layer("branch3x3_2", 320, 3, stride=2)), tower]
    return Mixed(channels, paths, "halve")


def _block_e(channels: int, pool: Pool) -> Mixed:
    def split(name: str) -> tuple[Layer, Layer]:
        return Layer(f"{name}a", 384, 1, 3), Layer(f"{name}b", 384, 3, 1)

    paths: list[Branch] = [
        (Layer("branch1x1", 320),),
        (Layer("branch3x3_1", 384), split("branch3x3_2")),
        (Layer("branch3x3dbl_1", 448), Layer("branch3x3dbl_2", 384, 3), split("branch3x3dbl_3")),
    ]
    return Mixed(channels, paths, pool, 192)


class FIDInception(nn.Module):
    """Pictures (N, 3, 299, 299), as `synthgen.image_metrics.preparing` makes them, to features (N, 2048)."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Conv(3, Layer("", 32, 3, stride=2))
        self.Conv2d_2a_3x3 = Conv(32, Layer("", 32, 3), is_padded=False)
        self.Conv2d_2b_3x3 = Conv(32, Layer("", 64, 3))
        self.Conv2d_3b_1x1 = Conv(64, Layer("", 80))
        self.Conv2d_4a_3x3 = Conv(80, Layer("", 192, 3), is_padded=False)
        self.Mixed_5b = _block_a(192, 32)
        self.Mixed_5c = _block_a(256, 64)
        self.Mixed_5d = _block_a(288, 64)
        self.Mixed_6a = _block_b(288)
        self.Mixed_6b = _block_c(768, 128)
        self.Mixed_6c = _block_c(768, 160)
        self.Mixed_6d = _block_c(768, 160)
        self.Mixed_6e = _block_c(768, 192)
        self.Mixed_7a = _block_d(768)
        self.Mixed_7b = _block_e(1280, "average")
        self.Mixed_7c = _block_e(2048, "maximum")
        self.fc = nn.Linear(FEATURES, CLASSES)  # in the file; features are taken before it

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the features."""
        maps = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(pictures)))
        maps = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(functional.max_pool2d(maps, 3, 2)))
        maps = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(functional.max_pool2d(maps, 3, 2))))
        maps = self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(maps))))
        maps = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(self.Mixed_6e(maps))))
        return maps.mean((2, 3))
