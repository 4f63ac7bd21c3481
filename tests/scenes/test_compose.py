"""The picture source as a whole: seeds, labels, options."""

from dataclasses import replace

import numpy as np
import pytest

from synthgen.geometry import project
from synthgen.joints import COCO17, POINT_NAMES
from synthgen.sample import OCCLUDER, Rejection, Request
from synthgen.scenes.compose import Composition, RenderSource
from synthgen.scenes.poses import FAMILIES
from synthgen.surface import Stage

ALL = dict.fromkeys(FAMILIES, 1.0)


def request_of(index: int) -> Request:
    return Request(f"run-{index:08d}", index, 31 * index + 5, "", "", "render")


@pytest.fixture(scope="module")
def crowd(source) -> list[Composition]:
    made = source(image_size=128, families=ALL, second_person=0.6, occluders=0.7)
    return [c for c in made([request_of(n) for n in range(40)]) if isinstance(c, Composition)]


def test_nearly_every_request_becomes_a_picture(crowd):
    assert len(crowd) >= 36


def test_labels_agree_with_the_drawing(crowd):
    on_body = []
    for picture in crowd:
        assert picture.drawing.image.shape == (128, 128, 3)
        assert set(np.unique(picture.drawing.mask)) <= {0, *range(1, 1 + len(picture.scene.people)), OCCLUDER}
        for index in range(len(picture.scene.people)):
            joints = COCO17.point_weights() @ picture.points[index]
            pixels = np.rint(project(joints, picture.scene.camera.cam_int)).astype(int)
            inside = ((pixels >= 0) & (pixels < 128)).all(1)
            column, row = pixels[inside].T
            on_body += list(picture.drawing.mask[row, column] > 0)
    assert len(on_body) > 500
    assert np.mean(on_body) > 0.93


def test_depth_lies_on_the_person(crowd):
    for picture in crowd:
        for index, points in enumerate(picture.points):
            depth = picture.drawing.depth[picture.drawing.mask == index + 1]
            if len(depth):
                assert depth.min() > points[:, 2].min() - 0.35
                assert depth.max() < points[:, 2].max() + 0.35
        empty = np.isin(picture.drawing.mask, (0, OCCLUDER))
        assert not picture.drawing.depth[empty].any()


def test_things_hide_people_sometimes(crowd):
    hidden = [np.mean(picture.drawing.mask == OCCLUDER) for picture in crowd]
    assert sum(part > 0.005 for part in hidden) >= 4
    assert sum(part == 0 for part in hidden) >= 4


def test_others_appear_and_are_mentioned(crowd):
    counts = [len(picture.scene.people) for picture in crowd]
    assert 8 <= counts.count(2) <= 32
    for picture, count in zip(crowd, counts, strict=True):
        assert ("another person" in picture.prompt) == (count == 2)
        assert len(picture.actions) == len(picture.families) == count


def test_every_family_is_drawn_and_named(crowd):
    assert {picture.families[0] for picture in crowd} == set(FAMILIES)
    for picture in crowd:
        if picture.families[0] == "ski":
            assert "skier" in picture.prompt
            assert "on a snowy slope" in picture.prompt
        if picture.families[0] == "diving":
            assert "diver" in picture.prompt


def same(first: Composition, second: Composition) -> bool:
    return (
        first.prompt == second.prompt
        and np.array_equal(first.drawing.image, second.drawing.image)
        and np.array_equal(first.drawing.depth, second.drawing.depth)
        and np.array_equal(first.drawing.mask, second.drawing.mask)
        and np.array_equal(first.points, second.points)
        and np.array_equal(first.scene.people[0].transl, second.scene.people[0].transl)
    )


def test_pictures_depend_on_their_seed_alone(source):
    made = source(image_size=128, families=ALL, second_person=0.4, occluders=0.4)
    requests = [request_of(n) for n in range(100, 106)]
    together = made(requests)
    alone = [made([request])[0] for request in reversed(requests)][::-1]
    fresh = source(image_size=128, families=ALL, second_person=0.4, occluders=0.4)
    renamed = fresh([replace(requests[2], key="other-key", index=7)])[0]
    for first, second in zip(together, alone, strict=True):
        assert same(first, second)
    assert same(together[2], renamed)
    assert not same(together[0], together[1])


@pytest.mark.parametrize("size", [128, 256, 512])
def test_pictures_have_the_size_asked_for(source, size):
    (picture,) = source(image_size=size)([request_of(3)])
    assert picture.drawing.image.shape == (size, size, 3)
    assert picture.drawing.mask.shape == picture.drawing.depth.shape == (size, size)
    assert picture.scene.camera.image_size == (size, size)
    pixels = project(picture.points[0], picture.scene.camera.cam_int)
    assert ((pixels > 0) & (pixels < size)).all(1).mean() > 0.5


def test_size_only_changes_the_resolution(source):
    small, large = (source(image_size=size)([request_of(3)])[0] for size in (128, 256))
    np.testing.assert_allclose(small.scene.people[0].body_pose, large.scene.people[0].body_pose)
    assert small.prompt == large.prompt


def test_a_view_that_shows_nobody_is_a_rejection(body, renderer):
    class Blind:
        name, revision = renderer.name, renderer.revision

        def draw(self, stage: Stage):
            drawing = renderer.draw(stage)
            return replace(drawing, mask=np.zeros_like(drawing.mask))

    blind = RenderSource(image_size=128)
    blind.setup(body, Blind())
    (result,) = blind([request_of(0)])
    assert result == Rejection("run-00000000", "compose", "person hidden")


def test_upright_skiers_have_their_heads_up(crowd):
    head, toe = POINT_NAMES.index("head_top"), POINT_NAMES.index("left_big_toe")
    upright = [
        c for c in crowd if c.actions[0] in ("slalom_turn", "snowplough", "pole_plant", "wait", "walk")
    ]
    for picture in upright:
        assert picture.points[0][head, 1] < picture.points[0][toe, 1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"image_size": 64}, "image_size must be in [128, 512] px, got 64"),
        ({"families": {"sking": 1.0}}, "families.sking is no pose family"),
        ({"families": {"ski": -1.0, "yoga": 1.0}}, "families.ski must be a finite weight >= 0, got -1.0"),
        ({"families": {"ski": float("nan")}}, "families.ski must be a finite weight"),
        ({"families": {"ski": 0.0}}, "weight > 0"),
        ({"families": {}}, "weight > 0"),
        ({"max_people": 0}, "max_people must be in [1, 254], got 0"),
        ({"second_person": 1.5}, "second_person must be in [0, 1], got 1.5"),
        ({"occluders": float("nan")}, "occluders must be in [0, 1], got nan"),
        ({"sensor_noise": -0.1}, "sensor_noise must be in [0, 0.3], got -0.1"),
    ],
)
def test_bad_options_are_named(options, told):
    with pytest.raises(ValueError) as error:
        RenderSource(**options)
    assert told in str(error.value)


def test_all_bad_options_are_told_at_once():
    with pytest.raises(ValueError) as error:
        RenderSource(image_size=1, second_person=2.0, motion_blur=9.0)
    for name in ("image_size", "second_person", "motion_blur"):
        assert name in str(error.value)
    assert RenderSource().problems() == []
