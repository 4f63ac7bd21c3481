from dataclasses import replace
from pathlib import Path

import pytest
import torch
from score_goldens import PUBLISHED, goldens, public_denoiser

from synthgen.scorehmr.denoiser import DenoiserConfig, ScoreDenoiser
from synthgen.scorehmr.rotations import rot6d_to_rotmat

SMALL = DenoiserConfig(pose_features=12, hidden=16, num_blocks=2, time_width=8)
SMALL_BETAS = replace(SMALL, use_betas=True, shape_features=12)
SPLIT = replace(SMALL, use_betas=True, shape_features=5, is_split=True)


def small(config: DenoiserConfig = SMALL) -> ScoreDenoiser:
    torch.manual_seed(0)
    model = ScoreDenoiser(config).eval()
    for name, value in model.named_parameters():
        if "norm" in name:  # so that an affine part that is left out is seen
            torch.nn.init.normal_(value, 0.5, 0.3)
    return model


@pytest.mark.parametrize("name", ["pare", "prohmr_betas"])
def test_agrees_with_the_public_code(name: str) -> None:
    run, model = goldens(f"denoiser.{name}."), public_denoiser(PUBLISHED[name])
    with torch.no_grad():
        noise = model(run["x"], run["t"], run["cond"])
    assert torch.allclose(noise, run["noise"], rtol=0, atol=2e-5)
    for person, time in enumerate(run["t"].tolist()):
        prepared = model.prepare(run["cond"], [time])
        assert torch.allclose(prepared(run["x"], time)[person], run["noise"][person], rtol=0, atol=2e-5)


@pytest.mark.parametrize("config", [SMALL, SMALL_BETAS, SPLIT])
def test_what_is_prepared_says_the_same(config: DenoiserConfig) -> None:
    model = small(config).double()
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(7, config.width, generator=generator).double()
    features = 3 + 5 * torch.randn(7, config.num_features, generator=generator).double()
    prepared = model.prepare(features, [4, 0, 999])
    for time in (0, 4, 999):
        plain = model(x, torch.full((7,), time), features)
        assert torch.allclose(prepared(x, time), plain, rtol=0, atol=1e-9)


def test_the_shape_reads_its_own_part_of_split_features() -> None:
    model, generator = small(SPLIT), torch.Generator().manual_seed(1)
    x, times = torch.randn(1, SPLIT.width, generator=generator), torch.tensor([3])
    features = torch.randn(1, SPLIT.num_features, generator=generator)
    other = features.clone()
    other[:, SPLIT.pose_features :] += 1
    before, after = model(x, times, features), model(x, times, other)
    assert torch.equal(before[:, :144], after[:, :144]) and not torch.equal(before[:, 144:], after[:, 144:])


def test_vectors_keep_rotations_and_betas() -> None:
    model, generator = small(SMALL_BETAS), torch.Generator().manual_seed(1)
    model.betas_min.fill_(-3)
    model.betas_max.fill_(5)
    rotmat = rot6d_to_rotmat(torch.randn(6, 24, 6, generator=generator))
    betas = torch.randn(6, 10, generator=generator)
    x = model.encode(rotmat, betas)
    assert x.shape == (6, 154)
    assert torch.equal(x[:, :3], rotmat[:, 0, :, 0]) and torch.equal(x[:, 3:6], rotmat[:, 0, :, 1])
    assert torch.allclose(x[:, 144], (betas[:, 0] + 3) / 4 - 1, atol=1e-6)
    back = model.decode(x)
    assert back.betas is not None
    assert torch.allclose(back.rotmat, rotmat, atol=1e-6) and torch.allclose(back.betas, betas, atol=1e-6)


def test_features_are_standardised_by_the_model_s_statistics() -> None:
    model = small()
    model.feature_mean.copy_(torch.arange(12.0))
    model.feature_std.fill_(4)
    assert torch.equal(model.standardise(torch.arange(12.0)[None] + 8), torch.full((1, 12), 2.0))


def test_folders_keep_sizes_weights_and_statistics(tmp_path: Path) -> None:
    model = small(SPLIT)
    model.feature_mean.fill_(0.25)
    model.betas_max.fill_(7)
    model.save_folder(tmp_path / "a")
    again = ScoreDenoiser.from_folder(tmp_path / "a")
    assert again.config == SPLIT
    kept = again.state_dict()
    assert all(torch.equal(value, kept[key]) for key, value in model.state_dict().items())
    model.save_folder(tmp_path / "b", torch.float16)
    assert (tmp_path / "b" / "model.safetensors").stat().st_size < 0.6 * (
        tmp_path / "a" / "model.safetensors"
    ).stat().st_size
    assert ScoreDenoiser.from_folder(tmp_path / "b").feature_mean.dtype == torch.float32


def test_learns_a_pose_from_its_features() -> None:
    """Noise of one pose per feature vector is predicted better and better."""
    model = small(replace(SMALL, hidden=64)).train()
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    features, noise = torch.randn(8, 12, generator=generator), torch.randn(8, 144, generator=generator)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (model(noise, torch.full((8,), 500), features) - noise).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": 0}, "hidden must be at least 1, got 0"),
        ({"use_betas": True}, "shape_features must be above 0 with use_betas"),
        ({"shape_features": 4}, "shape_features must be above 0 with use_betas and 0 without, got 4"),
        ({"use_betas": True, "shape_features": 5}, "must equal pose_features unless is_split, got 5 and 12"),
        ({"num_steps": 1}, "num_steps must be at least 2"),
    ],
)
def test_sizes_that_make_no_denoiser_are_named(changes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **changes)  # type: ignore[arg-type]


def test_inputs_of_other_shapes_are_named() -> None:
    model = small()
    with pytest.raises(ValueError, match=r"features must be \(B, 12\), got \(2, 13\)"):
        model(torch.zeros(2, 144), torch.zeros(2), torch.zeros(2, 13))
    with pytest.raises(ValueError, match=r"x must be \(2, 144\)"):
        model(torch.zeros(3, 144), torch.zeros(3), torch.zeros(2, 12))
    with pytest.raises(ValueError, match="no others"):
        model.standardise(torch.zeros(2, 3072))
