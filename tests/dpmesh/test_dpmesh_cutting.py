"""Crops and labels move together: exactly, whatever the change."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from people import MAKER, POINTS, observe, only_2d, stored, subjects_of
from PIL import Image

from synthgen.body_points import blend
from synthgen.crop_moves import move_transl
from synthgen.dpmesh import painting
from synthgen.dpmesh.augment import STILL, Change
from synthgen.dpmesh.batch import Crops, Labels
from synthgen.dpmesh.crop_sheet import SIDE, sheet
from synthgen.dpmesh.cutting import Frame, crops_of, cut, view_of
from synthgen.dpmesh.joint_maps import condition_from_coco, labels_from_coco
from synthgen.dpmesh.painting import Decoder, paint, reduction_of
from synthgen.dpmesh.subjects import SMALL, UNLABELLED, Subject, SubjectMaker
from synthgen.geometry import project
from synthgen.joints import COCO17, DPMESH30
from synthgen.observation import Notes
from synthgen.sample import Sample
from synthgen.shards.observation_records import StoredPicture, store

MakeSample = Callable[..., Sample]
FRAME = Frame(64)
WILD = [
    STILL,
    replace(STILL, is_flipped=True),
    replace(STILL, angle=0.7),
    replace(STILL, scale=0.7, shift=np.array([0.1, -0.2])),
    Change(1.3, np.array([-0.1, 0.05]), -1.1, True, np.array([1.2, 0.8, 1.0]), 2, 5),
]


def at_once(tasks: object) -> list[np.ndarray]:
    return [task() for task in tasks]


def cut_all(subjects: list[Subject], changes: list[Change], frame: Frame = FRAME) -> tuple[Crops, Labels]:
    return cut(subjects, changes, frame, Decoder(10), at_once)


@pytest.mark.parametrize("change", WILD)
def test_the_moved_body_projects_onto_the_moved_keypoints(make_sample: MakeSample, change: Change) -> None:
    samples = [make_sample(index) for index in range(3)]
    subjects = subjects_of(*map(stored, samples))
    crops, labels = cut_all(subjects, [change] * 3)
    view = view_of(np.stack([one.bbox for one in subjects]), FRAME, [change] * 3)
    joints = POINTS(labels.rotmat, labels.betas)
    pelvis = POINTS(torch.eye(3).expand(3, 24, 3, 3), labels.betas)[:, 0].numpy()
    transl = move_transl(np.stack([one.scene.people[0].transl for one in samples]), pelvis, view)
    points = blend(joints + torch.from_numpy(transl.astype(np.float32))[:, None], DPMESH30)
    tolerance = 5e-2 if change.is_flipped else 1e-3  # [px]; the body is not quite its own mirror image
    projected = project(points.double().numpy(), crops.cam_int.double().numpy())
    np.testing.assert_allclose(projected, labels.keypoints_2d, atol=tolerance)
    relative = points - points[:, :1]
    np.testing.assert_allclose(relative, labels.keypoints_3d, atol=2e-3 if change.is_flipped else 1e-5)
    assert labels.has_smpl.all() and labels.has_camera.all() and labels.confidence_2d.all()


def test_the_camera_of_a_crop_has_one_focal_length_and_no_skew(make_sample: MakeSample) -> None:
    crops, _ = cut_all(subjects_of(stored(make_sample(0))) * len(WILD), WILD)
    focal = crops.cam_int[:, 0, 0]
    expected = torch.eye(2) * focal[:, None, None]
    torch.testing.assert_close(crops.cam_int[:, :2, :2], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("image_format", ["png", "jpg"])
@pytest.mark.parametrize("zoom", [0.6, 1.4, 2.5, 5.0])
def test_pixels_lie_where_keypoints_say(make_sample: MakeSample, image_format: str, zoom: float) -> None:
    """A white dot in the picture shows up at its moved place, also in pictures decoded smaller."""
    side = 64
    rng = np.random.default_rng(1)
    notes = observe(make_sample(0, size=(480, 480))).notes()
    for change in WILD:
        spot = rng.integers(180, 300, 2)
        image = np.zeros((480, 480, 3), np.uint8)
        y, x = np.mgrid[:480, :480]
        image[np.hypot(x - spot[0], y - spot[1]) < 2.5 * max(1, zoom)] = 255
        picture = store(notes.with_image(image), image_format)
        half = side * zoom / 2 / 1.2
        bbox = np.array([[240 - half, 240 - half, 240 + half, 240 + half]])
        view = view_of(bbox, Frame(side), [change])
        reduction = reduction_of(view.affine[0])
        if change is STILL:
            assert reduction == {0.6: 1, 1.4: 1, 2.5: 2, 5.0: 4}[zoom]
        plain = replace(change, occluders=0)
        crop = paint(Decoder(0)(picture, reduction), view.affine[0], side, plain, reduction)[..., 2].astype(
            float
        )
        expected = view.affine[0, :, :2] @ spot + view.affine[0, :, 2]
        if (expected < 8).any() or (expected > side - 9).any():
            continue
        ys, xs = np.mgrid[:side, :side]
        found = np.array([(crop * xs).sum(), (crop * ys).sum()]) / crop.sum()
        np.testing.assert_allclose(found, expected, atol=0.3)


def test_a_crop_of_the_whole_picture_is_the_picture() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 40, 3)).astype(np.uint8)
    view = view_of(np.array([[0.0, 0, 39, 39]]), Frame(40, padding=40 / 39), [STILL])
    np.testing.assert_array_equal(paint(Image.fromarray(image), view.affine[0], 40, STILL, 1), image)
    mirrored = view_of(np.array([[0.0, 0, 39, 39]]), Frame(40, 40 / 39), [replace(STILL, is_flipped=True)])
    np.testing.assert_array_equal(
        paint(Image.fromarray(image), mirrored.affine[0], 40, STILL, 1), image[:, ::-1]
    )


def test_mirrored_crops_exchange_left_and_right(make_sample: MakeSample) -> None:
    subjects = subjects_of(stored(make_sample(0))) * 2
    _, labels = cut_all(subjects, [STILL, replace(STILL, is_flipped=True)])
    left, right = DPMESH30.index("left_wrist"), DPMESH30.index("right_wrist")
    mirrored = labels.keypoints_2d[0] * torch.tensor([-1.0, 1]) + torch.tensor([63.0, 0])
    torch.testing.assert_close(labels.keypoints_2d[1, left], mirrored[right], atol=1e-4, rtol=0)


def test_pictures_with_2d_keypoints_only_say_no_more(make_sample: MakeSample) -> None:
    observation = observe(make_sample(0))
    person = only_2d(observation.people[0])
    observation = replace(observation, camera=None, people=(person,))
    crops, labels = cut_all(subjects_of(store(observation, "png")), [STILL])
    known = [DPMESH30.names[row] for row in labels.confidence_2d[0].nonzero()[:, 0]]
    assert sorted(known) == sorted(COCO17.names)
    assert not labels.has_smpl.any() and not labels.has_camera.any() and not labels.confidence_3d.any()
    assert not labels.rotmat.any() and not labels.keypoints_3d.any()
    height, width = observation.image.shape[:2]
    side = 1.2 * (person.bbox[2:] - person.bbox[:2]).max()
    assert crops.cam_int[0, 0, 0].item() == pytest.approx(np.hypot(height, width) * 64 / side, rel=1e-5)


def test_labels_of_another_body_are_joints_only(make_sample: MakeSample) -> None:
    observation = replace(observe(make_sample(0)), body="smpl")
    _, labels = cut_all(subjects_of(store(observation, "png")), [STILL])
    assert not labels.has_smpl.any()
    assert labels.confidence_3d[0].sum() == 24 and labels.confidence_2d[0].sum() == 17
    _, truth = cut_all(subjects_of(stored(make_sample(0))), [STILL])
    torch.testing.assert_close(labels.keypoints_3d[0, :24], truth.keypoints_3d[0, :24], atol=1e-4, rtol=0)


def test_3d_joints_without_a_pelvis_cannot_be_used(make_sample: MakeSample) -> None:
    observation = observe(make_sample(0))
    confidence = np.ones(24, np.float32)
    confidence[0] = 0
    person = replace(observation.people[0], person=None, confidence_3d=confidence)
    _, labels = cut_all(subjects_of(store(replace(observation, people=(person,)), "png")), [STILL])
    assert not labels.confidence_3d.any() and labels.confidence_2d.any()


def test_people_without_labels_or_too_small_are_counted(make_sample: MakeSample) -> None:
    observation = observe(make_sample(0, num_people=2))
    one, other = observation.people
    nothing = replace(only_2d(one), confidence_2d=np.zeros(17, np.float32))
    tiny = replace(other, bbox=np.array([5, 5, 8, 8], np.float32))
    found, skipped = MAKER([store(replace(observation, people=(nothing, tiny)), "png")], "some.tar")
    assert found == [] and dict(skipped) == {UNLABELLED: 1, SMALL: 1}


def test_conditions_are_what_detectors_find_or_all_that_is_known(make_sample: MakeSample) -> None:
    picture = stored(make_sample(0))
    wide = Frame(64, padding=4.0)
    crops, _ = cut_all(subjects_of(picture), [STILL], wide)
    told = {DPMESH30.names[row] for row in crops.confidence[0].nonzero()[:, 0]}
    assert told == {*COCO17.names, "pelvis", "neck"}
    hips = [DPMESH30.index(f"{side}_hip") for side in ("left", "right")]
    middle = crops.keypoints_2d[0, hips].mean(0)
    torch.testing.assert_close(crops.keypoints_2d[0, DPMESH30.index("pelvis")], middle)
    everything = subjects_of(picture, maker=SubjectMaker("open", 4, is_detected=False))
    crops, labels = cut_all(everything, [STILL], wide)
    assert crops.confidence.all()
    torch.testing.assert_close(crops.keypoints_2d, labels.keypoints_2d)


def test_conditions_know_nothing_of_joints_outside_the_crop(make_sample: MakeSample) -> None:
    crops, labels = cut_all(subjects_of(stored(make_sample(0))), [STILL], Frame(64, padding=0.5))
    outside = ((labels.keypoints_2d < -0.5) | (labels.keypoints_2d >= 63.5)).any(-1)
    outside[:, DPMESH30.index("neck")] = outside[:, DPMESH30.index("pelvis")] = False  # told as midpoints
    assert outside.any() and not crops.confidence[outside].any() and labels.confidence_2d.all()


def test_midpoints_are_as_sure_as_both_ends_together() -> None:
    keypoints, confidence = np.arange(34.0).reshape(17, 2), np.ones(17)
    confidence[COCO17.index("left_hip")], confidence[COCO17.index("right_hip")] = 0.5, 0.4
    points, weights = condition_from_coco(keypoints, confidence)
    row = DPMESH30.index("pelvis")
    assert weights[row] == pytest.approx(0.2)
    hips = keypoints[[COCO17.index("left_hip"), COCO17.index("right_hip")]]
    np.testing.assert_array_equal(points[row], hips.mean(0))
    assert labels_from_coco(keypoints, confidence)[1][row] == 0  # as a label, SMPL's pelvis lies elsewhere


def test_detections_are_cut_as_training_crops_are(make_sample: MakeSample) -> None:
    sample = make_sample(3, num_people=2)
    observation = observe(sample)
    expected, _ = cut_all(subjects_of(stored(sample)), [STILL] * 2)
    people = observation.people
    crops = crops_of(
        observation.image,
        np.stack([one.bbox for one in people]),
        np.stack([one.keypoints_2d for one in people]),
        np.stack([one.confidence_2d for one in people]),
        observation.camera,
        FRAME,
    )
    for name, value in vars(expected).items():
        torch.testing.assert_close(getattr(crops, name), value, atol=1e-4, rtol=1e-5, msg=name)


def test_damaged_pictures_name_tar_and_key(make_sample: MakeSample) -> None:
    good = stored(make_sample(0))
    for bad, expected in (
        (replace(good, data=good.data[: len(good.data) // 2]), "png cannot be decoded"),
        (replace(good, data=grey(good.notes)), "png has mode L, expected RGB"),
        (replace(good, data=store(observe(make_sample(0, size=(90, 100))), "png").data), "png is 100x90"),
    ):
        with pytest.raises(ValueError, match=rf"some.tar: key run-00000000: {expected}"):
            cut_all(subjects_of(bad), [STILL])


def grey(notes: Notes) -> bytes:
    stream = io.BytesIO()
    Image.new("L", notes.image_size[::-1]).save(stream, "PNG")
    return stream.getvalue()


def test_the_decoder_remembers_up_to_its_limit(
    make_sample: MakeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[StoredPicture] = []

    original = painting.decode
    monkeypatch.setattr(painting, "decode", lambda one, k: decoded.append(one) or original(one, k))
    pictures = [stored(make_sample(index)) for index in range(3)]
    decoder = Decoder(cache_mb=2.5 * 96 * 128 * 4 / 1e6)  # two and a half pictures
    for number in (0, 0, 1, 0, 2, 0, 1):
        decoder(pictures[number], 1)
    assert [pictures.index(one) for one in decoded] == [0, 1, 2, 1]


def test_a_sheet_shows_all_crops_and_marks_joints(make_sample: MakeSample) -> None:
    crops, labels = cut_all(subjects_of(stored(make_sample(0))) * 5, WILD)
    plain = sheet(replace(crops, confidence=torch.zeros_like(crops.confidence)), columns=3)
    assert plain.shape == (2 * SIDE, 3 * SIDE, 3) and not plain[SIDE:, 2 * SIDE :].any()
    marked = sheet(crops, labels, labels.keypoints_2d, columns=3)
    tiles = [(slice(r * SIDE, (r + 1) * SIDE), slice(c * SIDE, (c + 1) * SIDE)) for r, c in np.ndindex(2, 3)]
    assert all((plain[tile] != marked[tile]).any() for tile in tiles[:5])
