"""Adapt a trained DPMesh to a sport: generated shards with every label, and a few real pictures with some.

    python -m synthgen.run config=ski_adapt.yaml

What is up to date is skipped; an adaptation that was stopped goes on where it was. Exit code 0: done; 1:
failed; 130 or 143: stopped by a signal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal

from synthgen import interrupts
from synthgen.cluster import ClusterError
from synthgen.cluster_training import Workers, run
from synthgen.dpmesh.config import DPMeshConfig
from synthgen.dpmesh.inspection import num_pictures, problems_of
from synthgen.dpmesh.keypoint_noise import NoiseOptions
from synthgen.dpmesh.lifter import lifter_training
from synthgen.dpmesh.losses import LossOptions
from synthgen.dpmesh.objective import ObjectiveOptions
from synthgen.dpmesh.stream import Source, StreamOptions
from synthgen.training.devices import Device, Precision, choose_device, takes_bf16
from synthgen.training.options import TrainingOptions

if TYPE_CHECKING:
    from synthgen.dpmesh.training import TrainingPlan

say = partial(print, flush=True)
NAME = "adapt"


@dataclass(frozen=True)
class Mix:
    """How often each kind of shards is drawn; within a kind, pictures alike.

    Attributes:
        synthetic: generated shards.
        real: ingested ones.
    """

    synthetic: float = 1.0
    real: float = 1.0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        if min(self.synthetic, self.real) <= 0:
            return [f"synthetic and real must be above 0, got {self.synthetic:g} and {self.real:g}"]
        return []


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        start: model to adapt: a folder that train_dpmesh or adapt wrote, embedded/dpmesh, or a published
            checkpoint.
        synthetic: folders of generated shards, or tars; their people need SMPL parameters. May be empty. In
            place of a path, {path, weight, num_samples, exclude} says how often and how much of it is used;
            exclude names a list of bad samples, which pipeline=view writes.
        real: folders of ingested shards, or tars; their people may have 2D keypoints alone. Else likewise.
        pseudo_labels: run file of the recipe refine (refine_pictures.yaml) that first fits bodies to all
            real pictures, which then train with that SMPL; who cannot be fitted is counted and left out.
            Empty: real pictures train with what labels they have.
        num_real: real pictures to use, chosen at random by the seed, fewer being part of more; null for all.
        num_synthetic: likewise.
        weights: how often synthetic and real people are drawn, those whose shards have no weight of their
            own.
        held_out: shards to measure on while it trains; may be empty.
        held_batches: of 32 people, to measure on.
        epochs: rounds through as many people as there are pictures.
        steps: optimiser steps, in place of epochs; 0 for epochs.
        teacher: trained model whose features the result is held to (noisy key-point reasoning); or empty.
        work: local folder of checkpoint, metrics and pictures, shared by all workers.
        output: local folder that gets the model.
        dtype: of the weights there.
        data: how crops are made; their side is that of the model, whatever it says here.
        noise: errors of the joints that the model is shown, as detectors make them.
        objective: losses. For real pictures of unknown cameras, 2D errors below losses.unknown_camera count
            little.
        lift: train the lifter first, where the model has one; else it stays as it is.
        lifter: how long and how fast.
        training: how fast; how long follows from `epochs` and `steps`, whatever its own steps say.
        workers: who trains; more than one, or one within a Ray job, train on Ray.
        device: cpu or cuda; auto takes a GPU where there is one.
        precision: bf16 computes networks in bfloat16 where that is safe; float32 all of it; auto takes bf16
            on a GPU and on CPUs that multiply its matrices (AMX, AVX-512 BF16), and float32 on others.
        threads: of torch on the CPU, where this process trains; 0 for all cores.
        seed: every random draw follows from it.
    """

    start: str = "embedded/dpmesh"
    synthetic: list[Any] = field(default_factory=list)
    real: list[Any] = field(default_factory=list)
    pseudo_labels: str = ""
    num_real: int | None = None
    num_synthetic: int | None = None
    weights: Mix = field(default_factory=Mix)
    held_out: list[str] = field(default_factory=list)
    held_batches: int = 4
    epochs: float = 1.0
    steps: int = 0
    teacher: str = ""
    work: str = "shards/adapt"
    output: str = "checkpoints/adapt"
    dtype: Literal["float16", "float32"] = "float32"
    data: StreamOptions = field(default_factory=StreamOptions)
    noise: NoiseOptions = field(default_factory=NoiseOptions)
    objective: ObjectiveOptions = field(
        default_factory=lambda: ObjectiveOptions(LossOptions(unknown_camera=0.01))
    )
    lift: bool = True
    lifter: TrainingOptions = field(default_factory=lifter_training)
    training: TrainingOptions = field(default_factory=lambda: TrainingOptions(1))
    workers: Workers = field(default_factory=Workers)
    device: Device = "auto"
    precision: Precision = "auto"
    threads: int = 0
    seed: int = 0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [text for one in self.synthetic for text in _entry_problems("synthetic", one)]
        found += [text for one in self.real for text in _entry_problems("real", one)]
        if not self.start:
            found.append(
                "start must name a trained model: a folder, embedded/dpmesh or a published checkpoint"
            )
        if not self.synthetic and not self.real:
            found.append("synthetic or real must name at least one folder of shards")
        if (self.num_real is not None and self.num_real < 1) or (
            self.num_synthetic is not None and self.num_synthetic < 1
        ):
            found.append("num_real and num_synthetic must be at least 1, or null for all")
        if self.epochs < 0 or self.steps < 0 or self.epochs + self.steps == 0:
            found.append(f"epochs or steps must be above 0, got {self.epochs:g} and {self.steps}")
        if min(self.threads, self.seed) < 0 or self.held_batches < 1:
            found.append("threads and seed must be at least 0, held_batches at least 1")
        for name in ("weights", "data", "noise", "objective", "lifter", "training", "workers"):
            found += [f"{name}.{text}" for text in getattr(self, name).problems()]
        return found


