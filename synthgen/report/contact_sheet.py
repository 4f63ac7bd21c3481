"""Pictures of samples to look at: mesh overlays, skeletons, depth and mask views, and one grid of many.

Everything is drawn from the labels on record, so that a wrong label is a wrong picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.body import Body
from synthgen.joints import COCO_BONES as COCO_BONES
from synthgen.joints import side as side
from synthgen.render import Renderer
from synthgen.render.views import colorize_depth, colorize_mask, overlay
from synthgen.sample import Label, Sample

if TYPE_CHECKING:
    from PIL.Image import Image

Picture = NDArray[np.uint8]

SIDE_COLORS = {"left": (130, 225, 255), "right": (255, 157, 0), "middle": (255, 255, 255)}
VISIBLE = 0.5  # a joint is drawn full from here on, hollow below

TILE = 256  # side of one picture of the grid [px]
GAP = 12
CAPTION = 40
PAPER, INK, FAINT = (250, 250, 247), (24, 28, 30), (110, 116, 118)


@dataclass(frozen=True)
class Views:
    """The same picture four ways, each (H, W, 3) uint8."""

    picture: Picture
    overlay: Picture
    depth: Picture
    mask: Picture


def label_views(sample: Sample) -> Views:
    """Return the views that need no body model: the overlay is the bare picture."""
    return Views(sample.image, sample.image, colorize_depth(sample.depth), colorize_mask(sample.mask))


def bone_side(first: int, second: int) -> str:
    """Return the side that both ends of a bone are on, else "middle"."""
    return side(first) if side(first) == side(second) else "middle"


def views(sample: Sample, body: Body, renderer: Renderer) -> Views:
    """Draw a sample's labels over its picture.

    Args:
        sample: with SMPL parameters of `body`.
        body: the model that the parameters belong to.
        renderer: draws the meshes.
    """
    vertices = body.pose(sample.scene.people).vertices
    meshes = [(person, body.faces) for person in vertices]
    return Views(
        picture=sample.image,
        overlay=overlay(sample.image, meshes, sample.scene.camera, renderer),
        depth=colorize_depth(sample.depth),
        mask=colorize_mask(sample.mask),
    )


def draw_skeletons(image: Picture, labels: Sequence[Label], scale: int = 4) -> Picture:
    """Return the picture with the COCO-17 skeletons over it; hidden joints are hollow.

    Args:
        image: (H, W, 3) uint8.
        labels: one per person.
        scale: lines are drawn this many times larger and then scaled down, to be smooth.
    """
    from PIL import Image, ImageDraw

    height, width = image.shape[:2]
    unit = max(min(height, width) / 256, 0.5) * scale
    layer = Image.new("RGBA", (width * scale, height * scale))
    pen = ImageDraw.Draw(layer)
    for label in labels:
        points = (label.keypoints_2d + 0.5) * scale
        for first, second in COCO_BONES:
            ends = [tuple(points[first]), tuple(points[second])]
            pen.line(ends, (0, 0, 0, 150), round(3.4 * unit))
            pen.line(ends, (*SIDE_COLORS[bone_side(first, second)], 255), round(1.8 * unit))
        for joint, (x, y) in enumerate(points):
            radius, color = 2.6 * unit, SIDE_COLORS[side(joint)]
            is_visible = label.visibility[joint] >= VISIBLE
            fill = (*color, 255) if is_visible else (20, 20, 20, 255)
            edge = (0, 0, 0, 200) if is_visible else (*color, 255)
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill, edge, round(0.9 * unit))
    small = layer.resize((width, height), Image.Resampling.BOX)
    return np.asarray(Image.alpha_composite(Image.fromarray(image).convert("RGBA"), small).convert("RGB"))


def contact_sheet(samples: Sequence[Sample], body: Body, renderer: Renderer, columns: int = 2) -> Picture:
    """Return a grid in which every sample is a row of three: picture, overlay with skeleton, depth.

    Args:
        samples: one or more, all of the same body model.
        body: the model that the parameters belong to.
        renderer: draws the meshes.
        columns: samples side by side.

    Raises:
        ValueError: there is no sample or no column.
    """
    from PIL import Image

    if not samples or columns < 1:
        raise ValueError(f"a contact sheet needs samples and columns, got {len(samples)} and {columns}")
    rows = -(-len(samples) // columns)
    cell = (3 * TILE + GAP, TILE + CAPTION)
    size = (columns * (cell[0] + 2 * GAP), rows * (cell[1] + GAP) + GAP)
    page = Image.new("RGB", size, PAPER)
    for place, sample in enumerate(samples):
        row, column = divmod(place, columns)
        corner = (GAP + column * (cell[0] + 2 * GAP), GAP + row * (cell[1] + GAP))
        _paste_sample(page, corner, sample, views(sample, body, renderer))
    return np.asarray(page)


def _paste_sample(page: "Image", corner: tuple[int, int], sample: Sample, shown: Views) -> None:
    from PIL import Image, ImageDraw, ImageFont

    x, y = corner
    tiles = (shown.picture, draw_skeletons(shown.overlay, sample.labels), shown.depth)
    for place, tile in enumerate(tiles):
        fitted = Image.fromarray(tile)
        fitted = fitted.resize(_fit(fitted.size), Image.Resampling.LANCZOS)
        left = x + place * (TILE + GAP // 2) + (TILE - fitted.width) // 2
        page.paste(fitted, (left, y + (TILE - fitted.height) // 2))
    pen = ImageDraw.Draw(page)
    large, small = ImageFont.load_default(15), ImageFont.load_default(12)
    poses = " · ".join(f"{label.family} / {label.action}".replace("_", " ") for label in sample.labels)
    room = 3 * TILE + GAP
    pen.text((x, y + TILE + 4), _clip(sample.request.prompt, large.getlength, room), INK, large)
    pen.text(
        (x, y + TILE + 23), _clip(f"{sample.request.key}   {poses}", small.getlength, room), FAINT, small
    )


def _fit(size: tuple[int, int]) -> tuple[int, int]:
    scale = TILE / max(size)
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


def _clip(line: str, length: Callable[[str], float], room: float) -> str:
    if length(line) <= room:
        return line
    while line and length(line + "…") > room:
        line = line[:-1]
    return line.rstrip() + "…"
