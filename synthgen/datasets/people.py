"""Joints in a data set's own order become an ObservedPerson: COCO-17 and SMPL-24 by name, boxes if missing.

Nothing is filled in: a joint that is not finite, or that a set does not have, is unknown.
"""

from dataclasses import dataclass, replace

import numpy as np

from synthgen.datasets.entry import UnusableError
from synthgen.joints import COCO17, SMPL24, JointSet
from synthgen.observation import Gender, MeasuredJoints, ObservedPerson
from synthgen.sample import Float, Person

REACH = 1.0  # sides of the picture that a joint may lie outside of it
MARGIN = (
    0.1  # of a box around joints, on each side, in parts of its greater side: bodies are wider than joints
)


@dataclass(frozen=True)
class Joints:
    """Joints as a data set gives them.

    Attributes:
        joint_set: their order.
        keypoints_2d: (J, 2) [px], or None.
        confidence_2d: (J,) in [0, 1]; None: 1 wherever `keypoints_2d` are finite.
        keypoints_3d: (J, 3) [m], camera frame, or None.
        confidence_3d: (J,) in [0, 1]; None: 1 wherever `keypoints_3d` are finite.
    """

    joint_set: JointSet
    keypoints_2d: Float | None = None
    confidence_2d: Float | None = None
    keypoints_3d: Float | None = None
    confidence_3d: Float | None = None

    def measured(self) -> MeasuredJoints:
        """Return them as they are stored."""
        count = len(self.joint_set)
        points_2d, sure_2d = _known(self.keypoints_2d, self.confidence_2d, (count, 2))
        points_3d, sure_3d = _known(self.keypoints_3d, self.confidence_3d, (count, 3))
        has_3d = self.keypoints_3d is not None
        names = self.joint_set.names
        return MeasuredJoints(names, points_2d, sure_2d, points_3d if has_3d else None, sure_3d)


@dataclass(frozen=True)
class Known:
    """What else is known of a person; attributes as in `ObservedPerson`.

    Attributes:
        bbox: (4,) xyxy [px]; None, or one without an extent, is made of the joints.
        own: joints that the data set has beside those that labels are made of.
    """

    bbox: Float | None = None
    person: Person | None = None
    gender: Gender = "neutral"
    visibility: Float | None = None
    family: str = "unknown"
    action: str = "unknown"
    own: Joints | None = None


def observe(joints: Joints, image_size: tuple[int, int], known: Known | None = None) -> ObservedPerson:
    """Return a person with what is known.

    Args:
        joints: labels are made of these; they are kept as the person's own where they say more.
        image_size: (H, W) [px].
        known: what else is known.

    Raises:
        UnusableError: there is neither a box nor a joint in the picture.
    """
    known = known or Known()
    measured = within_reach(joints.measured(), image_size)
    joint_set = joints.joint_set
    points_2d, sure_2d = by_name(measured.keypoints_2d, measured.confidence_2d, joint_set, COCO17)
    points_3d = None
    sure_3d: Float = np.zeros(len(SMPL24), np.float32)
    if measured.keypoints_3d is not None:
        points_3d, sure_3d = by_name(measured.keypoints_3d, measured.confidence_3d, joint_set, SMPL24)
    bbox = known.bbox
    if bbox is None or not _is_box(bbox):
        bbox = box_around(measured.keypoints_2d, measured.confidence_2d, image_size)
    own = measured if known.own is None else known.own.measured()
    return ObservedPerson(
        bbox=bbox.astype(np.float32),
        keypoints_2d=points_2d,
        confidence_2d=sure_2d,
        keypoints_3d=points_3d if sure_3d.any() else None,
        confidence_3d=sure_3d,
        person=known.person,
        family=known.family,
        action=known.action,
        visibility=known.visibility,
        gender=known.gender,
        joints=own if _says_more(own) else None,
    )


def within_reach(joints: MeasuredJoints, image_size: tuple[int, int]) -> MeasuredJoints:
    """Forget 2D joints that lie more than the picture's size outside of it: projections that say nothing."""
    size = np.array(image_size[::-1], np.float32)
    places = np.asarray(joints.keypoints_2d)
    is_near = np.all((places >= -REACH * size) & (places <= (1 + REACH) * size), axis=1)
    return replace(
        joints,
        keypoints_2d=np.where(is_near[:, None], joints.keypoints_2d, np.float32(0)),
        confidence_2d=np.where(is_near, joints.confidence_2d, np.float32(0)),
    )


def by_name(values: Float, confidence: Float, have: JointSet, want: JointSet) -> tuple[Float, Float]:
    """Return values (J, D) and confidences (J,) of one set in the order of another; 0 for joints it lacks."""
    found = np.zeros((len(want), values.shape[1]), np.float32)
    sure = np.zeros(len(want), np.float32)
    for row, name in enumerate(have.names):
        target = _point(have, name)
        if target in want.names:
            found[want.index(target)], sure[want.index(target)] = values[row], confidence[row]
    return found, sure


def box_around(points: Float, confidence: Float, image_size: tuple[int, int]) -> Float:
    """Return the box xyxy [px] around joints (J, 2), with a margin, inside the picture (H, W).

    Raises:
        UnusableError: no joint is in the picture.
    """
    limit = np.array(image_size[::-1], np.float64) - 1
    seen = points[confidence > 0].astype(np.float64)
    if not ((seen >= 0) & (seen <= limit)).all(1).any():
        raise UnusableError("no joint lies in the picture")
    low, high = seen.min(0), seen.max(0)
    margin = max(MARGIN * (high - low).max(), 1.0)
    low, high = np.clip(low - margin, 0, limit), np.clip(high + margin, 0, limit)
    return np.concatenate([low, high])


def _says_more(own: MeasuredJoints) -> bool:
    """Tell whether joints hold anything that COCO-17 in the picture and SMPL-24 in space leave out."""
    flat = own.names == COCO17.names and own.keypoints_3d is None
    return not flat and not (own.names == SMPL24.names and not own.confidence_2d.any())


def _point(joint_set: JointSet, name: str) -> str:
    """Return the body point that a joint is, where it is one alone; else its name."""
    blend = joint_set.blends.get(name, {})
    return next(iter(blend)) if len(blend) == 1 else name


def _is_box(bbox: Float) -> bool:
    return bool(np.isfinite(bbox).all() and (bbox[2:] > bbox[:2]).all())


def _known(points: Float | None, confidence: Float | None, shape: tuple[int, int]) -> tuple[Float, Float]:
    """Return finite points and confidences, both 0 where anything is not finite."""
    if points is None:
        return np.zeros(shape, np.float32), np.zeros(shape[0], np.float32)
    if points.shape != shape:
        raise ValueError(f"joints must have shape {shape}, got {points.shape}")
    sure = np.ones(shape[0]) if confidence is None else np.clip(confidence, 0, 1)
    is_known = np.isfinite(points).all(1) & np.isfinite(sure) & (np.abs(points) < 1e9).all(1)
    places = np.where(is_known[:, None], points, 0).astype(np.float32)
    return places, np.where(is_known, sure, 0).astype(np.float32)
