"""What an estimator is given of everybody in a paper's evaluation: joints and a box."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthgen.backends.protocols import Image, Keypoints, MeshEstimate
from synthgen.evaluation.cameras import camera_of
from synthgen.evaluation.evaluate import EstimateFunction
from synthgen.joints import COCO17
from synthgen.observation import Observation, ObservedPerson
from synthgen.paper_tables.sets import Boxes, Joints
from synthgen.sample import Float

Detect = Callable[[Sequence[Image], Sequence[Float]], Sequence[Keypoints]]

SURE = 0.05  # confidence above which DPMesh's evaluation takes a detected joint for real
BOX_GROWTH = 1.2  # of the box around joints (DPMesh, 3DCrowdNet)


@dataclass(frozen=True)
class Input:
    """What whoever estimates is given of pictures.

    Attributes:
        keypoints: where joints come from.
        boxes: how people are cut out.
        detect: the keypoint model, for detected joints; None where nobody needs it.
    """

    keypoints: Joints = "given"
    boxes: Boxes = "labels"
    detect: Detect | None = None

    def __call__(self, observations: Sequence[Observation]) -> tuple[list[Float], list[Keypoints]]:
        """Return boxes (N, 4) xyxy [px] and joints of the people of some pictures."""
        boxes = [np.stack([person.bbox for person in one.people]).astype(float) for one in observations]
        if self.keypoints == "detected":
            if self.detect is None:
                raise ValueError("detected joints need a keypoint model")
            return boxes, list(self.detect([one.image for one in observations], boxes))
        joints = [self._joints(one) for one in observations]
        if self.boxes == "joints":
            boxes = [
                np.stack(
                    [
                        around(points, sure, box, (one.image.shape[0], one.image.shape[1]))
                        for points, sure, box in zip(found.keypoints_2d, found.confidence, own, strict=True)
                    ]
                )
                for one, found, own in zip(observations, joints, boxes, strict=True)
            ]
        return boxes, joints

    def _joints(self, one: Observation) -> Keypoints:
        pairs = [_given(person) if self.keypoints == "given" else _labels(person) for person in one.people]
        return Keypoints(np.stack([points for points, _ in pairs]), np.stack([sure for _, sure in pairs]))


def asking(estimator: Any, given: Input) -> EstimateFunction:
    """Return what estimates people of pictures from what they are given.

    Detected joints are those of the estimator's own keypoint model, where it looks at any.
    """
    guided = getattr(estimator, "with_keypoints", None)

    def estimate(observations: Sequence[Observation]) -> list[MeshEstimate]:
        images = [one.image for one in observations]
        cam_ints = [camera_of(one).cam_int for one in observations]
        own = replace(given, keypoints="labels", boxes="labels") if given.keypoints == "detected" else given
        boxes, joints = own(observations)
        if guided is None or given.keypoints == "detected":
            found: list[MeshEstimate] = estimator(images, boxes, cam_ints)
        else:
            found = guided(images, boxes, cam_ints, joints)
        return found

    return estimate


def around(points: Float, sure: Float, bbox: Float, image_size: tuple[int, int]) -> Float:
    """Return the box (4,) that DPMesh's evaluation makes of joints (17, 2); the labelled one where none is.

    Args:
        points: (17, 2) [px].
        sure: (17,) confidence.
        bbox: (4,) the labelled box.
        image_size: (H, W), which the box stays within.
    """
    found = points[sure > SURE]
    if len(found) < 2 or not (np.ptp(found, axis=0) > 0).all():
        return bbox
    low, high = found.min(0), found.max(0)
    middle, half = (low + high) / 2, BOX_GROWTH * (high - low) / 2
    limit = np.array(image_size[::-1], float) - 1
    box = np.concatenate([np.clip(middle - half, 0, limit), np.clip(middle + half, 0, limit)])
    return box if (box[2:] - box[:2] >= 1).all() else bbox


def _labels(person: ObservedPerson) -> tuple[Float, Float]:
    return person.keypoints_2d, person.confidence_2d


def _given(person: ObservedPerson) -> tuple[Float, Float]:
    """Return the data set's own 2D joints as COCO-17, or the labels where it has none."""
    own = person.joints
    if own is None or not own.confidence_2d.any():
        return _labels(person)
    points, sure = np.zeros((len(COCO17), 2), np.float32), np.zeros(len(COCO17), np.float32)
    for name, place, confidence in zip(own.names, own.keypoints_2d, own.confidence_2d, strict=True):
        if name in COCO17.names:
            points[COCO17.index(name)], sure[COCO17.index(name)] = place, confidence
    return points, sure
