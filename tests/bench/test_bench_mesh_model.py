"""The plain DPMesh that ours is timed against computes the same features. Never how fast."""

import torch
from torch import nn

from synthgen.bench.mesh_model import build, compare, crop


def test_both_give_the_same_features() -> None:
    ours, plain = build(32)
    seen = crop(256)
    with torch.inference_mode():
        want = plain.eval()(*seen)
        assert torch.allclose(ours.eval()(*seen), want, atol=1e-4 * float(want.abs().max()))
    assert all(type(m) is not nn.Conv2d or m.groups > 1 for m in ours.unet.modules())
    assert any(type(m) is nn.Conv2d for m in plain.of.unet.modules())


def test_paces_are_taken_of_both_passes() -> None:
    paces = compare(32, 1)
    assert set(paces) == {"forward", "training step"}
    assert all(pace.ours > 0 and pace.plain > 0 for pace in paces.values())
    assert all(pace.ratio == pace.plain / pace.ours for pace in paces.values())
