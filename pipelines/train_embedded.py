"""Train the models that come with the package, from nothing, on pictures that this repository renders.

    python -m synthgen.run config=embedded.yaml

Renders the training shards, then trains the models, side by side where none waits for the other: VAE, text
encoder and U-Net, depth U-Net, pictures drawn anew to learn from, segmenter, keypoints; mesh estimator, pose
prior. What is up to date is skipped; what was stopped goes on where it was. Exit code 0: all chosen steps are
done; 1: a step failed; 130 or 143: stopped by a signal.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from synthgen import interrupts
from synthgen.embedded import lanes, steps
from synthgen.embedded.options import (
    Curriculum,
    DraftOptions,
    KeypointsOptions,
    MeshOptions,
    PriorOptions,
    RedrawOptions,
    RenderOptions,
    SegmenterOptions,
    VaeOptions,
)
from synthgen.embedded.plan import Plan
from synthgen.embedded.redrawn_options import RedrawnOptions
from synthgen.run import import_recipe
from synthgen.scenes.poses import SPORTS
from synthgen.training.devices import Device, Precision, choose_device, takes_bf16

say = partial(print, flush=True)


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        steps: those to run, in any order; empty for all.
        hours: what the whole run may take on two cores; all trainings are made shorter or longer to fit.
            Empty (null) takes the steps as they are.
        work: folder of shards, caches, checkpoints, metrics and sample pictures.
        weights: folder of the finished models.
        start_from: weights folder of earlier models whose training goes on with new steps, pictures or seeds;
            not the folder `weights` itself. A model that it lacks is trained from nothing. Empty
            (null) trains all from nothing.
        device: cpu or cuda; auto takes a GPU where there is one.
        precision: bf16 computes networks in bfloat16 where that is safe; float32 all of it; auto takes bf16
            on a GPU and on CPUs that multiply its matrices (AMX, AVX-512 BF16), where it is faster, and
            float32 on others.
        threads: of torch on the CPU, for each step; 0 takes its share of the cores.
        lanes: steps that run at once, as far as they do not wait for each other; 0 for two on a CPU with two
            cores or more, else one.
        seed: every random draw follows from it.
    """

    steps: list[str] = field(default_factory=list)
    hours: float | None = None
    work: str = "shards/embedded"
    weights: str = "synthgen/embedded/weights"
    start_from: str | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    threads: int = 0
    lanes: int = 0
    seed: int = 0
    render: RenderOptions = field(default_factory=RenderOptions)
    vae: VaeOptions = field(default_factory=VaeOptions)
    draft: DraftOptions = field(default_factory=DraftOptions)
    redraw: RedrawOptions = field(default_factory=RedrawOptions)
    redrawn: RedrawnOptions = field(default_factory=RedrawnOptions)
    segmenter: SegmenterOptions = field(default_factory=SegmenterOptions)
    keypoints: KeypointsOptions = field(default_factory=KeypointsOptions)
    mesh: MeshOptions = field(default_factory=MeshOptions)
    prior: PriorOptions = field(default_factory=PriorOptions)

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        known = ", ".join(steps.NAMES)
        found = [f"steps: no step {name!r}; known: {known}" for name in self.steps if name not in steps.NAMES]
        if self.hours is not None and self.hours * 60 <= self.render.minutes:
            found.append(
                f"hours must be more than render.minutes ({self.render.minutes:g}), got {self.hours:g} h"
            )
        if self.start_from is not None:
            start = Path(self.start_from).expanduser().resolve()
            if not start.is_dir():
                found.append(
                    f"start_from: {start} is no folder; give a weights folder that this recipe filled"
                )
            elif start == Path(self.weights).expanduser().resolve():
                found.append(
                    "start_from must not be the folder `weights`, which is overwritten; copy it first"
                )
        if min(self.threads, self.seed, self.lanes) < 0:
            values = f"{self.threads}, {self.seed}, {self.lanes}"
            found.append(f"threads, seed and lanes must be at least 0, got {values}")
        if min(self.render.everyday, self.render.sports, self.render.samples_per_shard) < 1:
            found.append("render.everyday, render.sports and render.samples_per_shard must be at least 1")
        for name in steps.STEPS:
            for key, training in steps.trainings_of(self.curriculum(), name).items():
                found += [f"{name}.{key}.{problem}" for problem in training.problems()]
        found += [f"draft.{problem}" for problem in self.draft.problems()]
        found += [f"mesh.{problem}" for problem in self.mesh.problems()]
        return found + self._redrawn_problems()

    def _redrawn_problems(self) -> list[str]:
        shares = {"segmenter": self.segmenter.redrawn_share, "keypoints": self.keypoints.redrawn_share}
        return [f"redrawn.{problem}" for problem in self.redrawn.problems()] + [
            f"{name}.redrawn_share must be in [0, 1], got {share}"
            for name, share in shares.items()
            if not 0 <= share <= 1
        ]

    def curriculum(self) -> Curriculum:
        """Return the options of all steps as written."""
        return Curriculum(**{name: getattr(self, name) for name in steps.NAMES})


