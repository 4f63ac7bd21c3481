"""Square crops around people, with the labels moved along: Subjects become Crops and Labels.

The same boxes serve training, evaluation and estimators: `crops_of` cuts what somebody else detected.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthgen.crop_moves import View, lay, move_2d, move_3d, move_camera, move_pose, swap_sides
from synthgen.dpmesh.augment import STILL, Change
from synthgen.dpmesh.batch import Crops, Labels
from synthgen.dpmesh.joint_maps import condition_from_coco
from synthgen.dpmesh.painting import Decoder, paint, reduction_of
from synthgen.dpmesh.subjects import Subject, guessed_camera
from synthgen.geometry import Array
from synthgen.joints import DPMESH30
from synthgen.sample import Camera

PADDING = 1.2  # side of the crop over the greater side of the box

Pixels = NDArray[np.uint8]
Task = Callable[[], Pixels]
Run = Callable[[Iterable[Task]], list[Pixels]]


@dataclass(frozen=True)
class Frame:
    """What crops look like.

    Attributes:
        side: of the crop [px].
        padding: side of the crop in the picture over the greater side of the person's box.
    """

    side: int
    padding: float = PADDING


def view_of(bbox: Array, frame: Frame, changes: Sequence[Change]) -> View:
    """Return how the crops around boxes (B, 4) xyxy [px] lie."""
    sides = frame.padding * (bbox[:, 2:] - bbox[:, :2]).max(-1)
    scale = np.array([one.scale for one in changes])
    center = (bbox[:, :2] + bbox[:, 2:]) / 2 + sides[:, None] * np.stack([one.shift for one in changes])
    angle = np.array([one.angle for one in changes])
    is_flipped = np.array([one.is_flipped for one in changes])
    middle = (frame.side - 1) / 2
    return lay(center, frame.side / (sides * scale), angle, is_flipped, (middle, middle))


def cut(
    subjects: Sequence[Subject],
    changes: Sequence[Change],
    frame: Frame,
    decoder: Decoder | None,
    run: Run,
) -> tuple[Crops, Labels]:
    """Cut crops and move their labels.

    Args:
        subjects: at least one.
        changes: one for each.
        frame: what the crops look like.
        decoder: of their pictures; None leaves all crops black.
        run: runs tasks that make one crop's pixels each, and returns their results in order.

    Raises:
        ValueError: a picture is damaged; the message names tar and key.
    """
    view = view_of(_stack([one.bbox for one in subjects]), frame, changes)
    if decoder is None:
        images = torch.zeros(1, 3, frame.side, frame.side).expand(len(subjects), -1, -1, -1)
    else:
        affines = zip(subjects, view.affine, changes, strict=True)
        images = _images(
            run([_painter(one, affine, change, frame.side, decoder) for one, affine, change in affines])
        )
    points = move_2d(_stack([one.condition_2d for one in subjects]), view, DPMESH30)
    weights = swap_sides(_stack([one.condition_confidence for one in subjects]), view, DPMESH30)
    cam_int = move_camera(_stack([one.cam_int for one in subjects]), view)
    return _crops(images, points, weights, cam_int), _labels(subjects, view)


def crops_of(
    image: Pixels,
    bbox: Array,
    keypoints_2d: Array,
    confidence: Array,
    camera: Camera | None,
    frame: Frame,
) -> Crops:
    """Cut the people that somebody detected in a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        bbox: (P, 4) xyxy boxes of the visible bodies [px]; P is at least 1.
        keypoints_2d: (P, 17, 2) COCO-17 [px].
        confidence: (P, 17) in [0, 1].
        camera: None where nobody knows it.
        frame: what the crops look like.
    """
    from PIL import Image

    height, width = image.shape[:2]
    changes = [STILL] * len(bbox)
    view = view_of(np.asarray(bbox, np.float64), frame, changes)
    whole = Image.fromarray(image)
    pixels = []
    for affine, change in zip(view.affine, changes, strict=True):
        reduction = reduction_of(affine)
        small = whole.reduce(reduction) if reduction > 1 else whole
        pixels.append(paint(small, affine, frame.side, change, reduction))
    points, weights = condition_from_coco(np.asarray(keypoints_2d, np.float64), np.asarray(confidence))
    cam_int = guessed_camera((height, width)) if camera is None else camera.cam_int
    cameras = move_camera(np.broadcast_to(cam_int, (len(bbox), 3, 3)), view)
    return _crops(_images(pixels), move_2d(points, view, DPMESH30), weights, cameras)


def _painter(subject: Subject, affine: Array, change: Change, side: int, decoder: Decoder) -> Task:
    def task() -> Pixels:
        reduction = reduction_of(affine)
        try:
            image = decoder(subject.picture, reduction)
        except ValueError as error:
            raise ValueError(f"{subject.where}: {error}") from error
        return paint(image, affine, side, change, reduction)

    return task


def _images(pixels: Sequence[Pixels]) -> Tensor:
    return torch.from_numpy(np.stack([one.transpose(2, 0, 1) for one in pixels])).float().div_(255)


def _crops(images: Tensor, points: Array, weights: Array, cam_int: Array) -> Crops:
    """Put crops together; the condition knows nothing of joints outside the crop."""
    inside = ((points >= -0.5) & (points < images.shape[-1] - 0.5)).all(-1)
    is_known = inside & (weights > 0)
    return Crops(
        images=images,
        keypoints_2d=_tensor(np.where(is_known[..., None], points, 0)),
        confidence=_tensor(np.where(is_known, weights, 0)),
        cam_int=_tensor(cam_int),
    )


def _labels(subjects: Sequence[Subject], view: View) -> Labels:
    confidence_2d = swap_sides(_stack([one.confidence_2d for one in subjects]), view, DPMESH30)
    confidence_3d = swap_sides(_stack([one.confidence_3d for one in subjects]), view, DPMESH30)
    points_2d = move_2d(_stack([one.keypoints_2d for one in subjects]), view, DPMESH30)
    rotvec = _stack([one.rotvec for one in subjects])
    has_smpl = np.array([one.has_smpl for one in subjects])
    rotmat = move_pose(rotvec[:, 0], rotvec[:, 1:], view)
    return Labels(
        rotmat=_tensor(np.where(has_smpl[:, None, None, None], rotmat, 0)),
        betas=_tensor(_stack([one.betas for one in subjects])),
        keypoints_3d=_tensor(move_3d(_stack([one.keypoints_3d for one in subjects]), view, DPMESH30)),
        confidence_3d=_tensor(confidence_3d),
        keypoints_2d=_tensor(np.where(confidence_2d[..., None] > 0, points_2d, 0)),
        confidence_2d=_tensor(confidence_2d),
        has_smpl=_tensor(has_smpl),
        has_camera=_tensor(np.array([one.has_camera for one in subjects])),
    )


def _stack(arrays: Sequence[Array]) -> Array:
    return np.stack(arrays).astype(np.float64)


def _tensor(array: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
