from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from synthgen.geometry import rotmat_to_rotvec, rotvec_to_rotmat
from synthgen.joints import COCO17, SMPL24
from synthgen.report.tally import NUM_SECTORS, Tally, rotation_angles
from synthgen.sample import Sample, Validity

UPRIGHT = np.array([np.pi, 0, 0])  # y up in the body, y down in the camera; chest to the camera


def counted(*samples: Sample) -> Tally:
    tally = Tally()
    for sample in samples:
        tally.add(sample.scene, sample.labels, sample.scores, sample.provenance)
    return tally


def posed(sample: Sample, **changes: np.ndarray) -> Sample:
    return replace(sample, scene=replace(sample.scene, people=(replace(sample.scene.people[0], **changes),)))


@pytest.mark.parametrize(
    ("rotvec", "degrees"),
    [((0, 0, 0), 0), ((np.pi / 2, 0, 0), 90), ((0, 0, -np.pi), 180), ((0, 3 * np.pi / 2, 0), 90)],
)
def test_rotation_angle_is_the_short_way_round(rotvec, degrees):
    assert rotation_angles(np.array(rotvec)) == pytest.approx(degrees)


def test_rotation_angle_is_that_of_the_matrix():
    rotvec = np.random.default_rng(0).normal(0, 3, (200, 3))
    trace = np.trace(rotvec_to_rotmat(rotvec), axis1=-2, axis2=-1)
    np.testing.assert_allclose(
        rotation_angles(rotvec), np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1))), atol=1e-5
    )


def test_counts_of_people_and_poses(make_sample: Callable[..., Sample]):
    tally = counted(make_sample(0, num_people=2), make_sample(1))
    assert (tally.pictures, tally.people) == (2, 3)
    assert tally.people_per_picture == {2: 1, 1: 1}
    assert tally.actions == {("ski", "tuck"): 3}
    assert all(
        histogram.total == 3 for histogram in (*tally.angles, *tally.betas, tally.distance, tally.tilt)
    )
    assert tally.visibility.sum() == 3 * len(COCO17)
    assert tally.scores["visible"].count == 3 and tally.scores["occluded"].mean == 0.25
    assert tally.models["renderer", "dots", ""] == 2


def test_known_scores_are_counted_by_value_and_unknown_ones_summed_up(make_sample: Callable[..., Sample]):
    sample = make_sample(0)
    label = replace(sample.labels[0], scores={"mask_iou": 0.81, "mpvpe_mm": 9e9, "own": 3.0})
    tally = counted(replace(sample, labels=(label,)))
    assert tally.spectra.keys() == {"mask_iou", "mpvpe_mm", "occluded"}
    assert tally.spectra["mask_iou"].quantile(0.5) == pytest.approx(0.81, abs=0.005)
    assert tally.spectra["mpvpe_mm"].counts[-1] == 1
    assert tally.scores["own"].mean == 3.0


def test_numbers_are_those_of_the_labels(make_sample: Callable[..., Sample]):
    sample = make_sample(3)
    tally, label = counted(sample), sample.labels[0]
    pelvis = label.keypoints_3d[SMPL24.index("pelvis")]
    assert tally.distance.quantile(0.5) == pytest.approx(np.linalg.norm(pelvis), abs=tally.distance.width)
    assert tally.height.quantile(0.5) == pytest.approx(label.bbox[3] - label.bbox[1], abs=tally.height.width)
    assert tally.fov.quantile(0.5) == pytest.approx(np.degrees(2 * np.arctan(48 / 110)), abs=tally.fov.width)
    assert tally.visibility[:, 0].sum() == (label.visibility > 0.75).sum()
    for joint, histogram in zip(SMPL24.names[1:], tally.angles, strict=True):
        person = sample.scene.people[0]
        angle = np.degrees(np.linalg.norm(person.body_pose[SMPL24.index(joint) - 1]))
        assert histogram.quantile(0.5) == pytest.approx(angle, abs=1)


@pytest.mark.parametrize(
    ("turn", "sector"), [(0, 0), (np.pi / 2, NUM_SECTORS // 4), (np.pi, NUM_SECTORS // 2)]
)
def test_facing_is_measured_from_the_camera_to_the_pictures_right(
    make_sample: Callable[..., Sample], turn: float, sector: int
):
    turned = rotmat_to_rotvec(rotvec_to_rotmat(UPRIGHT) @ rotvec_to_rotmat(np.array([0, turn, 0])))
    tally = counted(posed(make_sample(0), global_orient=turned))
    assert np.flatnonzero(tally.facing).tolist() == [sector]
    assert tally.tilt.quantile(0.5) < 2


def test_handstand_is_tilted_by_a_half_turn(make_sample: Callable[..., Sample]):
    tally = counted(posed(make_sample(0), global_orient=np.zeros(3)))
    assert tally.tilt.quantile(0.5) > 178


def test_labels_that_are_not_valid_are_left_out(make_sample: Callable[..., Sample]):
    sample = make_sample(0)
    label = replace(sample.labels[0], valid=Validity(smpl=False, keypoints_2d=False, keypoints_3d=False))
    tally = counted(replace(sample, labels=(label,)))
    assert tally.people == 1
    assert tally.distance.total == tally.tilt.total == tally.facing.sum() == tally.visibility.sum() == 0