def main(config: Config) -> int:
    """Run the steps that are due and return the exit code."""
    device = choose_device(config.device)
    at_once = config.lanes or lanes.choose(device)
    options = config.curriculum()
    plan = Plan(
        options=lanes.scaled(options, config.hours, at_once) if config.hours is not None else options,
        work=Path(config.work).expanduser().resolve(),
        weights=Path(config.weights).expanduser().resolve(),
        device=device,
        bf16=takes_bf16(config.precision, device),
        seed=config.seed,
        start_from=Path(config.start_from).expanduser().resolve() if config.start_from else None,
    )
    chosen = [name for name in steps.NAMES if not config.steps or name in config.steps]
    if problems := steps.missing(chosen, plan):
        raise ValueError("; ".join(problems))
    try:
        with interrupts.raised():
            return _run(chosen, plan, at_once, config.threads)
    except interrupts.Interrupted as stop:
        say(f"\ntraining stopped by {stop.name}; the same command goes on from the last checkpoint")
        return stop.exit_code


def _run(chosen: list[str], plan: Plan, at_once: int, threads: int) -> int:
    import torch

    if steps.RENDER in chosen and (code := render(plan)):
        return code
    trained = [name for name in chosen if name != steps.RENDER]
    if at_once > 1 and len(trained) > 1:
        lanes.run(trained, plan, at_once, threads, partial(_tell, plan))
    else:
        torch.set_num_threads(threads or torch.get_num_threads())
        for name in trained:
            _tell(plan, name, steps.run(name, plan))
    say(f"models: {plan.weights}")
    return 0


def _tell(plan: Plan, name: str, is_done: bool) -> None:
    made = "samples and metrics" if steps.STEPS[name].outputs else "pictures"
    say(f"{name}: done, {made} in {plan.work / name}" if is_done else f"{name}: up to date")


def render(plan: Plan) -> int:
    """Render what is missing of the training pictures with the recipe `generate`; return its exit code."""
    generate = import_recipe("generate")
    options = plan.options.render
    runs = {
        "everyday": (options.everyday, {"everyday": 1.0}),
        "sports": (options.sports, dict.fromkeys(SPORTS, 1.0)),
    }
    for number, (run, (count, families)) in enumerate(runs.items()):
        source = {
            "backend": "render",
            "image_size": options.image_size,
            **options.source,
            "families": families,
        }
        config = generate.Config(
            run=run,
            seed=2 * plan.seed + number,
            num_samples=count,
            samples_per_shard=options.samples_per_shard,
            output=str(plan.work),
            source=source,
            ray=options.ray,
            report=False,
        )
        if problems := config.problems():
            raise ValueError("; ".join(problems))
        if code := int(generate.main(config)):
            return code
    return 0
