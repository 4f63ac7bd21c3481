"""Whose joints are these? Joint sets of as many joints are told apart by how long their bones would be.

Files of 2D joints rarely name their joints, and COCO's 17 and Human3.6M's 17 look alike by their shape alone:
read in the wrong order, shins run from faces to hips, and any fit to them is wrong.
"""

import numpy as np

from synthgen.joints import COCO17, COCO_BONES, H36M17, ROOT
from synthgen.sample import Float

_ORDERS = {
    COCO17.name: np.array(COCO_BONES),
    H36M17.name: np.array([(child, parent) for child, parent in enumerate(H36M17.parents) if parent != ROOT]),
}
_CLEARLY = 0.75  # part of the bones' length in one order that another has to stay below


def check_order(joints: Float, confidence: Float, where: str) -> None:
    """Raise where joints in COCO's order would have bones clearly longer than in another order.

    Args:
        joints: (N, 17, 2) [px] of everybody in a file.
        confidence: (N, 17); 0 for joints that were not found.
        where: file, for the message.

    Raises:
        ValueError: of half of the people at least, or more.
    """
    lengths = {name: _mean_bone(joints, confidence, bones) for name, bones in _ORDERS.items()}
    own = lengths.pop(COCO17.name)
    for name, other in lengths.items():
        is_known = np.isfinite(own) & np.isfinite(other) & (own > 0)
        if is_known.any() and np.median(other[is_known] / own[is_known]) < _CLEARLY:
            part = np.median(other[is_known] / own[is_known])
            raise ValueError(
                f"{where}: joints are in the order of {name}, expected {COCO17.name} "
                f"({', '.join(COCO17.names[:3])}, …): bones are {part:.2f} times as long then; reorder them"
            )


def check_names(names: list[str], where: str) -> None:
    """Raise where a file names joints, and not COCO's in COCO's order.

    Raises:
        ValueError: names the first joint that is another one.
    """
    plain = [name.lower().replace(" ", "_") for name in names]
    if plain == list(COCO17.names):
        return
    pairs = zip(plain, COCO17.names, strict=False)
    wrong = next((f"{got}, expected {wanted}" for got, wanted in pairs if got != wanted), "too few or many")
    raise ValueError(
        f"{where}: names {len(names)} joints that are not {COCO17.name}'s: {wrong}; reorder them"
    )


def _mean_bone(
    joints: Float, confidence: Float, bones: "np.ndarray[tuple[int, ...], np.dtype[np.intp]]"
) -> Float:
    """Return the mean length (N,) of the bones that were found; NaN where that is fewer than half of them."""
    ends, sure = joints[:, bones], confidence[:, bones]
    is_found = (sure > 0).all(-1)
    length = np.where(is_found, np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=-1), 0.0)
    count = is_found.sum(1)
    return np.where(2 * count >= len(bones), length.sum(1) / np.maximum(count, 1), np.nan)
