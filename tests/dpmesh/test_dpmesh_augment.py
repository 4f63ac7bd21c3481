import numpy as np
import pytest
from PIL import Image

from synthgen.dpmesh.augment import STILL, Augmentation, draw
from synthgen.dpmesh.occluders import occlude

SIDE = 96


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_changes_lie_within_their_options() -> None:
    options = Augmentation(scale=0.2, shift=0.1, rotation=20, rotated=0.6, flip=0.3, color=0.15, occluded=0.4)
    drawn = [draw(options, rng(seed)) for seed in range(2000)]
    assert all(0.8 <= one.scale <= 1.2 and np.abs(one.shift).max() <= 0.1 for one in drawn)
    assert max(abs(one.angle) for one in drawn) == pytest.approx(np.deg2rad(40))
    assert all(one.color.min() >= 0.85 and one.color.max() <= 1.15 for one in drawn)
    for part, expected in (
        (np.mean([one.angle != 0 for one in drawn]), 0.6),
        (np.mean([one.is_flipped for one in drawn]), 0.3),
        (np.mean([one.occluders > 0 for one in drawn]), 0.4),
    ):
        assert part == pytest.approx(expected, abs=0.04)
    assert {one.occluders for one in drawn} == {0, 1, 2, 3}


def test_the_same_chance_gives_the_same_change() -> None:
    one, other = draw(Augmentation(), rng(4)), draw(Augmentation(), rng(4))
    assert repr(one) == repr(other) != repr(draw(Augmentation(), rng(5)))


def test_no_augmentation_leaves_crops_as_they_are() -> None:
    for seed in range(20):
        found = draw(Augmentation.none(), rng(seed))
        assert (found.scale, found.angle, found.is_flipped, found.occluders) == (1, 0, False, 0)
        np.testing.assert_array_equal(found.color, STILL.color)
        np.testing.assert_array_equal(found.shift, STILL.shift)


def test_options_out_of_range_are_named_all_at_once() -> None:
    assert Augmentation().problems() == [] == Augmentation.none().problems()
    found = Augmentation(flip=1.5, rotation=-1, max_occluders=0).problems()
    assert found == [
        "rotation must be in [0, 90], got -1",
        "flip must be in [0, 1], got 1.5",
        "max_occluders must be >= 1, got 0",
    ]


def occluded(count: int, seed: int) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    crop = Image.fromarray(np.stack([x, y, x + y], -1).astype(np.uint8))
    occlude(crop, count, seed)
    return np.asarray(crop)


def test_occluders_hide_a_part_and_follow_from_their_seed() -> None:
    plain = occluded(0, 0)
    np.testing.assert_array_equal(occluded(2, 7), occluded(2, 7))
    assert (occluded(2, 7) != occluded(2, 8)).any()
    parts = [(occluded(1, seed) != plain).any(-1).mean() for seed in range(60)]
    assert min(parts) > 0 and max(parts) < 0.2
    assert np.mean([(occluded(3, seed) != plain).any(-1).mean() for seed in range(60)]) > 1.5 * np.mean(parts)


def test_occluders_have_textures_of_several_kinds() -> None:
    """Some are of one hue, some are cut out of the crop itself."""
    plain = occluded(0, 0)
    spreads = []
    for seed in range(40):
        found = occluded(1, seed)
        inside = found[(found != plain).any(-1)].astype(float)
        spreads.append(inside.std(0).mean())
    assert min(spreads) < 8 and max(spreads) > 15
