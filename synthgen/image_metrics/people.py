"""The people of a picture alone, for H-FID and H-KID: everything else is black.

As the scripts of Diffusion-HPC (Weng et al. 2023) do it: a picture is brought to 299x299 first (8 bits, sides
not kept in proportion), segmented there, and cut in one of two ways, named below.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synthgen.image_metrics.inception import SIDE

Picture = NDArray[np.uint8]
Masks = NDArray[np.bool_]
Cut = Literal["picture", "person"]
WORDS: dict[Cut, str] = {
    "picture": "all people of a picture in their places; pictures without people are black (the paper, MPII)",
    "person": "one person in a square about it; pictures without people are left out (the paper, SMART)",
}


def to_frame(picture: Picture) -> Picture:
    """Return a picture (H, W, 3) as (299, 299, 3), by Pillow's bicubic filter."""
    from PIL import Image

    if picture.shape[:2] == (SIDE, SIDE):
        return picture
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def masks_to_frame(masks: Masks) -> Masks:
    """Return masks (P, H, W) as (P, 299, 299), by the nearest pixel."""
    from PIL import Image

    size, how = (SIDE, SIDE), Image.Resampling.NEAREST
    resized = [np.asarray(Image.fromarray(mask.astype(np.uint8)).resize(size, how)) > 0 for mask in masks]
    return np.stack(resized) if resized else np.zeros((0, *size), bool)


def people_only(frame: Picture, masks: Masks, cut: Cut) -> Picture | None:
    """Return the people of a picture, or None where it is left out.

    Args:
        frame: (H, W, 3).
        masks: (P, H, W), the person that counts most first; empty ones count as nobody.
        cut: picture: all of them, the size kept. person: the first one, in the square whose side is the
            longer one of the mask's box, about its middle; what lies outside of the picture is black.
    """
    if cut == "picture":
        return np.where(np.any(masks, axis=0)[..., None], frame, 0).astype(np.uint8)
    mask = next((mask for mask in masks if mask.any()), None)
    if mask is None:
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    side = int((box[2:] - box[:2]).max())
    corner = (box[:2] + box[2:]) // 2 - side // 2
    alone = np.where(mask[..., None], frame, 0).astype(np.uint8)
    return cut_out(alone, (int(corner[0]), int(corner[1])), side)


def cut_out(picture: NDArray[np.uint8], corner: tuple[int, int], side: int) -> NDArray[np.uint8]:
    """Return a square of (H, W, ...) from `corner` (x, y); 0 where it leaves the picture.

    Raises:
        ValueError: nothing of the picture lies in it.
    """
    height, width = picture.shape[:2]
    x, y = corner
    inside = np.clip([x, y, x + side, y + side], 0, [width, height, width, height])
    if (inside[2:] <= inside[:2]).any():
        raise ValueError(
            f"the square of {side} px at {corner} lies outside of the picture ({width}x{height})"
        )
    square = np.zeros((side, side, *picture.shape[2:]), picture.dtype)
    square[inside[1] - y : inside[3] - y, inside[0] - x : inside[2] - x] = picture[
        inside[1] : inside[3], inside[0] : inside[2]
    ]
    return square
