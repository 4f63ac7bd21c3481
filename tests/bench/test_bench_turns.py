"""Ways that take turns: each in its process, once a round."""

import os
import time
from functools import partial
from pathlib import Path

import pytest

from synthgen.bench.turns import Work, take_turns


def note(folder: Path, name: str, megabytes: int, busy_s: float) -> Work:
    """Return work that notes who does it, holds some memory and keeps the processor busy."""

    def run() -> None:
        with (folder / "notes").open("a") as notes:
            notes.write(f"{name} {os.getpid()}\n")
        held = bytearray(megabytes << 20)
        for page in range(0, len(held), 4096):
            held[page] = 1
        end = time.process_time() + busy_s
        while time.process_time() < end:
            pass

    return run


def die() -> Work:
    os._exit(3)


def test_each_has_a_process_and_they_take_turns(tmp_path: Path) -> None:
    ways = (partial(note, tmp_path, "one", 200, 0.05), partial(note, tmp_path, "other", 0, 0.0))
    one, other = take_turns(ways, 2)
    notes = [line.split() for line in (tmp_path / "notes").read_text().splitlines()]
    names, processes = zip(*notes, strict=True)
    assert names == ("one", "other") * 3, "a round to warm up, and two"
    assert len(set(processes)) == 2 and str(os.getpid()) not in processes
    assert len({*processes[::2]}) == 1
    assert one.seconds >= 0.05 > other.seconds
    assert one.peak - other.peak > 150 << 20


@pytest.mark.parametrize("is_first", [True, False])
def test_a_death_is_told(tmp_path: Path, is_first: bool) -> None:
    """Whether it was asked before it died or after."""
    alive = partial(note, tmp_path, "one", 0, 0.0)
    with pytest.raises(RuntimeError, match="a process that was timed died"):
        take_turns((die, alive) if is_first else (alive, die), 1)
