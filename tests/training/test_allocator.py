"""Memory that is kept, and given back."""

import sys
from pathlib import Path

import pytest
import torch

from synthgen.training import allocator
from synthgen.training.allocator import keep_memory, kept_memory, trim

LARGE = 64 << 20  # bytes; glibc takes such a block from the system by itself

has_glibc = sys.platform == "linux" and allocator._function("mallopt") is not None
pytestmark = pytest.mark.skipif(not has_glibc, reason="needs glibc")


def held() -> int:
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])


def use(count: int) -> None:
    for _ in range(count):
        torch.ones(LARGE // 4)


def test_freed_memory_stays_until_the_end() -> None:
    trim()
    before = held()
    use(1)
    assert held() - before < LARGE / 2, "it was given back at once"
    with kept_memory():
        use(1)
        assert held() - before > LARGE / 2
        use(8)
        kept = held()
        use(20)
        assert held() - kept < LARGE / 2, "the same memory is used again"
    assert held() - before < LARGE / 2
    use(1)
    assert held() - before < LARGE / 2, "and from then on all is as it was"


def test_it_ends_with_an_error_too() -> None:
    before = held()
    with pytest.raises(KeyError), kept_memory():
        use(1)
        raise KeyError
    assert held() - before < LARGE / 2


def test_nothing_happens_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: pytest.fail("there is no such library"))
    keep_memory()
    with kept_memory():
        trim()
