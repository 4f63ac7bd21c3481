"""Would the picture rather have a limb elsewhere? A label is held against its own neighbours. Pure arrays.

How well a whole silhouette fits hangs on who drew the picture, what the person wears and how well it is
segmented, for right labels as for wrong ones. All that is the same for a label and for the same label with
one limb turned; what is left between the two is whether the limb is in its place.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthgen.joints import COCO17
from synthgen.sample import Float

_TURNS = np.radians([-40.0, -25, -12, 0, 12, 25, 40])  # of a limb in the picture
_LENGTHS = np.array([0.75, 1, 1.3])  # turned away from or towards the camera, a limb looks shorter or longer
_HAND, _FOOT = 0.35, 0.2  # how far beyond wrist and ankle a limb goes on, as parts of the bone before
_FEWEST = 4  # cells that a limb shows
_SHORTEST = 1e-6  # cells, of a bone that has a direction


def greatest_gain(own: NDArray[np.bool_], odds: Float, joints: Float) -> float:
    """Return by how much a silhouette's odds improve at most if one limb moves.

    Limbs turn about shoulder, elbow, hip or knee in the picture plane, and become shorter or longer, with all
    that hangs on them. The cells of a silhouette belong to the bone that they are nearest to. What a limb
    covers is summed over its cells, each as large as the move makes it.

    Args:
        own: (H, W) visible silhouette of the label.
        odds: (H, W) log odds of a person [nats].
        joints: (17, 2) COCO-17 joints of the label [cells], origin at the corner of the first cell.

    Returns:
        Sum of the odds that are won less those that are lost [nats · cells]; below 0 where every move makes
        it worse, 0 where no limb shows.
    """
    rows, columns = np.nonzero(own)
    cells = np.stack([columns, rows], -1) + 0.5
    names, starts, ends = _bones(joints)
    nearest = _distances(cells, starts, ends).argmin(1) if len(cells) else np.zeros(0, np.intp)
    gains = []
    for parts, pivot, end in _limbs():
        is_limb = np.isin(nearest, [names.index(part) for part in parts])
        along = joints[end] - joints[pivot]
        if is_limb.sum() < _FEWEST or np.linalg.norm(along) < _SHORTEST:
            continue
        free = odds.copy()
        free[rows[~is_limb], columns[~is_limb]] = 0  # the rest of the body is there already
        before = float(odds[rows[is_limb], columns[is_limb]].sum())
        gains.append(_best(cells[is_limb] - joints[pivot], along, joints[pivot], free) - before)
    return max(gains, default=0.0)


def _best(offsets: Float, along: Float, pivot: Float, free: Float) -> float:
    """Return the greatest odds of a limb's cells, given from its pivot (N, 2), over all moves."""
    height, width = free.shape
    ahead = along / np.linalg.norm(along)
    aside = np.array([-ahead[1], ahead[0]])
    lengths = _LENGTHS[:, None, None] * (offsets @ ahead)[:, None] * ahead  # (lengths, N, 2)
    stretched = lengths + (offsets @ aside)[:, None] * aside
    cosines, sines = np.cos(_TURNS), np.sin(_TURNS)
    turns = np.moveaxis(np.array([[cosines, sines], [-sines, cosines]]), -1, 0)  # for rows on the left
    places = np.floor(stretched @ turns[:, None] + pivot).astype(np.intp)  # (turns, lengths, N, 2)
    column, row = places[..., 0], places[..., 1]
    is_inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    found = np.where(is_inside, free[row.clip(0, height - 1), column.clip(0, width - 1)], 0.0)
    total = found.sum(-1) * _LENGTHS
    total[np.ix_(_TURNS == 0, _LENGTHS == 1)] = -np.inf  # that is the label itself
    return float(total.max())


def _limbs() -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Yield the bones that move together, the joint that they turn about, and the next joint."""
    chains = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
    for side in ("left", "right"):
        for first, middle, last in chains:
            upper, lower = f"{side}_{first}", f"{side}_{middle}"
            yield (upper, lower), COCO17.index(upper), COCO17.index(lower)
            yield (lower,), COCO17.index(lower), COCO17.index(f"{side}_{last}")


def _bones(joints: Float) -> tuple[list[str], Float, Float]:
    """Return bones of limbs, named by their first joint, and trunk: names, first and last points (N, 2)."""
    place = {name: joints[index] for index, name in enumerate(COCO17.names)}
    bones: dict[str, tuple[Float, Float]] = {}
    for side, other in (("left", "right"), ("right", "left")):
        shoulder, elbow, wrist, hip, knee, ankle = (
            place[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        )
        bones |= {
            f"{side}_shoulder": (shoulder, elbow),
            f"{side}_elbow": (elbow, wrist + _HAND * (wrist - elbow)),
            f"{side}_hip": (hip, knee),
            f"{side}_knee": (knee, ankle + _FOOT * (ankle - knee)),
            f"{side}_flank": (0.6 * shoulder + 0.4 * place[f"{other}_shoulder"], hip),
        }
    middle = (place["left_shoulder"] + place["right_shoulder"]) / 2
    bones["spine"] = middle, (place["left_hip"] + place["right_hip"]) / 2
    bones["head"] = middle, place["nose"]
    starts, ends = (np.array(points) for points in zip(*bones.values(), strict=True))
    return list(bones), starts, ends


def _distances(points: Float, starts: Float, ends: Float) -> Float:
    """Return the distances (N, bones) of points (N, 2) from line segments."""
    along = ends - starts
    offsets = points[:, None] - starts
    part = (offsets * along).sum(-1) / np.maximum((along**2).sum(-1), _SHORTEST)
    return np.linalg.norm(offsets - np.clip(part, 0, 1)[..., None] * along, axis=-1)
