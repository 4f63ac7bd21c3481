"""Measure what the README says of speed: costs per sample and ratios, all taken in one run on this machine.

    make bench

Exit code 0 whatever the figures are: they are for reading, not for passing.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np

say = partial(print, flush=True)
MIB = 1 << 20
HANDWORK_PX = 512  # as Stable Diffusion draws


@dataclass(frozen=True)
class Config:
    """Keys of the benchmark.

    Attributes:
        num_samples: pictures made for each row; more give steadier figures.
        image_size: side of the pictures [px].
        rounds: times that one worker and two workers take turns.
        sleepers: workers whose networks only sleep, to measure scheduling.
        shards_each: shards of each of them.
        batch_s: how long they sleep for a batch of 16 [s].
        draw_s: how long the networks of one worker sleep for a batch, beside which all else is real [s].
        run_samples: size of the run that is resumed.
        people: batch of people refined by ScoreHMR's settings, beside one alone.
        mesh_width: channels of DPMesh's first U-Net level; 320 is the released model, which takes 15 GB
            here and some minutes more.
    """

    num_samples: int = 256
    image_size: int = 256
    rounds: int = 3
    sleepers: int = 64
    shards_each: int = 3
    batch_s: float = 2.0
    draw_s: float = 8.0
    run_samples: int = 1_000_000
    people: int = 64
    mesh_width: int = 160

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        names = ("num_samples", "rounds", "sleepers", "shards_each", "run_samples", "people")
        found = [f"{n} must be at least 1, got {getattr(self, n)}" for n in names if getattr(self, n) < 1]
        if self.mesh_width < 32 or self.mesh_width % 32:
            found.append(f"mesh_width must be a multiple of 32, got {self.mesh_width}")
        times = ("batch_s", "draw_s")
        return found + [
            f"{n} must be above 0, got {getattr(self, n)}" for n in times if getattr(self, n) <= 0
        ]


def main(config: Config) -> int:
    """Print one row for each figure."""
    from synthgen.bench.viewing import lines

    os.environ["OMP_NUM_THREADS"] = "1"  # as Ray sets it for its workers; read by the processes started below
    say(f"{os.cpu_count()} cores; pictures of {config.image_size} px; all figures of this one run")
    with tempfile.TemporaryDirectory() as folder:
        made = _in_new_process(_make, (folder, config.num_samples, config.image_size))
        say(f"make shards, one thread: {made['rate']:.1f} samples/s, {1000 / made['rate']:.1f} ms a sample")
        for stage, seconds in made["seconds"].items():
            say(f"  of which {stage:<8} {1000 * seconds / config.num_samples:6.1f} ms")
        say(f"  peak memory {made['peak'] / MIB:.0f} MiB; {made['bytes'] / 1000:.1f} kB a sample")
        read = _in_new_process(_read, (folder,))
        say(f"read shards to tensors, one core: {read['rate']:.0f} samples/s")
        say(f"  with depth and masks: {read['whole_rate']:.0f} samples/s")
        say("\n".join(_in_new_process(lines, (folder,))))
    _measure_crops(config)
    _compare_mesh_models(config)
    _measure_ingest(config)
    _measure_handwork(config)
    _compare_renderers(config)
    _compare_workers(config)
    _measure_overlap(config)
    _measure_scheduling(config)
    _measure_resuming(config)
    _compare_refinements(config)
    return 0


def _in_new_process(task: Any, arguments: tuple[Any, ...]) -> Any:
    """Run a task alone in a process, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(task, *arguments).result()


def _source(image_size: int) -> dict[str, Any]:
    from synthgen import config as configs

    demo = configs.read(configs.find("render.yaml")).values["source"]
    return {**demo, "image_size": image_size}


def _models(renderer: str, image_size: int) -> Any:
    import torch

    from synthgen.models import Method, ModelChoice, load_models

    torch.set_num_threads(1)
    return load_models(ModelChoice("open", renderer, "cpu", _source(image_size), Method(), "bench"))


