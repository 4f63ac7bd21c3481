"""Real pictures as one picture: each as it is, and with its bodies, boxes and known joints."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.dataset_report.cards import Artist
from synthgen.observation import Notes
from synthgen.report.contact_sheet import (
    CAPTION,
    COCO_BONES,
    FAINT,
    GAP,
    INK,
    PAPER,
    SIDE_COLORS,
    TILE,
    bone_side,
    side,
)
from synthgen.report.panels import readable
from synthgen.shards.observation_records import StoredPicture

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_LINE = 70  # characters under a picture
BOX = (255, 255, 255)


def observation_sheet(
    pictures: Sequence[StoredPicture], artist: Artist, columns: int = 2
) -> NDArray[np.uint8]:
    """Return a grid in which every sample is a pair: picture, and the same with what its labels say.

    Args:
        pictures: one or more.
        artist: draws the bodies.
        columns: samples side by side.

    Raises:
        ValueError: there is no picture, no column, or a damaged picture.
    """
    from PIL import Image, ImageDraw, ImageFont

    if not pictures or columns < 1:
        raise ValueError(f"a contact sheet needs samples and columns, got {len(pictures)} and {columns}")
    rows = -(-len(pictures) // columns)
    cell = (2 * TILE + GAP, TILE + CAPTION)
    page = Image.new("RGB", (columns * (cell[0] + 2 * GAP), rows * (cell[1] + GAP) + GAP), PAPER)
    pen = ImageDraw.Draw(page)
    large, small = ImageFont.load_default(15), ImageFont.load_default(12)
    for place, stored in enumerate(pictures):
        row, column = divmod(place, columns)
        x, y = GAP + column * (cell[0] + 2 * GAP), GAP + row * (cell[1] + GAP)
        for number, tile in enumerate((stored.open().image, artist.overlay(stored))):
            fitted, scale = _fit(Image.fromarray(tile))
            if number:
                _draw_joints(fitted, stored.notes, scale)
            left = x + number * (TILE + GAP // 2) + (TILE - fitted.width) // 2
            page.paste(fitted, (left, y + (TILE - fitted.height) // 2))
        notes = stored.notes
        poses = " · ".join(readable(f"{one.family} / {one.action}") for one in notes.people)
        pen.text((x, y + TILE + 4), (notes.caption or notes.source)[:MAX_LINE], INK, large)
        pen.text((x, y + TILE + 23), f"{notes.key}   {poses}"[:MAX_LINE], FAINT, small)
    return np.asarray(page)


def _fit(picture: "Image") -> tuple["Image", float]:
    from PIL import Image

    scale = TILE / max(picture.size)
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    return picture.resize(size, Image.Resampling.LANCZOS), scale


def _draw_joints(picture: "Image", notes: Notes, scale: float) -> None:
    from PIL import ImageDraw

    pen = ImageDraw.Draw(picture)
    for person in notes.people:
        pen.rectangle(tuple((float(one) + 0.5) * scale for one in person.bbox), outline=BOX)
        points, known = (person.keypoints_2d + 0.5) * scale, person.confidence_2d > 0
        for a, b in COCO_BONES:
            if known[a] and known[b]:
                pen.line([tuple(points[a]), tuple(points[b])], SIDE_COLORS[bone_side(a, b)], 2)
        for joint in np.flatnonzero(known):
            px, py = (float(one) for one in points[joint])
            color = SIDE_COLORS[side(int(joint))]
            pen.ellipse((px - 2.5, py - 2.5, px + 2.5, py + 2.5), color, (0, 0, 0))
