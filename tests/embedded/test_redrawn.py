"""Pictures drawn anew to learn from: which, how they go on after a stop, and how a batch shows them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from embedded_options import TINY
from torch.nn.functional import cross_entropy, one_hot

from synthgen.backends.depth_to_image import DepthToImage
from synthgen.embedded import redrawn
from synthgen.embedded.crops import STILL
from synthgen.embedded.keypoints import KeypointsLesson
from synthgen.embedded.plan import Plan
from synthgen.embedded.redrawn import Redrawn, chosen, open_redrawn
from synthgen.embedded.redrawn_options import RedrawnOptions
from synthgen.embedded.segmenter import SegmenterLesson, errors
from synthgen.embedded.workshop import Workshop
from synthgen.run import import_recipe


@pytest.fixture
def shop(rendered, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(redrawn, "_AT_ONCE", 2)
    (tmp_path / "work").mkdir()
    for name in ("everyday", "sports"):
        (tmp_path / "work" / name).symlink_to(rendered / name)
    plan = Plan(options=TINY, work=tmp_path / "work", weights=trained, device="cpu", bf16=False, seed=3)
    return Workshop(name="keypoints", inputs="", **vars(plan))


def wanting(shop, count=6, **others):
    """Return the same workshop with other options of drawings."""
    options = replace(TINY, redrawn=RedrawnOptions(count, **{"num_inference_steps": 2, **others}))
    return replace(shop, options=options)


def test_families_are_alike_and_held_out_pictures_stay_apart(pictures):
    rows = chosen(pictures, 3, seed=1)
    train = [row for row in rows if not pictures.held_out[row]]
    families = [pictures.families[row] for row in train]
    assert {family: families.count(family) for family in families} == dict.fromkeys(set(pictures.families), 1)
    assert set(rows) >= set(pictures.rows(True))
    assert list(chosen(pictures, 3, seed=1)) == list(rows) == sorted(rows)
    assert set(chosen(pictures, 999, seed=1)) == set(range(len(pictures)))


def test_a_stopped_drawing_goes_on_to_the_same_pictures(shop, monkeypatch):
    shop = wanting(shop)
    drawn, draw = [], DepthToImage.__call__

    def note(self, guides, prompts, negative, seeds):
        drawn.append(len(seeds))
        if len(drawn) == 3:
            raise KeyboardInterrupt
        return draw(self, guides, prompts, negative, seeds)

    monkeypatch.setattr(DepthToImage, "__call__", note)
    with pytest.raises(KeyboardInterrupt):
        open_redrawn(shop)
    assert json.loads((shop.work / "redrawn" / "progress.json").read_text())["done"] == 4
    first = open_redrawn(shop)
    assert sum(drawn[3:]) == len(first.rows) - 4
    images = first.image.tobytes()  # the array lies on the disk and is overwritten below
    assert first.image.std((1, 2, 3)).min() > 1
    assert open_redrawn(shop).image.tobytes() == images and sum(drawn[3:]) < len(first.rows)
    (shop.work / "redrawn" / "progress.json").unlink()
    assert open_redrawn(shop).image.tobytes() == images
    assert open_redrawn(wanting(shop, num_inference_steps=3)).image.tobytes() != images


def test_pictures_half_overwritten_by_others_are_not_taken_for_the_first_ones(shop, monkeypatch):
    shop = wanting(shop)
    images = open_redrawn(shop).image.tobytes()

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DepthToImage, "__call__", stop)
        with pytest.raises(KeyboardInterrupt):
            open_redrawn(wanting(shop, num_inference_steps=3))
    assert open_redrawn(shop).image.tobytes() == images


def test_half_of_a_batch_is_redrawn_and_keeps_its_labels(pictures):
    rows = np.flatnonzero(~pictures.held_out)[::2]
    white = Redrawn(rows, np.full((len(rows), 128, 128, 3), 255, np.uint8))
    options = replace(TINY.keypoints, training=replace(TINY.keypoints.training, batch_size=8))
    lesson = KeypointsLesson(options, pictures, white)
    people, images = lesson._drawn(np.random.default_rng(0))
    is_white = (images == 255).all((1, 2, 3))
    assert is_white.sum() == 4 and set(pictures.people.picture[people[is_white]]) <= set(rows)
    for row, image in zip(people[~is_white], images[~is_white], strict=True):
        assert np.array_equal(image, pictures.image[pictures.people.picture[row]])
    crop, joints, _ = lesson._batch(people, images, STILL, np.random.default_rng(0))
    assert crop.shape[0] == len(joints) == 8
    assert "pck_redrawn" not in lesson.measure(lesson.model.eval()), "none was drawn"
    held = Redrawn(np.arange(len(pictures)), np.asarray(pictures.image))
    found = KeypointsLesson(options, pictures, held).measure(lesson.model.eval())
    assert found["pck_redrawn"] == found["pck"], "the same pictures under another name"


def test_nothing_is_drawn_where_nothing_is_wanted(shop):
    assert open_redrawn(wanting(shop, 0)) is None and not (shop.work / "redrawn").exists()


def test_the_segmenter_sees_both_kinds_and_is_asked_for_people_alone_in_redraws(pictures):
    rows = np.flatnonzero(~pictures.held_out)[::2]
    white = Redrawn(rows, np.full((len(rows), 128, 128, 3), 255, np.uint8))
    options = replace(TINY.segmenter, training=replace(TINY.segmenter.training, batch_size=8))
    lesson = SegmenterLesson(options, pictures, white)
    drawn, images, is_redrawn = lesson._drawn(np.random.default_rng(0))
    is_white = (images == 255).all((1, 2, 3))
    assert is_redrawn.sum() == 4 and np.array_equal(is_white, is_redrawn)
    assert set(drawn[is_redrawn]) <= set(rows)
    assert np.array_equal(images[~is_redrawn], pictures.image[drawn[~is_redrawn]])
    without = SegmenterLesson(replace(options, redrawn_share=0.0), pictures, white)
    assert not without._drawn(np.random.default_rng(0))[2].any()
    assert "iou_person_redrawn" not in lesson.measure(lesson.model.eval()), "none was drawn"
    held = Redrawn(np.arange(len(pictures)), np.asarray(pictures.image))
    found = SegmenterLesson(options, pictures, held).measure(lesson.model.eval())
    assert found["iou_person_redrawn"] == pytest.approx(found["iou_person"]), "the same pictures again"


def test_what_is_no_person_in_a_redraw_may_be_anything():
    truth = torch.tensor([[[0, 1], [2, 0]]])
    right = 12.0 * one_hot(truth, 3).permute(0, 3, 1, 2).float()
    swapped = right[:, [2, 1, 0]]  # background for things, things for background
    known, unknown = torch.tensor([True]), torch.tensor([False])
    assert max(errors(right, truth, known)) < 1e-3
    assert min(errors(swapped, truth, known)) > 0.2
    assert max(errors(swapped, truth, unknown)) < 1e-3
    assert min(errors(right[:, [1, 0, 2]], truth, unknown)) > 0.2
    both = torch.cat([swapped, right]), truth.expand(2, -1, -1)
    assert max(errors(*both, torch.tensor([False, True]))) < 1e-3
    entropy = float(errors(*both, torch.tensor([True, True]))[0])
    assert entropy == pytest.approx(float(cross_entropy(*both)), rel=1e-5)


def test_options_that_make_no_sense_are_told():
    config = import_recipe("train_embedded").Config(
        redrawn=RedrawnOptions(-1, minutes=0),
        keypoints=replace(TINY.keypoints, redrawn_share=2.0),
        segmenter=replace(TINY.segmenter, redrawn_share=-0.5),
    )
    told = config.problems()
    for words in ("redrawn.count must be at least 0", "redrawn.minutes must be above 0"):
        assert any(words in problem for problem in told)
    assert "keypoints.redrawn_share must be in [0, 1], got 2.0" in told
    assert "segmenter.redrawn_share must be in [0, 1], got -0.5" in told
