"""The cascade transformer decoder with 3D feature lifting, as JOTR and the released DPMesh have it.

Features are lifted to a small volume; 15 joint queries find where they are in it, layer by layer, and what
lies there joins what the next layer looks at. Volume axes are depth, height, width; positions are in [0, 1].
"""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample, linear, relu, scaled_dot_product_attention

from synthgen.dpmesh.config import NUM_LIFTED, DPMeshConfig
from synthgen.dpmesh.regressor import NUM_BETAS, UPRIGHT, Regressed

_PARAMETER_QUERIES = 3  # pose, shape, camera
_EPS = 1e-5
_EXPONENT = (1.0, 20.0)


def sinusoids(count: int, width: int) -> Tensor:
    """Return the position table (count, width) of "Attention is all you need"."""
    channels = torch.arange(width, device="cpu")  # also while a model is built without weights
    places = torch.arange(count, dtype=torch.float64, device="cpu")[:, None]
    angle = places / 10000 ** (2 * torch.div(channels, 2, rounding_mode="floor") / width)
    return torch.where(channels % 2 == 0, angle.sin(), angle.cos()).float()


def picture_positions(side: int, width: int) -> Tensor:
    """Return positions (side * side, width) of picture tokens, row by row: the first half of them for y.

    The released model meant the frequencies of DETR, but an exponent rounded down to 0 makes each of them 1:
    even channels are the sine and odd ones the cosine of one turn over the picture.
    """
    turn = torch.arange(1, side + 1, device="cpu") / (side + 1e-6) * (2 * torch.pi)
    waves = torch.stack([turn.sin(), turn.cos()], -1).repeat(1, width // 4)  # (side, width / 2)
    down, across = waves[:, None].expand(-1, side, -1), waves[None].expand(side, -1, -1)
    return torch.cat([down, across], -1).flatten(0, 1)


def logit(values: Tensor) -> Tensor:
    """Invert the sigmoid, finite at 0 and 1."""
    return torch.log(values.clamp(min=_EPS) / (1 - values).clamp(min=_EPS))


def attend(layer: nn.MultiheadAttention, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attend from (B, N, C) to (B, M, C), as the layer itself does.

    Spelled out, because a training that spells out attention (`training.attention`) cannot look inside of it.
    """
    weights, biases = layer.in_proj_weight.chunk(3), layer.in_proj_bias.chunk(3)
    parts = [linear(*one) for one in zip((query, key, value), weights, biases, strict=True)]
    heads = [torch.unflatten(part, -1, (layer.num_heads, -1)).transpose(1, 2) for part in parts]
    dropout = layer.dropout if layer.training else 0.0
    mixed = scaled_dot_product_attention(heads[0], heads[1], heads[2], dropout_p=dropout)
    answer: Tensor = layer.out_proj(mixed.transpose(1, 2).flatten(2))
    return answer


class EncoderLayer(nn.Module):
    """Self-attention and a two-layer network, each normalised after its residual."""

    def __init__(self, width: int, num_heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, num_heads, dropout, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Encode tokens (B, N, C); positions are added to queries and keys only."""
        placed = tokens + positions
        mixed = attend(self.self_attn, placed, placed, tokens)
        tokens = self.norm1(tokens + self.dropout(mixed))
        return self.norm2(tokens + self.dropout(self.linear2(self.dropout(relu(self.linear1(tokens))))))


class Encoder(nn.Module):
    """Encoder layers, with or without a last normalisation."""

    def __init__(self, config: DPMeshConfig, hidden: int, normalise: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            EncoderLayer(config.width, config.num_heads, hidden, config.dropout)
            for _ in range(config.encoder_layers)
        )
        self.norm = nn.LayerNorm(config.width) if normalise else nn.Identity()

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Encode tokens (B, N, C)."""
        for layer in self.layers:
            tokens = layer(tokens, positions)
        return self.norm(tokens)


class DecoderLayer(nn.Module):
    """Self-attention of the queries, attention to the memory, a two-layer network."""

    def __init__(self, width: int, num_heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, num_heads, dropout, batch_first=True)
        self.multihead_attn = nn.MultiheadAttention(width, num_heads, dropout, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, memory: Tensor, positions: Tensor, queries: Tensor) -> Tensor:
        """Decode tokens (B, N, C) that stand for `queries`, looking at a memory (B, M, C) at `positions`."""
        placed = tokens + queries
        mixed = attend(self.self_attn, placed, placed, tokens)
        tokens = self.norm1(tokens + self.dropout(mixed))
        mixed = attend(self.multihead_attn, tokens + queries, memory + positions, memory)
        tokens = self.norm2(tokens + self.dropout(mixed))
        return self.norm3(tokens + self.dropout(self.linear2(self.dropout(relu(self.linear1(tokens))))))


class Lifting(nn.Module):
    """Lifts features (B, C, s, s) to a volume (B, width, s, s, s), its depths spaced by a learnt power."""

    positions: Tensor

    def __init__(self, config: DPMeshConfig, side: int) -> None:
        super().__init__()
        self.side, self.width = side, config.width
        self.exponent = nn.Parameter(torch.tensor(3.0))
        self.conv2d_to_3d = nn.Conv2d(config.feature_channels, config.width * side, 1)
        self.conv_3d_coord = nn.Conv3d(config.width + 3, config.width, 1)
        self.refine_3d = Encoder(config, config.lifting_width, normalise=True)
        self.register_buffer("positions", sinusoids(side**3, config.width), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return the volume."""
        dense = self.conv2d_to_3d(features).unflatten(1, (self.width, self.side))
        steps = torch.arange(self.side, device=dense.device, dtype=dense.dtype) / self.side
        depth, down, across = torch.meshgrid(
            steps ** self.power().to(dense.dtype), steps, steps, indexing="ij"
        )
        anchors = torch.stack([depth, down, across]).expand(len(dense), -1, -1, -1, -1)
        tokens = self.conv_3d_coord(torch.cat([dense, anchors], 1)).flatten(2).transpose(1, 2)
        refined = self.refine_3d(tokens, self.positions.to(tokens.dtype))
        return refined.transpose(1, 2).unflatten(2, (self.side,) * 3)

    def power(self) -> Tensor:
        """Return the exponent of the depths."""
        return self.exponent.clamp(*_EXPONENT)

    def sample(self, volume: Tensor, joints: Tensor) -> Tensor:
        """Read the volume at joints (B, N, 3) in [0, 1], x y z: (B, N, width), trilinear."""
        depth = joints[..., 2:] ** self.power()
        grid = torch.cat([joints[..., :2], depth], -1) * 2 - 1
        found = grid_sample(volume, grid[:, None, None].to(volume.dtype), align_corners=True)
        return found[:, :, 0, 0].transpose(1, 2)


class ReadOut(nn.ModuleList):
    """One linear layer per decoder layer; each corrects what the one before said."""

    def __init__(self, width: int, count: int, num_layers: int) -> None:
        super().__init__([nn.Linear(width + count * (number > 0), count) for number in range(num_layers)])

    def forward(self, tokens: list[Tensor], start: Tensor | None = None) -> Tensor:
        """Read (B, count) out of the tokens (B, C) after each layer; the first one corrects a start."""
        answer = self[0](tokens[0])
        answer = answer if start is None else start.to(answer.dtype) + answer
        for layer, token in zip(list(self)[1:], tokens[1:], strict=True):
            answer = answer + layer(torch.cat([token, answer], -1))
        return answer


class Cascade(nn.Module):
    """Transformer decoder over features and over what lies at its own estimate of 15 joints."""

    positions: Tensor

    def __init__(self, config: DPMeshConfig, side: int, code_width: int) -> None:
        super().__init__()
        width, num_layers = config.width, config.decoder_layers
        self.lifting = Lifting(config, side)
        self.down_linear = nn.Conv2d(config.feature_channels, width, 1)
        self.register_buffer("positions", picture_positions(side, width), persistent=False)
        self.encoder = Encoder(config, config.mlp_width, normalise=False)
        self.layers = nn.ModuleList(
            DecoderLayer(width, config.num_heads, config.mlp_width, config.dropout) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.joints = nn.ModuleList([nn.Linear(width + 3 * (number > 0), 3) for number in range(num_layers)])
        self.joint_positions = nn.Sequential(
            nn.Linear(3, width), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, width)
        )
        self.parameter_queries = nn.Parameter(torch.randn(_PARAMETER_QUERIES, width))
        self.joint_queries = nn.Parameter(torch.randn(NUM_LIFTED, width))
        self.parameter_start, self.joint_start = (
            nn.Parameter(torch.zeros(width)),
            nn.Parameter(torch.zeros(width)),
        )
        self.root = ReadOut(width, 6, num_layers)
        self.code = ReadOut(width, code_width, num_layers)
        self.betas = ReadOut(width, NUM_BETAS, num_layers)
        self.cam = ReadOut(width, 3, num_layers)
        self.told = nn.Linear(config.lifter_width, width) if config.lifter_width else None
        self._draw()

    @torch.no_grad()
    def _draw(self) -> None:
        for module in (self.encoder, self.layers, self.lifting.refine_3d):
            for parameter in module.parameters():
                if parameter.ndim > 1:
                    nn.init.xavier_uniform_(parameter)
        for read_out in (self.root, self.code, self.betas, self.cam):
            for layer in cast(Iterable[nn.Linear], read_out):
                nn.init.normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        if self.told is None:
            cast(nn.Linear, self.root[0]).bias.copy_(torch.tensor(UPRIGHT))

    @torch.no_grad()
    def correct_nothing(self) -> None:
        """Let it answer what was lifted, as it is."""
        for parameter in nn.ModuleList([self.root, self.code, self.betas, self.cam]).parameters():
            parameter.zero_()

    def forward(self, features: Tensor, lifted: Regressed | None = None) -> Regressed:
        """Regress from features (B, C, s, s), and from what keypoints were lifted to."""
        count = len(features)
        volume = self.lifting(features)
        positions = self.positions.to(features.dtype).expand(count, -1, -1)
        memory = self.encoder(self.down_linear(features).flatten(2).transpose(1, 2), positions)
        queries = torch.cat([self.parameter_queries, self.joint_queries]).expand(count, -1, -1)
        starts = [
            self.parameter_start.expand(_PARAMETER_QUERIES, -1),
            self.joint_start.expand(NUM_LIFTED, -1),
        ]
        tokens = torch.cat(starts).expand(count, -1, -1)
        if self.told is not None and lifted is not None:
            tokens = tokens + self.told(lifted.thought.to(features.dtype))[:, None]
        said: list[Tensor] = []
        found: list[Tensor] = []
        extra, extra_positions = memory[:, :0], positions[:, :0]
        for number, layer in enumerate(self.layers):
            seen, places = torch.cat([memory, extra], 1), torch.cat([positions, extra_positions], 1)
            tokens = self.norm(layer(tokens, seen, places, queries))
            said.append(tokens[:, :_PARAMETER_QUERIES])
            found.append(self._joints(number, tokens[:, _PARAMETER_QUERIES:], found))
            if number + 1 < len(self.layers):
                extra = self.lifting.sample(volume, found[-1])
                extra_positions = self.joint_positions(logit(found[-1]))
        pose, shape, camera = ([tokens[:, number] for tokens in said] for number in range(_PARAMETER_QUERIES))
        first = (None,) * 4 if lifted is None else (lifted.root, lifted.code, lifted.betas, lifted.cam)
        return Regressed(
            self.root(pose, first[0]),
            self.code(pose, first[1]),
            self.betas(shape, first[2]),
            self.cam(camera, first[3]),
            torch.stack(found, 1),
            features.new_zeros(count, 0),
        )

    def _joints(self, number: int, tokens: Tensor, found: list[Tensor]) -> Tensor:
        if not found:
            return torch.sigmoid(self.joints[number](tokens).float())
        before = logit(found[-1])
        return torch.sigmoid(
            before + self.joints[number](torch.cat([tokens, before.to(tokens.dtype)], -1)).float()
        )
