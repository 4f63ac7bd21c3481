"""Make WebDataset shards of pictures with exact SMPL labels, on Ray.

    python -m synthgen.run config=ski.yaml num_samples=1000

Writes <output>/<run>/: config.yaml first, then one tar and one report for each shard, report.html at the end.
The same command again makes only what is missing. Exit code 0: all done; 1: some shards are in quarantine, or
the run broke off; 2: the config has to be changed; 130 or 143: stopped by a signal.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil, inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from synthgen import backends, interrupts, storage
from synthgen.agreement import Verification
from synthgen.backends.protocols import Precision
from synthgen.cluster import in_job
from synthgen.config import config_hash, to_yaml
from synthgen.models import Method, role_problems
from synthgen.progress import Count, Progress
from synthgen.prompts import Prompts, RequestStream
from synthgen.quality import Gate
from synthgen.run_folder import Failure, RunFolder, recorded_config
from synthgen.sample import Guide
from synthgen.shards import Shard, ShardReport
from synthgen.shards.records import ImageFormat
from synthgen.stages.depth import Conditioning
from synthgen.stages.masks import Masking
from synthgen.stages.prior import Judging
from synthgen.stages.redraw import Redrawing

if TYPE_CHECKING:
    from synthgen.actors import Outcome

LIBRARY = "library"  # path of the built-in poses
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
# Keys that say where and how fast, not what: they may differ when a run goes on.
OPERATION = (
    "output", "num_samples", "keep_rejected", "workers", "cpus_per_worker", "gpus_per_worker", "max_attempts",
    "shard_timeout_s", "ray", "report",
)  # fmt: skip
MAX_KEPT = 20  # pictures of each reason in a shard
say = partial(print, flush=True)


@dataclass(frozen=True)
class Config:
    """Keys of a run.

    Attributes:
        run: name of the run, of its folder and of its shards; letters, digits, "-" and "_".
        seed: every random draw follows from it.
        num_samples: requests to make; may grow later. Each becomes a sample or a counted rejection.
        samples_per_shard: requests per tar.
        batch_size: requests drawn together.
        output: folder that holds the run's folder; local path or any fsspec URL (s3://bucket/shards).
        body: "open", the body that comes with the package, or the path of an SMPL file.
        renderer: warp (no GL needed), pyrender (EGL), or auto: pyrender where a GPU's GL can be had, else
            warp, which is faster than GL in software.
        device: where models and rays are computed.
        image_format: of the final picture.
        precision: of the networks; auto: float16 on a GPU, float32 on a CPU.
        source: where pictures start from: backend and its own keys.
        prompts: sentences to draw from.
        models: models by role, or the name of a preset. Source render needs none and loads none, unless its
            pictures are redrawn or verified.
        masks: which people of a picture count.
        prior: limits of the pose prior, and variants of poses.
        depth: how bodies become a depth map, and what is in front of them.
        redraw: how pictures are drawn anew.
        verify: limits that a redrawn picture must keep.
        quality: limits of the gate that every picture has to pass.
        keep_drafts: store what a picture was redrawn from, as KEY.draft.jpg.
        keep_rejected: small pictures of what was rejected, for each reason in a shard, kept beside it for the
            report; 0 to 20.
        workers: number of Ray actors, or auto: as many as the cluster holds.
        cpus_per_worker: cores that each worker takes; may be a fraction.
        gpus_per_worker: GPUs that each worker takes; may be a fraction.
        max_attempts: tries before a shard is put into quarantine.
        shard_timeout_s: longest that a try may take [s] before it counts as failed and its worker is
            replaced; 0 for no limit.
        ray: auto: the cluster of the job or of RAY_ADDRESS, else a private one; local: a private one; or
            host:port of a head node.
        report: write report.html at the end.
    """

    run: str
    seed: int = 0
    num_samples: int = 1000
    samples_per_shard: int = 250
    batch_size: int = 16
    output: str = "shards"
    body: str = "open"
    renderer: Literal["auto", "pyrender", "warp"] = "auto"
    device: Literal["cpu", "cuda"] = "cpu"
    image_format: ImageFormat = "jpg"
    precision: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    source: dict[str, Any] = field(default_factory=lambda: {"backend": "render"})
    prompts: Prompts = field(default_factory=Prompts)
    models: dict[str, Any] = field(default_factory=dict)
    masks: Masking = field(default_factory=Masking)
    prior: Judging = field(default_factory=Judging)
    depth: Conditioning = field(default_factory=Conditioning)
    redraw: Redrawing = field(default_factory=Redrawing)
    verify: Verification = field(default_factory=Verification)
    quality: Gate = field(default_factory=Gate)
    keep_drafts: bool = True
    keep_rejected: int = 3
    workers: int | Literal["auto"] = "auto"
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0
    max_attempts: int = 3
    shard_timeout_s: float = 0.0
    ray: str = "auto"
    report: bool = True

    @property
    def method(self) -> Method:
        """Options of the steps together."""
        return Method(self.masks, self.prior, self.depth, self.redraw, self.verify, self.quality)

    @property
    def guide(self) -> Guide:
        """Where bodies come from, for the record; a source of one's own counts as `render`."""
        name = str(self.source.get(backends.NAME))
        return cast(Guide, name) if name in get_args(Guide) else "render"

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = []
        if not RUN_NAME.fullmatch(self.run):
            found.append(f"run must match {RUN_NAME.pattern}, got {self.run!r}")
        for name in ("num_samples", "samples_per_shard", "batch_size", "max_attempts"):
            if getattr(self, name) < 1:
                found.append(f"{name} must be at least 1, got {getattr(self, name)}")
        for name, most in (("seed", inf), ("shard_timeout_s", inf), ("keep_rejected", MAX_KEPT)):
            if not 0 <= getattr(self, name) <= most:
                limits = "at least 0" if most == inf else f"in [0, {most}]"
                found.append(f"{name} must be {limits}, got {getattr(self, name)}")
        if self.workers != "auto" and self.workers < 1:
            found.append(f"workers must be auto or at least 1, got {self.workers}")
        if self.cpus_per_worker <= 0 or self.gpus_per_worker < 0:
            size = f"{self.cpus_per_worker:g} and {self.gpus_per_worker:g}"
            found.append(f"cpus_per_worker must be above 0 and gpus_per_worker at least 0, got {size}")
        if self.device == "cuda" and self.gpus_per_worker == 0:
            found.append("device is cuda, but gpus_per_worker is 0: say which part of a GPU a worker may use")
        if self.body != "open" and not Path(self.body).expanduser().is_file():
            found.append(f"body must be open or an SMPL file, no such file: {self.body!r}")
        found += backends.problems(backends.SOURCES, self.source, "source")
        found += backends.model_problems(self.models)
        found += role_problems(str(self.source.get(backends.NAME)), self.method, self.models)
        found += self.method.problems()
        return found + [f"prompts.{problem}" for problem in self.prompts.problems()]


