"""Ray: is the cluster there, and has it room for the workers."""

import os
from typing import Any

from synthgen import cluster as clusters
from synthgen.doctor.finding import Finding
from synthgen.doctor.plan import Plan

LOWER = "lower workers, cpus_per_worker or gpus_per_worker"


def is_remote(plan: Plan) -> bool:
    """Tell whether workers run on a cluster that is there already, not on one that the run starts."""
    return target_of(plan) != "local"


def target_of(plan: Plan) -> str:
    """Return the address that the run would join: "local" or host:port."""
    if plan.ray != "auto":
        return plan.ray
    return os.environ.get(clusters.ADDRESS_VARIABLE) or "local"


def examine_ray(plan: Plan, num_gpus: int) -> list[Finding]:
    """See that workers of the wanted size have room.

    Args:
        plan: the run.
        num_gpus: GPUs of this machine, for a private cluster, which is not started for this.
    """
    target = target_of(plan)
    if target == "local":
        have = {"CPU": float(os.cpu_count() or 1), "GPU": float(num_gpus)}
        return [room_finding(plan, have, "a private cluster on this machine", may_oversubscribe=True)]
    try:
        cluster = clusters.join(plan.ray, 0)
    except clusters.ClusterError as error:
        fix = f"see `ray status` on the head node, and {clusters.ADDRESS_VARIABLE} here ({target})"
        return [Finding("FAIL", "ray", str(error), fix)]
    try:
        have = _resources()
        return [room_finding(plan, have, cluster.name, may_oversubscribe=False)]
    finally:
        cluster.close()


def room_finding(plan: Plan, have: dict[str, float], name: str, may_oversubscribe: bool) -> Finding:
    """Compare the workers with what a cluster has.

    Args:
        plan: the run.
        have: {"CPU": …, "GPU": …} of the cluster.
        name: of the cluster.
        may_oversubscribe: a private cluster offers as many CPUs as a fixed number of workers asks for.
    """
    needs = {"CPU": plan.cpus_per_worker, "GPU": plan.gpus_per_worker}
    room = {kind: int(have.get(kind, 0.0) / need + 1e-6) for kind, need in needs.items() if need > 0}
    fits = min(room.values(), default=0)
    has = ", ".join(f"{have.get(kind, 0):g} {kind}" for kind in needs)
    each = f"{plan.cpus_per_worker:g} CPU and {plan.gpus_per_worker:g} GPU"
    if plan.workers == "auto":
        if not fits:
            return Finding("FAIL", "ray", f"{name} has {has}: no room for a worker of {each}", LOWER)
        return Finding("ok", "ray", f"{name} has {has}: {fits} workers of {each}")
    text = f"{name} has {has}: room for {fits} of {plan.workers} workers of {each}"
    if fits >= plan.workers:
        return Finding("ok", "ray", text)
    if not room.get("GPU", 1):
        return Finding("FAIL", "ray", text, LOWER)
    if may_oversubscribe and room.get("GPU", plan.workers) >= plan.workers:
        return Finding("warn", "ray", f"{text}; they will share the cores", LOWER)
    return Finding("warn", "ray", f"{text}; the others wait until there is room", LOWER)


def _resources() -> dict[str, Any]:
    return dict(clusters.ray_library().cluster_resources())
