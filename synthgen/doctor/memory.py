"""Main memory and shared memory of this machine."""

import os
import shutil
from pathlib import Path

from synthgen.cluster import OBJECT_STORE_BYTES
from synthgen.doctor.finding import Finding
from synthgen.doctor.gpu import BYTES
from synthgen.doctor.models import Inspection
from synthgen.doctor.plan import Plan

WORKER = 1_200 << 20  # [bytes] of a worker's process with its libraries, beside the weights
SHARED = Path("/dev/shm")
LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container
USED = Path("/sys/fs/cgroup/memory.current")
GIB = 1 << 30


def free_memory() -> int | None:
    """Return the bytes that new processes can have; None where the system does not tell."""
    table = Path("/proc/meminfo")
    if not table.is_file():
        return None
    lines = dict(line.split(":", 1) for line in table.read_text().splitlines() if ":" in line)
    if "MemAvailable" not in lines:
        return None
    free = int(lines["MemAvailable"].split()[0]) << 10
    limit = LIMIT.read_text().strip() if LIMIT.is_file() else "max"
    if limit.isdigit() and USED.is_file():
        free = min(free, max(0, int(limit) - int(USED.read_text())))
    return free


def examine_memory(plan: Plan, models: Inspection, workers: int, free: int | None) -> list[Finding]:
    """Compare what the workers of this machine take with what is free.

    Args:
        plan: the run.
        models: with the size of the weights.
        workers: that run here.
        free: main memory [bytes]; None where it is not known.
    """
    if free is None:
        return [Finding("warn", "memory", "this system does not say how much memory is free")]
    weights = models.count * BYTES[plan.precision]
    needed = (WORKER + weights) * workers  # weights pass through main memory on their way to a GPU
    text = f"{free / GIB:.1f} GiB free; {workers} workers take about {needed / GIB:.1f} GiB"
    fix = "lower workers, or use a machine with more memory"
    if free < needed / 2:
        return [Finding("FAIL", "memory", text, fix)]
    if free < needed:
        return [Finding("warn", "memory", text, fix)]
    return [Finding("ok", "memory", text), *_shared_findings()]


def _shared_findings() -> list[Finding]:
    if not SHARED.is_dir() or not os.access(SHARED, os.W_OK):
        return []
    free = shutil.disk_usage(SHARED).free
    if free < OBJECT_STORE_BYTES:
        text = (
            f"{SHARED} has {free >> 20} MiB free, Ray wants {OBJECT_STORE_BYTES >> 20} and goes to the disk"
        )
        return [Finding("warn", "memory", text, "in a container: docker run --shm-size=1g")]
    return []
