"""The network that predicts noise: a small residual MLP; every block reads image features and the time.

One tower serves the pose, another one the shape. `Tower.prepare` computes once what does not change while a
person is refined, the features' part of every block and the time embeddings: a step costs a tenth.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_MAX_PERIOD = 10_000


class SinusoidalEmbedding(nn.Module):
    """Time steps (B,) to (B, width): sines, then cosines, of falling frequency."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, times: Tensor) -> Tensor:
        """Embed times of any number type."""
        half = self.width // 2
        rate = math.log(_MAX_PERIOD) / (half - 1)
        phases = times[:, None] * torch.exp(torch.arange(half, device=times.device) * -rate)[None]
        return torch.cat([phases.sin(), phases.cos()], -1)


class _Mlp(nn.Module):
    def __init__(self, width: int, num_features: int, hidden: int) -> None:
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(width + num_features)
        self.linear_layer1 = nn.Linear(width + num_features, hidden)
        self.layer_norm2 = nn.LayerNorm(hidden)
        self.linear_layer2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.gelu(self.linear_layer1(self.layer_norm1(x)))
        return functional.gelu(self.linear_layer2(self.layer_norm2(x)))


class _Block(nn.Module):
    def __init__(self, width: int, num_features: int, hidden: int, time_width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(time_width, 2 * width))
        self.block = _Mlp(width, num_features, hidden)

    def forward(self, x: Tensor, time: Tensor, features: Tensor) -> Tensor:
        scale, shift = self.mlp(time).chunk(2, 1)
        x = x * (scale + 1) + shift
        return x + self.block(torch.cat([x, features], 1))


class Tower(nn.Module):
    """Predicts the noise in `width` numbers per person."""

    def __init__(self, width: int, num_features: int, hidden: int, num_blocks: int, time_width: int) -> None:
        super().__init__()
        self.time_mlp = nn.Sequential(
            SinusoidalEmbedding(width),
            nn.Linear(width, time_width),
            nn.GELU(),
            nn.Linear(time_width, time_width),
        )
        self.init_mlp = nn.Linear(width, width)
        self.blocks = nn.ModuleList(
            _Block(width, num_features, hidden, time_width) for _ in range(num_blocks)
        )
        self.final_mlp = nn.Linear(width, width)

    def forward(self, x: Tensor, times: Tensor, features: Tensor) -> Tensor:
        """Predict noise.

        Args:
            x: (B, width) noisy values.
            times: (B,) time steps.
            features: (B, num_features), standardised.
        """
        time = self._embed(times)
        x = self.init_mlp(x)
        for block in self.blocks:
            x = block(x, time, features)
        return self.final_mlp(x)

    def _embed(self, times: Tensor) -> Tensor:
        return self.time_mlp[1:](self.time_mlp[0](times).to(self.init_mlp.weight.dtype))

    def prepare(self, features: Tensor, times: Sequence[int]) -> "PreparedTower":
        """Return the tower for these people (B, num_features) and time steps, without gradients."""
        with torch.no_grad():
            embedded = self._embed(torch.tensor(list(times), device=features.device))
            blocks = [_prepare(block, features, embedded) for block in self.blocks]
        rows = {time: row for row, time in enumerate(times)}
        return PreparedTower(self.init_mlp, blocks, self.final_mlp, rows)


@dataclass(frozen=True)
class _PreparedBlock:
    """A block whose first layer is split into the part of x and the constant part of the features.

    With z = [x, c], LN(z) = (z - m) r g + b: W LN(z) = r (W_x g_x x + W_c g_c c - m W g) + W b.

    Attributes:
        scale: (T, width) one plus the scale of each time step; `shift` likewise.
        first: (width, hidden) W_x g_x, transposed.
        constant: (B, hidden) W_c g_c c.
        row_sums: (hidden,) W g.
        first_bias: (hidden,) W b and the layer's bias.
        mean, spread: (B, 1) of the features: their mean and their sum of squared deviations.
        num_features: how many there are.
        second, second_bias: the second layer with the affine part of its norm in it.
        epsilon: of both norms.
    """

    scale: Tensor
    shift: Tensor
    first: Tensor
    constant: Tensor
    row_sums: Tensor
    first_bias: Tensor
    mean: Tensor
    spread: Tensor
    num_features: int
    second: Tensor
    second_bias: Tensor
    epsilon: float

    def __call__(self, x: Tensor, row: int) -> Tensor:
        x = torch.addcmul(self.shift[row], x, self.scale[row])
        width, count = x.shape[1], self.num_features
        total = width + count
        variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
        apart = (mean - self.mean).square_().mul_(width * count / total)
        spread = apart.add_(self.spread).add_(variance, alpha=width)
        rate = spread.mul_(1 / total).add_(self.epsilon).rsqrt_()
        middle = (mean * width).add_(self.mean, alpha=count).mul_(-1 / total)
        hidden = torch.addmm(self.constant, x, self.first)
        hidden = torch.addcmul(self.first_bias, hidden.addcmul_(middle, self.row_sums), rate)
        hidden = functional.layer_norm(functional.gelu(hidden), hidden.shape[1:], eps=self.epsilon)
        return functional.gelu(functional.linear(hidden, self.second, self.second_bias)).add_(x)


def _prepare(block: nn.Module, features: Tensor, embedded: Tensor) -> _PreparedBlock:
    assert isinstance(block, _Block)
    mlp = block.block
    scale, shift = block.mlp(embedded).chunk(2, 1)
    norm, linear, second = mlp.layer_norm1, mlp.linear_layer1, mlp.linear_layer2
    width = linear.in_features - features.shape[1]
    weight = linear.weight * norm.weight
    mean = features.mean(1, keepdim=True)
    return _PreparedBlock(
        scale=(scale + 1).contiguous(),
        shift=shift.contiguous(),
        first=weight[:, :width].t().contiguous(),
        constant=features @ weight[:, width:].t(),
        row_sums=weight.sum(1),
        first_bias=linear.weight @ norm.bias + linear.bias,
        mean=mean,
        spread=(features - mean).square().sum(1, keepdim=True),
        num_features=features.shape[1],
        second=second.weight * mlp.layer_norm2.weight,
        second_bias=second.weight @ mlp.layer_norm2.bias + second.bias,
        epsilon=norm.eps,
    )


@dataclass(frozen=True)
class PreparedTower:
    """A tower bound to people and time steps; call it with x (B, width) and one time step."""

    init: nn.Linear
    blocks: Sequence[_PreparedBlock]
    final: nn.Linear
    rows: dict[int, int]

    def __call__(self, x: Tensor, time: int) -> Tensor:
        """Predict the noise (B, width) in x at a time step that the tower was prepared for."""
        row = self.rows[time]
        x = self.init(x)
        for block in self.blocks:
            x = block(x, row)
        return self.final(x)
