"""Pose head of the paper: the regressor says which codes, the codebook's decoder says which pose."""

import torch
from torch import Tensor, nn

from synthgen.dpmesh.codebook import MixerLayer, PoseCodebook

_HIDDEN = 64  # channels of a token before it is classified, as in PCT (Geng et al., CVPR 2023)
_DEPTH = 2


class CodebookHead(nn.Module):
    """Classifies each token from one code vector and decodes the codes, weighted by their probabilities.

    Attributes:
        width: numbers it reads per person.
        codebook: of poses; frozen unless asked otherwise.
    """

    def __init__(self, codebook: PoseCodebook, width: int, is_frozen: bool = True) -> None:
        """Build with weights for training, from torch's own generator.

        Args:
            codebook: trained, or of the right sizes when weights are loaded afterwards.
            width: numbers to read per person.
            is_frozen: keep the codebook's decoder as it is.
        """
        super().__init__()
        if width < 1:
            raise ValueError(f"width of a codebook head must be at least 1, got {width}")
        self.width = width
        tokens, codes = codebook.config.tokens, codebook.config.codes
        self.codebook = codebook.requires_grad_(not is_frozen)
        self.codebook.encoder.requires_grad_(False)  # only training of the codebook itself encodes
        self.start = nn.Linear(width, tokens * _HIDDEN)
        self.layers = nn.Sequential(*(MixerLayer(tokens, _HIDDEN) for _ in range(_DEPTH)))
        self.norm = nn.LayerNorm(_HIDDEN)
        self.classes = nn.Linear(_HIDDEN, codes)

    def logits(self, code: Tensor) -> Tensor:
        """Return scores (B, T, K) of every code for every token from code vectors (B, width).

        Raises:
            ValueError: code vectors of another shape.
        """
        if code.shape[1:] != (self.width,):
            raise ValueError(f"code must be (B, {self.width}), got {tuple(code.shape)}")
        tokens = self.start(code).unflatten(-1, (-1, _HIDDEN))
        return self.classes(self.norm(self.layers(tokens)))

    def forward(self, code: Tensor) -> Tensor:
        """Return body rotations (B, 23, 3, 3) from code vectors (B, width); the root is the regressor's."""
        weights = self.logits(code).float().softmax(-1)
        with torch.autocast(code.device.type, enabled=False):
            codes = weights @ self.codebook.codes.float()
            return self.codebook.decode(codes.to(self.start.weight.dtype))[:, 1:]
