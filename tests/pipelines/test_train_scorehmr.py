"""The recipe trains a denoiser on shards, skips what is up to date, and its result refines."""

from pathlib import Path

import numpy as np

from synthgen import run
from synthgen.scorehmr.features import FeatureStats
from synthgen.scorehmr.refinery import load_denoiser

TINY = [
    "network.hidden=16", "network.num_blocks=1", "network.time_width=16", "training.steps=6",
    "training.batch_size=4", "training.report_every=3", "per_source=0", "threads=1",
]  # fmt: skip


def test_a_denoiser_is_trained_from_shards(run_dir: Path, tmp_path: Path, capsys) -> None:
    weights = tmp_path / "weights"
    command = ["config=train_scorehmr.yaml", f"shards=[{run_dir}]", f"work={tmp_path / 'work'}",
               f"weights={weights}", *TINY]  # fmt: skip
    assert run.main([*command, "steps=[features,stats]"]) == 0
    said = capsys.readouterr().out
    assert "347 numbers each" in said and not weights.exists()
    assert run.main(command) == 0
    denoiser, version = load_denoiser(weights)
    stats = FeatureStats.load(tmp_path / "work" / "feature_stats.npz")
    assert version == stats.version != "" and denoiser.config.num_features == 347
    assert np.allclose(denoiser.feature_mean.numpy(), stats.mean, rtol=1e-2, atol=1e-2)
    first = (weights / "model.safetensors").read_bytes()
    assert run.main(command) == 0
    assert (weights / "model.safetensors").read_bytes() == first, "a finished training is not done again"


def test_wrong_values_end_with_exit_code_2(tmp_path: Path, capsys) -> None:
    wrong = ["shards=[]", "steps=[stat]", "network.hidden=0", "training.steps=0", "mesh={backend: hmr3}"]
    assert run.main(["config=train_scorehmr.yaml", *wrong]) == 2
    error = capsys.readouterr().err
    for text in ("shards must name", "no step 'stat'", "network.hidden", "training.steps", "hmr3"):
        assert text in error
    assert run.main(["config=train_scorehmr.yaml", f"shards=[{tmp_path}]", f"work={tmp_path}"]) == 1
    assert "no shards here" in capsys.readouterr().err
