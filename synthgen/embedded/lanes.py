"""Steps side by side: what waits for nothing runs, each in a process of its own on its share of cores."""

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

from synthgen.embedded import pictures, steps, workshop
from synthgen.embedded.options import Curriculum
from synthgen.embedded.plan import Plan

AT_ONCE = 2  # steps on a CPU, as most of them wait for another


def choose(device: str) -> int:
    """Return how many steps to run at once on this machine: one on a GPU, which a step fills."""
    return 1 if device != "cpu" else min(AT_ONCE, len(os.sched_getaffinity(0)))


def waiting(names: Sequence[str], done: Sequence[str], running: Sequence[str]) -> list[str]:
    """Return those of some steps that may start now, in the order of the recipe."""
    left = [name for name in steps.STEPS if name in names and name not in done and name not in running]
    return [name for name in left if not any(need in left or need in running for need in needs(name))]


def needs(name: str) -> tuple[str, ...]:
    """Return the steps whose results a step reads."""
    return steps.STEPS[name].needs


def minutes(work: Mapping[str, float], lanes: int) -> float:
    """Return how long steps take in all, if each takes so many minutes [min] and `lanes` run at once."""
    now, done, ends = 0.0, list[str](), dict[str, float]()
    while len(done) < len(work):
        for name in waiting(list(work), done, list(ends))[: lanes - len(ends)]:
            ends[name] = now + work[name]
        name = min(ends, key=lambda one: ends[one])
        now = ends.pop(name)
        done.append(name)
    return now


def scaled(options: Curriculum, hours: float, lanes: int) -> Curriculum:
    """Return options with as many training steps as fit into some hours, by their `minutes`.

    Rendering and encoding take what they take; at least one step of each is left.
    """
    total = minutes(by_step(options), lanes)
    factor = (60 * hours - options.render.minutes) / total
    if factor <= 0:
        raise ValueError(f"hours={hours:g}: rendering alone takes {options.render.minutes:g} minutes")
    changes: dict[str, Any] = {}
    for name in steps.STEPS:
        longer = {
            key: replace(old, steps=max(1, round(old.steps * factor)), minutes=old.minutes * factor)
            for key, old in steps.trainings_of(options, name).items()
        }
        changes[name] = replace(getattr(options, name), **longer)
    redrawn = options.redrawn
    fewer = replace(redrawn, count=round(redrawn.count * factor), minutes=redrawn.minutes * factor)
    changes[steps.REDRAWN] = fewer
    return replace(options, **changes)


def by_step(options: Curriculum) -> dict[str, float]:
    """Return how long each step takes [min], on one core: to train, and to draw what it learns from."""
    found = {
        name: sum(training.minutes for training in steps.trainings_of(options, name).values())
        for name in steps.STEPS
    }
    if options.redrawn.count:
        found[steps.REDRAWN] = options.redrawn.minutes
    return found


def run(
    names: Sequence[str], plan: Plan, lanes: int, threads: int, tell: Callable[[str, bool], None]
) -> None:
    """Run steps, at most `lanes` at once.

    Args:
        names: of steps; what they need and is not among them has been run before.
        plan: of the whole run.
        lanes: at least 1.
        threads: of torch for each step; 0 gives each its share of the cores.
        tell: called with a step's name when it is over, and whether there was anything to do.

    Raises:
        ValueError: and others, as the first step raises them that fails; the other steps are stopped, and go
            on from their last checkpoints next time.
    """
    if any(steps.RENDER in needs(name) for name in names):
        pictures.open_pictures(
            [str(plan.work / folder) for folder in workshop.RUNS], plan.work / "pictures"
        )  # decoded once, before several steps want them
    share = threads or max(1, len(os.sched_getaffinity(0)) // lanes)
    done: list[str] = []
    running: dict[Future[bool], str] = {}
    pools: dict[str, ProcessPoolExecutor] = {}
    try:
        while len(done) < len(names):
            free = lanes - len(running)
            for name in waiting(names, done, list(running.values()))[:free]:
                pools[name] = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
                running[pools[name].submit(_run_alone, name, plan, share)] = name
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(future)
                tell(name, _result(name, future))
                done.append(name)
                pools.pop(name).shutdown()  # gives its memory back
    finally:
        if pools:  # of steps that failed, or that another one's failure or a signal cuts short
            for process in multiprocessing.active_children():
                process.terminate()
        for pool in pools.values():
            pool.shutdown()


def _result(name: str, future: Future[bool]) -> bool:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise RuntimeError(
            f"{name}: its process was killed; if memory ran out, set lanes=1 or a smaller "
            f"{name}.training.batch_size. The same command goes on from the last checkpoints"
        ) from error


def _run_alone(name: str, plan: Plan, threads: int) -> bool:
    """Run one step in this process, which is new; Ctrl-C is left to the process that started it."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("synthgen").setLevel(logging.INFO)
    torch.set_num_threads(threads)
    return steps.run(name, replace(plan, bars=False))
