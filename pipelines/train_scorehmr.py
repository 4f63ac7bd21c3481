"""Train a denoiser of ScoreHMR on shards: features of their pictures, their statistics, then the network.

    python -m synthgen.run config=train_scorehmr.yaml

What is up to date is skipped; a training that was stopped goes on where it was. `steps=[features,stats]`
recomputes the statistics alone. Exit code 0: done; 130 or 143: stopped by a signal.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from synthgen import backends, interrupts
from synthgen.scorehmr.sizes import DenoiserConfig
from synthgen.scorehmr.training import ScoreTraining

say = partial(print, flush=True)
STEPS = ("features", "stats", "train")
STATS = "feature_stats.npz"


@dataclass(frozen=True)
class Network:
    """Sizes of the denoiser; those of its input follow from the features.

    Attributes:
        hidden: width of each block's hidden layer (published: 1024).
        num_blocks: residual blocks.
        time_width: width of the time embedding (published: 576).
        num_steps: of the noise schedule.
    """

    hidden: int = 256
    num_blocks: int = 3
    time_width: int = 144
    num_steps: int = 1000


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        shards: folders of finished runs of `generate`; poses of all families may be in them.
        motions: AMASS-style motion files or folders: poses without pictures.
        motion_poses: poses taken from each of them.
        mesh: node of the mesh estimator whose features the denoiser is told.
        per_source: pictures taken of each folder of shards; 0 for all.
        steps: features, stats, train; empty for all.
        work: folder of cached features, checkpoint and metrics.
        weights: folder that gets the finished denoiser.
        dtype: precision of the weights on the disk.
        network: sizes.
        training: how it is trained.
        device: cpu or cuda; auto takes a GPU where there is one.
        threads: of torch on the CPU; 0 for all cores.
        seed: every random draw follows from it.
    """

    shards: list[str]
    motions: list[str] = field(default_factory=list)
    motion_poses: int = 20000
    mesh: dict[str, Any] = field(default_factory=lambda: {"backend": "hmr2", "id": "embedded/mesh"})
    per_source: int = 0
    steps: list[str] = field(default_factory=list)
    work: str = "shards/scorehmr"
    weights: str = "shards/scorehmr/weights"
    dtype: Literal["float16", "float32"] = "float16"
    network: Network = field(default_factory=Network)
    training: ScoreTraining = field(default_factory=ScoreTraining)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 0
    seed: int = 0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        known = ", ".join(STEPS)
        found = [f"steps: no step {name!r}; known: {known}" for name in self.steps if name not in STEPS]
        if not self.shards:
            found.append("shards must name at least one folder of a finished run")
        if min(self.per_source, self.threads, self.seed) < 0 or self.motion_poses < 1:
            found.append("per_source, threads and seed must be at least 0, motion_poses at least 1")
        found += backends.problems(backends.MODELS["mesh"], self.mesh, "mesh")
        try:
            DenoiserConfig(pose_features=1, **asdict(self.network))
        except ValueError as error:
            found += [f"network.{line}" for line in str(error).splitlines()]
        return found + [f"training.{problem}" for problem in self.training.problems()]


def main(config: Config) -> int:
    """Run the steps and return the exit code."""
    import torch

    if config.threads:
        torch.set_num_threads(config.threads)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if config.device == "auto" else config.device
    try:
        with interrupts.raised():
            return _run(config, device)
    except interrupts.Interrupted as stop:
        say(f"\ntraining stopped by {stop.name}; the same command goes on from the last checkpoint")
        return stop.exit_code


def _run(config: Config, device: str) -> int:
    from synthgen.scorehmr.features import FeatureStats, open_features, stats_of
    from synthgen.scorehmr.refinery import NOTE

    chosen = config.steps or list(STEPS)
    work, weights = (Path(path).expanduser().resolve() for path in (config.work, config.weights))
    work.mkdir(parents=True, exist_ok=True)
    estimator = backends.build(backends.MODELS["mesh"], config.mesh, "mesh")
    estimator.setup(device)
    rows = open_features(config.shards, estimator, work / "features", config.per_source)
    say(f"features: {len(rows)} people, {rows.features.shape[1]} numbers each, of estimator {rows.version}")
    if "stats" in chosen:
        stats_of(rows).save(work / STATS)
        say(f"stats: {work / STATS}")
    if "train" in chosen:
        stats = FeatureStats.load(work / STATS)
        if stats.version != rows.version:
            raise ValueError(f"{work / STATS} is of another estimator; run steps=[stats,train]")
        _train(config, device, rows, stats)
        note = {"estimator": stats.version, "features": "mean token, 6D rotations, betas, 1"}
        (weights / NOTE).write_text(json.dumps(note, indent=2) + "\n")
        say(f"denoiser: {weights}")
    return 0


def _train(config: Config, device: str, rows: Any, stats: Any) -> None:
    import torch

    from synthgen.embedded.earlier import write_log
    from synthgen.scorehmr.denoiser import ScoreDenoiser
    from synthgen.scorehmr.pose_rows import pictured, with_motions
    from synthgen.scorehmr.schedule import cosine_schedule
    from synthgen.scorehmr.training import Desk, rows_of, train_score

    known = pictured(rows, stats)
    if config.motions:
        known = with_motions(known, config.motions, config.motion_poses, config.seed)
    sizes = DenoiserConfig(pose_features=len(stats.mean), **asdict(config.network))
    torch.manual_seed(config.seed)
    model = ScoreDenoiser(sizes)
    model.feature_mean.copy_(torch.from_numpy(stats.mean))
    model.feature_std.copy_(torch.from_numpy(stats.std))
    count = sum(weight.numel() for weight in model.parameters())
    say(f"train: {count / 1e6:.2f} million weights, {len(known.poses)} poses, {config.training.steps} steps")
    asked = f"{rows.digest} {sizes} {config.training} {config.seed} {config.motions} {config.motion_poses}"
    folder = Path(config.work).expanduser().resolve() / "training"
    trained = train_score(
        model,
        cosine_schedule(sizes.num_steps).alphas_cumprod,
        known,
        config.training,
        Desk(folder, device, config.seed, hashlib.sha256(asked.encode()).hexdigest()),
    )
    last = rows_of(folder)[-1]
    figures = ", ".join(f"{name} {value:.4g}" for name, value in last.items() if "loss" in name)
    say(f"train: {last['seconds'] / 60:.1f} min, {figures}")
    ScoreDenoiser.save_folder(trained.cpu(), config.weights, getattr(torch, config.dtype))  # type: ignore[arg-type]
    done = {"steps": last["step"], "batch_size": config.training.batch_size}
    done |= {"minutes": round(last["seconds"] / 60, 1), "device": device, "threads": torch.get_num_threads()}
    write_log(Path(config.weights), [{**done, "examples": len(known.poses), "seed": config.seed}])
