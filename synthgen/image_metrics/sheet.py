"""What the network saw: the first pictures of each set, and below them the people alone."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from synthgen.image_metrics.features import KEPT, Looked
from synthgen.image_metrics.preparing import Picture

if TYPE_CHECKING:
    import PIL.Image

TILE = 160  # [px]
GAP = 8
CAPTION = 22
PAPER, INK = (250, 250, 247), (24, 28, 30)
QUALITY = 90


def draw_sheet(sets: Sequence[Looked]) -> bytes:
    """Return a JPEG of the sets, one below the other."""
    from PIL import Image, ImageDraw

    rows = [(looked.name, row) for looked in sets for row in _rows(looked)]
    height = GAP + sum(TILE + GAP for _ in rows) + CAPTION * len(sets)
    sheet = Image.new("RGB", (GAP + KEPT * (TILE + GAP), height), PAPER)
    draw = ImageDraw.Draw(sheet)
    top, last = GAP, ""
    for name, pictures in rows:
        if name != last:
            draw.text((GAP, top), name[:120], fill=INK, font_size=14)
            top, last = top + CAPTION, name
        for column, picture in enumerate(pictures):
            if picture is not None:
                sheet.paste(_tile(picture), (GAP + column * (TILE + GAP), top))
        top += TILE + GAP
    stream = io.BytesIO()
    sheet.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _rows(looked: Looked) -> list[list[Picture | None]]:
    whole: list[Picture | None] = [picture for picture, _ in looked.shown]
    people = [people for _, people in looked.shown]
    return [whole, people] if any(one is not None for one in people) else [whole]


def _tile(picture: Picture) -> "PIL.Image.Image":
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(picture)).resize((TILE, TILE), Image.Resampling.BICUBIC)
