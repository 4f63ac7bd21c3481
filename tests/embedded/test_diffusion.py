"""The loss of the diffusion models."""

import numpy as np
import torch

from synthgen.embedded import redraw
from synthgen.embedded.diffusion import Conditions, Noise, body_weight
from synthgen.embedded.loop import Draw


def loss_of(wrong: torch.Tensor, weight: torch.Tensor) -> float:
    """Return the loss of predictions that are off by `wrong`."""
    draw = Draw(np.random.default_rng(0), torch.Generator().manual_seed(0), torch.device("cpu"))
    noise, latents = Noise(5.0), torch.zeros(4, 2, 8, 8)

    def predict(noisy, timesteps):
        alphas = noise._scheduler.alphas_cumprod[timesteps][:, None, None, None]
        return noisy / (1 - alphas).sqrt() * alphas.sqrt() + wrong  # of clean latents that are 0: a * noise

    return float(noise.loss(predict, latents, draw, weight))


def test_the_true_velocity_has_no_loss():
    assert loss_of(torch.zeros(()), torch.ones(4, 1, 8, 8)) < 1e-9


def test_errors_on_bodies_count_more_and_others_less():
    near = np.zeros((4, 32, 32), np.float32)
    near[:, 8:16, 8:16] = 0.5
    weight = body_weight(near, (8, 8), 3.0)
    assert sorted(weight.unique().tolist()) == [1, 4]
    assert weight[0, 0, 1:5, 1:5].eq(4).all() and weight[0].eq(4).sum() == 16
    inside, outside = torch.zeros(4, 1, 8, 8), torch.zeros(4, 1, 8, 8)
    inside[..., 2, 2], outside[..., 7, 7] = 1, 1
    plain = torch.ones(4, 1, 8, 8)
    assert np.isclose(loss_of(inside, plain), loss_of(outside, plain))
    assert np.isclose(loss_of(inside, weight), 4 * loss_of(outside, weight))
    assert np.isclose(loss_of(torch.ones(()), weight), loss_of(torch.ones(()), plain))
    assert np.isclose(loss_of(torch.ones(()), plain), 1)


def test_what_guidance_leads_away_from_has_neither_caption_nor_depth():
    empty, tokens = torch.zeros(3, dtype=torch.long), torch.ones(400, 3, dtype=torch.long)
    told = Conditions(tokens, torch.full((400, 1, 2, 2), -0.5), torch.ones(400, 1, 2, 2))
    blind = redraw.blinded(told, empty, 0.25, np.random.default_rng(0))
    has_caption, has_depth = blind.tokens.eq(1).all(1), blind.depth.eq(-0.5).all((1, 2, 3))
    assert torch.equal(has_caption, has_depth) and 60 < 400 - int(has_caption.sum()) < 140
    assert blind.tokens[~has_caption].eq(0).all() and blind.depth[~has_depth].eq(0).all()
    assert blind.weight is told.weight
