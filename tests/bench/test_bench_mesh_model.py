"""The plain DPMesh that ours is timed against computes the same features. Never how fast."""

import torch
from torch import nn

from synthgen.bench.mesh_model import FORWARD, STEP, build, compare, crop, peak_bytes, told


def test_both_give_the_same_features() -> None:
    ours, plain = build(32)
    seen = crop(256)
    with torch.inference_mode():
        want = plain.eval()(*seen)
        assert torch.allclose(ours.eval()(*seen), want, atol=1e-4 * float(want.abs().max()))
    assert all(type(m) is not nn.Conv2d or m.groups > 1 for m in ours.unet.modules())
    assert any(type(m) is nn.Conv2d for m in plain.of.unet.modules())


def test_paces_are_taken_of_both_passes() -> None:
    paces = compare(32, 1, True)
    assert set(paces) == {FORWARD, STEP}
    assert all(pace.ours > 0 and pace.plain > 0 and pace.share > 0 for pace in paces.values())
    assert all(pace.ratio == pace.plain / pace.ours for pace in paces.values())
    assert paces[STEP].work > paces[FORWARD].work
    for bf16 in (False, True):
        line = told(32, bf16, STEP, paces[STEP], (10**9, 2 * 10**9))
        assert "32 wide" in line and ("bfloat16" in line) == bf16 and "0.50 of it" in line


def test_memory_is_measured_of_one_pass() -> None:
    assert peak_bytes(32, True, FORWARD, True) > 10**7
