"""Step `verify`: does the picture show the bodies that its labels say? Asked of independent models.

Segmenter, keypoint model and mesh estimator look at the final picture, the latter two in the boxes of the
labelled bodies; `synthgen.agreement` compares what they find with the labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.agreement import Agreement, keypoint_agreement, mesh_distance
from synthgen.backends.protocols import Keypoints, MeshEstimate, Segments
from synthgen.body import Body
from synthgen.geometry import project
from synthgen.joints import COCO17
from synthgen.stages.depth import Plan
from synthgen.stages.label import boxes, visibilities
from synthgen.stages.masks import Masking, cleaned
from synthgen.stages.silhouettes import Mask, matched


@dataclass(frozen=True)
class Witnesses:
    """The models that are asked.

    Attributes:
        segmenter: who is where.
        keypoints: where the joints are.
        mesh: what the bodies look like.
        masking: which segments count as people.
    """

    segmenter: Callable[..., list[Segments]]
    keypoints: Callable[..., list[Keypoints]]
    mesh: Callable[..., list[MeshEstimate]]
    masking: Masking


@dataclass(frozen=True)
class Testimony:
    """What the models see in one picture.

    Attributes:
        people: (N, H, W) masks of people.
        keypoints: of everybody who is labelled, in label order.
        estimate: their bodies.
    """

    people: Mask
    keypoints: Keypoints
    estimate: MeshEstimate


@dataclass(frozen=True)
class Verdict:
    """What comes of looking at a picture.

    Attributes:
        reason: why it is not good enough, or None.
        scores: of each person, by name.
        testimony: what the models saw; None where they were not asked.
    """

    reason: str | None
    scores: tuple[dict[str, float], ...]
    testimony: Testimony | None = None


def question(plans: Sequence[Plan], witnesses: Witnesses) -> list[Testimony]:
    """Ask all models about all pictures."""
    images = [plan.drawing.image for plan in plans]
    frames = [boxes(plan) for plan in plans]
    segments = witnesses.segmenter(images)
    keypoints = witnesses.keypoints(images, frames)
    cameras = [plan.bodies.scene.camera.cam_int for plan in plans]
    estimates = witnesses.mesh(images, frames, cameras)
    return [
        Testimony(cleaned(found, witnesses.masking), joints, estimate)
        for found, joints, estimate in zip(segments, keypoints, estimates, strict=True)
    ]


def compare(plan: Plan, testimony: Testimony, body: Body) -> Agreement:
    """Compare what the labels say with what the models saw; the estimates belong to the labels' body."""
    people = plan.bodies.scene.people
    shown = np.stack([plan.drawing.mask == number for number in range(1, len(people) + 1)])
    overlaps = matched(shown, testimony.people)
    labelled = project(body.joints(plan.points, COCO17), plan.bodies.scene.camera.cam_int)
    joints = keypoint_agreement(
        testimony.keypoints.keypoints_2d,
        testimony.keypoints.confidence,
        labelled,
        visibilities(plan, body),
        boxes(plan),
        shown.sum((1, 2)).astype(np.float64),
    )
    estimated = body.pose(testimony.estimate.people)
    posed = body.pose(people)
    distances = mesh_distance(estimated.vertices, estimated.points[:, 0], posed.vertices, posed.points[:, 0])
    return Agreement(
        people_found=len(testimony.people),
        iou=overlaps,
        pck=joints.pck,
        oks=joints.oks,
        worst_joint=joints.worst,
        mpvpe_mm=distances,
    )