def _make(folder: str, num_samples: int, image_size: int) -> dict[str, Any]:
    """Make one shard in this process, a step after the other: pose, scene, render, encode, tar."""
    from synthgen.bench.memory import most_held
    from synthgen.generate import make_samples
    from synthgen.prompts import Prompts, RequestStream
    from synthgen.shards import Shard, write_shard
    from synthgen.worker import watched

    models = _models("warp", image_size)
    stream = RequestStream("bench", 0, Prompts())
    warm_up = next(stream.batches(10**6, 16, 16))
    write_shard(folder, Shard("warm", 0, 10**6, 16, "bench"), make_samples(warm_up, models))
    models.clock.reset()
    start = time.perf_counter()
    items = (
        item for batch in stream.batches(0, num_samples, 16) for item in list(make_samples(batch, models))
    )
    counted = watched(items, models.clock, lambda count: None)
    report = write_shard(folder, Shard("bench", 0, 0, num_samples, "bench"), counted, models.clock.seconds)
    seconds: Mapping[str, float] = report.seconds
    return {
        "rate": num_samples / (time.perf_counter() - start),
        "seconds": dict(seconds),
        "peak": most_held(),
        "bytes": report.size / max(report.accepted, 1),
    }


def _read(folder: str) -> dict[str, Any]:
    import torch

    from synthgen import storage
    from synthgen.shards import read_pictures, read_samples

    torch.set_num_threads(1)
    tar = storage.join(folder, "bench-000000.tar")
    start = time.perf_counter()
    pictures = [
        (torch.from_numpy(one.image), torch.from_numpy(np.stack([p.body_pose for p in one.scene.people])))
        for one in read_pictures(tar)
    ]
    rate = len(pictures) / (time.perf_counter() - start)
    start = time.perf_counter()
    whole = sum(1 for _ in read_samples(tar))
    return {"rate": rate, "whole_rate": whole / (time.perf_counter() - start)}


def _measure_crops(config: Config) -> None:
    rates = _in_new_process(_crops, (config.num_samples, HANDWORK_PX))
    say(
        f"DPMesh's training crops, 256 px from {HANDWORK_PX} px JPEGs, augmented, one core: "
        f"{rates['augmented']:.0f} crops/s, {rates['augmented'] / rates['plain']:.2f} of the rate at which "
        f"Pillow alone decodes, crops and resizes"
    )


def _crops(num_samples: int, image_size: int) -> dict[str, Any]:
    import torch

    from synthgen.bench.crops import compare

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        return compare(folder, num_samples, image_size)


def _compare_mesh_models(config: Config) -> None:
    from synthgen.bench.mesh_memory import told_parts
    from synthgen.bench.mesh_model import FORWARD, STEP, compare, told

    for bf16, name in product((False, True), (STEP, FORWARD)):
        contest = _in_new_process(compare, (config.mesh_width, config.rounds, name, bf16))
        say(told(config.mesh_width, bf16, name, contest))
        if name == FORWARD:
            peaks = contest.ours, contest.plain
            say(_in_new_process(told_parts, (config.mesh_width, bf16, *peaks)))


def _measure_ingest(config: Config) -> None:
    from synthgen.bench.intake import measure, told

    say(told(_in_new_process(measure, (config.num_samples, HANDWORK_PX, config.run_samples))))


def _measure_handwork(config: Config) -> None:
    rows = _in_new_process(_handwork, (config.num_samples, HANDWORK_PX))
    say(f"beside diffusion and networks, {HANDWORK_PX} px, one core: {sum(rows.values()):.1f} ms a sample")
    for step, milliseconds in rows.items():
        say(f"  of which {step:<8} {milliseconds:6.1f} ms")


def _handwork(num_samples: int, image_size: int) -> dict[str, Any]:
    import torch

    from synthgen.bench.handwork import split

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        return dict(split(folder, num_samples, image_size))


def _compare_renderers(config: Config) -> None:
    from synthgen.render import resolve_renderer

    try:
        resolve_renderer("pyrender")
    except ValueError as error:
        say(f"pyrender against Warp: not measured, {error}")
        return
    size = config.image_size
    warp, gl = (_in_new_process(_draw, (name, size))["ms"] for name in ("warp", "pyrender"))
    say(f"compose with Warp {warp:.1f} ms, with pyrender on this GL {gl:.1f} ms, ratio {gl / warp:.2f}")


def _draw(renderer: str, image_size: int) -> dict[str, Any]:
    from synthgen.prompts import Prompts, RequestStream

    models = _models(renderer, image_size)
    requests = next(iter(RequestStream("bench", 0, Prompts()).batches(0, 32, 32)))
    models.source(requests)
    start = time.perf_counter()
    models.source(requests)
    return {"ms": 1000 * (time.perf_counter() - start) / len(requests)}


