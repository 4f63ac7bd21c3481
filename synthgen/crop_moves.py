"""How crops lie in their pictures, and what turning, mirroring and scaling does to labels: pure functions.

Pixels have their origin at the centre of the top-left pixel. A crop's content is first mirrored, then turned
about the optical axis; the 3D frame goes with it, so that points still project into the crop.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry import Array, rotvec_to_rotmat
from synthgen.joints import SMPL24, JointSet


@dataclass(frozen=True)
class View:
    """How crops lie in their pictures.

    Attributes:
        affine: (B, 2, 3) from pixels of the picture to pixels of the crop.
        angle: (B,) [rad] by which the crop's content is turned, clockwise as seen.
        is_flipped: (B,) mirrored left to right, before the turn.
    """

    affine: Array
    angle: Array
    is_flipped: NDArray[np.bool_]


def lay(
    center: Array, scale: Array, angle: Array, is_flipped: NDArray[np.bool_], middle: tuple[float, float]
) -> View:
    """Return the view that takes points of pictures to the middle of crops.

    Args:
        center: (B, 2) [px of the picture].
        scale: (B,) pixels of the crop for a pixel of the picture.
        angle: (B,) [rad].
        is_flipped: (B,).
        middle: (x, y) where the centers come to lie [px of the crop].
    """
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    mirror = np.where(is_flipped, -1.0, 1.0)
    linear = np.stack([np.stack([cos * mirror, -sin], -1), np.stack([sin * mirror, cos], -1)], -2)
    shift = np.array(middle) - (linear @ center[..., None])[..., 0]
    return View(np.concatenate([linear, shift[..., None]], -1), angle, is_flipped)


def move_2d(points: Array, view: View, joint_set: JointSet) -> Array:
    """Return where pixels (B, J, 2) of the picture lie in the crop."""
    moved = points @ view.affine[:, :, :2].swapaxes(-1, -2) + view.affine[:, None, :, 2]
    return swap_sides(moved, view, joint_set)


def move_3d(points: Array, view: View, joint_set: JointSet) -> Array:
    """Turn and mirror points (B, J, 3), of the camera frame or relative to one of them, with the crop."""
    mirrored = np.where(view.is_flipped[:, None, None], points * (-1, 1, 1), points)
    return swap_sides(mirrored @ _turn(view.angle).swapaxes(-1, -2), view, joint_set)


def swap_sides(values: Array, view: View, joint_set: JointSet) -> Array:
    """Exchange left and right joints of values (B, J, ...) where the crop is mirrored."""
    keep = np.expand_dims(~view.is_flipped, tuple(range(1, values.ndim)))
    return np.where(keep, values, values[:, list(joint_set.flip_permutation())])


def move_pose(global_orient: Array, body_pose: Array, view: View) -> Array:
    """Turn and mirror SMPL rotations with the crop.

    Args:
        global_orient: (B, 3) axis-angle [rad].
        body_pose: (B, 23, 3) axis-angle [rad].
        view: how the crops lie.

    Returns:
        (B, 24, 3, 3) rotation matrices, the root's first.
    """
    rotvec = np.concatenate([global_orient[:, None], body_pose], 1)
    mirrored = np.where(view.is_flipped[:, None, None], rotvec * (1, -1, -1), rotvec)
    rotmat = rotvec_to_rotmat(swap_sides(mirrored, view, SMPL24))
    rotmat[:, 0] = _turn(view.angle) @ rotmat[:, 0]
    return rotmat


def move_transl(transl: Array, rest_pelvis: Array, view: View) -> Array:
    """Return the translation (B, 3) [m] of bodies whose rotations `move_pose` moved.

    Args:
        transl: (B, 3) [m], camera frame of the picture.
        rest_pelvis: (B, 3) pelvis of the shaped body in the rest pose [m]; SMPL turns about it.
        view: how the crops lie.
    """
    pelvis = rest_pelvis + transl
    mirrored = np.where(view.is_flipped[:, None], pelvis * (-1, 1, 1), pelvis)
    return (_turn(view.angle) @ mirrored[..., None])[..., 0] - rest_pelvis


def move_camera(cam_int: Array, view: View) -> Array:
    """Return the camera of the crop: what `move_3d` moved projects to where `move_2d` moved it.

    Turning about the optical axis leaves square pixels square: with one focal length f, the result is
    [[s f, 0, x], [0, s f, y], [0, 0, 1]]. Two different focal lengths come out as a camera with skew.

    Args:
        cam_int: (B, 3, 3) intrinsics of the pictures [px].
        view: how the crops lie.

    Returns:
        (B, 3, 3) [px of the crop].
    """
    linear = view.affine[:, :, :2]
    mirror = np.stack([np.where(view.is_flipped, -1.0, 1.0), np.ones(len(cam_int))], -1)
    turn = _turn(view.angle)[:, :2, :2] * mirror[:, None, :]
    moved = np.zeros((len(cam_int), 3, 3))
    moved[:, :2, :2] = linear @ cam_int[:, :2, :2] @ turn.swapaxes(-1, -2)
    moved[:, :2, 2] = (linear @ cam_int[:, :2, 2, None])[..., 0] + view.affine[:, :, 2]
    moved[:, 2, 2] = 1
    return moved


def _turn(angle: Array) -> Array:
    return rotvec_to_rotmat(np.stack([0 * angle, 0 * angle, angle], -1))
