"""All checks of a run, in the order in which they help: what is wrong first comes first."""

import os
from collections.abc import Iterator

from synthgen.doctor.bodies import examine_body
from synthgen.doctor.finding import Finding
from synthgen.doctor.gpu import cards, examine_gpu
from synthgen.doctor.graphics import examine_renderer
from synthgen.doctor.memory import examine_memory, free_memory
from synthgen.doctor.models import inspect_models
from synthgen.doctor.packages import examine_packages
from synthgen.doctor.plan import Plan
from synthgen.doctor.ray_room import examine_ray, is_remote
from synthgen.doctor.storage_room import examine_output


def examine(plan: Plan) -> Iterator[Finding]:
    """Check everything that a run needs; no weights are loaded, no network is needed for an answer."""
    yield from examine_packages()
    yield from examine_config(plan)
    models = inspect_models(plan)
    yield from models.findings
    yield from examine_body(plan)
    yield from examine_renderer(plan)
    found = cards()
    yield from examine_gpu(plan, models, found, is_remote(plan))
    yield from examine_ray(plan, len(found))
    if not is_remote(plan):
        yield from examine_memory(plan, models, local_workers(plan, len(found)), free_memory())
    yield from examine_output(plan)


def examine_config(plan: Plan) -> list[Finding]:
    """Tell what the config says of itself; a missing body is told by the check of the body."""
    problems = [text for text in plan.problems if not text.startswith("body must")]
    if not problems:
        return [Finding("ok", "config", f"{plan.name}: {plan.num_samples} samples")]
    fix = "change the run file, or give key=value on the command line"
    return [Finding("FAIL", "config", text, fix) for text in problems]


def local_workers(plan: Plan, num_gpus: int) -> int:
    """Return how many workers a private cluster of this machine runs."""
    if plan.workers != "auto":
        return max(1, plan.workers)
    room = [int((os.cpu_count() or 1) / plan.cpus_per_worker)] if plan.cpus_per_worker > 0 else []
    if plan.gpus_per_worker > 0:
        room.append(int(num_gpus / plan.gpus_per_worker + 1e-6))
    return max(1, min(room, default=1))
