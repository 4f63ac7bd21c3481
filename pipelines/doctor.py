"""Check what a run needs before any hour is spent: files, licences, versions, GPU, GL, Ray, memory, disk.

    python -m synthgen.run pipeline=doctor config=ski.yaml models=paper body=models/smpl/SMPL_NEUTRAL.pkl

Takes the run file and the changes of a run and makes nothing. Prints one line for each check, `ok`, `warn` or
`FAIL`, and below it what to do. No network is needed. Exit code 0: nothing failed; 1: something did.
"""

from dataclasses import dataclass
from typing import Any

from synthgen import backends
from synthgen.backends.protocols import Precision
from synthgen.doctor.examination import examine
from synthgen.doctor.finding import Finding, has_failed, lines_of
from synthgen.doctor.plan import Plan
from synthgen.models import OPTIONAL, roles_needed

from . import generate


@dataclass(frozen=True)
class Config(generate.Config):  # noqa: D101, its keys are those of a run, and so are their meanings
    __doc__ = generate.Config.__doc__

    def problems(self) -> list[str]:
        """Return nothing: what is wrong with a run is what the doctor is to tell, beside all the rest."""
        return []


def main(config: Config) -> int:
    """Check a run, print what was found and return the exit code."""
    findings: list[Finding] = list(examine(plan_of(config)))
    print("\n".join(lines_of(findings)))
    counts = {level: sum(one.level == level for one in findings) for level in ("warn", "FAIL")}
    told = "all is well" if not any(counts.values()) else f"{counts['FAIL']} FAIL, {counts['warn']} warn"
    print(f"{config.run}: {len(findings)} checks: {told}")
    return 1 if has_failed(findings) else 0


def plan_of(config: Config) -> Plan:
    """Return what the doctor has to know of a run."""
    needed = roles_needed(str(config.source.get(backends.NAME)), config.method)
    wanted = {*needed, *(OPTIONAL if needed else ())}
    automatic: Precision = "float16" if config.device == "cuda" else "float32"
    return Plan(
        name=config.run,
        problems=tuple(generate.Config.problems(config)),
        models={role: node for role, node in config.models.items() if role in wanted},
        body=config.body,
        renderer=config.renderer,
        device=config.device,
        precision=automatic if config.precision == "auto" else config.precision,
        output=config.output,
        num_samples=config.num_samples,
        image_size=_image_size(config.source, config.models),
        image_format=config.image_format,
        workers=config.workers,
        cpus_per_worker=config.cpus_per_worker,
        gpus_per_worker=config.gpus_per_worker,
        ray=config.ray,
    )


def _image_size(source: dict[str, Any], models: dict[str, Any]) -> int:
    """Return the longer side of the pictures [px], 0 where the config does not say."""
    sides = [source.get("image_size", 0)]
    draft = models.get("draft")
    if isinstance(draft, dict):
        sides += [draft.get("height", 0), draft.get("width", 0)]
    return max((side for side in sides if isinstance(side, int)), default=0)
