"""Memory that is kept, and given back."""

import json
import subprocess
import sys
import textwrap

import pytest

from synthgen.training import allocator
from synthgen.training.allocator import keep_memory, kept_memory, trim

LARGE = 64 << 20  # bytes; glibc takes such a block from the system by itself
# In a process of its own: one that has done much else has memory to spare.
PROGRAM = """
    import json
    from pathlib import Path

    import torch

    from synthgen.training.allocator import kept_memory

    def held():
        text = Path("/proc/self/status").read_text()
        found.append(1024 * int(text.partition("VmRSS:")[2].split()[0]))

    def use(count):
        for _ in range(count):
            torch.ones((64 << 20) // 4)
        held()

    found = []
    held()
    use(1)
    with kept_memory():
        use(1)
        use(8)
        use(20)
    use(0)
    try:
        with kept_memory():
            use(1)
            raise KeyError
    except KeyError:
        use(0)
    print(json.dumps(found))
"""

has_glibc = sys.platform == "linux" and allocator._function("mallopt") is not None


@pytest.mark.skipif(not has_glibc, reason="needs glibc")
def test_freed_memory_stays_until_the_end() -> None:
    program = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    answer = subprocess.run(program, capture_output=True, text=True, check=True)
    before, *found = json.loads(answer.stdout)
    plain, first, some, many, left, within, failed = [one - before for one in found]
    assert plain < LARGE / 2, "it was given back at once"
    assert first > LARGE / 2
    assert many - some < LARGE / 2, "the same memory is used again"
    assert left < LARGE / 2
    assert within > LARGE / 2 and failed < LARGE / 2, "an error ends it too"


def test_nothing_happens_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: pytest.fail("there is no such library"))
    keep_memory()
    with kept_memory():
        trim()
