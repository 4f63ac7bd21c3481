from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from score_goldens import PUBLISHED, goldens, public_weights
from torch import Tensor

from synthgen.scorehmr.denoiser import DenoiserConfig, ScoreDenoiser
from synthgen.scorehmr.official import read_feature_stats, save_stats
from synthgen.scorehmr.schedule import cosine_schedule


def checkpoint(config: DenoiserConfig, prefix: str = "") -> dict[str, Any]:
    """Return a checkpoint as the public trainer writes it."""
    weights = public_weights(config, prefix)
    buffers = dict(vars(cosine_schedule()))
    whole = buffers | {f"model.{key}": value for key, value in weights.items()}
    raw = {key: torch.zeros_like(value) for key, value in whole.items()}
    ema = {f"ema_model.{key}": value for key, value in whole.items()}
    ema |= {f"online_model.{key}": value for key, value in raw.items()}
    ema |= {"initted": torch.tensor(True), "step": torch.tensor(1000)}
    return {"step": 1000, "model": raw, "opt": {"state": {}, "param_groups": [{"lr": 1e-4}]}, "ema": ema}


def betas_stats(folder: Path) -> Path:
    np.savez(folder / "betas.npz", betas_min=np.full(10, -4.0), betas_max=np.full(10, 6.0))
    return folder / "betas.npz"


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_published_checkpoints_load_whole(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = PUBLISHED[name]
    torch.save(checkpoint(config), tmp_path / "model-100.pt")
    with caplog.at_level("INFO"):
        model = ScoreDenoiser.from_checkpoint(
            tmp_path / "model-100.pt", betas_stats=betas_stats(tmp_path) if config.use_betas else None
        )
    assert model.config == config and not model.training
    assert "online_model.* ignored on purpose: raw weights" in caplog.text
    if f"denoiser.{name}.x" in goldens():
        run = goldens(f"denoiser.{name}.")
        with torch.no_grad():
            noise = model(run["x"], run["t"], run["cond"])
        assert torch.allclose(noise, run["noise"], rtol=0, atol=2e-5)
    if config.use_betas:
        assert torch.equal(model.betas_min, torch.full((10,), -4.0))


def small_checkpoint() -> dict[str, Any]:
    return checkpoint(DenoiserConfig(pose_features=20, hidden=32))


def test_sizes_are_read_from_the_weights_and_bare_weights_load(tmp_path: Path) -> None:
    config = DenoiserConfig(pose_features=20, hidden=32, num_blocks=2)
    torch.save(public_weights(config), tmp_path / "bare.pt")
    assert ScoreDenoiser.from_checkpoint(tmp_path / "bare.pt").config == config


def ema(change: dict[str, Tensor | None]) -> dict[str, Any]:
    content = small_checkpoint()
    for key, value in change.items():
        if value is None:
            del content["ema"][key]
        else:
            content["ema"][key] = value
    return content


_FIRST = "ema_model.model.blocks.0.block.linear_layer1.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ema_model.model.final_mlp.bias": None}, "pose.final_mlp.bias is missing"),
        ({"ema_model.model.final_mlp.bias": torch.zeros(7)}, r"has shape \(7,\), expected \(144,\)"),
        ({"ema_model.model.extra.weight": torch.zeros(7)}, "extra.weight is unknown"),
        ({"ema_model.model.final_mlp.bias": torch.full((144,), torch.nan)}, "NaN or infinite weights"),
        ({_FIRST: None}, "linear_layer1.weight is missing. The published file"),
        ({_FIRST: torch.zeros(3)}, "expected two axes"),
        ({"ema_model.alphas_cumprod": torch.linspace(1, 0, 1000)}, "another noise schedule"),
    ],
)
def test_misfits_are_named(tmp_path: Path, change: dict[str, Tensor | None], message: str) -> None:
    torch.save(ema(change), tmp_path / "a.pt")
    with pytest.raises(ValueError, match=message):
        ScoreDenoiser.from_checkpoint(tmp_path / "a.pt")


