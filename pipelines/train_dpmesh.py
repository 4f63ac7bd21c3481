"""Train DPMesh on shards: codebook and lifter if any, a teacher on true joints, a student on noisy ones.

    python -m synthgen.run config=train_dpmesh.yaml shards=[shards/everyday]

Stages that are up to date are skipped; one that was stopped goes on where it was. Exit code 0: done; 1: a
stage failed; 130 or 143: stopped by a signal.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from synthgen import interrupts
from synthgen.cluster import ClusterError
from synthgen.cluster_training import Workers, run
from synthgen.dpmesh.codebook_poses import LibraryOptions
from synthgen.dpmesh.codebook_training import CodebookOptions
from synthgen.dpmesh.config import DPMeshConfig, embedded_config
from synthgen.dpmesh.inspection import problems_of
from synthgen.dpmesh.keypoint_noise import NoiseOptions
from synthgen.dpmesh.lifter import lifter_training
from synthgen.dpmesh.objective import ObjectiveOptions
from synthgen.dpmesh.stream import Source, StreamOptions
from synthgen.training.devices import Device, Precision, choose_device, takes_bf16
from synthgen.training.options import TrainingOptions

if TYPE_CHECKING:
    from synthgen.dpmesh.training import TrainingPlan

say = partial(print, flush=True)
CODEBOOK, LIFTER, TEACHER, STUDENT = STAGES = ("codebook", "lifter", "teacher", "student")


@dataclass(frozen=True)
class Config:
    """Keys of the recipe.

    Attributes:
        shards: folders of shards, or tars, whose people have SMPL parameters.
        weights: how often each of them is drawn, in the same order; empty for all alike.
        exclude: list of bad samples in all of them, as pipeline=view writes it; empty for none.
        held_out: shards to measure on; may be empty.
        held_batches: of 32 people, to measure on.
        stages: codebook, lifter, teacher, student, those to run; empty for all that the result needs. With a
            `start`, the lifter learns where it is named, and a model without one gets it.
        start: model that the first stage goes on from: a folder, embedded/dpmesh, or a published checkpoint.
            Empty for fresh weights and the sizes of `model`.
        student_from: teacher lets the student go on from the teacher's weights, start from those that the
            teacher began with, as in the paper.
        reasoning: noisy key-point reasoning: the student is held to the teacher's features. Without it, and
            with student_from=start, there is no teacher (Table 4).
        work: local folder of checkpoints, metrics and pictures, shared by all workers.
        output: local folder that gets the model.
        dtype: of the weights there.
        model: sizes and switches, the ablations of the paper's Tables 4, 6, 7 and 8 among them.
        data: how crops are made; their side is that of the model, whatever it says here.
        noise: errors of the student's joints.
        objective: losses.
        library: poses that the codebook learns.
        codebook: how.
        codebook_training: how long and how fast.
        lifter: likewise, of the lifter, where the model has one (model.lifter_width).
        teacher: likewise.
        student: likewise.
        workers: who trains; more than one, or one within a Ray job, train on Ray.
        device: cpu or cuda; auto takes a GPU where there is one.
        precision: bf16 computes networks in bfloat16 where that is safe; float32 all of it; auto takes bf16
            on a GPU and on CPUs that multiply its matrices (AMX, AVX-512 BF16), and float32 on others.
        threads: of torch on the CPU, where this process trains; 0 for all cores.
        seed: every random draw follows from it.
    """

    shards: list[str]
    weights: list[float] = field(default_factory=list)
    exclude: str = ""
    held_out: list[str] = field(default_factory=list)
    held_batches: int = 4
    stages: list[str] = field(default_factory=list)
    start: str = ""
    student_from: Literal["teacher", "start"] = "teacher"
    reasoning: bool = True
    work: str = "shards/dpmesh"
    output: str = "checkpoints/dpmesh"
    dtype: Literal["float16", "float32"] = "float32"
    model: DPMeshConfig = field(default_factory=embedded_config)
    data: StreamOptions = field(default_factory=StreamOptions)
    noise: NoiseOptions = field(default_factory=NoiseOptions)
    objective: ObjectiveOptions = field(default_factory=ObjectiveOptions)
    library: LibraryOptions = field(default_factory=LibraryOptions)
    codebook: CodebookOptions = field(default_factory=CodebookOptions)
    codebook_training: TrainingOptions = field(
        default_factory=lambda: TrainingOptions(
            20000, batch_size=256, learning_rate=1e-3, schedule="cosine", warmup=100, max_gradient=1.0
        )
    )
    lifter: TrainingOptions = field(default_factory=lifter_training)
    teacher: TrainingOptions = field(default_factory=lambda: TrainingOptions(10000, drops=()))
    student: TrainingOptions = field(default_factory=lambda: TrainingOptions(30000))
    workers: Workers = field(default_factory=Workers)
    device: Device = "auto"
    precision: Precision = "auto"
    threads: int = 0
    seed: int = 0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [
            f"stages: no stage {one!r}; known: {', '.join(STAGES)}"
            for one in self.stages
            if one not in STAGES
        ]
        if not self.shards:
            found.append("shards must name at least one folder of shards")
        if self.weights and len(self.weights) != len(self.shards):
            found.append(
                f"weights must be one for each of {len(self.shards)} shards, got {len(self.weights)}"
            )
        if not all(weight > 0 for weight in self.weights):
            found.append(f"weights must be above 0, got {self.weights}")
        if min(self.threads, self.seed) < 0 or self.held_batches < 1:
            found.append("threads and seed must be at least 0, held_batches at least 1")
        nested = ("data", "noise", "objective", "library", "codebook", "codebook_training")
        for name in (*nested, LIFTER, TEACHER, STUDENT, "workers"):
            found += [f"{name}.{text}" for text in getattr(self, name).problems()]
        return found

    def chosen(self) -> list[str]:
        """Return the stages to run, in order."""
        needed = {
            CODEBOOK: self.model.pose_head == "codebook" and not self.model.pose_prior and not self.start,
            LIFTER: self.has_lifter,
            TEACHER: self.reasoning or self.student_from == "teacher",
            STUDENT: True,
        }
        return [one for one in STAGES if (one in self.stages if self.stages else needed[one])]

    @property
    def has_lifter(self) -> bool:
        """Whether models go on from that of the lifter's stage."""
        return LIFTER in self.stages or bool(self.model.lifter_width and not self.start)

    def sources(self) -> tuple[Source, ...]:
        """Return the shards to learn from."""
        weights = self.weights or [1.0] * len(self.shards)
        pairs = zip(self.shards, weights, strict=True)
        return tuple(Source(path, weight, exclude=self.exclude or None) for path, weight in pairs)


