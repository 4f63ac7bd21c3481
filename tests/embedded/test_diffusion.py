"""The loss of the diffusion models."""

import numpy as np
import torch
from embedded_options import TINY

from synthgen.embedded import redraw
from synthgen.embedded.body_maps import COUNT, body_maps, shares
from synthgen.embedded.depth_channel import told_by_maps
from synthgen.embedded.diffusion import Conditions, Noise, body_weight
from synthgen.embedded.draft import build_unet
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


def test_training_may_lean_to_the_noisy_end():
    draw = Draw(np.random.default_rng(0), torch.Generator().manual_seed(0), torch.device("cpu"))
    late = {}
    for shift in (1.0, 3.0):
        seen = []
        noise = Noise(5.0, shift)
        noise.loss(
            lambda noisy, times, seen=seen: seen.append(times) or noisy,
            torch.zeros(2000, 1, 1, 1),
            draw,
            torch.ones(2000, 1, 1, 1),
        )
        assert seen[0].min() >= 0 and seen[0].max() < 1000
        late[shift] = float((seen[0] >= 500).float().mean())
    assert np.isclose(late[1.0], 0.5, atol=0.01) and np.isclose(late[3.0], 0.75, atol=0.01)


def test_a_map_of_bodies_takes_the_place_of_depth():
    torch.manual_seed(0)
    masks = np.zeros((1, 32, 32), np.uint8)
    masks[:, 8:24, 8:16] = 1
    maps = torch.from_numpy(body_maps(masks, [np.full((17, 2), 12.0)], (16, 16)))
    unet = build_unet(TINY.draft, (4 + COUNT, 16, 16), extra=1)
    blind = torch.cat([torch.randn(1, 4, 16, 16), maps, torch.zeros(1, 1, 16, 16)], 1)
    told = torch.cat([blind[:, :-1], 2 * shares(maps)[:, None] - 1], 1)
    with torch.no_grad():
        expected, found = unet.conv_in(told), told_by_maps(unet).conv_in(blind)
    torch.testing.assert_close(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])
    assert not torch.allclose(unet.conv_in(blind)[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])