def _compare_workers(config: Config) -> None:
    """Time whole runs of one and of two Ray workers in turn, from the first sample to the last."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(config.rounds):
        for workers, found in rates.items():
            found.append(
                _in_new_process(_run_workers, (workers, config.num_samples, config.image_size))["rate"]
            )
    one, two = (float(np.median(found)) for found in rates.values())
    say(f"two Ray workers against one: {two:.1f} against {one:.1f} samples/s, ratio {two / one:.2f}")


def _run_workers(workers: int, num_samples: int, image_size: int) -> dict[str, Any]:
    from synthgen import cluster as clusters
    from synthgen.actors import Crew, Workforce
    from synthgen.models import Method, ModelChoice
    from synthgen.prompts import Prompts, RequestStream
    from synthgen.run_folder import RunFolder
    from synthgen.worker import Job

    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(path, "bench", num_samples, max(1, num_samples // 16), "bench", "jpg")
        choice = ModelChoice("open", "warp", "cpu", _source(image_size), Method(), "bench")
        job = Job(path, RequestStream("bench", 0, Prompts()), choice, 16)
        cluster = clusters.join("local", 2)
        try:
            workforce = Workforce(folder, job, Crew(workers, 1.0, 0.0, 1), cluster, folder.shards())
            while not workforce.count.total:
                workforce.step()
            before, start = workforce.count.total, time.perf_counter()
            while not workforce.is_done():
                workforce.step()
            return {"rate": (num_samples - before) / (time.perf_counter() - start)}
        finally:
            cluster.close()


def _measure_overlap(config: Config) -> None:
    figures = _in_new_process(_overlap, (max(2, config.num_samples // 64), config.draw_s, config.image_size))
    say(
        f"one worker, networks that sleep {config.draw_s:g} s a batch, all else real: they work "
        f"{figures['overlapping']:.1%} of the time; one step after the other {figures['in_turn']:.1%}"
    )


def _overlap(batches: int, batch_s: float, image_size: int) -> dict[str, Any]:
    from synthgen.bench.overlap import compare
    from synthgen.models import Method, ModelChoice

    choice = ModelChoice("open", "warp", "cpu", _source(image_size), Method(), "bench")
    with tempfile.TemporaryDirectory() as folder:
        return vars(compare(folder, choice, batches, batch_s))


def _measure_scheduling(config: Config) -> None:
    from synthgen.bench.crowd import gather

    crowd = gather(config.sleepers, config.shards_each, config.batch_s)
    say(
        f"{crowd.workers} Ray workers that only sleep, {crowd.shards} shards of {crowd.shard_s:g} s: "
        f"{crowd.part_of_ideal:.1%} of the ideal throughput"
    )


def _measure_resuming(config: Config) -> None:
    from synthgen.bench.resumption import pretend

    with tempfile.TemporaryDirectory() as folder:
        pretend(folder, config.run_samples)
        found = _in_new_process(_resume, (folder, config.run_samples))
    say(
        f"resume a run of {config.run_samples} samples, {found['shards']} shards: {found['seconds']:.1f} s, "
        f"peak memory {found['peak_bytes'] / MIB:.0f} MiB"
    )


def _resume(folder: str, num_samples: int) -> dict[str, Any]:
    from synthgen.bench.resumption import resume

    return vars(resume(folder, num_samples))


def _compare_refinements(config: Config) -> None:
    for people in sorted({1, config.people}):
        fast, plain = (_in_new_process(_refine, (people, is_plain)) for is_plain in (False, True))
        say(
            f"refine {people} people by ScoreHMR's settings, one core: {fast['seconds']:.2f} s, all vertices "
            f"skinned {plain['seconds']:.2f} s, ratio {plain['seconds'] / fast['seconds']:.1f}; peak memory "
            f"{fast['peak'] / MIB:.0f} against {plain['peak'] / MIB:.0f} MiB"
        )


def _refine(people: int, is_plain: bool) -> dict[str, Any]:
    import torch

    from synthgen.bench.memory import most_held
    from synthgen.bench.refinement import fit
    from synthgen.scorehmr.sampling import GuidanceOptions

    torch.set_num_threads(1)
    seconds, _ = fit(people, is_plain, GuidanceOptions())
    return {"seconds": seconds, "peak": most_held()}