def main(config: Config) -> int:
    """Run the stages that are due and return the exit code."""
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
        say(f"\ntraining stopped by {stop.name}; the same command goes on from the last checkpoint")
        return stop.exit_code


def _run(config: Config) -> int:
    chosen = config.chosen()
    if chosen != [CODEBOOK]:
        held = [Source(path) for path in config.held_out]
        problems = [text for one in config.sources() for text in problems_of(one, config.data.body, True)]
        problems += [text for one in held for text in problems_of(one, config.data.body, True)]
        if problems:
            raise ValueError("\n".join(problems))
    device = choose_device(config.device)
    if CODEBOOK in chosen:
        _train_codebook(config, device)
    for stage in (LIFTER, TEACHER, STUDENT):
        if stage in chosen:
            _train_model(config, stage, device)
    if chosen[-1] == STUDENT:
        say(f"model: {config.output}")
    return 0


def _train_codebook(config: Config, device: str) -> None:
    from synthgen.dpmesh.codebook_stage import CodebookPlan, is_done, train_codebook, with_inputs

    folder = _work(config, CODEBOOK)
    body, training = config.data.body, config.codebook_training
    plan = with_inputs(
        CodebookPlan(config.codebook, config.library, training, str(folder), body, config.seed)
    )
    if is_done(plan):
        say(f"{CODEBOOK}: up to date")
        return
    run(train_codebook, plan, config.workers, str(folder), device)
    say(f"{CODEBOOK}: done, metrics in {folder}")


def _train_model(config: Config, stage: str, device: str) -> None:
    from synthgen.dpmesh.training import is_done, train_model, with_inputs

    plan = with_inputs(_plan(config, stage, device))
    if is_done(plan):
        say(f"{stage}: up to date")
        return
    run(train_model, plan, config.workers, plan.work, device)
    say(f"{stage}: done, metrics and pictures in {plan.work}")


def _plan(config: Config, stage: str, device: str) -> "TrainingPlan":
    from synthgen.dpmesh.training import TrainingPlan

    is_student, teacher = stage == STUDENT, _work(config, TEACHER) / "model"
    is_lifter, lifter = stage == LIFTER, _work(config, LIFTER) / "model"
    model = config.model
    if model.pose_head == "codebook" and not model.pose_prior:
        model = replace(model, pose_prior=str(_work(config, CODEBOOK) / "model"))
    follows = is_student and config.student_from == "teacher"
    first = str(lifter) if config.has_lifter and not is_lifter else config.start
    common: dict[str, Any] = {
        "model": model, "sources": config.sources(), "data": config.data, "objective": config.objective,
        "held_out": tuple(Source(path) for path in config.held_out), "held_batches": config.held_batches,
        "bf16": takes_bf16(config.precision, "cuda" if config.workers.gpus else device), "seed": config.seed,
    }  # fmt: skip
    return TrainingPlan(
        name=stage,
        start=str(teacher) if follows else first,
        teacher=str(teacher) if is_student and config.reasoning else "",
        training={LIFTER: config.lifter, TEACHER: config.teacher, STUDENT: config.student}[stage],
        noise=None if stage == TEACHER else config.noise,
        work=str(_work(config, stage)),
        output=config.output if is_student else str(lifter if is_lifter else teacher),
        dtype=config.dtype if is_student else "float32",
        lifter=is_lifter,
        **common,
    )


def _work(config: Config, stage: str) -> Path:
    return Path(config.work).expanduser().resolve() / stage
