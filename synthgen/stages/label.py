"""Labels of people from their bodies, and how well each of them shows in the picture."""

from collections.abc import Sequence

import numpy as np

from synthgen.body import Body
from synthgen.geometry import project
from synthgen.joints import COCO17, SMPL24
from synthgen.quality import Gate, Measurement
from synthgen.render import Drawing, joint_visibility
from synthgen.sample import Float, Label, Validity
from synthgen.stages.depth import Plan
from synthgen.stages.silhouettes import box_of_mask

# Bodies are what pictures are drawn around (and checked against), so that labels follow from them exactly.
KNOWN_EXACTLY = Validity(smpl=True, keypoints_2d=True, keypoints_3d=True)


def visibilities(plan: Plan, body: Body) -> Float:
    """Return how far each COCO-17 joint shows: (P, 17) in [0, 1]."""
    drawing = plan.drawing
    joints = body.joints(plan.points, COCO17)
    return joint_visibility(joints, drawing.depth, drawing.silhouettes, plan.bodies.scene.camera)


def boxes(plan: Plan) -> Float:
    """Return the boxes (P, 4) xyxy [px] of the visible bodies."""
    count = len(plan.bodies.scene.people)
    return np.stack([box_of_mask(plan.drawing.mask == number) for number in range(1, count + 1)])


def measure(drawing: Drawing, visibility: Float, gate: Gate) -> list[Measurement]:
    """Measure how well each person shows in a picture.

    Args:
        drawing: the picture with its masks.
        visibility: (P, 17) of the COCO-17 joints, in [0, 1].
        gate: says from where on a joint counts as visible.
    """
    return [
        Measurement(
            visible_joints=gate.visible_joints(visibility[person]),
            visible_part=float(drawing.visible[person]),
            coverage=float(np.mean(drawing.mask == person + 1)),
        )
        for person in range(len(visibility))
    ]


def label(plan: Plan, body: Body, scores: Sequence[dict[str, float]]) -> tuple[Label, ...]:
    """Derive every person's labels from the bodies; each must show in at least one pixel.

    Args:
        plan: what is drawn, with `points` (P, N, 3) [m] in the camera frame.
        body: blends points into joints.
        scores: of each person.
    """
    bodies = plan.bodies
    keypoints_2d = project(body.joints(plan.points, COCO17), bodies.scene.camera.cam_int)
    keypoints_3d = body.joints(plan.points, SMPL24)
    visibility = visibilities(plan, body)
    return tuple(
        Label(
            bbox=box_of_mask(plan.drawing.mask == person + 1),
            keypoints_2d=keypoints_2d[person],
            visibility=visibility[person],
            keypoints_3d=keypoints_3d[person],
            valid=KNOWN_EXACTLY,
            family=bodies.families[person],
            action=bodies.actions[person],
            scores=scores[person],
        )
        for person in range(len(scores))
    )
