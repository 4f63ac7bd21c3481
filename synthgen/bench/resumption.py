"""Resuming: what it costs to find out what a large run has done, and to plan what is missing.

Reports have a row for every second request; tars are holes of their size, as nobody reads them.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from synthgen import storage
from synthgen.bench.hollow import hollow_report, to_json
from synthgen.bench.memory import most_held
from synthgen.run_folder import RunFolder
from synthgen.sample import Rejection
from synthgen.shards import Shard
from synthgen.shards.shard import report_url

SAMPLES_PER_SHARD = 250
TAR_BYTES = 50_000_000
REASONS = ("nobody found", "more people found than wanted", "implausible pose")
STAGES = ("compose", "draft", "masks", "mesh", "prior", "depth", "redraw", "verify", "label", "write")
CONFIG = "pipeline: generate\nrun: bench\nnum_samples: {}\n"
OPEN_FILES = ("num_samples",)


@dataclass(frozen=True)
class Resumption:
    """What resuming took.

    Attributes:
        shards: of the run.
        missing: of them.
        seconds: until it was known which [s].
        peak_bytes: memory of the process at its peak.
    """

    shards: int
    missing: int
    seconds: float
    peak_bytes: int


def pretend(path: str, num_samples: int) -> None:
    """Fill a folder with a run, the last shard missing."""
    folder = _folder(path, num_samples)
    folder.open(CONFIG.format(num_samples), OPEN_FILES)
    for shard in folder.shards():
        if shard.index + 1 < len(folder):
            _pretend_shard(path, shard)


def resume(path: str, num_samples: int) -> Resumption:
    """Do what a run does before it makes its first shard; call it alone in a process, for the memory."""
    start = time.perf_counter()
    folder = _folder(path, num_samples)
    folder.open(CONFIG.format(num_samples), OPEN_FILES)
    storage.remove_leftovers(path)
    done = folder.reports()
    folder.quarantined()
    missing = [shard for shard in folder.shards() if shard.name not in done]
    seconds = time.perf_counter() - start
    peak = most_held()
    return Resumption(len(folder), len(missing), seconds, peak)


def _folder(path: str, num_samples: int) -> RunFolder:
    return RunFolder(path, "bench", num_samples, SAMPLES_PER_SHARD, "bench", "jpg")


def _pretend_shard(path: str, shard: Shard) -> None:
    tar = Path(path) / f"{shard.name}.tar"
    tar.touch()
    os.truncate(tar, TAR_BYTES)
    seconds = dict.fromkeys(STAGES, 1.5)
    report = hollow_report(shard, list(_rejections(shard)), seconds, "0" * 64, TAR_BYTES)
    Path(report_url(path, shard.name)).write_bytes(to_json(report))


def _rejections(shard: Shard) -> Iterator[Rejection]:
    for index in range(shard.first_index, shard.first_index + shard.num_requests, 2):
        yield Rejection(f"{shard.run}-{index:09d}", "verify", REASONS[index // 2 % len(REASONS)])
