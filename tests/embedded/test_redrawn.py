"""Pictures drawn anew to learn from: which, how they go on after a stop, and how a batch shows them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from embedded_options import TINY

from synthgen.backends.depth_to_image import DepthToImage
from synthgen.embedded import redrawn
from synthgen.embedded.crops import STILL
from synthgen.embedded.keypoints import KeypointsLesson
from synthgen.embedded.plan import Plan
from synthgen.embedded.redrawn import Redrawn, chosen, open_redrawn
from synthgen.embedded.redrawn_options import RedrawnOptions
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


def test_families_are_alike_and_held_out_pictures_stay_apart(pictures):
    rows = chosen(pictures, 3, seed=1)
    train = [row for row in rows if not pictures.held_out[row]]
    families = [pictures.families[row] for row in train]
    assert {family: families.count(family) for family in families} == dict.fromkeys(set(pictures.families), 1)
    assert set(rows) >= set(pictures.rows(True))
    assert list(chosen(pictures, 3, seed=1)) == list(rows) == sorted(rows)
    assert set(chosen(pictures, 999, seed=1)) == set(range(len(pictures)))


def test_a_stopped_drawing_goes_on_to_the_same_pictures(shop, monkeypatch):
    options = RedrawnOptions(6, num_inference_steps=2)
    drawn, draw = [], DepthToImage.__call__

    def note(self, guides, prompts, negative, seeds):
        drawn.append(len(seeds))
        if len(drawn) == 3:
            raise KeyboardInterrupt
        return draw(self, guides, prompts, negative, seeds)

    monkeypatch.setattr(DepthToImage, "__call__", note)
    with pytest.raises(KeyboardInterrupt):
        open_redrawn(shop, options)
    assert json.loads((shop.work / "redrawn" / "progress.json").read_text())["done"] == 4
    first = open_redrawn(shop, options)
    assert sum(drawn[3:]) == len(first.rows) - 4
    images = first.image.tobytes()  # the array lies on the disk and is overwritten below
    assert first.image.std((1, 2, 3)).min() > 1
    assert open_redrawn(shop, options).image.tobytes() == images and sum(drawn[3:]) < len(first.rows)
    (shop.work / "redrawn" / "progress.json").unlink()
    assert open_redrawn(shop, options).image.tobytes() == images
    assert open_redrawn(shop, replace(options, num_inference_steps=3)).image.tobytes() != images


def test_pictures_half_overwritten_by_others_are_not_taken_for_the_first_ones(shop, monkeypatch):
    options = RedrawnOptions(6, num_inference_steps=2)
    images = open_redrawn(shop, options).image.tobytes()

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DepthToImage, "__call__", stop)
        with pytest.raises(KeyboardInterrupt):
            open_redrawn(shop, replace(options, num_inference_steps=3))
    assert open_redrawn(shop, options).image.tobytes() == images


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
    assert "pck_redrawn" not in lesson.measure(lesson.model.eval()), "none of the held-out ones was drawn"
    held = Redrawn(np.arange(len(pictures)), np.asarray(pictures.image))
    found = KeypointsLesson(options, pictures, held).measure(lesson.model.eval())
    assert found["pck_redrawn"] == found["pck"], "the same pictures under another name"


def test_options_that_make_no_sense_are_told():
    config = import_recipe("train_embedded").Config(
        keypoints=replace(TINY.keypoints, redrawn=RedrawnOptions(-1, share=2.0, minutes=0))
    )
    told = "\n".join(config.problems())
    for words in ("share must be in [0, 1], got 2.0", "count must be at least 0", "minutes must be above 0"):
        assert f"keypoints.redrawn.{words}" in told
