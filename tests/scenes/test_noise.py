import numpy as np

from synthgen.scenes.noise import TILE, cell_noise, cloud, skyline


def test_clouds_repeat_and_are_spread_evenly():
    rng = np.random.default_rng(0)
    u, v = rng.uniform(0, 1, (2, 4000)).astype(np.float32)
    value = cloud(u, v)
    np.testing.assert_allclose(cloud(u + 3, v - 2), value, atol=2e-2)
    assert value.dtype == np.float32
    np.testing.assert_allclose(np.quantile(value, (0.25, 0.5, 0.75)), (0.25, 0.5, 0.75), atol=0.06)


def test_clouds_are_smooth():
    u = np.linspace(0, 0.5, 5000, dtype=np.float32)
    assert np.abs(np.diff(cloud(u, np.zeros_like(u)))).max() < 40 / TILE


def test_skylines_are_periodic_and_rougher_with_less_power():
    def steps(power: float) -> float:
        line = skyline(1024, power, np.random.default_rng(3))
        assert (line.min(), line.max()) == (0, 1)
        return float(np.abs(np.diff(np.append(line, line[0]))).mean())

    assert steps(1.0) > 2 * steps(2.0)


def test_cells_are_random_but_constant():
    column, row = np.meshgrid(np.arange(60.0), np.arange(50.0))
    value = cell_noise(column, row, 5)
    np.testing.assert_array_equal(value, cell_noise(column, row, 5))
    assert (value != cell_noise(column, row, 6)).mean() > 0.99
    assert 0 <= value.min() < 0.02
    assert 0.98 < value.max() < 1
    assert abs(np.corrcoef(value[:, :-1].ravel(), value[:, 1:].ravel())[0, 1]) < 0.1
