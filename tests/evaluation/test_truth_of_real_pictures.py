"""What evaluation takes from real labels: a data set's own landmarks, gendered bodies under their names."""

from dataclasses import replace

import numpy as np

from synthgen.backends.protocols import MeshEstimate
from synthgen.body import Body, load_body
from synthgen.evaluation.measure import Judge
from synthgen.evaluation.truth import gaps, truth_of
from synthgen.joints import COCO17, H36M17, POINT_NAMES, SMPL24
from synthgen.metrics import PROTOCOLS
from synthgen.observation import MeasuredJoints, Observation, ObservedPerson
from synthgen.sample import Person

ZEROS = [np.zeros(shape, np.float32) for shape in ((3,), (23, 3), (10,))]
STILL = Person(*ZEROS, np.array([0, 0, 4], np.float32))


def observation(person: ObservedPerson) -> Observation:
    return Observation("a", np.zeros((8, 8, 3), np.uint8), None, (person,), "smpl", "test")


def observed(**known: object) -> ObservedPerson:
    none = np.zeros(len(SMPL24), np.float32)
    coco = np.zeros((len(COCO17), 2), np.float32)
    return ObservedPerson(np.array([0, 0, 4, 4.0]), coco, coco[:, 0], None, none, None, **known)


def test_landmarks_of_a_data_set_count() -> None:
    points = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.float32)
    sure = np.array([1, 0.5, 0], np.float32)
    joints = MeasuredJoints(
        ("head_top", "ski_tip", "nose"), np.zeros((3, 2), np.float32), np.zeros(3, np.float32), points, sure
    )
    truth = truth_of([observation(observed(joints=joints))], {})
    assert truth.confidence.sum() == 1
    np.testing.assert_allclose(truth.points[0, POINT_NAMES.index("head_top")], [1, 2, 3])


def test_joints_of_a_data_set_count_by_its_own_protocol() -> None:
    """Spine and jaw of Human3.6M are no SMPL joints; who has measured them is measured by them."""
    rng = np.random.default_rng(0)
    true = rng.normal(0, 0.3, (len(H36M17), 3)).astype(np.float32)
    sure = np.ones(len(H36M17), np.float32)
    sure[H36M17.index("left_wrist")] = 0
    own = MeasuredJoints(H36M17.names, np.zeros((17, 2), np.float32), 0 * sure, true, sure)
    estimate = MeshEstimate((STILL,), np.zeros((1, 1, 1), np.float32))
    body = load_body("open")
    judge = Judge({"open": body}, PROTOCOLS["ski_diffusion_hpc"])
    measured = judge.measure([observation(observed(joints=own))], [estimate], "open")
    errors = dict(zip(judge.protocol.joints, measured.joint_errors[0], strict=True))
    assert len(errors) == 16 and [name for name in errors if np.isnan(errors[name])] == ["left_wrist"]
    found = body.joints(body.pose([STILL]).points[0], H36M17)
    spine = H36M17.index("spine")
    apart = 1000 * np.linalg.norm((found[spine] - found[0]) - (true[spine] - true[0]))
    np.testing.assert_allclose(errors["spine"], apart, rtol=1e-4)


def test_gendered_bodies_are_not_the_neutral_one(body: Body) -> None:
    person = replace(observed(gender="female"), person=STILL)
    assert truth_of([observation(person)], {"smpl": body}).vertices == (None,)
    truth = truth_of([observation(person)], {"smpl": body, "smpl_female": body})
    assert truth.vertices[0] is not None and truth.body == ("smpl_female",)
    assert any(
        "'smpl_female', which is not at hand" in one for one in gaps([observation(person)], {"smpl": body})
    )


def test_meshes_of_gendered_bodies_are_compared_vertex_by_vertex(body: Body) -> None:
    person = replace(observed(gender="male"), person=STILL)
    estimate = MeshEstimate((STILL,), np.zeros((1, 1, 1), np.float32))
    judge = Judge({"smpl": body, "smpl_male": body}, PROTOCOLS["3dpw"])
    measured = judge.measure([observation(person)], [estimate], "smpl")
    assert measured.figures["mpvpe"][0] < 1e-3 and measured.figures["mpjpe"][0] < 1e-3
    apart = Judge({"smpl": body}, PROTOCOLS["3dpw"]).measure([observation(person)], [estimate], "smpl")
    assert np.isnan(apart.figures["mpvpe"][0]), "the male body is not at hand"
