"""The colour statistics that ViTs, SegFormer and HMR2 expect of their input."""

import torch
from torch import Tensor

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, colours in [0, 1]


def normalized(images: Tensor) -> Tensor:
    """Subtract ImageNet's mean from pictures (B, 3, H, W) in [0, 1] and divide by its deviation."""
    mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in (MEAN, STD))
    return (images - mean) / std
