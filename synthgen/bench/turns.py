"""Several ways to do the same, each in a process of its own, that take turns.

One machine is not as fast at every moment, and what one way does with memory must not help or harm the other.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from synthgen.bench.memory import most_held

Work = Callable[[], object]


@dataclass(frozen=True)
class Share:
    """What one way took.

    Attributes:
        seconds: of processor time, the best round.
        peak: most memory that its process held in a round [bytes].
    """

    seconds: float
    peak: int


def take_turns(makers: tuple[Callable[[], Work], ...], rounds: int) -> tuple[Share, ...]:
    """Time several ways in turn, after one round of each to warm up.

    Args:
        makers: functions that can be pickled; each is called once in a new process, and what it returns is
            called there once a round.
        rounds: that count.

    Raises:
        RuntimeError: one of the processes died.
    """
    with ExitStack() as stack:
        lines = [stack.enter_context(_process(maker)) for maker in makers]
        shares = [[_ask(line) for line in lines] for _ in range(rounds + 1)][1:]
    return tuple(
        Share(min(one.seconds for one in column), max(one.peak for one in column))
        for column in zip(*shares, strict=True)
    )


@contextmanager
def _process(maker: Callable[[], Work]) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(maker, there), daemon=True)
    process.start()
    there.close()  # so that the end of the process is the end of the line
    try:
        yield here
    finally:
        here.close()
        process.join()


def _ask(line: Connection) -> Share:
    try:
        line.send(True)
        found = line.recv()
    except (EOFError, ConnectionError) as error:
        raise RuntimeError("a process that was timed died; what it said is above") from error
    return Share(*found)


def _serve(maker: Callable[[], Work], line: Connection) -> None:
    """Work whenever asked to, until nobody listens any more."""
    run = maker()
    while True:
        try:
            line.recv()
        except EOFError:
            return
        Path("/proc/self/clear_refs").write_text("5")  # the record of the peak begins anew
        start = time.process_time()
        run()
        line.send((time.process_time() - start, most_held()))
