"""FID and KID of two sets of features, computed by torchmetrics.

FID: squared Frechet distance of two normal distributions with the features' means and covariances (Heusel et
al. 2017). KID: unbiased squared maximum mean discrepancy under the kernel (x.y / D + 1)^3, mean over random
subsets of both sets (Binkowski et al. 2018, arXiv 1801.01401), not multiplied by 1000. Lower is better; both
are 0 for equal distributions. FID of few pictures is too large, KID is right on average.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from synthgen.image_metrics.features import LEAST, FeatureFile


@dataclass(frozen=True)
class Distance:
    """How far two sets of pictures are apart.

    Attributes:
        fid: Frechet distance.
        kid: mean over subsets.
        kid_deviation: standard deviation over subsets.
        subset_size: pictures of each set in a subset.
        reference: pictures in the reference.
        generated: pictures in the other set.
    """

    fid: float
    kid: float
    kid_deviation: float
    subset_size: int
    reference: int
    generated: int


@dataclass(frozen=True)
class Subsets:
    """How KID draws its subsets, without replacement within each.

    Attributes:
        count: how many.
        size: pictures of each set, at most; fewer where a set is smaller.
        seed: of the draw.
    """

    count: int = 100
    size: int = 1000
    seed: int = 0


def distance(reference: FeatureFile, generated: FeatureFile, subsets: Subsets) -> Distance:
    """Compare two sets of features.

    Raises:
        ValueError: a set has fewer than two.
    """
    for file, words in ((reference, "reference"), (generated, "generated")):
        if len(file) < LEAST:
            raise ValueError(f"the {words} set has {len(file)} pictures, FID and KID need at least {LEAST}")
    size = min(subsets.size, len(reference), len(generated))
    values = np.array(kernel_distances(reference, generated, subsets.count, size, subsets.seed))
    return Distance(
        fid=frechet_distance(reference, generated),
        kid=float(values.mean()),
        kid_deviation=float(values.std()),
        subset_size=size,
        reference=len(reference),
        generated=len(generated),
    )


def frechet_distance(reference: FeatureFile, generated: FeatureFile) -> float:
    """Return FID.

    Few features span a smaller space than they live in; within it the distance is the same, and sooner found.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    basis = _basis(reference, generated)
    features = nn.Identity()
    features.num_features = reference.dimensions if basis is None else basis.shape[1]  # type: ignore[assignment]
    metric = FrechetInceptionDistance(feature=features)
    for file, is_real in ((reference, True), (generated, False)):
        for rows in file.blocks():
            values = rows.astype(np.float64)
            metric.update(torch.from_numpy(values if basis is None else values @ basis), real=is_real)
    return float(metric.compute())


def kernel_distances(
    reference: FeatureFile, generated: FeatureFile, count: int, size: int, seed: int
) -> list[float]:
    """Return KID of `count` random subsets with `size` features of each set; both sets must have so many."""
    from torchmetrics.image.kid import KernelInceptionDistance

    generator = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Metric `Kernel Inception Distance` will save all"
        )  # one subset, here
        metric = KernelInceptionDistance(feature=nn.Identity(), subsets=1, subset_size=size)
    values = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # the metric shuffles what it is given
        for _ in range(count):
            for file, is_real in ((reference, True), (generated, False)):
                chosen = generator.choice(len(file), size, replace=False)
                metric.update(torch.from_numpy(file.rows(chosen).astype(np.float64)), real=is_real)
            values.append(float(metric.compute()[0]))
            metric.reset()
    return values


def _basis(first: FeatureFile, second: FeatureFile) -> NDArray[np.float64] | None:
    """Return an orthonormal basis (D, N) of all features, or None where they may span the whole space."""
    if len(first) + len(second) >= first.dimensions:
        return None
    everything = np.concatenate([*first.blocks(), *second.blocks()]).astype(np.float64)
    return np.asarray(np.linalg.qr(everything.T)[0])
