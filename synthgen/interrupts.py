"""Ctrl-C and SIGTERM as one exception, so that a run can end tidily and say how to go on."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SHELL_OFFSET = 128  # exit code of a process that a signal ended, as shells count


class Interrupted(BaseException):
    """Somebody asked the process to stop. Not an Exception, so that nothing takes it for a failure.

    Attributes:
        name: of the signal.
        exit_code: to end the process with.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.name = signal.Signals(signum).name
        self.exit_code = SHELL_OFFSET + signum


@contextmanager
def raised() -> Iterator[Callable[[], None]]:
    """Raise `Interrupted` from the block when a signal comes; only the main thread can.

    Inside the block the signal is a KeyboardInterrupt, the one exception that compiled code such as Ray's
    lets through. Code that runs in the background may still lose it, so the block gets a function that
    raises it again, to be called now and then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    received: list[int] = []

    def receive(signum: int, frame: FrameType | None) -> None:
        received.append(signum)
        raise KeyboardInterrupt

    def check() -> None:
        if received:
            raise KeyboardInterrupt

    before = {signum: signal.signal(signum, receive) for signum in SIGNALS}
    try:
        yield check
    except KeyboardInterrupt:
        if received:
            raise Interrupted(received[0]) from None
        raise
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextmanager
def ignored() -> Iterator[None]:
    """Let nothing disturb the block, which must be short: tidying up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.signal(signum, signal.SIG_IGN) for signum in SIGNALS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
