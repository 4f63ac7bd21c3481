"""Contact sheets of crops with joints drawn on them, for eyes: what the model is shown, what it answers."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from synthgen.dpmesh.batch import Crops, Labels
from synthgen.geometry import Array
from synthgen.joints import DPMESH30, ROOT, SMPL24

if TYPE_CHECKING:
    from PIL import ImageDraw

SIDE = 192  # of a crop on the sheet [px]
LEFT, RIGHT, MIDLINE = (80, 170, 255), (255, 120, 80), (150, 255, 130)
CONDITION, ANSWER = (255, 255, 255), (255, 70, 220)
_FACE = (("head", "nose"), ("nose", "left_eye"), ("left_eye", "left_ear"), ("nose", "right_eye"),
         ("right_eye", "right_ear"), ("head", "head_top"))  # fmt: skip
LIMBS = (
    *((SMPL24.names[parent], name) for name, parent in zip(SMPL24.names, SMPL24.parents, strict=True)
      if parent != ROOT),
    *_FACE,
    # where only COCO's joints are known
    ("left_shoulder", "left_hip"), ("right_shoulder", "right_hip"),
    ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"),
)  # fmt: skip


def sheet(
    crops: Crops, labels: Labels | None = None, answers: Tensor | None = None, columns: int = 8
) -> NDArray[np.uint8]:
    """Draw crops in rows.

    Labels are limbs: left blue, right orange, midline green. What the model is told is a white ring, what it
    answers are pink limbs.

    Args:
        crops: a batch.
        labels: of these.
        answers: (B, 30, 2) joints that a model found [px of the crop].
        columns: crops in a row.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    from PIL import Image, ImageDraw

    count, side = len(crops), crops.images.shape[-1]
    columns = min(columns, count)
    rows = -(-count // columns)
    page = Image.new("RGB", (columns * SIDE, rows * SIDE))
    pixels = (
        (crops.images.detach().float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    )
    for number in range(count):
        tile = Image.fromarray(pixels[number]).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        pen = ImageDraw.Draw(tile)
        if labels is not None:
            known = _array(labels.confidence_2d[number]) > 0
            _limbs(pen, _on_tile(labels.keypoints_2d[number], side), known, None)
        if answers is not None:
            _limbs(pen, _on_tile(answers[number], side), np.ones(len(DPMESH30), bool), ANSWER)
        told = _array(crops.confidence[number]) > 0
        for x, y in _on_tile(crops.keypoints_2d[number], side)[told].tolist():
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), outline=CONDITION)
        page.paste(tile, (number % columns * SIDE, number // columns * SIDE))
    return np.asarray(page)


def _limbs(
    pen: "ImageDraw.ImageDraw", points: Array, known: NDArray[np.bool_], color: tuple[int, int, int] | None
) -> None:
    has_spine = known[DPMESH30.index("spine1")]
    for limb in LIMBS[: len(SMPL24) - 1 + len(_FACE)] if has_spine else LIMBS:
        start, end = (DPMESH30.index(name) for name in limb)
        if known[start] and known[end]:
            own = color or (LEFT if "left" in limb[1] else RIGHT if "right" in limb[1] else MIDLINE)
            pen.line([*points[start].tolist(), *points[end].tolist()], fill=own, width=2)


def _on_tile(points: Tensor, side: int) -> Array:
    """Return pixels of a crop as pixels of its tile, within reach of the drawing code."""
    return np.clip((_array(points) + 0.5) * SIDE / side - 0.5, -4 * SIDE, 5 * SIDE)


def _array(values: Tensor) -> Array:
    return values.detach().float().cpu().numpy()