def main(config: Config) -> int:
    """Make what is missing of a run, tell how it goes, and return the exit code."""
    from synthgen.actors import RunError
    from synthgen.cluster import ClusterError

    config = replace(config, output=_absolute(config.output))
    try:
        with interrupts.raised():
            return _run(config)
    except interrupts.Interrupted as stop:
        say(f"\n{config.run}: stopped by {stop.name}; the same command goes on from here")
        return stop.exit_code
    except (RunError, ClusterError) as error:
        say(f"{config.run}: {error}\n{config.run}: broken off; the same command goes on from here")
        return 1


def _run(config: Config) -> int:
    from synthgen.actors import Outcome

    path = storage.join(config.output, config.run)
    config = _resolved(config, recorded_config(path))
    folder = RunFolder(
        path,
        config.run,
        config.num_samples,
        config.samples_per_shard,
        config_hash(config, OPERATION),
        config.image_format,
    )
    folder.open(to_yaml(config, "generate"), OPERATION)
    storage.remove_leftovers(path)
    before = folder.reports()
    for name in set(folder.quarantined()) & before.keys():
        folder.release(name)
    missing = [shard for shard in folder.shards() if shard.name not in before]
    say(f"{config.run}: {path}: {len(before)} of {len(folder)} shards done, {len(missing)} to make")
    outcome = _make(config, folder, before, missing) if missing else Outcome()
    _summarize(folder, before | outcome.reports, outcome.failures)
    if config.report:
        from synthgen.report import write_report

        say(f"report: {write_report(path)}")
    return 0 if len(before) + len(outcome.reports) == len(folder) else 1


