import numpy as np
import pytest

from synthgen.report.histogram import Histogram, round_step, ticks


def test_every_value_is_counted_also_beyond_the_ends():
    histogram = Histogram(0, 10, 100)
    histogram.add([-5, 0, 3.14, 9.99, 10, 400])
    assert histogram.total == 6
    assert histogram.counts[0] == 2 and histogram.counts[-1] == 3


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5, 0.75, 0.95])
def test_quantiles_agree_with_numpy_to_one_bin(share):
    values = np.random.default_rng(0).normal(5, 2, 4000)
    histogram = Histogram(-20, 40, 1200)
    for part in np.split(values, 8):
        histogram.add(part)
    assert abs(histogram.quantile(share) - np.quantile(values, share)) < 0.05


def test_quantile_of_one_value_lies_in_its_bin():
    histogram = Histogram(0, 100, 100)
    histogram.add([42.5])
    assert [int(histogram.quantile(share)) for share in (0.01, 0.5, 0.99)] == [42, 42, 42]


@pytest.mark.parametrize("scale", [0.01, 0.3, 2.0, 17.0])
def test_bars_hold_every_value_once_and_stay_few(scale):
    histogram = Histogram(0, 100, 2000)
    values = np.abs(np.random.default_rng(1).normal(4 * scale, scale, 500)).clip(0, 99)
    histogram.add(values)
    bars = histogram.bars(20)
    assert sum(count for _, _, count in bars) == 500
    assert 1 <= len(bars) <= 21
    assert bars[0][0] <= values.min() and bars[-1][1] >= values.max()
    assert all(left < right for left, right, _ in bars)


def test_nothing_counted_is_no_bars():
    assert Histogram(0, 1, 10).bars(5) == []
    assert Histogram(0, 1, 10).quantile(0.5) == 0


def test_ticks_are_round_and_inside():
    assert ticks(0.3, 9.7, 5) == [2, 4, 6, 8]
    assert ticks(0, 180, 4) == [0, 50, 100, 150]
    assert round_step(0.3) == 0.5
    assert round_step(20) == 20


def test_bad_bins_are_refused():
    with pytest.raises(ValueError, match="low < high"):
        Histogram(1, 1, 10)
