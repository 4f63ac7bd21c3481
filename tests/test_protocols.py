import numpy as np
import pytest

from synthgen.body import Body
from synthgen.joints import H36M17, POINT_NAMES, SMPL24
from synthgen.metrics import PROTOCOLS, Protocol
from synthgen.sample import Person


def test_3dpw_counts_fourteen_joints_by_name() -> None:
    protocol = PROTOCOLS["3dpw"]
    assert set(H36M17.names) - set(protocol.joints) == {"pelvis", "spine", "jaw"}
    assert len(protocol.joints) == 14
    assert protocol.root == ("pelvis",) and protocol.joint_set is H36M17
    for name in ("3doh", "h36m"):
        assert set(PROTOCOLS[name].joints) == set(protocol.joints)


def test_joints_of_papers_by_their_numbers_in_the_regressor() -> None:
    """DPMesh's evaluation takes rows 1-6, 8 and 10-16 of the regressor with the right leg first."""
    assert sorted(PROTOCOLS["3dpw"].indices) == [*range(1, 7), 8, *range(10, 17)]


def test_ski_and_smpl_count_all_their_joints() -> None:
    for name in ("ski_poseptz", "cmu_panoptic", "mannequin"):
        assert PROTOCOLS[name].joints == H36M17.names
    chosen = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16]  # as eval_diffusion.py lists them
    assert list(PROTOCOLS["ski_diffusion_hpc"].indices) == chosen
    assert PROTOCOLS["smpl24"].joints == PROTOCOLS["emdb"].joints == SMPL24.names


def test_a_root_of_several_joints_is_their_middle() -> None:
    protocol = Protocol("two", SMPL24, ("left_hip", "right_hip"), ("left_hip", "right_hip"), "")
    joints = np.zeros((24, 3))
    joints[SMPL24.index("left_hip")], joints[SMPL24.index("right_hip")] = (2, 0, 0), (4, 6, 0)
    np.testing.assert_allclose(protocol.centred(joints), [[-1, -3, 0], [1, 3, 0]])


def test_unknown_joints_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown joint 'tail' in smpl24"):
        Protocol("odd", SMPL24, ("tail",), ("pelvis",), "")


def test_sides_are_those_of_the_body(body: Body) -> None:
    still = Person(np.zeros(3), np.zeros((23, 3)), np.zeros(10), np.zeros(3))
    points = body.pose([still]).points[0]
    for protocol in PROTOCOLS.values():
        joints = protocol.centred(body.joints(points, protocol.joint_set))
        for name, place in zip(protocol.joints, joints, strict=True):
            if name.startswith(("left_", "right_")):
                assert (place[0] > 0) == name.startswith("left_"), (protocol.name, name)


def test_joints_that_need_the_skin_are_unknown_without_it() -> None:
    known = np.array([float(name in SMPL24.names) for name in POINT_NAMES])
    protocol = PROTOCOLS["3dpw"]
    joints, root = protocol.chosen(protocol.confidence(known))
    assert [name for name, one in zip(protocol.joints, joints, strict=True) if not one] == ["head_top"]
    assert root == 1
    known[POINT_NAMES.index("pelvis")], known[POINT_NAMES.index("left_knee")] = 0, 0.25
    joints, root = protocol.chosen(protocol.confidence(known))
    assert root == 0 and joints[protocol.joints.index("left_knee")] == 0.25
