import torch

from synthgen.bench.refinement import fit
from synthgen.scorehmr.sampling import GuidanceOptions


def test_the_plain_implementation_comes_to_the_same_bodies() -> None:
    options = GuidanceOptions(iterations=1, start=8, step=2)
    (fast_s, fast), (plain_s, plain) = (fit(3, is_plain, options) for is_plain in (False, True))
    assert fast_s > 0 and plain_s > 0
    assert fast.reasons == [""] * 3
    assert bool((fast.energy_after < fast.energy_before).all())
    assert torch.allclose(fast.rotmat, plain.rotmat, rtol=0, atol=1e-4)
    assert torch.allclose(fast.transl, plain.transl, rtol=0, atol=1e-4)
