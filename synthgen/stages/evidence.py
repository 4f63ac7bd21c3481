"""What the picture says for labels that were fitted to it; see `synthgen.trust`."""

import numpy as np

from synthgen.agreement import NEAR, VISIBLE
from synthgen.body import Body
from synthgen.geometry import project
from synthgen.joints import COCO17
from synthgen.metrics import longer_side
from synthgen.stages.depth import Plan
from synthgen.stages.label import boxes, visibilities
from synthgen.stages.verify import Testimony
from synthgen.trust import Evidence, evidence_of

_MOVED = 0.05  # of the box's longer side, from which on a joint counts as moved


def evidence(plan: Plan, testimony: Testimony, body: Body, before: Plan) -> Evidence:
    """Return what the keypoint model says for the labels of a plan; its models have looked at it.

    Args:
        plan: with fitted bodies.
        testimony: on it.
        body: of the plans.
        before: the plan as it was. Joints that the fit left in their places need no word for them: nothing
            may speak against them, as for all labels.
    """
    labelled, old = (
        project(body.joints(one.points, COCO17), one.bodies.scene.camera.cam_int) for one in (plan, before)
    )
    seen, sides = testimony.keypoints, longer_side(boxes(plan))[:, None]
    distance, way = (np.linalg.norm(other - labelled, axis=-1) / sides for other in (seen.keypoints_2d, old))
    is_visible = visibilities(plan, body) >= VISIBLE
    return evidence_of(seen.confidence, seen.support, distance <= NEAR, is_visible, way > _MOVED)
