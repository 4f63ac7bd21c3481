"""The GPU: is there one, and do the models fit."""

from dataclasses import dataclass
from math import floor

from synthgen.doctor.finding import Finding
from synthgen.doctor.models import Inspection
from synthgen.doctor.plan import Plan

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}  # of one number
GIB = 1 << 30
DRAWING = 3 * GIB  # of one worker beside its weights: CUDA itself, and a small batch being drawn
SLOW_ON_CPU = 500_000_000  # numbers in the weights from which a picture takes minutes on a CPU


@dataclass(frozen=True)
class Card:
    """A GPU as PyTorch sees it: its name and memory [bytes]."""

    name: str
    memory: int


def cards() -> list[Card]:
    """Return the GPUs of this machine."""
    import torch

    found = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return [Card(str(one.name), int(one.total_memory)) for one in found]


def examine_gpu(plan: Plan, models: Inspection, found: list[Card], is_remote: bool) -> list[Finding]:
    """Compare what the models take with what there is.

    Args:
        plan: the run.
        models: with the size of the weights.
        found: GPUs of this machine.
        is_remote: workers run elsewhere, on a cluster.
    """
    if not plan.is_on_gpu:
        return [_cpu_finding(models, found)]
    if not found:
        text = "device is cuda, but PyTorch finds no CUDA device on this machine"
        if is_remote:
            return [
                Finding("warn", "gpu", text, "run the doctor on a node that has GPUs, to check their memory")
            ]
        fix = "see nvidia-smi; a PyTorch built for CUDA (torch.version.cuda) is needed too; or set device=cpu"
        return [Finding("FAIL", "gpu", text, fix)]
    smallest = min(found, key=lambda card: card.memory)
    return [_fit_finding(plan, models, smallest, len(found))]


def _cpu_finding(models: Inspection, found: list[Card]) -> Finding:
    there = f"{len(found)} GPUs are here and not used" if found else "no GPU needed"
    fix = "device=cuda gpus_per_worker=1 on a machine with a GPU"
    if models.count >= SLOW_ON_CPU:
        text = (
            f"device is cpu, and the models have {models.count / 1e9:.1f} billion weights: that is very slow"
        )
        return Finding("warn", "gpu", text, fix)
    if models.unknown:
        text = f"device is cpu, and how large these are is not known: {', '.join(models.unknown)}"
        return Finding("warn", "gpu", text, fix)
    return Finding("ok", "gpu", f"device is cpu: {there}")


def _fit_finding(plan: Plan, models: Inspection, card: Card, number: int) -> Finding:
    each = models.count * BYTES[plan.precision]
    workers = max(1, floor(1 / plan.gpus_per_worker + 1e-6)) if plan.gpus_per_worker > 0 else 1
    needed, likely = each * workers, (each + DRAWING) * workers
    missing = f"; not counted: {', '.join(models.unknown)}" if models.unknown else ""
    text = (
        f"{number} x {card.name}, {card.memory / GIB:.0f} GiB; {workers} workers on each hold "
        f"{needed / GIB:.1f} GiB of weights ({plan.precision}), about {likely / GIB:.0f} GiB in all{missing}"
    )
    fix = "raise gpus_per_worker, use half precision, lower batch_size of draft and redraw, or other models"
    if needed > card.memory:
        return Finding("FAIL", "gpu", text, fix)
    if likely > card.memory:
        return Finding("warn", "gpu", text, fix)
    return Finding("ok", "gpu", text)
