import numpy as np
import pytest

from synthgen.geometry import look_at
from synthgen.scenes.lights import WEATHERS, draw_weather


@pytest.mark.parametrize("name", WEATHERS)
def test_every_weather_gives_a_valid_light_from_above(name):
    rotation, _ = look_at(np.array([1.0, 2, 3]), np.zeros(3), np.array([0, 1.0, 0]))
    for seed in range(20):
        weather = draw_weather(name, (0.5, 0.5, 0.5), np.random.default_rng(seed))
        light = weather.light(rotation)
        assert weather.sun[1] > 0.15
        assert np.linalg.norm(light.direction) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(light.up, rotation @ (0, 1, 0), atol=1e-6)
        assert 0 <= light.shadow <= 1
        assert min(*light.color, *light.sky, *light.bounce) > 0


def test_sunny_is_harder_than_overcast():
    def mean_shadow(name: str) -> float:
        return float(
            np.mean([draw_weather(name, (1, 1, 1), np.random.default_rng(s)).shadow for s in range(20)])
        )

    assert mean_shadow("sunny") > mean_shadow("overcast") + 0.3
