"""A guidance term of one's own kind: the body must fill the person's segment, and nothing but it.

Two distances, as in chamfer matching: of points on the skin that fall outside the segment from it, and of the
segment's pixels from the nearest point on the skin. Pixels are their centres, the top-left one is 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn.functional import grid_sample

from synthgen.body_file import BodyArrays
from synthgen.joints import COCO23
from synthgen.scorehmr.cameras import Cameras
from synthgen.scorehmr.points import SparsePoints
from synthgen.scorehmr.state import State

SKIN_POINTS = 256
_PIXELS = 192  # of a segment that are looked at
_SIDE = 128  # [px] that segments are brought to
_SIGMA_PX = 100.0  # of a picture 1000 px wide; errors well above it stop to count
_SLACK_PX = 8.0  # likewise: skin points lie apart


def joints_and_skin(body: BodyArrays) -> SparsePoints:
    """Return the joints of COCO-17 and of feet, then points spread evenly over the skin."""
    own = np.zeros((SKIN_POINTS, 24 + len(body.v_template)))
    own[np.arange(SKIN_POINTS), 24 + _spread(body.v_template.astype(np.float64), SKIN_POINTS)] = 1
    names = (*COCO23.names, *(f"skin_{number}" for number in range(SKIN_POINTS)))
    return SparsePoints(body, names, np.concatenate([_rows(body), own]))


def _spread(vertices: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Return vertices of (V, 3) that lie apart: each is the one farthest from those before it.

    Every so manieth of a mesh crowds where it is fine, as in faces and hands: limbs would seem empty there.
    """
    chosen = [int(np.argmax(vertices[:, 1]))]
    apart = np.full(len(vertices), np.inf)
    while len(chosen) < count:
        apart = np.minimum(apart, np.square(vertices - vertices[chosen[-1]]).sum(1))
        chosen.append(int(np.argmax(apart)))
    return np.array(chosen)


def _rows(body: BodyArrays) -> NDArray[np.float64]:
    from synthgen.body import LANDMARK_VERTICES
    from synthgen.joints import LANDMARK_NAMES

    blend = COCO23.point_weights().astype(np.float64)
    rows = np.zeros((len(COCO23), 24 + len(body.v_template)))
    rows[:, :24] = blend[:, :24]
    rows[:, [24 + LANDMARK_VERTICES[name] for name in LANDMARK_NAMES]] += blend[:, 24:]
    return rows


@dataclass(frozen=True)
class Silhouette:
    """Distances between bodies and segments.

    Attributes:
        outside: (B, 1, S, S) distance of each place of the picture from the segment [px of 1000]; 0 inside.
        pixels: (B, N, 2) places inside the segments [px of 1000].
        half: (B, 1, 2) half a pixel of the segment [px of 1000]: the picture begins that far before centres.
        known: (B,) 1 where there is a segment, 0 else.
        cameras: of pictures whose longer side counts as 1000 px.
        weight: of the term.
    """

    outside: Tensor
    pixels: Tensor
    half: Tensor
    known: Tensor
    cameras: Cameras
    weight: float

    def __call__(self, state: State) -> Tensor:
        """Return the energy of each person (B,)."""
        skin = state.points[:, -SKIN_POINTS:] + state.transl[:, None]
        places = self.cameras.project(skin)
        sides = self.cameras.image_size.flip(1)[:, None]
        grid = ((places + self.half) / sides * 2 - 1).clamp(-1, 1)
        beside = grid_sample(self.outside, grid[:, None], align_corners=False)[:, 0, 0]
        apart = torch.cdist(self.pixels, places).amin(2)
        empty = (apart - _SLACK_PX).clamp(min=0)
        return self.weight * self.known * (_robust(beside).mean(1) + _robust(empty).mean(1))

    @classmethod
    def of_masks(
        cls, masks: Sequence[NDArray[np.bool_] | None], cameras: Cameras, weight: float
    ) -> "Silhouette":
        """Return the term for segments (H, W), one a person; None for who has none."""
        made = [_measured(mask) for mask in masks]
        like = cameras.center

        def tensor(values: list[NDArray[np.floating]]) -> Tensor:
            return torch.from_numpy(np.stack(values)).to(like)

        sizes = cameras.image_size.flip(1)[:, None]
        shapes = [(1, 1) if mask is None else mask.shape for mask in masks]
        half = sizes / tensor([np.array(shape[::-1], np.float32) for shape in shapes])[:, None] / 2
        return cls(
            outside=tensor([one[0] for one in made])[:, None] * float(cameras.image_size.max()),
            pixels=tensor([one[1] for one in made]) * sizes - half,
            half=half,
            known=torch.tensor([float(mask is not None and mask.any()) for mask in masks]).to(like),
            cameras=cameras,
            weight=weight,
        )


def _robust(distance: Tensor) -> Tensor:
    square = distance.square()
    return square * _SIGMA_PX**2 / (square + _SIGMA_PX**2)


def _measured(mask: NDArray[np.bool_] | None) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return distances (S, S) from a segment and places (N, 2) in it, from the corner, in sides."""
    if mask is None or not mask.any():
        return np.zeros((_SIDE, _SIDE)), np.full((_PIXELS, 2), 0.5)
    height, width = mask.shape
    distance = distance_transform_edt(~mask) / max(height, width)
    rows = ((np.arange(_SIDE) + 0.5) / _SIDE * height).astype(int)
    columns = ((np.arange(_SIDE) + 0.5) / _SIDE * width).astype(int)
    y, x = np.nonzero(mask)
    chosen = np.linspace(0, len(x) - 1, _PIXELS).round().astype(int)
    places = np.stack([(x[chosen] + 0.5) / width, (y[chosen] + 0.5) / height], 1)
    return distance[np.ix_(rows, columns)], places
