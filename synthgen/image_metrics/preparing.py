"""What is done to a picture before the network sees it. FID differs by whole points between conventions.

clean: Pillow's bicubic filter on float channels, which averages when it makes smaller, clipped to [0, 255],
then (v - 128) / 128; clean-fid (Parmar et al. 2022, arXiv 2104.11222), with which Diffusion-HPC was measured.
pytorch: bilinear between the four nearest pixels, centres aligned, then 2 v / 255 - 1; pytorch-fid.
tensorflow: bilinear with corners aligned at the top left only, as TensorFlow 1 did, then (v - 128) / 128; the
original FID, torch-fidelity, clean-fid's legacy_tensorflow.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from synthgen.image_metrics.inception import SIDE

Picture = NDArray[np.uint8]
Convention = Literal["clean", "pytorch", "tensorflow"]
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)
WORDS: Mapping[Convention, str] = {
    "clean": "clean-fid's: Pillow bicubic to 299x299, (v - 128) / 128",
    "pytorch": "pytorch-fid's: bilinear to 299x299, 2 v / 255 - 1",
    "tensorflow": "the original's: TensorFlow 1 bilinear to 299x299, (v - 128) / 128",
}


def prepare(picture: Picture, convention: Convention) -> Tensor:
    """Return the network's input (3, 299, 299) for a picture (H, W, 3) uint8 RGB of any size."""
    if convention == "clean":
        return (_bicubic(picture) - 128) / 128
    values = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float()
    if convention == "tensorflow":
        return (_corner_bilinear(values) - 128) / 128
    resized = functional.interpolate(values[None], size=(SIDE, SIDE), mode="bilinear", align_corners=False)[0]
    return 2 * (resized / 255) - 1


def _bicubic(picture: Picture) -> Tensor:
    from PIL import Image

    channels = [
        np.asarray(Image.fromarray(channel).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        for channel in np.moveaxis(picture.astype(np.float32), -1, 0)
    ]
    return torch.from_numpy(np.stack(channels)).clamp(0, 255)


def _corner_bilinear(values: Tensor) -> Tensor:
    """Resize (C, H, W) so that pixel i of the result lies at i * H / 299 of the source."""
    for axis in (1, 2):
        size = values.shape[axis]
        place = torch.arange(SIDE, dtype=torch.float32) * torch.tensor(size / SIDE, dtype=torch.float32)
        low = place.long()
        high = (low + 1).clamp_max(size - 1)
        part = (place - low).reshape((-1, 1) if axis == 1 else (1, -1))
        first, second = values.index_select(axis, low), values.index_select(axis, high)
        values = first + (second - first) * part
    return values
