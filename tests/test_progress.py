import io
import re
import sys

from synthgen import progress
from synthgen.progress import Count, Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_a_job_log_gets_one_line_every_ten_seconds(monkeypatch):
    clock, lines = Clock(), []
    monkeypatch.setattr(progress, "time", clock)
    shown = Progress("ski", 1000, Count(90, 10), lines.append)
    for second in range(1, 26):
        clock.now = 100.0 + second
        shown.update(Count(18 * second, 2 * second))
    assert lines == [
        "ski: 300/1000 pictures, 270 accepted, 30 rejected, 20.0 pictures/s, about 35 s left",
        "ski: 500/1000 pictures, 450 accepted, 50 rejected, 20.0 pictures/s, about 25 s left",
    ]


def test_before_the_first_picture_nobody_guesses_the_end(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    shown = Progress("ski", 10, Count(), print)
    clock.now += 10
    assert shown.line(Count()) == "ski: 0/10 pictures, 0 accepted, 0 rejected, 0.0 pictures/s"


def test_long_times_read_in_hours(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    shown = Progress("ski", 100_000, Count(), print)
    clock.now += 10
    assert shown.line(Count(100)).endswith("10.0 pictures/s, about 2 h 46 min left")


def test_a_terminal_gets_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    lines, terminal = [], Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    shown = Progress("ski", 100, Count(10, 0), lines.append)
    shown.update(Count(35, 5))
    shown.close()
    last = terminal.getvalue().split("\r")[-1]
    assert re.search(r"ski  50%\|.*\| 50/100 \[.*45 accepted, 5 rejected, .* pictures/s", last)
    assert lines == []
