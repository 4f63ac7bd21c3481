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


def evidence(plan: Plan, testimony: Testimony, body: Body) -> Evidence:
    """Return what the keypoint model says for the labels of a plan; its models have looked at it."""
    labelled = project(body.joints(plan.points, COCO17), plan.bodies.scene.camera.cam_int)
    seen = testimony.keypoints
    distance = np.linalg.norm(seen.keypoints_2d - labelled, axis=-1) / longer_side(boxes(plan))[:, None]
    return evidence_of(seen.confidence, seen.support, distance <= NEAR, visibilities(plan, body) >= VISIBLE)
