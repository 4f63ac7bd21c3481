"""Joint sets are consistent with themselves and with the points of a body."""

import numpy as np
import pytest

from synthgen.joints import COCO17, DPMESH30, H36M17, JOINT_SETS, OPENPOSE25, POINT_NAMES, ROOT, SMPL24


@pytest.mark.parametrize("joint_set", JOINT_SETS.values(), ids=JOINT_SETS)
def test_sets_are_well_formed(joint_set):
    assert len(set(joint_set.names)) == len(joint_set)
    flip = joint_set.flip_permutation()
    assert sorted(flip) == list(range(len(joint_set)))
    assert [flip[i] for i in flip] == list(range(len(joint_set)))
    weights = joint_set.point_weights()
    assert weights.shape == (len(joint_set), len(POINT_NAMES))
    np.testing.assert_allclose(weights.sum(1), 1)
    for child, parent in enumerate(joint_set.parents):
        assert parent == ROOT or parent < child


def test_sizes_and_order_are_those_of_the_field():
    assert [len(s) for s in (SMPL24, COCO17, OPENPOSE25, H36M17, DPMESH30)] == [24, 17, 25, 17, 30]
    parents = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
    assert SMPL24.parents == parents
    assert COCO17.index("left_hip") == 11
    assert OPENPOSE25.index("mid_hip") == 8
    assert H36M17.index("right_hip") == 1
    assert DPMESH30.names[:24] == SMPL24.names


def test_left_and_right_are_swapped_by_a_flip():
    flip = COCO17.flip_permutation()
    assert flip[COCO17.index("left_wrist")] == COCO17.index("right_wrist")
    assert flip[COCO17.index("nose")] == COCO17.index("nose")


def test_mapping_between_sets_goes_by_name():
    positions = COCO17.indices_in(OPENPOSE25)
    assert [OPENPOSE25.names[i] for i in positions] == list(COCO17.names)


def test_unknown_joint_lists_the_known_ones():
    with pytest.raises(ValueError, match="unknown joint 'tail' in coco17; known: nose"):
        COCO17.index("tail")
