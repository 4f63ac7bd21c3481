import pytest
import torch
from score_goldens import goldens

from synthgen.scorehmr.levels import Levels
from synthgen.scorehmr.schedule import Schedule, cosine_schedule


def test_buffers_are_the_published_ones() -> None:
    stored = goldens("schedule.")
    at = stored.pop("at")
    schedule = cosine_schedule()
    assert set(stored) == set(Schedule.__dataclass_fields__)
    for name, value in stored.items():
        found = getattr(schedule, name)
        assert found.dtype == torch.float32 and len(found) == 1000
        assert torch.allclose(found[at], value, rtol=1e-6, atol=0), name


def test_noise_goes_in_and_comes_out_again() -> None:
    schedule = cosine_schedule()
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 5, 144, generator=generator)
    times = torch.tensor([0, 3, 50, 500, 900])
    noisy = schedule.add_noise(clean, times, noise)
    assert torch.allclose(schedule.start_from_noise(noisy, times, noise), clean, atol=1e-4)
    assert (noisy - clean).norm(dim=1).argsort().tolist() == [0, 1, 2, 3, 4]


def test_a_deterministic_step_down_lands_on_the_level_below() -> None:
    levels = Levels(cosine_schedule())
    clean, noise = torch.randn(2, 3, 144, generator=torch.Generator().manual_seed(0))
    at_60 = levels.noisy(clean, noise, 60)
    assert torch.allclose(levels.clean(at_60, noise, 60), clean, atol=1e-5)
    below = levels.down(clean, noise, (60, 40), 0.0, None)
    assert torch.equal(below, levels.noisy(clean, noise, 40))


def test_fresh_noise_comes_from_the_generator_and_keeps_the_variance() -> None:
    levels = Levels(cosine_schedule())
    noise = torch.randn(2000, 144, generator=torch.Generator().manual_seed(0))
    clean = torch.zeros_like(noise)
    down = [
        levels.down(clean, noise, (500, 450), 1.0, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    ]
    assert torch.equal(down[0], down[1]) and not torch.equal(down[0], down[2])
    variance = 1 - cosine_schedule().alphas_cumprod[450]
    assert down[0].var().item() == pytest.approx(variance.item(), rel=0.02)


def test_a_schedule_has_at_least_two_steps() -> None:
    with pytest.raises(ValueError, match="num_steps must be at least 2, got 1"):
        cosine_schedule(1)
