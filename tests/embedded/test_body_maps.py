"""Maps of bodies beside the latents, and a VAE with room for them."""

import numpy as np
import pytest
import torch
from embedded_options import TINY

from synthgen.embedded import vae, wide_vae
from synthgen.embedded.body_maps import COUNT, body_maps, shares
from synthgen.joints import COCO17
from synthgen.sample import OCCLUDER


def standing(left: float, top: float) -> np.ndarray:
    """Return joints of somebody upright: 16 px from nose to ankles."""
    y = {
        "nose": 0,
        "eye": 0,
        "ear": 0,
        "shoulder": 4,
        "elbow": 6,
        "wrist": 8,
        "hip": 8,
        "knee": 12,
        "ankle": 16,
    }
    return np.array([(left, top + y[name.split("_")[-1]]) for name in COCO17.names], np.float64)


def test_maps_say_where_bodies_are_and_which_way_up():
    masks = np.zeros((2, 32, 32), np.uint8)
    masks[:, 8:24, 8:16] = 1
    masks[:, 16:18, 8:16] = OCCLUDER
    upright = standing(11.5, 7.5)
    maps = body_maps(masks, [upright, np.stack([upright[:, 0], 31 - upright[:, 1]], -1)], (16, 16))
    assert maps.shape == (2, COUNT, 16, 16)
    share = shares(torch.from_numpy(maps)).numpy()
    assert share[0, 4:8, 4:8] == pytest.approx(1, abs=1e-6)
    assert share[0, 8, 4:8] == pytest.approx(0, abs=1e-6)  # something in front is no body
    assert share.sum() == pytest.approx(2 * 7 * 4, abs=1e-4)
    height = maps[:, 1]
    assert height[0, 4, 5] > 1 and height[0, 11, 5] < -1
    assert height[1, 4, 5] < -1 and height[1, 11, 5] > 1  # upside down
    assert (height[:, :, :3] == 0).all()


def test_people_are_told_apart_by_the_nearest():
    masks = np.ones((1, 32, 32), np.uint8)
    both = np.concatenate([standing(4, 0), standing(27, 16)])
    (height,) = body_maps(masks, [both], (32, 32))[:, 1]
    assert height[0, 4] > 1.5 and height[16, 4] < -1.5
    assert height[16, 27] > 1.5 and height[31, 27] < -1.5


def test_a_vae_with_room_for_maps_neither_fills_nor_reads_them():
    torch.manual_seed(0)
    model = vae.build(TINY.vae, 64).eval()
    wide, images = wide_vae.widened(model).eval(), torch.rand(2, 3, 64, 64) * 2 - 1
    channels = model.config.latent_channels
    assert wide.config.latent_channels == channels + COUNT
    with torch.no_grad():
        narrow_code, code = model.encode(images).latent_dist, wide.encode(images).latent_dist
        torch.testing.assert_close(code.mean[:, :channels], narrow_code.mean)
        torch.testing.assert_close(code.std[:, :channels], narrow_code.std)
        assert code.mean[:, channels:].eq(0).all() and code.std[:, channels:].max() < 1e-5
        filled = torch.cat([narrow_code.mean, torch.randn(2, COUNT, *code.mean.shape[2:])], 1)
        torch.testing.assert_close(wide.decode(filled).sample, model.decode(narrow_code.mean).sample)


def test_it_can_be_narrowed_again():
    torch.manual_seed(0)
    model = vae.build(TINY.vae, 64)
    again = wide_vae.narrowed(wide_vae.widened(model))
    assert again.config.latent_channels == model.config.latent_channels
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
