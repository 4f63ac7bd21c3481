"""HMR2's head: one query token looks at the picture's tokens and reads out SMPL parameters and a camera.

Goel et al., "Humans in 4D", ICCV 2023, section 3. Weight names are those of the published checkpoint.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from synthgen.joints import SMPL24
from synthgen.sample import NUM_BETAS

NUM_POSE = 6 * len(SMPL24)  # 6D rotations of all joints, the root's first
NUM_CAM = 3
START_CAM = (0.9, 0.0, 0.0)  # body fills most of the crop, in its middle
Query = Literal["zero", "mean_shape"]


@dataclass(frozen=True)
class DecoderConfig:
    """Sizes; the defaults are those of the published HMR2.

    Attributes:
        width: channels of the query token.
        depth: number of layers.
        num_heads: attention heads.
        head_width: channels of a head.
        mlp_width: hidden channels of the MLPs.
        dropout: chance that training drops a channel after a projection.
        query: what the token starts from: nothing, or the current estimate.
        num_iterations: read-outs, each added to the one before.
    """

    width: int = 1024
    depth: int = 6
    num_heads: int = 8
    head_width: int = 64
    mlp_width: int = 1024
    dropout: float = 0.0
    query: Query = "zero"
    num_iterations: int = 1

    def __post_init__(self) -> None:
        sizes = (self.width, self.depth, self.num_heads, self.head_width, self.mlp_width, self.num_iterations)
        if min(sizes) < 1:
            raise ValueError(f"sizes of a decoder must be >= 1, got {self}")
        if self.query not in get_args(Query):
            raise ValueError(f"query must be one of {get_args(Query)}, got {self.query!r}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")


class Estimate(NamedTuple):
    """What the head regresses: (B, 144) 6D rotations, (B, 10) betas, (B, 3) camera (s, tx, ty)."""

    pose: Tensor
    betas: Tensor
    cam: Tensor


class _PreNorm(nn.Module):
    def __init__(self, width: int, fn: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fn = fn

    def forward(self, tokens: Tensor, *context: Tensor) -> Tensor:
        return self.fn(self.norm(tokens), *context)


def _attend(q: Tensor, k: Tensor, v: Tensor, num_heads: int) -> Tensor:
    q, k, v = (part.view(*part.shape[:-1], num_heads, -1).transpose(1, 2) for part in (q, k, v))
    return scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class _SelfAttention(nn.Module):
    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        inner = config.num_heads * config.head_width
        self.num_heads = config.num_heads
        self.to_qkv = nn.Linear(config.width, 3 * inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, config.width), nn.Dropout(config.dropout))

    def forward(self, tokens: Tensor) -> Tensor:
        q, k, v = self.to_qkv(tokens).chunk(3, dim=-1)
        return self.to_out(_attend(q, k, v, self.num_heads))


class _CrossAttention(nn.Module):
    def __init__(self, config: DecoderConfig, context_width: int) -> None:
        super().__init__()
        inner = config.num_heads * config.head_width
        self.num_heads = config.num_heads
        self.to_kv = nn.Linear(context_width, 2 * inner, bias=False)
        self.to_q = nn.Linear(config.width, inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, config.width), nn.Dropout(config.dropout))

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        k, v = self.to_kv(context).chunk(2, dim=-1)
        return self.to_out(_attend(self.to_q(tokens), k, v, self.num_heads))

    def logits(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Return how much each head of each token looks where, before the softmax: (B, heads, tokens, N)."""
        q = self.to_q(tokens).unflatten(-1, (self.num_heads, -1))
        k = self.to_kv(context).chunk(2, dim=-1)[0].unflatten(-1, (self.num_heads, -1))
        return torch.einsum("bthc,bnhc->bhtn", q.expand(len(k), -1, -1, -1), k) * q.shape[-1] ** -0.5


class _FeedForward(nn.Module):
    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(config.width, config.mlp_width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.mlp_width, config.width),
            nn.Dropout(config.dropout),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        return self.net(tokens)


