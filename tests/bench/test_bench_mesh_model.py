"""The plain DPMesh that ours is timed against computes the same features. Never how fast."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from synthgen.bench.mesh_model import (
    FORWARD,
    STEP,
    Contest,
    build,
    compare,
    crop,
    operations,
    ready_pass,
    told,
)
from synthgen.bench.pace import Pace


def test_both_give_the_same_features() -> None:
    ours, plain = build(32)
    seen = crop(256)
    with torch.inference_mode():
        want = plain.eval()(*seen)
        assert torch.allclose(ours.eval()(*seen), want, atol=1e-4 * float(want.abs().max()))
    assert all(type(m) is not nn.Conv2d or m.groups > 1 for m in ours.unet.modules())
    assert any(type(m) is nn.Conv2d for m in plain.of.unet.modules())


def test_a_pass_of_both_is_timed() -> None:
    contest = compare(32, 1, FORWARD, True)
    assert contest.pace.ours > 0 and contest.pace.plain > 0 and contest.pace.rate > 0
    assert contest.ours > 10**8 < contest.plain, "each has torch and diffusers"


def test_operations_are_those_of_the_plain_pass() -> None:
    threads = torch.get_num_threads()
    run = ready_pass(32, False, STEP, False)
    torch.set_num_threads(threads)
    with FlopCounterMode(display=False) as counter:
        run()
    found = operations(32, STEP)
    # On the CPU torch does not count the VAE's one attention layer.
    assert found / 1.06 < counter.get_total_flops() <= found


def test_a_pass_is_told() -> None:
    line = told(320, True, STEP, Contest(Pace(2.0, 3.0, 4e11, 4e11), 10**9, 2 * 10**9))
    assert "320 wide" in line and "training step in bfloat16: 2.00 s" in line and "ratio 1.50" in line
    assert "400 GFLOP, 50% of the rate" in line and "0.50 of it" in line
    assert "in float32" in told(320, False, FORWARD, Contest(Pace(2.0, 3.0, 4e11, 4e11), 1, 2))
