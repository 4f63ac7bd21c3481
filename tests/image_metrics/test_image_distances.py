"""FID and KID against plain versions of their definitions, and the file that features lie in."""

import tracemalloc

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from synthgen.image_metrics.distances import Subsets, distance, frechet_distance, kernel_distances
from synthgen.image_metrics.features import FeatureFile

Sets = tuple[np.ndarray, np.ndarray]


def stored(rows: np.ndarray) -> FeatureFile:
    file = FeatureFile()
    for part in np.array_split(rows, 3):
        file.append(part)
    return file


def sets(first: int, second: int, dimensions: int) -> Sets:
    rng = np.random.default_rng([first, second, dimensions])
    shapes = [rng.normal(size=(dimensions, dimensions)) * 0.3 for _ in range(2)]
    made = [
        np.abs(rng.normal(size=(n, dimensions)) @ one) for n, one in zip((first, second), shapes, strict=True)
    ]
    return made[0].astype(np.float32), made[1].astype(np.float32) + 0.1


def plain_fid(first: np.ndarray, second: np.ndarray) -> float:
    a, b = first.astype(np.float64), second.astype(np.float64)
    covariances = [np.cov(one, rowvar=False) for one in (a, b)]
    apart = ((a.mean(0) - b.mean(0)) ** 2).sum()
    together = sqrtm(covariances[0] @ covariances[1]).real
    return float(apart + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(together))


def plain_kid(first: np.ndarray, second: np.ndarray) -> float:
    a, b = first.astype(np.float64), second.astype(np.float64)
    total = 0.0
    for one, other, sign in ((a, a, 1), (b, b, 1), (a, b, -2)):
        kernel = (one @ other.T / a.shape[1] + 1) ** 3
        if sign == 1:
            np.fill_diagonal(kernel, 0)
            total += kernel.sum() / (len(one) * (len(one) - 1))
        else:
            total += sign * kernel.mean()
    return total


@pytest.mark.parametrize("counts", [(60, 50, 12), (200, 150, 33)])
def test_fid_is_the_plain_one(counts):
    first, second = sets(*counts)
    assert frechet_distance(stored(first), stored(second)) == pytest.approx(
        plain_fid(first, second), rel=1e-9
    )


def test_fid_of_fewer_pictures_than_features_is_the_same_distance():
    first, second = sets(9, 14, 40)
    a, b = (one.astype(np.float64) for one in (first, second))
    root = np.linalg.svd((a - a.mean(0)) @ (b - b.mean(0)).T / np.sqrt((len(a) - 1) * (len(b) - 1)))[1].sum()
    expected = (
        ((a.mean(0) - b.mean(0)) ** 2).sum() + a.var(0, ddof=1).sum() + b.var(0, ddof=1).sum() - 2 * root
    )
    assert frechet_distance(stored(first), stored(second)) == pytest.approx(expected, rel=1e-6)


def test_kid_of_all_features_is_the_plain_one():
    first, second = sets(40, 40, 24)
    found = kernel_distances(stored(first), stored(second), 2, 40, 0)
    assert found == pytest.approx([plain_kid(first, second)] * 2, rel=1e-9)


def test_kid_of_subsets_is_right_on_average_and_repeats_by_its_seed():
    first, second = (stored(one) for one in sets(300, 250, 16))
    found = distance(first, second, Subsets(count=60, size=40, seed=3))
    exact = plain_kid(first.rows(np.arange(300)), second.rows(np.arange(250)))
    assert abs(found.kid - exact) < 5 * found.kid_deviation / np.sqrt(60)
    assert found.kid_deviation > 0 and found.subset_size == 40
    state = torch.random.get_rng_state()
    again = distance(first, second, Subsets(count=60, size=40, seed=3))
    assert again == found and torch.equal(state, torch.random.get_rng_state())
    assert distance(first, second, Subsets(count=60, size=40, seed=4)).kid != found.kid


def test_equal_sets_have_no_distance_and_subsets_are_no_larger_than_sets():
    first, second = sets(50, 20, 8)
    same = distance(stored(first), stored(first), Subsets())
    assert same.fid == pytest.approx(0, abs=1e-5) and same.kid < 0, "the unbiased estimate of 0 goes below"
    other = distance(stored(first), stored(second), Subsets())
    assert (other.subset_size, other.reference, other.generated) == (20, 50, 20)
    with pytest.raises(ValueError, match="the generated set has 1 pictures"):
        distance(stored(first), stored(first[:1]), Subsets())


def test_features_lie_in_a_file_and_not_in_memory():
    tracemalloc.start()
    with FeatureFile() as file:
        for number in range(64):
            file.append(np.full((64, 512), number, np.float32))  # 8 MiB in all
        assert len(file) == 4096 and tracemalloc.get_traced_memory()[1] < 2 << 20
        assert [one[0, 0] for one in file.blocks(64)] == list(range(64))
        assert file.rows([4095, 0])[:, 3].tolist() == [63, 0]
        for wrong, words in (
            (np.zeros((1, 3)), "512 numbers"),
            (np.full((1, 512), np.nan), "NaN or infinity"),
        ):
            with pytest.raises(ValueError, match=words):
                file.append(wrong.astype(np.float32))
    tracemalloc.stop()
