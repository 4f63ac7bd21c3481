"""Plates of the model card: pictures with a line of words below each, in a grid, as JPEG of limited size."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synthgen import storage

Picture = NDArray[np.uint8]

GAP = 4  # [px]
WORDS = 14  # height of the line below a picture [px]
PAPER, INK = (250, 250, 247), (24, 28, 30)
MOST_BYTES = 580_000
_QUALITIES = (92, 88, 84, 80, 75, 70, 65, 60, 50, 40)


def beside(*pictures: Picture) -> Picture:
    """Return pictures of one height side by side."""
    return np.concatenate(pictures, 1)


def spread(count: int, shown: int) -> list[int]:
    """Return which of `count` things to show, `shown` at most, spread evenly over them."""
    shown = min(count, shown)
    return [(2 * place + 1) * count // (2 * shown) for place in range(shown)]


def enlarged(image: Picture, factor: int) -> Picture:
    """Return a picture (H, W, 3) with each pixel as a square of pixels."""
    return image.repeat(factor, 0).repeat(factor, 1)


def plate(cells: Sequence[Picture], words: Sequence[str], wide: int) -> Picture:
    """Lay cells of one size out in a grid.

    Args:
        cells: one or more, each (H, W, 3) uint8.
        words: below each cell; cut where they are longer than it.
        wide: cells in a line.
    """
    from PIL import Image, ImageDraw, ImageFont

    height, width = cells[0].shape[:2]
    lines = -(-len(cells) // wide)
    columns = min(wide, len(cells))
    page = Image.new("RGB", (columns * (width + GAP) + GAP, lines * (height + WORDS + GAP) + GAP), PAPER)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    for place, (cell, text) in enumerate(zip(cells, words, strict=True)):
        row, column = divmod(place, wide)
        corner = (GAP + column * (width + GAP), GAP + row * (height + WORDS + GAP))
        page.paste(Image.fromarray(cell), corner)
        while text and font.getlength(text) > width:
            text = text[:-1]
        pen.text((corner[0], corner[1] + height), text, INK, font)
    return np.asarray(page)


def write(path: Path, picture: Picture) -> None:
    """Write a JPEG as good as MOST_BYTES allow."""
    from PIL import Image

    for quality in _QUALITIES:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= MOST_BYTES:
            break
    storage.write_bytes(str(path), buffer.getvalue())
