"""Step `verify`: does the picture show the bodies that its labels say? Asked of independent models.

Segmenter, keypoint model and mesh estimator look at the final picture, the latter two in the boxes of the
labelled bodies; `synthgen.agreement` compares what they find with the labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.agreement import VISIBLE, Agreement, keypoint_agreement, least_support, limb_cover
from synthgen.backends.protocols import Keypoints, MeshEstimate, Segments
from synthgen.body import Body
from synthgen.clues import Silhouettes, clues_of
from synthgen.geometry import project
from synthgen.joints import COCO17
from synthgen.metrics import longer_side, mpvpe
from synthgen.sample import Float
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
        probability: (H, W) of a person, in [0, 1].
        keypoints: of everybody who is labelled, in label order.
        estimate: their bodies.
    """

    people: Mask
    probability: Float
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


def question(plans: Sequence[Plan], witnesses: Witnesses, body: Body) -> list[Testimony]:
    """Ask all models about all pictures."""
    images = [plan.drawing.image for plan in plans]
    frames = [boxes(plan) for plan in plans]
    different = {id(image): image for image in images}  # a benchmark asks about many labels of one picture
    seen = dict(zip(different, witnesses.segmenter(list(different.values())), strict=True))
    segments = [seen[id(image)] for image in images]
    keypoints = witnesses.keypoints(images, frames, [_joints(plan, body) for plan in plans])
    cameras = [plan.bodies.scene.camera.cam_int for plan in plans]
    estimates = witnesses.mesh(images, frames, cameras)
    return [
        Testimony(cleaned(found, witnesses.masking), found.probability_of_people(), joints, estimate)
        for found, joints, estimate in zip(segments, keypoints, estimates, strict=True)
    ]


def compare(plans: Sequence[Plan], testimonies: Sequence[Testimony], body: Body) -> list[Agreement]:
    """Compare what labels say with what the models saw; the estimates belong to the labels' body."""
    counts = [len(plan.bodies.scene.people) for plan in plans]
    labelled = [person for plan in plans for person in plan.bodies.scene.people]
    estimated = [person for testimony in testimonies for person in testimony.estimate.people]
    posed = body.pose([*labelled, *estimated])
    total, ends = len(labelled), np.cumsum(counts)
    distances = mpvpe(
        posed.vertices[total:], posed.points[total:, 0], posed.vertices[:total], posed.points[:total, 0]
    )
    return [
        _agreement(plan, testimony, body, distances[end - count : end])
        for plan, testimony, count, end in zip(plans, testimonies, counts, ends, strict=True)
    ]


def _agreement(plan: Plan, testimony: Testimony, body: Body, distances: Float) -> Agreement:
    count = len(plan.bodies.scene.people)
    shown = np.stack([plan.drawing.mask == number for number in range(1, count + 1)])
    labelled = _joints(plan, body)
    visibility = visibilities(plan, body)
    joints = keypoint_agreement(
        testimony.keypoints.keypoints_2d,
        testimony.keypoints.confidence,
        labelled,
        visibility,
        boxes(plan),
        shown.sum((1, 2)).astype(np.float64),
    )
    iou = matched(shown, testimony.people)
    support = least_support(testimony.keypoints.support, visibility)
    found = np.logical_or.reduce(testimony.people, axis=0, initial=False)
    silhouettes = Silhouettes(shown, boxes(plan), labelled, found, testimony.probability)
    return Agreement(
        people_found=len(testimony.people),
        iou=iou,
        pck=joints.pck,
        oks=joints.oks,
        worst_joint=joints.worst,
        mpvpe_mm=distances,
        limb=limb_cover(labelled, visibility, shown, found),
        support=support,
        clues=clues_of(iou, support, joints.displacement, silhouettes),
    )


def greatest_move(plan: Plan, other: Plan, body: Body) -> float:
    """Return how far a joint of other bodies lies from that of a plan, [longer sides of its person's box].

    Joints count that show in either of them; the greatest distance of all people.
    """
    seen = np.maximum(visibilities(plan, body), visibilities(other, body)) >= VISIBLE
    distance = np.linalg.norm(_joints(plan, body) - _joints(other, body), axis=-1)
    return float(np.where(seen, distance / longer_side(boxes(plan))[:, None], 0.0).max())


def _joints(plan: Plan, body: Body) -> Float:
    """Return the projected COCO joints (P, 17, 2) of the labels [px]."""
    return project(body.joints(plan.points, COCO17), plan.bodies.scene.camera.cam_int)