def main(config: Config) -> int:
    """Adapt and return the exit code."""
    import torch

    if config.threads:
        torch.set_num_threads(config.threads)
    try:
        with interrupts.raised():
            return _run(config)
    except ClusterError as error:
        say(f"error: {error}")
        return 1
    except interrupts.Interrupted as stop:
        say(f"\nadaptation stopped by {stop.name}; the same command goes on from the last checkpoint")
        return stop.exit_code


def _run(config: Config) -> int:
    from synthgen.dpmesh.starts import has_lifter
    from synthgen.dpmesh.training import is_done, train_model, with_inputs

    body = config.data.body
    if config.pseudo_labels:
        config = replace(config, real=[_fitted(config, *pair) for pair in enumerate(config.real)])
    problems = [text for one in config.synthetic for text in problems_of(_source(one), body, True)]
    problems += [text for one in config.real for text in problems_of(_source(one), body, False)]
    problems += [text for path in config.held_out for text in problems_of(Source(path), body, True)]
    if problems:
        raise ValueError("\n".join(problems))
    device = choose_device(config.device)
    plan = make_plan(config, device)
    if config.lift and has_lifter(plan.start):
        lifting = with_inputs(lifter_plan(config, plan))
        if is_done(lifting):
            say(f"{lifting.name}: up to date")
        else:
            run(train_model, lifting, config.workers, lifting.work, device)
            say(f"{lifting.name}: metrics and pictures in {lifting.work}")
        plan = replace(plan, start=lifting.output)
    plan = with_inputs(plan)
    if is_done(plan):
        say(f"{NAME}: up to date: {config.output}")
        return 0
    run(train_model, plan, config.workers, plan.work, device)
    say(f"{NAME}: metrics and pictures in {plan.work}")
    say(f"model: {config.output}")
    return 0


def _fitted(config: Config, number: int, entry: Any) -> dict[str, Any]:
    """Return a real source with bodies fitted to its joints, which are kept in the work folder."""
    from synthgen import config as configs
    from synthgen.run import import_recipe

    source = entry if isinstance(entry, dict) else {"path": str(entry)}
    folder = Path(config.work).expanduser().resolve() / "pseudo_labels" / str(number)
    if not folder.is_dir():  # it gets its name when all is done
        recipe, unfinished = import_recipe("refine"), folder.with_name(f"{number}.unfinished")
        settings = [f"shards={source['path']}", f"output={unfinished}", f"body={config.data.body}"]
        refine = configs.load(recipe.Config, configs.find(config.pseudo_labels), settings)
        if recipe.main(refine):
            raise ValueError(f"{source['path']}: nobody could be fitted (pseudo_labels)")
        unfinished.rename(folder)
    return {**source, "path": str(folder)}


