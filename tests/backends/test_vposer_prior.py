from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from synthgen.backends.vposer import VPoser
from synthgen.backends.vposer_prior import VPoserPrior
from synthgen.geometry import rotvec_to_rotmat

POSES = np.random.default_rng(8).normal(0, 0.4, (5, 23, 3))
Saved = Callable[[str], Path]


@pytest.fixture
def prior(saved: Saved) -> VPoserPrior:
    made = VPoserPrior(str(saved("vposer")))
    made.setup()
    return made


def test_report_is_that_of_the_network(prior: VPoserPrior, saved: Saved) -> None:
    network = VPoser.from_folder(saved("vposer"))
    with torch.inference_mode():
        mean = network.encode(torch.from_numpy(POSES[:, :21]).float()).mean
        rotmat = network.decode(mean).numpy()
    report = prior(POSES)
    assert np.allclose(report.codes, mean.numpy(), atol=1e-5)
    assert np.allclose(report.squared_norm, (mean.numpy() ** 2).sum(-1), atol=1e-5)
    assert np.allclose(rotvec_to_rotmat(report.reconstruction[:, :21]), rotmat, atol=1e-4)
    assert np.array_equal(report.reconstruction[:, 21:], POSES[:, 21:]), "it knows nothing of hands"
    relative = np.swapaxes(rotvec_to_rotmat(POSES[:, :21]), -1, -2) @ rotmat
    angle = np.arccos(np.clip((np.trace(relative, axis1=-2, axis2=-1) - 1) / 2, -1, 1))
    assert np.allclose(report.errors, angle.mean(-1), atol=1e-4)


def test_the_score_is_that_of_the_mean_and_the_same_each_time(prior: VPoserPrior, saved: Saved) -> None:
    """A sampled code, as the public repository takes, scores more by its variances, another sum each time."""
    network = VPoser.from_folder(saved("vposer"))
    with torch.inference_mode():
        code = network.encode(torch.from_numpy(POSES[:1, :21]).float())
        sampled = (code.sample((20_000,)) ** 2).sum((1, 2))
    score = prior(POSES[:1]).squared_norm[0]
    assert score == prior(POSES[:1]).squared_norm[0] == pytest.approx(float((code.mean**2).sum()), rel=1e-5)
    assert float(sampled.mean()) == pytest.approx(score + float((code.stddev**2).sum()), rel=0.03)
    assert float(sampled.std()) > 0.5


def test_published_folder_gives_the_same(prior: VPoserPrior, saved: Saved) -> None:
    published = VPoserPrior(str(saved("vposer_v02_05")))
    published.setup("cpu", "float16")
    assert np.array_equal(published(POSES).codes, prior(POSES).codes), "always in float32"


def test_samples_are_decoded_codes(prior: VPoserPrior) -> None:
    codes = prior(POSES).codes
    assert np.allclose(prior.decode(codes)[:, :21], prior(POSES).reconstruction[:, :21])
    assert not prior.decode(codes)[:, 21:].any()
    drawn = prior.sample([3, 4, 3])
    assert np.array_equal(drawn[0], drawn[2]) and np.abs(drawn[0] - drawn[1]).max() > 0.01


def test_shapes_are_checked(prior: VPoserPrior) -> None:
    with pytest.raises(ValueError, match=r"body_poses must be \(B, 23, 3\), got \(5, 21, 3\)"):
        prior(POSES[:, :21])
    with pytest.raises(ValueError, match=r"codes must be \(B, 8\), got \(2, 32\)"):
        prior.decode(np.zeros((2, 32)))
