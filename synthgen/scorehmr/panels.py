"""Fits to look at: the picture with its joints, the body before, the body after, side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.body import Body
from synthgen.render import overlay
from synthgen.sample import Camera, Float, Person
from synthgen.scorehmr.labelling import Labelled

if TYPE_CHECKING:
    from synthgen.render import Renderer

Picture = NDArray[np.uint8]
_DOT = (255, 210, 0)
_HEIGHT = 320  # [px] of a panel


def panel(labelled: Labelled, body: Body, renderer: "Renderer") -> Picture:
    """Return picture with joints, bodies before and bodies after: (H, 3 W, 3) uint8."""
    observation = labelled.observation
    image, camera = observation.image, observation.camera
    assert camera is not None
    after = [one.person for one in observation.people if one.person is not None]
    joints = np.concatenate([one.keypoints_2d for one in observation.people])
    sure = np.concatenate([one.confidence_2d for one in observation.people])
    parts = [dotted(image, joints, sure)]
    parts += [bodies_over(image, people, camera, body, renderer) for people in (labelled.before, after)]
    return np.concatenate(parts, 1)


def sheet(panels: Sequence[Picture]) -> Picture:
    """Stack panels above each other, each as high as the others, filled up to the widest."""
    scaled = [_scaled(one) for one in panels]
    width = max(one.shape[1] for one in scaled)
    return np.concatenate([np.pad(one, ((0, 4), (0, width - one.shape[1]), (0, 0))) for one in scaled])


def bodies_over(
    image: Picture, people: Sequence[Person], camera: Camera, body: Body, renderer: "Renderer"
) -> Picture:
    """Return a picture with bodies over it; those behind the camera are left out."""
    vertices = body.pose(list(people)).vertices
    ahead = [(mesh, body.faces) for mesh in vertices if mesh[:, 2].min() > 0]
    return overlay(image, ahead, camera, renderer) if ahead else image


def dotted(image: Picture, joints: Float, confidence: Float) -> Picture:
    """Return a picture with a dot on each joint (J, 2) [px] that was found."""
    from PIL import Image, ImageDraw

    drawn = Image.fromarray(image)
    draw = ImageDraw.Draw(drawn)
    radius = max(1.0, max(drawn.size) / 160)
    for (x, y), sure in zip(joints, confidence, strict=True):
        if sure > 0:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_DOT)
    return np.asarray(drawn)


def _scaled(picture: Picture) -> Picture:
    from PIL import Image

    factor = _HEIGHT / picture.shape[0]
    size = max(1, round(picture.shape[1] * factor)), _HEIGHT
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