def test_other_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none.pt"):
        ScoreDenoiser.from_checkpoint(tmp_path / "none.pt")
    torch.save({"state_dict": {"smpl_head.a": torch.ones(1), "backbone.blocks.0.attn.qkv.b": torch.ones(1)}},
               tmp_path / "hmr2.pt")  # fmt: skip
    with pytest.raises(ValueError, match="not a ScoreHMR checkpoint.*like an HMR2 checkpoint.*model-100"):
        ScoreDenoiser.from_checkpoint(tmp_path / "hmr2.pt")
    raw = {"step": 3, "model": {"model.time_mlp.1.weight": torch.ones(1)}}
    torch.save(raw, tmp_path / "raw.pt")
    with pytest.raises(ValueError, match=r"averaged weights \('ema'\)"):
        ScoreDenoiser.from_checkpoint(tmp_path / "raw.pt")
    (tmp_path / "page.pt").write_text("<!doctype html><p>log in")
    with pytest.raises(ValueError, match="web page"):
        ScoreDenoiser.from_checkpoint(tmp_path / "page.pt")


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (Path.touch, (Path(tmp_path / "boom"),))  # type: ignore[return-value]

    torch.save(small_checkpoint() | {"bomb": Bomb()}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match="refused"):
        ScoreDenoiser.from_checkpoint(tmp_path / "a.pt")
    np.savez(tmp_path / "stats.npz", mean=np.array([Bomb()], dtype=object), std=np.ones(1))
    with pytest.raises(ValueError, match="stats.npz"):
        read_feature_stats(tmp_path / "stats.npz", 1)
    assert not (tmp_path / "boom").exists()


def test_feature_statistics_of_all_published_forms(tmp_path: Path) -> None:
    np.savez(tmp_path / "prohmr.npz", mean=np.arange(20.0), std=np.full(20, 2.0))
    torch.save(small_checkpoint(), tmp_path / "a.pt")
    model = ScoreDenoiser.from_checkpoint(tmp_path / "a.pt", feature_stats=tmp_path / "prohmr.npz")
    assert torch.equal(model.standardise(torch.arange(20.0)[None] + 2), torch.ones(1, 20))
    np.savez(
        tmp_path / "pare.npz",
        pose_feats_mean=np.zeros((8, 2)), pose_feats_std=np.ones((8, 2)),
        cam_shape_feats_mean=np.full((2, 2), 5.0), cam_shape_feats_std=np.full((2, 2), 3.0),
    )  # fmt: skip
    mean, std = read_feature_stats(tmp_path / "pare.npz", 20)
    assert mean.tolist() == [0] * 16 + [5] * 4 and std.tolist() == [1] * 16 + [3] * 4
    assert len(read_feature_stats(tmp_path / "pare.npz", 16)[0]) == 16
    save_stats(tmp_path / "own.npz", mean, std)
    assert torch.equal(read_feature_stats(tmp_path / "own.npz", 20)[1], std)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mean": np.zeros(3), "std": np.ones(3)}, "mean must be 20 finite numbers, got shape"),
        ({"mean": np.zeros(20), "std": np.zeros(20)}, "deviations must be above 0, 20 are not"),
        ({"mean": np.full(20, np.nan), "std": np.ones(20)}, "mean must be 20 finite numbers"),
        ({"mean": np.zeros(20)}, "lacks std"),
        ({"median": np.zeros(20)}, "no feature statistics; its arrays are median"),
    ],
)
def test_statistics_that_do_not_fit_are_named(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "stats.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        read_feature_stats(tmp_path / "stats.npz", 20)


def test_statistics_of_betas_are_asked_for_and_checked(tmp_path: Path) -> None:
    torch.save(checkpoint(DenoiserConfig(20, 20, hidden=8, use_betas=True)), tmp_path / "a.pt")
    with pytest.raises(ValueError, match="betas_stats_eft_fits.npz"):
        ScoreDenoiser.from_checkpoint(tmp_path / "a.pt")
    np.savez(tmp_path / "b.npz", betas_min=np.ones(10), betas_max=np.ones(10))
    with pytest.raises(ValueError, match="betas_max must lie above betas_min"):
        ScoreDenoiser.from_checkpoint(tmp_path / "a.pt", betas_stats=tmp_path / "b.npz")
    with pytest.raises(FileNotFoundError, match="no such statistics file"):
        ScoreDenoiser.from_checkpoint(tmp_path / "a.pt", betas_stats=tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(ValueError, match="not an .npz file"):
        ScoreDenoiser.from_checkpoint(tmp_path / "a.pt", betas_stats=tmp_path / "text.npz")
