"""Two more channels of a latent, in which the draft draws where bodies are before it draws the bodies.

Bodies are a tenth of a picture, and place and outline are all that a noisy latent shows of them at first. A
model that denoises features of the picture beside its latent learns such structure several times faster
(Kouzelis et al., "Boosting generative image modeling via joint image-feature synthesis", 2025). Here the
features are the labels themselves. The VAE has room for the channels, but neither fills nor reads them.

The maps vary four times as much as the latents. Noise drowns them later, so of a picture that is drawn the
bodies are settled first, in outline, and then what they look like: the order in which a draft and the redraw
model's work follow one another, within one model.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import adaptive_avg_pool2d

from synthgen.geometry import Array
from synthgen.joints import COCO17
from synthgen.sample import BACKGROUND, OCCLUDER

COUNT = 2  # channels
LEAD = 4.0  # how much more they vary than the latents' own channels
SIZES = (3.0 * LEAD, 2.0 * LEAD)  # of the two
_SHARE, _HEIGHT = SIZES
MEAN_SHARE = 0.1  # of a picture that bodies cover
_HEIGHTS = {  # from the head, 1, to the feet, -1; the same on both sides
    "nose": 1.0, "eye": 1.0, "ear": 1.0, "shoulder": 0.5, "elbow": 0.3, "wrist": 0.1,
    "hip": -0.2, "knee": -0.6, "ankle": -1.0,
}  # fmt: skip
_JOINT_HEIGHTS = np.array([_HEIGHTS[name.split("_")[-1]] for name in COCO17.names])


def body_maps(masks: NDArray[np.uint8], joints: list[Array], size: tuple[int, int]) -> NDArray[np.float32]:
    """Draw the channels of pictures.

    Args:
        masks: (B, H, W) as samples hold them.
        joints: of each picture, (P * 17, 2) COCO-17 joints of its people [px].
        size: (h, w) of the latents.

    Returns:
        (B, COUNT, h, w): how much of a cell bodies cover, and there, how far up the body it lies.
    """
    is_body = torch.from_numpy((masks != BACKGROUND) & (masks != OCCLUDER)).float()
    share = adaptive_avg_pool2d(is_body[:, None], size)[:, 0].numpy()
    scale = np.array(size[::-1]) / masks.shape[:0:-1]
    height = np.stack([_heights((own + 0.5) * scale - 0.5, size) for own in joints])
    return np.stack([_SHARE * (share - MEAN_SHARE), _HEIGHT * share * height], 1).astype(np.float32)


def shares(channels: torch.Tensor) -> torch.Tensor:
    """Return how much of each cell bodies cover, (B, h, w) in [0, 1], of drawn channels (B, COUNT, h, w)."""
    return (channels[:, 0] / _SHARE + MEAN_SHARE).clamp(0, 1)


def _heights(joints: Array, size: tuple[int, int]) -> Array:
    """Return (h, w): the heights of the joints (P * 17, 2) [cells] around each cell, the nearest first."""
    y, x = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij")
    distance = ((np.stack([x, y], -1)[..., None, :] - joints) ** 2).sum(-1)
    weight = 1 / (1 + distance) ** 2
    own = np.tile(_JOINT_HEIGHTS, len(joints) // len(_JOINT_HEIGHTS))
    return (weight @ own) / weight.sum(-1)
