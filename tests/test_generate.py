from dataclasses import replace

import numpy as np
import pytest

from synthgen.generate import make_samples
from synthgen.geometry import project
from synthgen.joints import COCO17, SMPL24
from synthgen.models import Method, ModelChoice, Models, load_models
from synthgen.prompts import Prompts, RequestStream
from synthgen.quality import Gate
from synthgen.sample import Rejection, Sample
from synthgen.stages.silhouettes import box_of_mask

REQUESTS = [RequestStream("plain", 3, Prompts()).request(index) for index in range(6)]
CHOICE = ModelChoice("open", "warp", "cpu", {"backend": "plain_source:PlainSource"}, Method(), "cafe")


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models(CHOICE)


def same(one: Sample, other: Sample) -> bool:
    return (
        one.request == other.request
        and np.array_equal(one.image, other.image)
        and np.array_equal(one.depth, other.depth)
        and np.array_equal(one.mask, other.mask)
        and all(
            np.array_equal(a.keypoints_3d, b.keypoints_3d)
            for a, b in zip(one.labels, other.labels, strict=True)
        )
    )


def test_every_request_ends_once_and_in_order(models):
    picky = replace(
        models, source=load_models(replace(CHOICE, source={**CHOICE.source, "reject_every": 3})).source
    )
    items = list(make_samples(REQUESTS, picky))
    ends = [item.key if isinstance(item, Rejection) else item.request.key for item in items]
    assert ends == [request.key for request in REQUESTS]
    assert [isinstance(item, Rejection) for item in items] == [True, False, False, True, False, False]
    assert items[0] == Rejection(REQUESTS[0].key, "compose", "no luck")


def test_a_sample_does_not_depend_on_its_batch(models):
    together = list(make_samples(REQUESTS, models))
    alone = [next(make_samples([request], models)) for request in reversed(REQUESTS)]
    for one, other in zip(together, reversed(alone), strict=True):
        assert same(one, other)
    assert not same(together[0], together[1])


def test_labels_follow_from_the_parameters_and_the_picture(models):
    sample = next(make_samples(REQUESTS, models))
    label, camera = sample.labels[0], sample.scene.camera
    points = models.body.pose(sample.scene.people).points
    coco, smpl = models.body.joints(points, COCO17)[0], models.body.joints(points, SMPL24)[0]
    np.testing.assert_allclose(label.keypoints_2d, project(coco, camera.cam_int), atol=1e-4)
    np.testing.assert_allclose(label.keypoints_3d, smpl, atol=1e-6)
    rows, columns = np.nonzero(sample.mask == 1)
    assert label.bbox.tolist() == [columns.min(), rows.min(), columns.max(), rows.max()]
    assert label.visibility[COCO17.index("nose")] > 0.5
    assert label.scores["coverage"] == pytest.approx((sample.mask == 1).mean(), abs=1e-4)


def test_a_sample_says_what_it_shows_and_where_it_comes_from(models):
    sample = next(make_samples(REQUESTS, models))
    assert sample.request == replace(REQUESTS[0], prompt="a photo of a person in front of a wall")
    assert sample.provenance.models == {
        "source": "plain_source:PlainSource",
        "body": "open",
        "renderer": "warp",
    }
    assert sample.provenance.models.keys() == sample.provenance.revisions.keys()
    assert sample.provenance.config_hash == "cafe"


def test_the_gate_turns_pictures_away_and_says_why(models):
    strict = replace(models, options=Method(quality=Gate(min_coverage=0.7)))
    assert set(make_samples(REQUESTS[:2], strict)) == {
        Rejection(request.key, "verify", "body too small in the picture") for request in REQUESTS[:2]
    }


def test_what_is_turned_away_can_be_looked_at(models):
    strict = replace(models, options=Method(quality=Gate(min_coverage=0.7)))
    sample, turned_away = next(make_samples(REQUESTS, models)), next(make_samples(REQUESTS, strict))
    inside = sample.mask == 1
    assert np.array_equal(turned_away.picture[inside], sample.image[inside])
    rim = turned_away.picture != sample.image
    assert 0 < rim.any(-1).sum() < sample.mask.size / 4


def test_the_clock_knows_every_stage(models):
    models.clock.reset()
    list(make_samples(REQUESTS[:1], models))
    assert models.clock.seconds.keys() >= {"compose", "label", "verify"}
    assert min(models.clock.seconds.values()) > 0


def test_the_box_of_a_mask_takes_in_its_last_row_and_column():
    mask = np.zeros((5, 7), bool)
    mask[1, 2] = mask[4, 6] = True
    assert box_of_mask(mask).tolist() == [2, 1, 6, 4]


def test_rendered_scenes_come_out_as_samples_with_all_labels():
    source = {"backend": "render", "image_size": 128, "families": {"ski": 1.0}}
    models = load_models(replace(CHOICE, source=source))
    samples = [item for item in make_samples(REQUESTS[:4], models) if isinstance(item, Sample)]
    assert len(samples) >= 2
    for sample in samples:
        assert sample.image.shape == (128, 128, 3)
        assert sample.labels[0].family == "ski"
        assert {1}.issubset(np.unique(sample.mask))
        assert (sample.depth > 0).sum() == ((sample.mask > 0) & (sample.mask < 255)).sum()
