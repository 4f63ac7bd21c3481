"""The stick figure has the bundled body's bones, and its contact points lie on the skin."""

import numpy as np

from synthgen.joints import SMPL24
from synthgen.sample import Person
from synthgen.scenes import skeleton

_REST = Person(np.zeros(3), np.zeros((23, 3)), np.zeros(10), np.zeros(3))


def _stick() -> tuple[np.ndarray, np.ndarray]:
    return skeleton.forward(np.broadcast_to(np.eye(3), (len(SMPL24), 3, 3)))


def test_bones_are_those_of_the_open_body(body):
    joints = body.joints(body.pose([_REST]).points[0], SMPL24)
    position, _ = _stick()
    assert np.abs(joints - joints[0] - position).max() < 0.03


def test_contact_points_lie_on_the_skin(body):
    posed = body.pose([_REST])
    pelvis = body.joints(posed.points[0], SMPL24)[0]
    points = skeleton.skin_points(*_stick())[skeleton.IS_SKIN] + pelvis
    gap = np.linalg.norm(posed.vertices[0][:, None, :] - points, axis=-1).min(0)
    assert gap.max() < 0.05, skeleton.SKIN_POINTS[int(gap.argmax())]
