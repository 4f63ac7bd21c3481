"""What checks have in common: a person as a trainer's loader sees it, and what is wrong with it.

Each format's own check reads its files as the trainer does and states each person in one `Row`; here their
geometry is judged: the box holds the person, left and right are where the pose puts them, 3D lies under 2D.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthgen.geometry import project, rotvec_to_rotmat
from synthgen.joints import JointSet
from synthgen.sample import Float
from synthgen.shards.observation_records import look_at_file

MAX_ROWS = 256  # people of an export that are looked at, spread evenly
LEAST_INSIDE = 0.5  # part of the joints inside the picture that the box has to hold
SURE = 0.3  # confidence from which on 4D-Humans counts a joint
MAX_SPREAD = 50.0  # a box may be that much larger than its picture
TOLERANCE_PX = 1.0  # of 3D joints projected, for each 1000 px of the picture
_HIPS = ("left_hip", "right_hip")


@dataclass(frozen=True)
class Row:
    """A person as a loader sees it.

    Attributes:
        where: for messages.
        image: (H, W) [px] of the picture.
        center: (2,) [px].
        size: side of the square that the loader cuts out [px].
        joints: names of the joints below.
        keypoints_2d: (J, 3) x, y [px of the picture], confidence; None where the format has none.
        keypoints_3d: (J, 4) [m], confidence; None likewise.
        global_orient: (3,) root rotation; None where unknown.
        cam_int: (3, 3), where the 3D joints are in its frame; None where unknown.
    """

    where: str
    image: tuple[int, int]
    center: Float
    size: float
    joints: JointSet
    keypoints_2d: Float | None
    keypoints_3d: Float | None
    global_orient: Float | None
    cam_int: Float | None = None


def spread(count: int, most: int = MAX_ROWS) -> list[int]:
    """Return at most `most` positions out of `count`, evenly spread, the first and the last among them."""
    return sorted({int(place) for place in np.linspace(0, count - 1, min(count, most))}) if count else []


def problems_of(rows: Iterable[Row]) -> list[str]:
    """Return what is wrong with people, one line each."""
    return [f"{row.where}: {text}" for row in rows for text in _problems(row)]


def size_of_picture(path: Path) -> tuple[int, int]:
    """Return (H, W) of a picture that has to be there.

    Raises:
        ValueError: it is missing, or no RGB picture.
    """
    try:
        return look_at_file(path.read_bytes())[1]
    except FileNotFoundError as error:
        raise ValueError(f"{path.name}: the picture is missing") from error


def open_picture(data: bytes) -> tuple[int, int]:
    """Decode a picture as a loader does and return (H, W)."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture.height, picture.width


def _problems(row: Row) -> Iterator[str]:
    numbers = [row.center, np.array(row.size), row.keypoints_2d, row.keypoints_3d, row.global_orient]
    if not all(np.isfinite(one).all() for one in numbers if one is not None):
        yield "holds NaN or inf"
        return
    if not 1 <= row.size <= MAX_SPREAD * max(row.image):
        yield f"the loader cuts out {row.size:.3g} px of a picture of {row.image[1]}x{row.image[0]}"
    if row.keypoints_2d is not None:
        yield from _outside(row, row.keypoints_2d)
    if row.keypoints_3d is not None:
        yield from _swapped(row, row.keypoints_3d)
        if row.keypoints_2d is not None and row.cam_int is not None:
            yield from _apart(row, row.keypoints_2d, row.keypoints_3d, row.cam_int)


def _outside(row: Row, joints: Float) -> Iterator[str]:
    limit = np.array(row.image[::-1]) - 1
    is_shown = (joints[:, :2] >= 0) & (joints[:, :2] <= limit)
    shown = (joints[:, 2] >= SURE) & np.all(is_shown, axis=1)
    is_inside = np.abs(joints[:, :2] - row.center) <= row.size / 2 + 1
    inside = np.asarray(np.all(is_inside, axis=1))
    if shown.any() and inside[shown].mean() < LEAST_INSIDE:
        yield f"only {inside[shown].sum()} of {shown.sum()} joints lie in what the loader cuts out"


def _swapped(row: Row, joints: Float) -> Iterator[str]:
    """Compare the hips with the root's rotation: in its frame, left is +x on SMPL."""
    left, right = (row.joints.index(name) for name in _HIPS)
    if row.global_orient is None or min(joints[left, 3], joints[right, 3]) == 0:
        return
    across = rotvec_to_rotmat(row.global_orient).T @ (joints[left, :3] - joints[right, :3])
    if across[0] <= 0:
        yield f"the left hip lies {-across[0] * 1000:.0f} mm to the right of the right one, as the root turns"


def _apart(row: Row, pixels: Float, joints: Float, cam_int: Float) -> Iterator[str]:
    both = (pixels[:, 2] > 0) & (joints[:, 3] > 0) & (joints[:, 2] > 0)
    if not both.any():
        return
    shown = project(joints[both, :3].astype(np.float64), cam_int)
    distance = np.linalg.norm(shown - pixels[both, :2], axis=1)
    if np.median(distance) > 0.05 * row.size + TOLERANCE_PX:
        yield f"3D joints are projected {np.median(distance):.0f} px beside the 2D ones"
