"""Losses that weigh themselves, as in the published training code of DPMesh (Kendall et al., CVPR 2018)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from synthgen.dpmesh.losses import PARTS, LossOptions, total


class UncertaintyWeights(nn.Module):
    """Learns how far each loss can be trusted: L / (2 p^2) + log(1 + p^2), p one parameter a loss.

    Stands in for `losses.total`; its parameters belong into the optimiser, without weight decay.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.Parameter(torch.ones(len(PARTS)))

    def forward(self, parts: Mapping[str, Tensor], options: LossOptions) -> Tensor:
        """Add up losses: those of PARTS by what was learned, others by their weights in the options.

        Raises:
            ValueError: one of PARTS is missing, or a part has no weight.
        """
        missing = [name for name in PARTS if name not in parts]
        if missing:
            raise ValueError(f"losses without {', '.join(missing)}; expected all of {', '.join(PARTS)}")
        squared = self.scales**2
        values = torch.stack([parts[name].float() for name in PARTS])
        learned = (0.5 * values / squared + torch.log1p(squared)).sum()
        others = {name: value for name, value in parts.items() if name not in PARTS}
        return learned + total(others, options) if others else learned
