"""A guidance term of one's own kind: the body must fill the person's segment, and nothing but it.

Two distances, as in chamfer matching: of points on the skin that fall outside the segment from its outline,
and of the segment's pixels, half of them along its outline, from the nearest point on the skin. Pixels are
squares around their centres, the top-left centre is 0; outlines run between pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt, map_coordinates
from torch import Tensor
from torch.nn.functional import grid_sample

from synthgen.body_file import BodyArrays
from synthgen.joints import COCO23
from synthgen.scorehmr.cameras import Cameras
from synthgen.scorehmr.points import SparsePoints
from synthgen.scorehmr.state import State

_INNER = 192  # pixels of a segment that are looked at, in all of it
_RIM = 192  # likewise, along its outline
_SIDE = 128  # distances along a side of the window around a segment
_MARGIN = 0.25  # of a segment's box, that the window is larger by on each side
_FAR_INSIDE_PX = 10.0  # of the segment's own pixels; how far inside makes no difference from there
_SIGMA_PX = 100.0  # of a picture 1000 px wide; errors well above it stop to count
_RIM_SLACK_PX = 2.0  # likewise: skin points lie apart


@dataclass(frozen=True)
class Detail:
    """How closely bodies are compared with segments.

    Attributes:
        skin_points: spread evenly over the skin.
        slack: how far pixels inside a segment may lie from the nearest of these [px of 1000].
        rim: weight of the pixels along the outline, beside all; without them a body may end a pixel short
            of it all round, which is nothing to a pose, but a fifth of the overlap of somebody small.
    """

    skin_points: int
    slack: float
    rim: float


ROUGH = Detail(skin_points=256, slack=8.0, rim=0.0)
FINE = Detail(skin_points=1024, slack=4.0, rim=1.0)


def joints_and_skin(body: BodyArrays, count: int = ROUGH.skin_points) -> SparsePoints:
    """Return the joints of COCO-17 and of feet, then points spread evenly over the skin."""
    own = np.zeros((count, 24 + len(body.v_template)))
    own[np.arange(count), 24 + _spread(body.v_template.astype(np.float64), count)] = 1
    names = (*COCO23.names, *(f"skin_{number}" for number in range(count)))
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
        beyond: (B, 1, S, S) distance of places in a window around the segment from its outline [px of 1000];
            below 0 inside.
        corner: (B, 1, 2) of the window's first place [px of 1000].
        span: (B, 1, 2) from there to its last place [px of 1000].
        ends: (B, 2, 1, 2) first and last places that the picture shows [px of 1000].
        pixels: (B, N, 2) places inside the segments, half of them along the outline [px of 1000].
        known: (B,) 1 where there is a segment, 0 else.
        cameras: of pictures whose longer side counts as 1000 px.
        weight: of the term.
        detail: how closely they are compared; the state's last points are those of the skin.
    """

    beyond: Tensor
    corner: Tensor
    span: Tensor
    ends: Tensor
    pixels: Tensor
    known: Tensor
    cameras: Cameras
    weight: float
    detail: Detail

    def __call__(self, state: State) -> Tensor:
        """Return the energy of each person (B,)."""
        skin = state.points[:, -self.detail.skin_points :] + state.transl[:, None]
        places = self.cameras.project(skin)
        shown = places.maximum(self.ends[:, 0]).minimum(self.ends[:, 1])
        near = shown.maximum(self.corner).minimum(self.corner + self.span)
        grid = (near - self.corner) / self.span * 2 - 1
        beside = grid_sample(self.beyond, grid[:, None], align_corners=True)[:, 0, 0].clamp(min=0)
        beside = beside + (shown - near).abs().sum(-1)
        apart = torch.cdist(self.pixels, places).amin(2)
        empty = _robust((apart[:, :_INNER] - self.detail.slack).clamp(min=0)).mean(1)
        if self.detail.rim:
            rim = _robust((apart[:, _INNER:] - _RIM_SLACK_PX).clamp(min=0)).mean(1)
            empty = empty + self.detail.rim * rim
        return self.weight * self.known * (_robust(beside).mean(1) + empty)

    @classmethod
    def of_masks(
        cls,
        masks: Sequence[NDArray[np.bool_] | None],
        cameras: Cameras,
        weight: float,
        detail: Detail = ROUGH,
    ) -> "Silhouette":
        """Return the term for segments (H, W), one a person; None for who has none."""
        made = [_measured(mask) for mask in masks]
        like = cameras.center

        def tensor(values: list[NDArray[np.floating]]) -> Tensor:
            return torch.from_numpy(np.stack(values)).to(like)

        shapes = [(1, 1) if mask is None else mask.shape for mask in masks]
        unit = cameras.image_size.flip(1) / tensor([np.array(shape[::-1], float) for shape in shapes])
        last = tensor([np.array(shape[::-1], float) - 1 for shape in shapes])
        return cls(
            beyond=tensor([one.beyond for one in made])[:, None] * unit.mean(1)[:, None, None, None],
            corner=tensor([one.corner for one in made])[:, None] * unit[:, None],
            span=tensor([one.span for one in made])[:, None] * unit[:, None],
            ends=(torch.stack([torch.zeros_like(last), last], 1) * unit[:, None])[:, :, None],
            pixels=tensor([one.pixels for one in made]) * unit[:, None],
            known=torch.tensor([float(mask is not None and mask.any()) for mask in masks]).to(like),
            cameras=cameras,
            weight=weight,
            detail=detail,
        )


def _robust(distance: Tensor) -> Tensor:
    square = distance.square()
    return square * _SIGMA_PX**2 / (square + _SIGMA_PX**2)


class _Measured(NamedTuple):
    """Of one segment, x and y [px]; see `Silhouette`."""

    beyond: NDArray[np.floating]
    corner: NDArray[np.floating]
    span: NDArray[np.floating]
    pixels: NDArray[np.floating]


def _measured(mask: NDArray[np.bool_] | None) -> _Measured:
    if mask is None or not mask.any():
        return _Measured(np.zeros((_SIDE, _SIDE)), np.zeros(2), np.ones(2), np.zeros((_INNER + _RIM, 2)))
    inside = distance_transform_edt(mask) if not mask.all() else np.full(mask.shape, np.inf)
    signed = np.where(mask, 0.5 - inside, distance_transform_edt(~mask) - 0.5)
    y, x = np.nonzero(mask)
    low, high = np.array([x.min(), y.min()]), np.array([x.max(), y.max()])
    margin = np.maximum(np.ceil(_MARGIN * (high - low)), 1)
    last = np.array(mask.shape[::-1]) - 1
    low, high = np.maximum(low - margin, 0), np.minimum(high + margin, last)
    high = np.maximum(high, low + 1)  # a window has sides, whatever the picture
    steps = np.linspace(low, high, _SIDE)
    rows, columns = np.meshgrid(steps[:, 1], steps[:, 0], indexing="ij")
    beyond = map_coordinates(np.maximum(signed, -_FAR_INSIDE_PX), [rows, columns], order=1, mode="nearest")
    pixels = np.stack([x, y], 1)
    rim = np.argwhere(mask & ~binary_erosion(mask, border_value=1))[:, ::-1]
    chosen = [_some(pixels, _INNER), _some(rim if len(rim) else pixels, _RIM)]
    return _Measured(beyond, low, high - low, np.concatenate(chosen))


def _some(places: NDArray[np.integer], count: int) -> NDArray[np.floating]:
    """Return so many of places (N, 2), evenly."""
    return places[np.linspace(0, len(places) - 1, count).round().astype(int)].astype(np.float64)
