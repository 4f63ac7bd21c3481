"""Rotations, cameras, projection, crops, Procrustes: pure numpy functions over any leading batch dims.

Frames: OpenCV camera axes (x right, y down, z forward), metres and pixels; the pixel origin is the centre of
the top-left pixel. Rotation matrices act on column vectors: `x_camera = R @ x_world + t`.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.floating]


def rotvec_to_rotmat(rotvec: Array) -> Array:
    """Convert axis-angle (..., 3) [rad] to rotation matrices (..., 3, 3)."""
    flat = np.asarray(rotvec, np.float64).reshape(-1, 3)
    return Rotation.from_rotvec(flat).as_matrix().reshape(*np.shape(rotvec)[:-1], 3, 3)


def rotmat_to_rotvec(rotmat: Array) -> Array:
    """Convert rotation matrices (..., 3, 3) to axis-angle (..., 3) [rad], angle in [0, pi]."""
    flat = np.asarray(rotmat, np.float64).reshape(-1, 3, 3)
    return Rotation.from_matrix(flat).as_rotvec().reshape(*np.shape(rotmat)[:-2], 3)


def rotmat_to_rot6d(rotmat: Array) -> Array:
    """Convert rotation matrices (..., 3, 3) to 6D (..., 6): first column, then second (Zhou et al., 2019)."""
    return np.concatenate([rotmat[..., :, 0], rotmat[..., :, 1]], axis=-1)


def rot6d_to_rotmat(rot6d: Array) -> Array:
    """Convert 6D (..., 6) to rotation matrices (..., 3, 3) by Gram-Schmidt on the two columns."""
    first, second = rot6d[..., :3], rot6d[..., 3:]
    b1 = first / np.linalg.norm(first, axis=-1, keepdims=True)
    second = second - (b1 * second).sum(-1, keepdims=True) * b1
    b2 = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([b1, b2, np.cross(b1, b2)], axis=-1)


def intrinsics(focal_length: float, image_size: tuple[int, int]) -> Array:
    """Return the (3, 3) pinhole matrix [px] of a camera that looks at the middle of the picture.

    Args:
        focal_length: [px], both axes.
        image_size: (H, W) [px].
    """
    height, width = image_size
    return np.array([[focal_length, 0, (width - 1) / 2], [0, focal_length, (height - 1) / 2], [0, 0, 1.0]])


def project(points: Array, cam_int: Array) -> Array:
    """Project camera-frame points to pixels (pinhole, no distortion).

    Args:
        points: (..., N, 3) [m], OpenCV camera frame; z must be > 0.
        cam_int: (..., 3, 3) intrinsics [px].

    Returns:
        (..., N, 2) [px], origin at the top-left pixel centre.
    """
    homogeneous = points @ np.swapaxes(cam_int, -1, -2)
    return homogeneous[..., :2] / homogeneous[..., 2:]


def unproject(pixels: Array, depth: Array, cam_int: Array) -> Array:
    """Lift pixels (..., N, 2) at depth (..., N) [m] to camera-frame points (..., N, 3) [m]."""
    rays = np.concatenate([pixels, np.ones_like(pixels[..., :1])], -1) @ np.linalg.inv(cam_int).swapaxes(
        -1, -2
    )
    return rays * depth[..., None]


def look_at(eye: Array, target: Array, up: Array) -> tuple[Array, Array]:
    """Return the world-to-camera (R (3, 3), t (3,)) of an OpenCV camera.

    Args:
        eye: (3,) camera position [m], world frame.
        target: (3,) point on the optical axis [m], world frame; must differ from `eye`.
        up: (3,) world direction that shows upwards in the picture; must not be parallel to the view.
    """
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, up)
    right = right / np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    return R, -R @ eye


def transform_points(R: Array, t: Array, points: Array) -> Array:
    """Apply x -> R x + t to points (..., N, 3); R (..., 3, 3), t (..., 3)."""
    return points @ np.swapaxes(R, -1, -2) + t[..., None, :]


def transform_root(
    R: Array, t: Array, global_orient: Array, transl: Array, rest_pelvis: Array
) -> tuple[Array, Array]:
    """Move an SMPL body rigidly by x -> R x + t and return its new root parameters.

    SMPL rotates about the pelvis of the rest shape, so the translation has to carry that offset.

    Args:
        R: (..., 3, 3).
        t: (..., 3) [m].
        global_orient: (..., 3) axis-angle [rad].
        transl: (..., 3) [m].
        rest_pelvis: (..., 3) pelvis of the shaped body in the rest pose [m].

    Returns:
        global_orient (..., 3) [rad] and transl (..., 3) [m] in the new frame.
    """
    orient = rotmat_to_rotvec(R @ rotvec_to_rotmat(global_orient))
    moved = (R @ (rest_pelvis + transl)[..., None])[..., 0] + t
    return orient, moved - rest_pelvis


def bbox_of_points(points: Array, image_size: tuple[int, int]) -> Array:
    """Return the xyxy box [px] (..., 4) of pixels (..., N, 2), clipped to the picture (H, W)."""
    height, width = image_size
    low, high = points.min(-2), points.max(-2)
    box = np.concatenate([low, high], -1)
    limit = np.array([width - 1, height - 1, width - 1, height - 1], box.dtype)
    return np.clip(box, 0, limit)


def crop_affine(center: Array, size: Array, output_size: int) -> Array:
    """Return the (..., 2, 3) affine from picture pixels to pixels of a square crop.

    Args:
        center: (..., 2) middle of the crop [px].
        size: (...,) side of the crop in the picture [px].
        output_size: side of the crop after scaling [px].
    """
    scale = np.asarray(output_size / size)
    middle = (output_size - 1) / 2
    shift = middle - scale[..., None] * center
    linear = scale[..., None, None] * np.eye(2)
    return np.concatenate([linear, shift[..., None]], -1)


def procrustes(source: Array, target: Array, weight: Array | None = None) -> Array:
    """Align source to target with the best similarity transform (Umeyama, 1991).

    Args:
        source: (..., N, 3).
        target: (..., N, 3).
        weight: (..., N) at least 0, not all 0: how much each point counts; None for 1 each.

    Returns:
        (..., N, 3) source after the scale, rotation (never a reflection) and translation of least squares.
    """
    share = np.full((*np.shape(source)[:-1], 1), 1 / np.shape(source)[-2])
    if weight is not None:
        share = (weight / weight.sum(-1, keepdims=True))[..., None]
    mu_s, mu_t = (share * source).sum(-2, keepdims=True), (share * target).sum(-2, keepdims=True)
    s, t = source - mu_s, target - mu_t
    U, singular, Vt = np.linalg.svd(np.swapaxes(t, -1, -2) @ (share * s))
    sign = np.ones_like(singular)
    sign[..., -1] = np.linalg.det(U @ Vt)
    R = (U * sign[..., None, :]) @ Vt
    scale = (singular * sign).sum(-1) / (share * s**2).sum((-2, -1))
    return scale[..., None, None] * (s @ np.swapaxes(R, -1, -2)) + mu_t
