import subprocess
import sys
import textwrap

PROGRAM = """
    import subprocess
    import sys

    import numpy as np

    from synthgen.bench.memory import most_held

    print(most_held())
    large = np.ones(300 << 20, np.uint8)
    print(most_held())
    del large
    print(most_held(), flush=True)
    ask = "from synthgen.bench.memory import most_held; print(most_held())"
    subprocess.run([sys.executable, "-c", ask], check=True)
"""


def test_the_peak_is_of_this_process_alone() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)], capture_output=True, text=True, check=True
    )
    before, large, after, child = map(int, answer.stdout.split())
    assert large - before > 200 << 20
    assert after - before > 200 << 20, "a peak stays"
    assert 1 << 20 < child < 150 << 20, "nor does a process inherit one"