def _make(
    config: Config, folder: RunFolder, before: Mapping[str, ShardReport], missing: Sequence[Shard]
) -> "Outcome":
    from synthgen import cluster as clusters
    from synthgen.actors import Crew, Workforce, run_shards
    from synthgen.models import ModelChoice
    from synthgen.worker import Job

    choice = ModelChoice(
        body=config.body,
        renderer=config.renderer,
        device=config.device,
        source=config.source,
        method=config.method,
        config_hash=folder.config_hash,
        nodes=config.models,
        precision=_precision(config),
        keep_drafts=config.keep_drafts,
    )
    requests = RequestStream(config.run, config.seed, config.prompts, config.guide, config.prior.variants)
    job = Job(folder.path, requests, choice, config.batch_size, keep_rejected=config.keep_rejected)
    crew = Crew(
        config.workers,
        config.cpus_per_worker,
        config.gpus_per_worker,
        config.max_attempts,
        config.shard_timeout_s,
    )
    cluster = clusters.join(config.ray, 0 if crew.workers == "auto" else ceil(crew.workers * crew.cpus))
    try:
        with interrupts.raised() as check:  # Ray has put a handler of its own in place
            workforce = Workforce(folder, job, crew, cluster, missing)
            say(
                f"{config.run}: {min(workforce.size, len(missing))} workers on {cluster.name}, renderer "
                f"{config.renderer}, body {config.body}"
            )
            done = sum((Count(report.accepted, report.rejected) for report in before.values()), Count())
            return run_shards(workforce, Progress(config.run, config.num_samples, done, say), check)
    finally:
        with interrupts.ignored():
            cluster.close()
            storage.remove_leftovers(folder.path)


def _resolved(config: Config, recorded: Mapping[str, Any]) -> Config:
    """Write out what was left open, so that the record says what was used; a run keeps its renderer."""
    from synthgen.render import resolve_renderer

    renderer = config.renderer
    if renderer == "auto":
        known = recorded.get("renderer")
        renderer = known if known in ("pyrender", "warp") else resolve_renderer("auto")
    source = backends.complete(backends.SOURCES, config.source, "source")
    if source.get("path", LIBRARY) != LIBRARY and Path(source["path"]).expanduser().exists():
        source["path"] = str(Path(source["path"]).expanduser().resolve())  # workers start elsewhere
    models = {
        role: backends.complete(backends.MODELS[role], node, f"models.{role}")
        for role, node in config.models.items()
    }
    verify = config.verify.resolved("critic" in models)
    return replace(
        config, renderer=renderer, source=source, models=models, verify=verify, precision=_precision(config)
    )


def _precision(config: Config) -> Precision:
    if config.precision != "auto":
        return config.precision
    return "float16" if config.device == "cuda" else "float32"


def _absolute(output: str) -> str:
    """Return the folder of runs as every worker will find it, whatever folder that starts in."""
    path = Path(output).expanduser()
    if storage.is_remote(output) or path.is_absolute():
        return output
    if in_job():
        say(f"output={output}: a Ray job's own folder is deleted with it, so this means below {Path.home()}")
        return str(Path.home() / path)
    return str(path.resolve())


def _summarize(
    folder: RunFolder, reports: Mapping[str, ShardReport], failures: Mapping[str, Failure]
) -> None:
    accepted = sum(report.accepted for report in reports.values())
    rejections = [rejection for report in reports.values() for rejection in report.rejections]
    say(
        f"{folder.run}: {accepted} accepted, {len(rejections)} rejected, "
        f"{len(reports)} of {len(folder)} shards done"
    )
    for reason, count in Counter(f"{one.stage}: {one.reason}" for one in rejections).most_common():
        say(f"  rejected {count}: {reason}")
    for failure in failures.values():
        say(f"  in quarantine: {failure.shard}, failed {failure.attempts} times: {failure.error}")
    if failures:
        say("  the same command tries these again; tracebacks are in *.failed.json and in the report")
