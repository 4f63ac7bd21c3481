import numpy as np
import pytest

from synthgen.scenes import palette


@pytest.mark.parametrize("name", palette.NAMED)
def test_dyes_are_called_by_their_name(name):
    rng = np.random.default_rng(0)
    called = [palette.color_name(palette.dye(name, rng)) for _ in range(40)]
    assert called.count(name) >= 36


def test_colors_stay_in_range():
    rng = np.random.default_rng(1)
    drawn = [palette.draw_skin(rng) for _ in range(200)]
    drawn += [palette.draw_hair(skin, rng)[1] for skin in drawn]
    drawn += [palette.vary((0.98, 0.02, 0.5), 0.3, rng) for _ in range(50)]
    assert np.min(drawn) >= 0
    assert np.max(drawn) <= 1


def test_skin_spans_light_and_dark():
    rng = np.random.default_rng(2)
    light = [palette.luminance(palette.draw_skin(rng)) for _ in range(300)]
    assert min(light) < 0.25
    assert max(light) > 0.8
    assert 0.3 < np.mean(np.array(light) > 0.5) < 0.8


def test_hex_and_mix():
    assert palette.hex_color("ff0080") == (1.0, 0.0, 128 / 255)
    assert palette.mix((0, 0, 0), (1, 0.5, 0), 0.5) == (0.5, 0.25, 0)
    assert palette.shade((0.5, 0.9, 0.1), 2) == (1.0, 1.0, 0.2)
