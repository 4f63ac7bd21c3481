import signal
import threading

import pytest

from synthgen import interrupts
from synthgen.interrupts import Interrupted


@pytest.mark.parametrize(("signum", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_becomes_an_exception_with_its_exit_code(signum, exit_code):
    before = signal.getsignal(signum)
    with pytest.raises(Interrupted) as caught, interrupts.raised():
        signal.raise_signal(signum)
    assert (caught.value.name, caught.value.exit_code) == (signum.name, exit_code)
    assert signal.getsignal(signum) is before


def test_a_signal_that_something_swallowed_is_raised_again():
    with pytest.raises(Interrupted, match="15"), interrupts.raised() as check:
        check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        check()


def test_tidying_up_is_not_disturbed():
    with interrupts.raised(), interrupts.ignored():
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_of_somebody_else_passes():
    with pytest.raises(KeyboardInterrupt), interrupts.raised():
        raise KeyboardInterrupt


def test_other_threads_go_without():
    ended = []

    def work() -> None:
        with interrupts.raised() as check, interrupts.ignored():
            check()
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == [True]
