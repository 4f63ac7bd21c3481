"""Another basis for a VAE's latents: nothing changes but the basis."""

import pytest
import torch
from embedded_options import TINY

from synthgen.embedded import vae
from synthgen.embedded.tempering import temper, tempered_basis


@pytest.fixture
def model_and_images() -> tuple[torch.nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    model = vae.build(TINY.vae, 64)
    return model.eval(), torch.rand(4, 3, 64, 64) * 2 - 1


def test_pictures_stay_the_same(model_and_images):
    model, images = model_and_images
    with torch.no_grad():
        before = vae.reconstruct(model, images)
        temper(model, images)
        after = vae.reconstruct(model, images)
    assert float((after - before).abs().max()) < 1e-4


def test_latents_become_uncorrelated_centred_and_sorted_by_what_they_do(model_and_images):
    model, images = model_and_images
    total = vae.encode_mean(model, images).var((0, 2, 3)).sum()
    temper(model, images)
    flat = vae.encode_mean(model, images).transpose(0, 1).flatten(1)
    variance = flat.var(1)
    assert float(flat.mean(1).abs().max()) < 1e-3
    assert float((torch.corrcoef(flat) - torch.eye(len(flat))).abs().max()) < 1e-2
    assert (variance.diff() <= 0).all()
    assert variance.sum() == pytest.approx(float(total), rel=1e-3)


def test_deviations_are_roots_of_those_in_the_picture():
    # Independent channels, whose unit steps change a picture by 1, 2 and 3.
    deviations, gains = torch.tensor([3.0, 2.0, 1.0]).double(), torch.tensor([1.0, 2.0, 3.0]).double()
    covariance = torch.diag(deviations**2)
    basis = tempered_basis(torch.zeros(3).double(), torch.diag(gains**2), covariance)
    found = torch.diagonal(basis.matrix @ covariance @ basis.matrix.T).sqrt()
    in_picture = (deviations * gains).sort(descending=True).values
    expected = in_picture.sqrt()
    torch.testing.assert_close(found / found[0], expected / expected[0])


def test_a_dead_channel_is_named():
    covariance = torch.diag(torch.tensor([1.0, 0.0]).double())
    with pytest.raises(ValueError, match="never varies"):
        tempered_basis(torch.zeros(2).double(), torch.eye(2).double(), covariance)
