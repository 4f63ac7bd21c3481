"""What tells right labels from wrong ones, as numbers that do not depend on the picture's scale. Pure arrays.

Limits on single scores miss much: a small or slim body overlaps less with its segment than a large, round
one, however right its label is, and outlines that differ a little everywhere are another thing than ones that
differ by an arm. An outline says nothing of how sure the segmenter is of it: where it is, a single pixel
tells more than many where it is not; and whatever the segmenter makes of a picture, of a label and the same
label with one limb elsewhere the right one fits better. `synthgen.critic` weighs these numbers together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from synthgen.rivals import greatest_gain
from synthgen.sample import Float

Number = TypeVar("Number", np.bool_, np.float64)

Clues = Mapping[str, Float]  # name of CLUES -> (P,) of the people of a picture

CLUES = (
    "overlap", "surprise", "protrusion", "rival", "thickness", "reach", "support", "displacement", "size",
    "slimness",
)  # fmt: skip
_CELLS = 96  # of a side of the window that outlines are compared in
_WINDOW = 1.25  # sides of the person's box that the window spans
_UNIT = _CELLS / _WINDOW  # cells a side of the box
_BULK = 0.97  # part of a silhouette that must lie near the other one
_LEAST_DIFFERENCE = 0.01  # below it overlaps count as equally good
_LEAST_AREA = 1e-3  # sides², so that nobody's slimness is infinite
_SUREST = 0.005  # nearer to 0 and 1 no probability is believed
_LEAST_SURPRISE = 1e-3  # nats a side of outline; below it labels count as equally good, and rivals as none
_LEAST_OUTLINE = 0.1  # sides


@dataclass(frozen=True)
class Silhouettes:
    """Who is labelled and who is seen where, in one picture.

    Attributes:
        shown: (P, H, W) visible silhouettes of the labelled bodies.
        boxes: (P, 4) xyxy [px] around them.
        joints: (P, 17, 2) COCO-17 joints of these bodies [px].
        found: (H, W) where people are segmented.
        probability: (H, W) of a person, in [0, 1], as the segmenter has it.
    """

    shown: NDArray[np.bool_]
    boxes: Float
    joints: Float
    found: NDArray[np.bool_]
    probability: Float


def clues_of(iou: Float, support: Float, displacement: Float, silhouettes: Silhouettes) -> Clues:
    """Collect the clues to P people of one picture.

    Args:
        iou: (P,) of visible body and segmented person, in [0, 1].
        support: (P,) least support of a visible joint by the keypoint model, in [0, 1].
        displacement: (P,) greatest distance of a visible joint from where the keypoint model is confident to
            have found it [sides of the box], see `agreement.JointAgreement`.
        silhouettes: of these people.

    Returns:
        overlap: -log(1 - IoU), so that 0.90 and 0.95 differ as much as 0.80 and 0.90.
        surprise: log of how much likelier than the labelled silhouette the segmenter holds its own one, by
            length of the outline [nats a side of the box]: odds are summed wherever they speak against the
            label.
        protrusion: the same where the label shows a body and nobody is seen. A label is a bare body: hair,
            clothes and shoes surprise as well, but they do not protrude.
        rival: log of how much likelier the segmenter holds the same silhouette with one limb elsewhere, at
            best, by length of the outline [nats a side of the box], see `synthgen.rivals`.
        thickness: radius of the largest disc that fits into what belongs to one silhouette only [sides of
            the box].
        reach: distance to the other silhouette that all but 3 % of each keep [sides of the box].
        support, displacement: as they came.
        size: log of the box's longer side [longer sides of the picture].
        slimness: log of circumference over area [1 / sides of the box].
    """
    from synthgen.metrics import longer_side

    shown, found = silhouettes.shown, silhouettes.found
    sides = longer_side(silhouettes.boxes)
    rows = []
    people = zip(shown, silhouettes.boxes, sides, silhouettes.joints, strict=True)
    for number, (own, box, side, joints) in enumerate(people):
        hidden = np.logical_or.reduce(np.delete(shown, number, 0), axis=0) & ~own
        window = _windowed(own, box, side)
        likely = _windowed(np.where(hidden, 0.0, silhouettes.probability), box, side)
        places = ((joints - (box[:2] + box[2:]) / 2) / side / _WINDOW + 0.5) * _CELLS
        outline = _outline(window, _windowed(found & ~hidden, box, side))
        rows.append((*outline, *_surprise(window, likely, places)))
    thickness, reach, slimness, surprise, protrusion, rival = np.array(rows).reshape(-1, 6).T
    return {
        "overlap": -np.log(np.clip(1 - iou, _LEAST_DIFFERENCE, 1)),
        "surprise": surprise,
        "protrusion": protrusion,
        "rival": rival,
        "thickness": thickness,
        "reach": reach,
        "support": np.asarray(support, np.float64),
        "displacement": np.asarray(displacement, np.float64),
        "size": np.log(sides / max(found.shape)),
        "slimness": slimness,
    }


def _windowed(values: NDArray[Number], box: Float, side: float) -> NDArray[Number]:
    """Return what a window around a box shows of a map, (_CELLS, _CELLS); zeros beyond the picture."""
    steps = ((np.arange(_CELLS) + 0.5) / _CELLS - 0.5) * _WINDOW * side
    columns, rows = (np.floor(middle + steps).astype(np.intp) for middle in (box[:2] + box[2:]) / 2)
    height, width = values.shape
    is_inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    found = values[np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))]
    return np.where(is_inside, found, np.zeros_like(found))


def _outline(own: NDArray[np.bool_], found: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return thickness, reach and slimness of two silhouettes in a window."""
    from scipy import ndimage

    if not own.any():
        return _WINDOW, _WINDOW, 0.0
    # Beyond the window nothing is known, so that a difference there ends.
    thickness = ndimage.distance_transform_edt(np.pad(own ^ found, 1)).max() / _UNIT
    reach = max(_far(own, found), _far(found, own)) if found.any() else _WINDOW
    return float(thickness), reach, float(np.log(_length(own) / (own.sum() / _UNIT**2 + _LEAST_AREA)))


def _surprise(own: NDArray[np.bool_], probability: Float, joints: Float) -> tuple[float, float, float]:
    """Return surprise, protrusion and rival of a silhouette in a window, with its joints [cells]."""
    likely = np.clip(probability, _SUREST, 1 - _SUREST)
    odds = np.log(likely / (1 - likely))
    against = np.maximum(np.where(own, -odds, odds), 0)
    outline = max(_length(own), _LEAST_OUTLINE)
    sums = against.sum(), (against * own).sum(), max(greatest_gain(own, odds, joints), 0.0)
    total, inside, elsewhere = (float(np.log(nats / _UNIT**2 / outline + _LEAST_SURPRISE)) for nats in sums)
    return total, inside, elsewhere


def _length(mask: NDArray[np.bool_]) -> float:
    """Return the length of an outline [sides of the box]."""
    from scipy import ndimage

    return int((mask & ~ndimage.binary_erosion(mask)).sum()) / _UNIT


def _far(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    from scipy import ndimage

    return float(np.quantile(ndimage.distance_transform_edt(~other)[mask], _BULK)) / _UNIT