class _Layers(nn.Module):
    def __init__(self, config: DecoderConfig, context_width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList(
                _PreNorm(config.width, part)
                for part in (
                    _SelfAttention(config),
                    _CrossAttention(config, context_width),
                    _FeedForward(config),
                )
            )
            for _ in range(config.depth)
        )

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        for layer in self.layers:
            attend, look, think = layer.children()
            tokens = tokens + attend(tokens)
            tokens = tokens + look(tokens, context)
            tokens = tokens + think(tokens)
        return tokens


class _QueryTransformer(nn.Module):
    def __init__(self, config: DecoderConfig, context_width: int) -> None:
        super().__init__()
        query_width = 1 if config.query == "zero" else NUM_POSE + NUM_BETAS + NUM_CAM
        self.pos_embedding = nn.Parameter(torch.randn(1, 1, config.width))
        self.to_token_embedding = nn.Linear(query_width, config.width)
        self.transformer = _Layers(config, context_width)

    def start(self, query: Tensor) -> Tensor:
        """Turn queries (B, C) into the tokens (B, 1, width) that go into the first layer."""
        return self.to_token_embedding(query)[:, None] + self.pos_embedding

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        return self.transformer(self.start(query), context)[:, 0]


class MeshDecoder(nn.Module):
    """Regresses SMPL parameters and camera as offsets from mean parameters, which are buffers."""

    init_body_pose: Tensor
    init_betas: Tensor
    init_cam: Tensor

    def __init__(self, config: DecoderConfig, context_width: int) -> None:
        """Build with weights for training; the mean is the rest pose until `set_mean` or a checkpoint."""
        super().__init__()
        self.config = config
        self.transformer = _QueryTransformer(config, context_width)
        self.decpose = nn.Linear(config.width, NUM_POSE)
        self.decshape = nn.Linear(config.width, NUM_BETAS)
        self.deccam = nn.Linear(config.width, NUM_CAM)
        for readout in (self.decpose, self.decshape, self.deccam):  # start close to the mean parameters
            nn.init.xavier_uniform_(readout.weight, gain=0.01)
            nn.init.zeros_(readout.bias)
        rest = torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]).repeat(1, len(SMPL24))
        self.register_buffer("init_body_pose", rest)
        self.register_buffer("init_betas", torch.zeros(1, NUM_BETAS))
        self.register_buffer("init_cam", torch.tensor([START_CAM]))

    def set_mean(self, mean: Estimate) -> None:
        """Replace the mean parameters, each (1, N); training does so with the mean of its data."""
        for buffer, value in zip((self.init_body_pose, self.init_betas, self.init_cam), mean, strict=True):
            if value.shape != buffer.shape:
                raise ValueError(f"mean parameters must be {tuple(buffer.shape)}, got {tuple(value.shape)}")
            buffer.copy_(value)

    def first_look(self, context: Tensor) -> Tensor:
        """Return where each head of the first layer looks among picture tokens (B, N, context_width).

        Returns:
            (B, num_heads, N) logits; what they are softmaxed to is the share of each picture token.
        """
        tokens = self.transformer.start(self._query(*self._mean(1)))
        layer: Any = self.transformer.transformer.layers[0]
        attend, look, _ = layer
        tokens = tokens + attend(tokens)
        return look.fn.logits(look.norm(tokens), context)[:, :, 0]

    def forward(self, context: Tensor) -> Estimate:
        """Regress from picture tokens (B, N, context_width)."""
        pose, betas, cam = self._mean(len(context))
        for _ in range(self.config.num_iterations):
            token = self.transformer(self._query(pose, betas, cam), context)
            pose = pose + self.decpose(token)
            betas = betas + self.decshape(token)
            cam = cam + self.deccam(token)
        return Estimate(pose, betas, cam)

    def _mean(self, count: int) -> Estimate:
        means = (self.init_body_pose, self.init_betas, self.init_cam)
        return Estimate(*(mean.expand(count, -1) for mean in means))

    def _query(self, pose: Tensor, betas: Tensor, cam: Tensor) -> Tensor:
        if self.config.query == "zero":
            return pose.new_zeros(len(pose), 1)
        return torch.cat([pose, betas, cam], -1)