def make_plan(config: Config, device: str) -> "TrainingPlan":
    """Return what is to be trained."""
    from synthgen.dpmesh.training import TrainingPlan

    synthetic = chosen(config.synthetic, config.weights.synthetic, config.num_synthetic, config.seed)
    real = chosen(config.real, config.weights.real, config.num_real, config.seed)
    sources = (*synthetic, *real)
    steps = config.steps or _steps_of(config, sources)
    return TrainingPlan(
        name=NAME,
        start=config.start,
        model=DPMeshConfig(),  # of fresh weights; these have their own
        teacher=config.teacher,
        sources=sources,
        data=config.data,
        objective=config.objective,
        training=replace(config.training, steps=steps),
        work=str(Path(config.work).expanduser().resolve()),
        output=config.output,
        noise=config.noise,
        held_out=tuple(Source(path) for path in config.held_out),
        held_batches=config.held_batches,
        dtype=config.dtype,
        bf16=takes_bf16(config.precision, "cuda" if config.workers.gpus else device),
        seed=config.seed,
    )


def lifter_plan(config: Config, plan: "TrainingPlan") -> "TrainingPlan":
    """Return how the lifter learns from the same sources first."""
    work = Path(plan.work) / "lifter"
    return replace(
        plan, name=f"{NAME} lifter", teacher="", training=config.lifter, work=str(work),
        output=str(work / "model"), dtype="float32", lifter=True,
    )  # fmt: skip


def chosen(entries: Sequence[Any], weight: float, limit: int | None, seed: int) -> list[Source]:
    """Share a weight and a limit of pictures over sources by how many pictures each has.

    Args:
        entries: paths, or mappings with what is known already.
        weight: of all together.
        limit: of pictures; None for all.
        seed: of the choice.

    Raises:
        ValueError: more pictures are asked for than there are.
    """
    sources = [_source(one) for one in entries]
    counts = [one.num_samples or num_pictures(one.path) for one in sources]
    total = sum(counts)
    if limit is not None and sources and limit > total:
        raise ValueError(
            f"{', '.join(one.path for one in sources)}: {limit} pictures are asked for, there are {total}"
        )
    used = total if limit is None else limit
    ends = [round(sum(counts[: place + 1]) / max(1, total) * used) for place in range(len(counts))]
    shares = [end - before for end, before in zip(ends, [0, *ends], strict=False)]
    return [
        Source(
            source.path,
            entry["weight"] if isinstance(entry, dict) and "weight" in entry else weight * share / used,
            source.num_samples if limit is None else share,
            seed,
            exclude=source.exclude,
        )
        for entry, source, share in zip(entries, sources, shares, strict=True)
        if share
    ]


def _source(entry: Any) -> Source:
    return Source(**entry) if isinstance(entry, dict) else Source(str(entry))


def _entry_problems(key: str, entry: Any) -> list[str]:
    known: dict[str, Any] = {
        "path": str,
        "weight": (int, float),
        "num_samples": (int, NoneType),
        "exclude": (str, NoneType),
    }
    if isinstance(entry, str):
        return []
    if not isinstance(entry, dict) or "path" not in entry or not entry.keys() <= known.keys():
        return [f"{key}: expected a path or {{path, weight, num_samples, exclude}}, got {entry!r}"]
    wrong = [name for name, value in entry.items() if not isinstance(value, known[name])]
    if wrong:
        return [f"{key}: {name} cannot be {entry[name]!r}" for name in wrong]
    return [f"{key}: {text}" for text in _source(entry).problems()]


def _steps_of(config: Config, sources: Sequence[Source]) -> int:
    pictures = sum(source.num_samples or num_pictures(source.path) for source in sources)
    at_once = config.training.batch_size * config.training.accumulate * config.workers.count
    return max(1, round(config.epochs * pictures / at_once))
